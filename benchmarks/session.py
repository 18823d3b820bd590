"""What quality.py's sub-commands share: pairs, weights, rows and how results are handed out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from statistics import fmean
from typing import Any

from curves import picture_sheet
from PIL import Image
from trials import Bench, Pair, Trial, gatys_trial, make_pairs, metastyle

from gesso.bench.store import Budget, Row, Store, machine_class, markdown, write_csv
from gesso.disk.atomic import atomic_path, shown
from gesso.encoders import check_encoder, load_encoder
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.methods.metastyle.method import MetaStyle

RESULTS = Path(__file__).parent / "results"


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


def means(rows: Sequence[Row]) -> Row:
    """Mean of every measure, gap and distortion in per cent."""
    mean = {key: fmean(r[key] for r in rows) for key in rows[0] if key != "settings"}
    return {
        "pairs": len(rows),
        "style gap, %": 100 * mean["gap"],
        "content distortion, %": 100 * mean["distortion"],
        "objective": mean["objective"],
        "content": mean["content"],
        "style": mean["style"],
        "seconds": mean["seconds"],
    }


class Session:
    """What every sub-command works with."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.budget = Budget(args.minutes)
        tag = f"-{args.tag}" if args.tag else ""
        self.conditions = f"{machine_class()}-{args.size}px{tag}"
        self.suffix = f"{machine_class()}-{args.size}px-{args.pairs}pairs{tag}"
        self.pictures = args.pictures / self.conditions
        self.options = adapt_options(args.adapt)

    # Each of these is made when a sub-command first asks for it; a grid needs neither judge nor
    # pairs.
    @cached_property
    def vgg(self) -> Encoder:
        """The judge."""
        return judge_encoder(self.args.vgg)

    @cached_property
    def pairs(self) -> list[Pair]:
        """The photos and styles to try."""
        return make_pairs(self.args.contents, self.args.styles, self.args.pairs)

    @cached_property
    def method(self) -> MetaStyle:
        """MetaStyle with the start and encoder being tested."""
        check_encoder(self.args.encoder)
        return MetaStyle.load(load_encoder(self.args.encoder), self.args.start)

    @cached_property
    def bench(self) -> Bench:
        """What measures, and what has been measured."""
        path = self.args.results / f"quality-{self.conditions}.json"
        store = Store(path, fresh=self.args.fresh)
        return Bench(self.vgg, store, self.pictures, self.args.size, self.budget)

    def ours(self, steps: int | None = None) -> Trial:
        """The start that is being tested, after its default number of steps or another."""
        return self.adapted("MetaStyle", self.method, self.method.base, steps)

    def adapted(self, name: str, method: MetaStyle, start: str, steps: int | None) -> Trial:
        """Adaptation from a start; all of them with the settings and objective of the first."""
        options = {**self.options, "objective": self.method.default_objective()}
        options |= {} if steps is None else {"steps": steps}
        steps = method.adapt_settings(**options)["steps"]
        return metastyle(f"{name}, {steps} steps", method, start, **options)

    def finished(self, polish: int) -> Trial:
        """The default adaptation and so many steps of polish, as `gesso stylize` does."""
        options = {**self.options, "objective": self.method.default_objective()}
        steps = self.method.adapt_settings(**options)["steps"]
        name = f"MetaStyle, {steps} steps, {polish} of polish"
        return metastyle(name, self.method, self.method.base, polish, **options)

    def gatys(self, steps: int, lr: float) -> Trial:
        """Optimisation of the pixels on VGG-19."""
        return gatys_trial(self.vgg, steps, lr)

    def report(self, part: str, table: list[Row], trials: list[Trial], done: bool) -> int:
        """Print the table, write it and the sheet of pictures; status 3 if rows are missing."""
        print(f"\n{markdown(table)}\n")
        write_csv(self.args.results / f"quality-{part}-{self.suffix}.csv", table)
        sheet = self.pictures / f"{part}-{self.args.pairs}pairs.jpg"
        save_picture(sheet, picture_sheet(list(map(partial(self._strip, trials), self.pairs))))
        print(f"pictures: {shown(sheet)}")
        return self.status(done)

    @staticmethod
    def status(done: bool) -> int:
        """Of the command: 3 if rows are missing, which is said."""
        if not done:
            print("not all rows are measured yet: run again to continue", file=sys.stderr)
        return 0 if done else 3

    def _strip(self, trials: list[Trial], pair: Pair) -> list[tuple[str, Image.Image | None]]:
        files = [(pair.content.stem, pair.content), (pair.style.stem, pair.style)]
        files += [(trial.name, self.bench.picture(pair, trial)) for trial in trials]
        return [(name, Image.open(path) if path.is_file() else None) for name, path in files]


def adapt_options(texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as options of `MetaStyle.adapt`, which checks their names."""
    options = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError:
            raise GessoError(f"--adapt {text}: expected NAME=NUMBER, true or false") from None
    return options


def save_picture(path: Path, picture: Image.Image) -> None:
    """Whole or not at all, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        picture.save(temporary)
