"""What the commands of quality.py share: pictures, judge, contestants, tables and figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps

from gesso.bench import svg, table
from gesso.bench.contestants import Contestant, Entry
from gesso.bench.pictures import Gallery, Pair, gather, make_folder
from gesso.bench.store import Budget, Row, Store, machine_class, write_csv
from gesso.bench.tasks import run_all
from gesso.bench.workshop import CONTROLS, Workshop
from gesso.disk.atomic import atomic_path, atomic_write, shown
from gesso.encoders import check_encoder, load_encoder
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.methods.base import Method
from gesso.methods.metastyle.bilevel import InnerLoop
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.registry import about, load_class
from gesso.options import changed, parsed

RESULTS = Path(__file__).parent / "results"
CELL_PX, CAPTION_PX, GAP_PX = 256, 22, 8  # of a sheet of pictures


def judge_encoder(source: str | Path | None) -> Encoder:
    """VGG-19 from a file, or the published one for "vgg19".

    Raises:
        GessoError: nothing given, a file that cannot be used, another network than VGG-19.
    """
    if source is None:
        raise GessoError(
            "--vgg: missing: results are judged by VGG-19; give a safetensors file with its "
            "weights, or vgg19 to download them"
        )
    encoder = load_encoder(source, "relu4_3")
    if encoder.name != "vgg19":
        raise GessoError(f"--vgg: {source} is {encoder.name}; results are judged by VGG-19")
    return encoder


class Study:
    """One command of quality.py. Each part is made when it is first asked for: a grid needs
    neither judge nor pairs."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.budget = Budget(args.minutes)
        tag = f"-{args.tag}" if args.tag else ""
        self.conditions = f"{machine_class()}-{args.size}px{tag}"
        self.suffix = f"{machine_class()}-{args.size}px-{args.pairs}pairs{tag}"
        self.out = args.pictures / self.conditions

    def options(self, method: str = "metastyle") -> dict[str, Any]:
        """The texts of --adapt as options of a method. Raises GessoError for those it lacks."""
        texts = dict(text.partition("=")[::2] for text in self.args.adapt)
        kind = about(method).options
        try:
            found = parsed(kind, texts)
            changed(kind(), found)
        except GessoError as error:
            raise GessoError(f"--adapt: {error}") from error
        return found

    @cached_property
    def vgg(self) -> Encoder:
        """The judge."""
        return judge_encoder(self.args.vgg)

    @cached_property
    def pictures(self) -> Gallery:
        """All photos and styles, scaled."""
        args = self.args
        return gather(args.contents, args.styles, self.out, size=args.size, style_size=args.size)

    @cached_property
    def gallery(self) -> Gallery:
        """The photos and styles of the pairs to try.

        Raises:
            GessoError: more pairs than there are.
        """
        most, asked = len(self.pictures.contents) * len(self.pictures.styles), self.args.pairs
        if not 1 <= asked <= most:
            raise GessoError(f"--pairs: {asked}: allowed are 1 to {most} with these pictures")
        return replace(self.pictures, most_pairs=asked)

    @cached_property
    def store(self) -> Store:
        """What has been measured."""
        path = self.args.results / f"quality-{self.conditions}.json"
        return Store(path, fresh=self.args.fresh)

    @cached_property
    def method(self) -> MetaStyle:
        """MetaStyle with the start and encoder being tested."""
        check_encoder(self.args.encoder)
        return MetaStyle.load(load_encoder(self.args.encoder), self.args.start)

    # Contestants

    def ours(self, steps: int | None = None, polish: int = 0) -> Contestant:
        """The start that is being tested, after its default number of steps or another."""
        return self.adapted("MetaStyle", self.method, steps, polish)

    def adapted(
        self, name: str, method: MetaStyle, steps: int | None, polish: int = 0
    ) -> Contestant:
        """Adaptation from a start; all of them with the settings and objective of the first."""
        objective = self.method.config.adapting_objective()
        options = {"objective": objective, **self.options()}
        options |= {} if steps is None else {"steps": steps}
        label = f"{name}, {method.chosen(None, options).steps} steps"
        label += f", {polish} of polish" if polish else ""
        return contestant(label, method, options, polish)

    def random_start(self) -> MetaStyle:
        """An untrained network like the start, which has learned no inner step."""
        torch.manual_seed(self.args.seed)
        config = replace(self.method.config, inner=InnerLoop(steps=0))
        return MetaStyle(self.method.encoder, config, f"random {self.args.seed}")

    def gatys(self) -> Contestant:
        """Optimisation of the pixels on VGG-19, from the photo, at its own size."""
        steps, lr = self.args.gatys_steps, self.args.gatys_lr
        options = {"steps": steps, "lr": lr, "coarse": 0, "style_size": self.args.size}
        method = load_class("gatys").load(self.vgg)
        return contestant(f"Gatys, {steps} steps", method, options)

    # Measuring

    def workshop(self, contestants: Sequence[Contestant]) -> Workshop:
        """Where contestants make pictures of the pairs and have them judged."""
        return Workshop(
            self.out, self.gallery, contestants, self.vgg, self.store, needs_files=False
        )

    def measure(self, workshop: Workshop) -> bool:
        """Measure what is missing; returns whether everything is there."""
        return run_all(workshop.qualities(), self.store, self.budget, announce)

    def report(self, part: str, rows: list[Row], workshop: Workshop, done: bool) -> int:
        """Print the table, write it and the sheet of pictures; returns the exit status."""
        self.write_table(part, rows)
        sheet = self.out / f"{part}-{self.args.pairs}pairs.jpg"
        self.write_sheet(sheet, [_strip(workshop, pair) for pair in self.gallery.pairs()])
        return self.status(done)

    def write_table(self, part: str, rows: list[Row], suffix: str = "", show: bool = True) -> None:
        """Write rows as CSV under the heads of their columns, and print them."""
        if show:
            print(f"\n{table.markdown(rows)}\n")
        headed = [{table.HEADS.get(name, name): value for name, value in r.items()} for r in rows]
        write_csv(self.args.results / f"quality-{part}-{suffix or self.suffix}.csv", headed)

    def write_figure(
        self, part: str, plots: Sequence[Sequence[svg.Plot]], suffix: str = ""
    ) -> None:
        """Write plots as SVG, if there is anything to see."""
        if drawn := svg.panels(plots):
            path = self.args.results / f"quality-{part}-{suffix or self.suffix}.svg"
            atomic_write(path, drawn.encode())

    def write_sheet(self, path: Path, rows: Sequence[Sequence[tuple[str, Path | None]]]) -> None:
        """Write rows of named pictures as one."""
        make_folder(path.parent)
        with atomic_path(path) as temporary:
            picture_sheet(rows).save(temporary)
        print(f"pictures: {shown(path)}")

    @staticmethod
    def status(done: bool) -> int:
        """The command's exit status: 3 if rows are missing."""
        if not done:
            print("not all rows are measured yet: run again to continue", file=sys.stderr)
        return 0 if done else 3


