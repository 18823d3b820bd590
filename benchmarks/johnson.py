"""What starts are worth to Johnson's training: MetaStyle's, an average and a random one, by steps
and by seconds, on photos that no network was trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from study import Study
from torch import Tensor

from gesso.bench import svg, table
from gesso.bench.pictures import Pair, Picture, file_name, make_folder, ordered
from gesso.bench.store import Row
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.johnson.about import METASTYLE, RANDOM
from gesso.methods.johnson.method import Johnson
from gesso.methods.metastyle.start import STYLE_WEIGHT
from gesso.nn.pictures import read_image
from gesso.stylizers.stylizer import of_network
from training import Run, trained

CHECKPOINTS = (10, 20, 50, 100, 200, 500, 1000, 2000)
MOST_DRAWN = 6.0  # beyond lie the first steps of random networks, which would flatten all curves


class Comparison:
    """Every start on every style. What is asked for comes from the command line (`Study`)."""

    def __init__(self, study: Study) -> None:
        args = study.args
        if args.training is None:
            raise GessoError("--training: missing: johnson trains on a folder of photos")
        for option in ("rows", "columns", "training_photos"):
            if (count := getattr(args, option)) < 1:
                name = option.replace("_", "-")
                raise GessoError(f"--{name} {count}: allowed are numbers from 1")
        self.study = study
        self.johnson = Johnson(study.method.encoder, study.method.config.width)
        self.starts: dict[str, str] = {"MetaStyle": str(args.start or METASTYLE)}
        if args.average is not None:
            self.starts["average start"] = str(args.average)
        self.starts["random start"] = RANDOM
        self.checkpoints = sorted(set(args.steps or CHECKPOINTS))
        if self.checkpoints[0] < 1:
            raise GessoError(f"--steps {self.checkpoints[0]}: allowed are numbers from 1")
        for name, start in self.starts.items():
            self._check_width(name, start)
        self.photos = study.pictures.contents[: args.rows]
        self.styles = study.pictures.styles[: args.columns]
        self.workshop = study.workshop([])

    def options(self, name: str, steps: int | None = None) -> Any:
        """The options of `Johnson.adapt` from a start. Every photo gives one crop, unless --adapt
        pool= says how many."""
        args = self.study.args
        given = {"pool": args.training_photos, **self.study.options("johnson")}
        given |= {"steps": steps or self.checkpoints[-1], "seed": args.seed}
        return self.johnson.chosen(None, {**given, "start": self.starts[name]})

    def _check_width(self, name: str, start: str) -> None:
        width, own = self.johnson.begun(start)[0].width, self.johnson.net.width
        if width != own:
            raise GessoError(
                f"{name}: {shown(start)}: width {width}; the other starts have {own}, and only "
                "networks of one size compare"
            )

    @cached_property
    def training(self) -> dict[str, Path]:
        """Photos to train on by their SHA-256; none of those that are judged.

        Raises:
            GessoError: the folder holds no others.
        """
        args = self.study.args
        judged = {sha256_file(path) for path in ordered(args.contents)}
        hashed = {sha256_file(path): path for path in ordered(args.training)}
        others = [(sha, path) for sha, path in hashed.items() if sha not in judged]
        if not others:
            raise GessoError(f"{shown(args.training)}: holds no photos but those judged")
        return dict(others[: args.training_photos])

    @cached_property
    def contents(self) -> list[Tensor]:
        """The photos to train on, (3, h, w)."""
        return [read_image(path, size=self.study.args.size) for path in self.training.values()]

    @property
    def extent(self) -> str:
        """What was trained and judged, for the names of results."""
        return f"{len(self.styles)}styles-{len(self.photos)}photos-{self.checkpoints[-1]}steps"

    def measure(self) -> bool:
        """Make every run that is missing, style by style; returns whether everything is there."""
        missing = [(s, n) for s in self.styles for n in self.starts if self.row(s, n) is None]
        for i, (style, name) in enumerate(missing):
            if self.study.budget.over():
                return False
            if i == 0:  # libraries choose and compile their kernels in a process's first steps
                trained(self.johnson, style.read(), self.contents, (), self.options(name, 1))
            self._one(style, name)
        return True

    def row(self, style: Picture, name: str) -> Row | None:
        """The row of one run, if it has been made with these settings."""
        return self.study.store.get(self._key(style, name), self._settings(style, name))

    def picture(self, name: str, steps: int, pair: Pair) -> Path:
        """Where a stylized photo lies."""
        folder: Path = self.study.out / "johnson" / pair.style.name / file_name(name)
        return folder / f"{pair.content.name}-{steps}.png"

    def sheet(self) -> list[list[tuple[str, Path | None]]]:
        """The first photo: a row for every style and start, a column for every checkpoint."""
        rows: list[list[tuple[str, Path | None]]] = []
        for style in self.styles:
            pair = self._pairs(style)[0]
            for name in self.starts:
                row = [(picture.name, picture.path) for picture in (pair.content, style)]
                made = [(n, self.picture(name, n, pair)) for n in self.checkpoints]
                rows.append([*row, *((f"{name}, {n} steps", path) for n, path in made)])
        return rows

    def _pairs(self, style: Picture) -> list[Pair]:
        return [self.study.pictures.pair(i, style) for i in range(len(self.photos))]

    def _key(self, style: Picture, name: str) -> str:
        return f"johnson | {style.name} | {name}"

    def _settings(self, style: Picture, name: str) -> Row:
        return {
            "encoder": self.johnson.encoder.identity,
            "adapt": self.johnson.adapt_settings(self.options(name)),
            "training": list(self.training),
            "judged": [self.workshop.judging(pair) for pair in self._pairs(style)],
            "checkpoints": self.checkpoints,
        }

    def _one(self, style: Picture, name: str) -> None:
        print(self._key(style, name), file=sys.stderr)
        run = trained(
            self.johnson, style.read(), self.contents, self.checkpoints, self.options(name)
        )
        judged = [row for steps in run.nets for row in self._judged(run, steps, style, name)]
        row = {"losses": run.smoothed(), "judged": judged}
        self.study.store.put(self._key(style, name), self._settings(style, name), row)

    def _judged(self, run: Run, steps: int, style: Picture, name: str) -> Iterator[Row]:
        """One row a photo of the network at a checkpoint."""
        stylizer = of_network(run.nets[steps])
        for pair in self._pairs(style):
            path = self.picture(name, steps, pair)
            make_folder(path.parent)
            write_image(path, stylizer(pair.content.read().unsqueeze(0))[0])
            facts = {"photo": pair.content.name, "steps": steps, "seconds": run.seconds[steps]}
            yield {**facts, **self.workshop.judged(pair, path)}

    # What is known

    def complete(self) -> list[Picture]:
        """The styles that every start has been trained for: means over others would not compare."""
        return [s for s in self.styles if all(self.row(s, name) for name in self.starts)]

    def _known(self, name: str, part: str) -> dict[int, list[Row]]:
        """Rows of one start by number of steps."""
        found: dict[int, list[Row]] = {}
        for style in self.complete():
            for row in (self.row(style, name) or {})[part]:
                found.setdefault(row["steps"], []).append(row)
        return found

    def quality(self) -> list[Row]:
        """Means over styles and held-out photos, by start and steps."""
        return [
            {"start": name, "steps": steps, **table.means(rows), "seconds": _mean(rows, "seconds")}
            for name in self.starts
            for steps, rows in self._known(name, "judged").items()
        ]

    def losses(self) -> list[Row]:
        """Means over styles of the training losses, by start and steps."""
        return [
            {"start": name, **{key: _mean(rows, key) for key in rows[0]}, "steps": steps}
            for name in self.starts
            for steps, rows in self._known(name, "losses").items()
        ]

    def figure(self) -> list[list[svg.Plot]]:
        """Training loss and held-out objective, against steps and against seconds."""
        count = len(self.complete())
        styles = "one style" if count == 1 else f"mean of {count} styles"
        trained = f"training loss, {styles}: content + {STYLE_WEIGHT:g} style"
        judged = f"held-out photos by VGG-19, {styles}: content + style"
        parts = ((self.losses(), "total", trained), (self.quality(), "objective", judged))
        return [
            [_plot(rows, key, by, title) for by in ("steps", "seconds")]
            for rows, key, title in parts
        ]


def _mean(rows: list[Row], key: str) -> float:
    return fmean(row[key] for row in rows)


def _plot(rows: list[Row], key: str, by: str, title: str) -> svg.Plot:
    drawn = [row for row in rows if row["steps"] and row[key] <= MOST_DRAWN]
    return svg.Plot(f"{by} of training", title, svg.lines(drawn, "start", by, key))
