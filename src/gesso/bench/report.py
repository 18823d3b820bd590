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


@dataclass(frozen=True)
class Section:
    """A part of the report: paragraphs, then a table of those of the columns that have values;
    `drawn` is HTML, which only the page has."""

    title: str
    notes: Sequence[str] = ()
    rows: Sequence[Row] = ()
    columns: Sequence[str] = ()
    drawn: Sequence[str] = ()

    def filled(self) -> list[str]:
        """The columns that have values."""
        columns = self.columns or list(self.rows[0])
        return [c for c in columns if any(row[c] is not None for row in self.rows)]


@dataclass(frozen=True)
class Report:
    """All that the files say.

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
        """The conditions under which everything was measured."""
        bench = self.bench
        gallery = bench.gallery
        return {
            **conditions(),
            "device": ", ".join(sorted({device_name(c.entry.device) for c in bench.contestants})),
            "judge": f"{bench.judge.name} ({bench.judge.identity[:12]})",
            "distortion_level": distortion_level(bench.judge),
            "reference": "none" if bench.reference is None else bench.reference.name,
            "size": self.size,
            "contents": len(gallery.contents),
            "styles": len(gallery.styles),
            "command": self.command,
            "complete": "yes" if self.complete else "no",
        }

    def write(self) -> None:
        """Write all three files, each whole or not at all."""
        ours = table.rows(self.bench, self.absent)
        out = self.bench.out
        facts = {f"run_{name}": value for name, value in self.conditions().items()}
        write_csv(out / "results.csv", [row | facts for row in [*ours, *table.published_rows()]])
        sections = self.sections(ours)
        atomic_write(out / "results.md", _markdown(sections).encode())
        atomic_write(out / "index.html", page.html(sections).encode())

    def sections(self, ours: Sequence[Row]) -> list[Section]:
        """The report, part by part."""
        methods = [r for r in ours if r["parameters"] or "not measured" in str(r["settings"])]
        judged, shared = [row for row in ours if row["pairs"]], table.same_pairs(self.bench)
        facts = [
            {"condition": name.replace("_", " "), "value": value}
            for name, value in self.conditions().items()
        ]
        both = "The means over the pictures that the reference has made, too."
        papers = table.published_rows()
        return [
            Section("gesso bench", self._state()),
            Section("Trade-off", drawn=page.trade_off(self.bench, ours)),
            Section("Speed and size", [self._speed_note()], methods, [*table.SPEED, *table.ON_GPU]),
            Section("Quality", self._quality_notes(), judged, ["method", *table.QUALITY]),
            Section("Quality on the same pictures", [both] if shared else (), shared),
            Section("Loss against time", drawn=page.curves(self.bench)),
            Section("Pictures", drawn=page.grid(self.bench)),
            Section("The papers’ figures", [_PUBLISHED_NOTE], papers, table.COLUMNS[1:]),
            Section("Conditions", rows=facts),
        ]

    def _state(self) -> list[str]:
        """What a reader has to know first."""
        if self.complete:
            return []
        return ["Not everything has been measured yet; the same command goes on."]

    def _speed_note(self) -> str:
        """What the columns of speed mean."""
        plan = self.bench.plan
        return (
            f"Seconds a style: median over the styles, on the bundled contents, styles of "
            f"{STYLE_PX} px. Seconds at 256 and 512 px: one square picture, median of the runs "
            "after a warm-up, methods taking turns; a method whose warm-up takes longer than "
            f"{plan.slow_s:g} s has that for its only run. Peak memory: the largest resident size "
            f"of a process of its own that loads the method, takes on a style (at most "
            f"{plan.memory_steps} steps) and makes a picture of 512 × 512 px; for 12 MP "
            "one of 4000 × 3000 px, once, if the method is reckoned to need at most "
            f"{plan.large_s:g} s for it. Parameters: all that "
            "are needed to take on a style and to run it, without an encoder that only judges."
        )

    def _quality_notes(self) -> list[str]:
        """What the columns of quality mean, and which network measured them."""
        judge, reference = self.bench.judge, self.bench.reference
        level = distortion_level(judge)
        levels = ", ".join(LEVELS)
        notes = [
            f"Judged by {judge.name} from the written 8-bit pictures, {self.size} px on the longer "
            "side. Lower is better everywhere but in SSIM.",
            f"Style match: the relaxed earth mover’s distance of vectors of {levels} of picture "
            "and style, the larger of its two halves: how far the picture’s places are from the "
            "nearest of the style’s, and the style’s from the nearest of the picture’s; also in "
            "per cent of the untouched photo’s. Patches: the sliced Wasserstein distance of 7 × 7 "
            "px from the style’s, over a pyramid, without a network. Structure: how far the "
            "self-similarity of the picture’s places is from that of the photo’s.",
            "By Gram matrices, which do not always rank as the eye does: style gap: the mean over "
            f"{levels} of ‖Gram(picture) − Gram(style)‖ / ‖Gram(photo) − Gram(style)‖; 0 % the "
            "style’s statistics, 100 % the untouched photo. "
            f"Content distortion: squared distance from the photo’s features at {level}, as a "
            "share of that of unrelated photos; 0 % the photo, 100 % an unrelated one. SSIM: on "
            "luminance, with the photo. Objective: content loss (relative squared error of "
            f"features at {OBJECTIVE.content_level}) plus style loss (the sum over levels of that "
            "of Gram matrices).",
        ]
        if reference is not None:
            notes.append(
                f"The reference is {reference.name}, which descends on this objective for every "
                "picture. Objective, of the reference’s: the sum over the pictures that both have "
                "made, divided by the reference’s."
            )
        if judge.name == "compact":
            notes.append(
                "The compact encoder judges here, because VGG’s weights are not in the cache (or "
                f"by choice); it has no relu4_1, so distortion is that at {level}. Methods adapt "
                "on it too, which flatters them: compare only with figures of the same judge."
            )
        return notes


_PUBLISHED_NOTE = (
    "Theirs, not ours: as printed in the papers, on their hardware and with their networks. "
    f"{FOOTNOTE}"
)


def _markdown(sections: Sequence[Section]) -> str:
    """The report without what only the page shows."""
    parts: list[str] = []
    for number, section in enumerate(sections):
        if number and not (section.notes or section.rows):
            continue
        parts += [f"{'##' if number else '#'} {section.title}", *section.notes]
        if section.rows:
            parts.append(table.markdown(section.rows, section.filled()))
    return "\n\n".join(parts) + "\n"