def contestant(
    label: str, method: Method, options: dict[str, Any] | None = None, polish: int = 0
) -> Contestant:
    """A method with some options that practises on the photo, as `gesso stylize` does."""
    entry = Entry(method.name, options or {}, polish=polish, label=label)
    return Contestant(entry, method, on_photo=True)


def mean_row(workshop: Workshop, c: Contestant) -> Row:
    """Means over the pairs that have been measured; {} if none has been."""
    rows = [row for pair in workshop.pairs(c) if (row := workshop.whole(c, pair))]
    return {**table.means(rows), "seconds": fmean(r["seconds"] for r in rows)} if rows else {}


def control_rows(workshop: Workshop) -> list[Row]:
    """What is not stylized at all: the yardstick's two ends."""
    found = {name: list(workshop.picture_rows(name).values()) for name in CONTROLS}
    return [{"": name, **table.means(rows), "seconds": 0.0} for name, rows in found.items() if rows]


def announce(task: str, done: float, total: float) -> None:
    """Print the task that begins."""
    print(task, file=sys.stderr)


def _strip(workshop: Workshop, pair: Pair) -> list[tuple[str, Path | None]]:
    own: list[tuple[str, Path | None]] = [(p.name, p.path) for p in (pair.content, pair.style)]
    made = [(c.name, workshop.picture_path(c.name, pair)) for c in workshop.contestants]
    return [*own, *made]


def picture_sheet(
    rows: Sequence[Sequence[tuple[str, Path | None]]], cell: int = CELL_PX
) -> Image.Image:
    """Rows of named pictures, each whole within a square of `cell` px; one that is not there
    stays empty."""
    across, down = cell + GAP_PX, cell + CAPTION_PX + GAP_PX
    size = (max(map(len, rows)) * across + GAP_PX, len(rows) * down + GAP_PX)
    sheet, font = Image.new("RGB", size, "white"), ImageFont.load_default(13)
    for r, row in enumerate(rows):
        for c, (name, path) in enumerate(row):
            left, top = GAP_PX + c * across, GAP_PX + r * down
            place = (left, top + cell + CAPTION_PX // 2)
            ImageDraw.Draw(sheet).text(place, name, "#222222", font, anchor="lm")
            if path is not None and path.is_file():
                with Image.open(path) as picture:
                    small = ImageOps.contain(picture.convert("RGB"), (cell, cell))
                sheet.paste(small, (left, top + cell - small.height))
    return sheet
