"""The results as files: results.csv, results.md and index.html, which holds all it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gesso.bench import page, table
from gesso.bench.bench import Bench
from gesso.bench.contestants import Absent, device_name
from gesso.bench.measures import OBJECTIVE, distortion_level
from gesso.bench.pictures import STYLE_PX
from gesso.bench.published import FOOTNOTE
from gesso.bench.store import Row, conditions, write_csv
from gesso.disk.atomic import atomic_write
from gesso.encoders.levels import LEVELS

SPEED = (
    *("method", "settings", "styles", "parameters", "image_parameters", "seconds_style"),
    *("seconds_256", "seconds_512", "runs", "peak_mib"),
)
QUALITY = (
    *("method", "gap_percent", "distortion_percent", "ssim", "content", "style", "objective"),
    *("of_gatys", "pairs", "shared_pairs"),
)
PUBLISHED = (
    *("method", "parameters", "seconds_256", "seconds_512", "styles", "settings", "source"),
    "hardware",
)


@dataclass(frozen=True)
class Report:
    """All that the files tell.

    Attributes:
        command: what gives these results again.
        complete: whether everything has been measured.
    """

    bench: Bench
    absent: Sequence[Absent]
    command: str
    size: int
    complete: bool

    def conditions(self) -> Row:
        """Under which everything was measured."""
        bench = self.bench
        gallery = bench.gallery
        judge = f"{bench.judge.name} ({bench.judge.identity[:12]})"
        return {
            **conditions(),
            "device": ", ".join(sorted({device_name(c.entry.device) for c in bench.contestants})),
            "judge": judge,
            "distortion_level": distortion_level(bench.judge),
            "size": self.size,
            "contents": len(gallery.contents),
            "styles": len(gallery.styles),
            "command": self.command,
            "complete": "yes" if self.complete else "no",
        }

    def write(self) -> None:
        """All three files, each whole or not at all."""
        ours = table.rows(self.bench, self.absent)
        out = self.bench.out
        facts = self.conditions()
        told = {f"run_{name}": value for name, value in facts.items()}
        write_csv(out / "results.csv", [row | told for row in [*ours, *table.published_rows()]])
        atomic_write(out / "results.md", self.markdown(ours).encode())
        atomic_write(out / "index.html", page.html(self, ours).encode())

    def markdown(self, ours: Sequence[Row]) -> str:
        """Tables, what their columns mean, and the conditions."""
        shared = table.same_pairs(self.bench)
        parts = ["# gesso bench", *self.state(), "## Speed and size", *self.speed_notes()]
        methods = [
            row for row in ours if row["parameters"] or "not measured" in str(row["settings"])
        ]
        parts += [markdown_table(methods, speed_columns(methods)), "## Quality"]
        parts += self.quality_notes()
        parts.append(markdown_table([row for row in ours if row["pairs"]], QUALITY))
        if shared:
            parts += ["The same over the pictures that Gatys has made too:"]
            parts.append(markdown_table(shared, list(shared[0])))
        parts += ["## The papers’ figures", *self.published_notes()]
        parts.append(markdown_table(table.published_rows(), PUBLISHED))
        facts = [
            f"- {name.replace('_', ' ')}: {value}" for name, value in self.conditions().items()
        ]
        return "\n\n".join([*parts, "## Conditions", "\n".join(facts)]) + "\n"

    def state(self) -> list[str]:
        """What a reader has to know first."""
        if self.complete:
            return []
        return ["Not everything has been measured yet; the same command goes on."]

    def speed_notes(self) -> list[str]:
        """What the columns of speed mean."""
        plan = self.bench.plan
        return [
            f"Seconds a style: median over the styles, on the bundled contents, styles of "
            f"{STYLE_PX} px. Seconds at 256 and 512 px: one square picture, median of the runs "
            "after a warm-up, methods taking turns; a method whose warm-up takes longer than "
            f"{plan.slow_s:g} s has that for its only run. Peak memory: the largest resident size "
            f"of a process of its own that loads the method, takes on a style (at most "
            f"{plan.memory_steps} steps) and makes a picture of 512 × 512 px. Parameters: all that "
            "are needed to take on a style and to run it, without an encoder that only judges."
        ]

    def quality_notes(self) -> list[str]:
        """What the columns of quality mean, and which network measured them."""
        judge = self.bench.judge
        level = distortion_level(judge)
        levels = ", ".join(LEVELS)
        notes = [
            f"Judged by {judge.name} from the written 8-bit pictures, {self.size} px on the longer "
            f"side. Style gap: the mean over {levels} of ‖Gram(picture) − Gram(style)‖ / "
            "‖Gram(photo) − Gram(style)‖; 0 % the style’s statistics, 100 % the untouched photo. "
            f"Content distortion: squared distance from the photo’s features at {level}, of that "
            "of unrelated photos; 0 % the photo, 100 % an unrelated one. SSIM: on luminance, with "
            "the photo. Objective: content loss (relative squared error of features at "
            f"{OBJECTIVE.content_level}) plus style loss (the sum over levels of that of Gram "
            "matrices); of Gatys’: the sum over the pictures that both have made, divided by his."
        ]
        if judge.name == "compact":
            notes.append(
                "The compact encoder judges here, because VGG’s weights are not in the cache (or "
                f"by choice); it has no relu4_1, so distortion is that at {level}. Methods adapt "
                "on it too, which flatters them: compare with figures of the same judge alone."
            )
        return notes

    def published_notes(self) -> list[str]:
        """Whose figures these are."""
        return [
            "Theirs, not ours: as printed in the papers, on their hardware and with their "
            f"networks. {FOOTNOTE}"
        ]


def speed_columns(rows: Sequence[Row]) -> Sequence[str]:
    """With the memory of a GPU where one was measured."""
    return (*SPEED, "device_mib") if any(row["device_mib"] for row in rows) else SPEED


def markdown_table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Rows as Markdown, with heads and values as people read them."""
    head = [table.HEADS.get(c, c) for c in columns]
    lines = [head, ["---"] * len(head)]
    lines += [[table.cell(c, row) for c in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
