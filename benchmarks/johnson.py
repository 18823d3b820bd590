"""What starts are worth to Johnson's training: MetaStyle's, an average and a random one, by steps
and by seconds, on photos that no network was trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

from curves import Line, line_chart, panels
from PIL import Image
from session import Session, means
from torch import Tensor
from trials import sha256_of

from gesso.bench.measures import SeenPhoto, Yardstick, seen_style
from gesso.bench.pictures import UNRELATED, ordered
from gesso.bench.store import Row
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.inputs import Stylizer
from gesso.methods.johnson.method import METASTYLE, RANDOM, Johnson
from gesso.nn.pictures import read_image
from training import Run, trained

CHECKPOINTS = (10, 20, 50, 100, 200, 500, 1000, 2000)
MOST_DRAWN = 6.0  # beyond lie the first steps of random networks, which would flatten all curves
PANEL_PX = (760, 440)


@dataclass(frozen=True)
class Photo:
    """One to judge on, and those that content distortion is measured against."""

    path: Path
    unrelated: tuple[Path, ...]


def held_out(folder: Path, count: int) -> list[Photo]:
    """The first `count` photos, each with others of the folder.

    Raises:
        GessoError: fewer than two photos.
    """
    paths = ordered(folder)
    if len(paths) < 2:
        raise GessoError(f"{shown(folder)}: {len(paths)} photos; at least two are needed")
    others = range(1, min(UNRELATED, len(paths) - 1) + 1)
    return [
        Photo(path, tuple(paths[(i + k) % len(paths)] for k in others))
        for i, path in enumerate(paths[:count])
    ]


class Comparison:
    """Every start on every style. What is asked for comes from the command line (`Session`)."""

    def __init__(self, session: Session) -> None:
        args = session.args
        if args.training is None:
            raise GessoError("--training: missing: johnson trains on a folder of photos")
        for option in ("rows", "columns", "training_photos"):
            if (count := getattr(args, option)) < 1:
                name = option.replace("_", "-")
                raise GessoError(f"--{name} {count}: allowed are numbers from 1")
        self.session = session
        self.johnson = Johnson(session.method.encoder, session.method.config)
        self.starts: dict[str, str | Path] = {"MetaStyle": args.start or METASTYLE}
        if args.average is not None:
            self.starts["average start"] = args.average
        self.starts["random start"] = RANDOM
        self.checkpoints = sorted(set(args.steps or CHECKPOINTS))
        self.options = self._options()
        self.photos = held_out(args.contents, args.rows)
        self.styles = ordered(args.styles)[: args.columns]
        if not self.styles:
            raise GessoError(f"{shown(args.styles)}: holds no pictures")
        for name, start in self.starts.items():
            self._check_width(name, start)
        self._seen = lru_cache(self._see_photo)
        self._seen_style = lru_cache(self._see_style)

    def _options(self) -> dict[str, Any]:
        """Of `Johnson.adapt`. Every photo gives one crop, unless --adapt pool= tells how many."""
        args = self.session.args
        if self.checkpoints[0] < 1:
            raise GessoError(f"--steps {self.checkpoints[0]}: allowed are numbers from 1")
        mine = {"steps": self.checkpoints[-1], "seed": args.seed}
        options = {"pool": args.training_photos, **self.session.options, **mine}
        self.johnson.adapt_settings(**options)  # raises GessoError for what makes no sense
        return options

    def _check_width(self, name: str, start: str | Path) -> None:
        width = self.johnson.begun(start, self.session.args.seed).config.width
        if width != self.johnson.config.width:
            raise GessoError(
                f"{name}: {shown(start)}: width {width}; the other starts have "
                f"{self.johnson.config.width}, and only networks of one size compare"
            )

    @cached_property
    def training(self) -> list[Path]:
        """Photos to train on; none of those that are judged.

        Raises:
            GessoError: the folder holds no others.
        """
        args = self.session.args
        judged = {sha256_of(path) for path in ordered(args.contents)}
        paths = [path for path in ordered(args.training) if sha256_of(path) not in judged]
        if not paths:
            raise GessoError(f"{shown(args.training)}: holds no photos but those judged")
        return paths[: args.training_photos]

    @cached_property
    def contents(self) -> list[Tensor]:
        """The photos to train on, (3, h, w)."""
        return [self._read(path) for path in self.training]

    @property
    def extent(self) -> str:
        """What was trained and judged, for the names of results."""
        counts = (len(self.styles), "styles"), (len(self.photos), "photos")
        told = "-".join(f"{count}{what}" for count, what in counts)
        return f"{told}-{self.checkpoints[-1]}steps"

    def measure(self) -> bool:
        """Every run that is missing, style by style; whether everything is there."""
        missing = [(s, n) for s in self.styles for n in self.starts if self.row(s, n) is None]
        for i, (style, name) in enumerate(missing):
            if self.session.budget.over():
                return False
            if i == 0:  # libraries choose and compile their kernels in a process's first steps
                begun = self.johnson.begun(RANDOM, self.session.args.seed)
                once = {**self.options, "steps": 1}
                trained(begun, self._read(style), self.contents, (), once)
            self._one(style, name)
        return True

    def row(self, style: Path, name: str) -> Row | None:
        """What one run told, if it has been made with these settings."""
        return self.session.bench.store.get(self._key(style, name), self._settings(style, name))

    def picture(self, style: Path, name: str, steps: int, photo: Path) -> Path:
        """Where a stylized photo lies."""
        folder = self.session.pictures / "johnson" / style.stem / name.replace(" ", "-")
        return folder / f"{photo.stem}-{steps}.jpg"

    def sheet(self) -> list[list[tuple[str, Image.Image | None]]]:
        """The first photo: a row for every style and start, a column for every checkpoint."""
        photo = self.photos[0].path
        rows = []
        for style in self.styles:
            for name in self.starts:
                row = [(photo.stem, Image.open(photo)), (style.stem, Image.open(style))]
                for steps in self.checkpoints:
                    path = self.picture(style, name, steps, photo)
                    found = Image.open(path) if path.is_file() else None
                    row.append((f"{name}, {steps} steps", found))
                rows.append(row)
        return rows

    def _key(self, style: Path, name: str) -> str:
        return f"johnson | {style.stem} | {name}"

    def _settings(self, style: Path, name: str) -> Row:
        judged = [sha256_of(p) for photo in self.photos for p in (photo.path, *photo.unrelated)]
        return {
            "encoder": self.johnson.encoder.identity,
            "adapt": self.johnson.adapt_settings(start=self.starts[name], **self.options),
            "training": [sha256_of(path) for path in self.training],
            "judge": self.session.vgg.identity,
            "judged": judged,
            "style": sha256_of(style),
            "size": self.session.args.size,
            "checkpoints": self.checkpoints,
        }

    def _one(self, style: Path, name: str) -> None:
        key, args = self._key(style, name), self.session.args
        print(key, file=sys.stderr)
        begun = self.johnson.begun(self.starts[name], args.seed)
        run = trained(begun, self._read(style), self.contents, self.checkpoints, self.options)
        judged = [row for steps in run.nets for row in self._judged(run, steps, style, name)]
        losses = run.smoothed(begun.default_objective().style_weight)
        row = {"losses": losses, "judged": judged}
        self.session.bench.store.put(key, self._settings(style, name), row)

    def _judged(self, run: Run, steps: int, style: Path, name: str) -> Iterator[Row]:
        """One row a photo of the network at a checkpoint."""
        stylizer = Stylizer(run.nets[steps])
        for photo in self.photos:
            seen = self._seen(photo)
            image = stylizer(seen.photo.unsqueeze(0))[0]
            yardstick = Yardstick.of(self.session.vgg, seen, self._seen_style(style))
            target = self.picture(style, name, steps, photo.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_image(target, image)
            facts = {"photo": photo.path.stem, "steps": steps, "seconds": run.seconds[steps]}
            yield {**facts, **asdict(yardstick.judge(image))}

    def _read(self, path: Path) -> Tensor:
        return read_image(path, size=self.session.args.size)

    def _see_photo(self, photo: Photo) -> SeenPhoto:
        others = [self._read(path) for path in photo.unrelated]
        return SeenPhoto(self.session.vgg, self._read(photo.path), others)

    def _see_style(self, style: Path) -> dict[str, Tensor]:
        return seen_style(self.session.vgg, self._read(style))

    # What is known

    def complete(self) -> list[Path]:
        """The styles that every start has been trained for: means over others would not compare."""
        return [s for s in self.styles if all(self.row(s, name) for name in self.starts)]

    def _known(self, name: str, part: str) -> dict[int, list[Row]]:
        """Rows of one start by number of steps."""
        found: dict[int, list[Row]] = {}
        for style in self.complete():
            for row in (self.row(style, name) or {})[part]:
                numbers = {k: v for k, v in row.items() if k not in ("photo", "steps")}
                found.setdefault(row["steps"], []).append(numbers)
        return found

    def quality(self) -> list[Row]:
        """Means over styles and held-out photos, by start and steps."""
        return [
            {"start": name, "steps": steps, **means(rows)}
            for name in self.starts
            for steps, rows in self._known(name, "judged").items()
        ]

    def losses(self) -> list[Row]:
        """Means over styles of the training losses, by start and steps."""
        return [
            {"start": name, "steps": steps, **{k: fmean(r[k] for r in rows) for k in rows[0]}}
            for name in self.starts
            for steps, rows in self._known(name, "losses").items()
        ]

    def figure(self) -> Image.Image | None:
        """Training loss and held-out objective, against steps and against seconds."""
        judged, losses = self.quality(), self.losses()
        if not judged:
            return None
        styles = len(self.complete())
        count = "one style" if styles == 1 else f"mean of {styles} styles"
        weight = self.johnson.default_objective().style_weight
        told = (
            (losses, "total", f"Training loss, {count}", f"content + {weight:g} style"),
            (judged, "objective", f"Held-out photos, by VGG-19, {count}", "content + style"),
        )
        return panels(
            [
                [_chart(rows, key, by, title, y) for by in ("steps", "seconds")]
                for rows, key, title, y in told
            ]
        )


def _chart(rows: list[Row], key: str, by: str, title: str, y: str) -> Image.Image:
    drawn = [row for row in rows if row["steps"] and row[key] <= MOST_DRAWN]
    lines = [
        Line(name, [(round(r[by], 2), r[key]) for r in drawn if r["start"] == name])
        for name in dict.fromkeys(row["start"] for row in drawn)
    ]
    x = "steps of training" if by == "steps" else "seconds of training"
    return line_chart(lines, title=title, x=x, y=y, size=PANEL_PX)
