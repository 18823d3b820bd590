"""Pairs of photos and styles, and what is tried on each of them, measured once and kept."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.bench.measures import OBJECTIVE, Yardstick
from gesso.bench.pictures import UNRELATED, ordered
from gesso.bench.store import Budget, Row, Store
from gesso.controls.polish import keep_grams, polished
from gesso.disk.atomic import sha256_file, shown
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.picture import Descent, optimise
from gesso.images.write import write_image
from gesso.losses.terms import grams
from gesso.methods.metastyle.bilevel import InnerLoop
from gesso.methods.metastyle.method import MetaStyle
from gesso.nn.pictures import read_image
from gesso.nn.precision import compute_in, fast_dtype


@dataclass(frozen=True)
class Pair:
    """A photo, a style and the unrelated photos, as files."""

    content: Path
    style: Path
    unrelated: tuple[Path, ...]

    @property
    def name(self) -> str:
        """For keys and captions."""
        return f"{self.content.stem} × {self.style.stem}"


def make_pairs(contents: Path, styles: Path, count: int) -> list[Pair]:
    """`count` different pairs in which every photo and every style comes equally often.

    Raises:
        GessoError: too few photos, no styles, or more pairs than there are.
    """
    photos, paintings = ordered(contents), ordered(styles)
    if len(photos) < 2 or not paintings:
        raise GessoError(
            f"{shown(contents)}, {shown(styles)}: {len(photos)} photos and {len(paintings)} styles;"
            " at least two photos and one style are needed"
        )
    if not 1 <= count <= len(photos) * len(paintings):
        most = len(photos) * len(paintings)
        raise GessoError(f"--pairs: {count}: allowed are 1 to {most} with these pictures")
    return [_pair(photos, paintings, i) for i in range(count)]


def _pair(photos: list[Path], paintings: list[Path], i: int) -> Pair:
    c = i % len(photos)
    # Both lists are gone through in step; after a full cycle of pairs the styles move on by one.
    s = (i + i // math.lcm(len(photos), len(paintings))) % len(paintings)
    others = min(UNRELATED, len(photos) - 1)
    unrelated = tuple(photos[(c + k) % len(photos)] for k in range(1, others + 1))
    return Pair(photos[c], paintings[s], unrelated)


@dataclass(frozen=True)
class Trial:
    """One way to stylize: its name, the settings that decide its result, and how it is done.

    `run(pair, photo, style)` returns the picture and its seconds.
    """

    name: str
    settings: dict[str, Any]
    run: Callable[[Pair, Tensor, Tensor], tuple[Tensor, float]]


class Bench:
    """Runs trials on pairs, judges the pictures, keeps rows in a store and pictures in a folder."""

    def __init__(self, vgg: Encoder, store: Store, pictures: Path, size: int, budget: Budget):
        self.vgg, self.store, self.pictures = vgg, store, pictures
        self.size, self.budget = size, budget
        self._yardstick = lru_cache(maxsize=1)(self._make_yardstick)

    def row(self, pair: Pair, trial: Trial) -> Row | None:
        """The measured row, if there is one."""
        return self.store.get(f"{pair.name} | {trial.name}", self._settings(pair, trial))

    def measure(self, pairs: list[Pair], trials: list[Trial]) -> bool:
        """Measure what is missing, pair by pair; whether everything is there."""
        for pair in pairs:
            for trial in trials:
                if self.row(pair, trial) is None and not self._one(pair, trial):
                    return False
        return True

    def picture(self, pair: Pair, trial: Trial) -> Path:
        """Where the stylized picture lies."""
        return self.pictures / pair.name.replace(" × ", "__") / f"{_file_name(trial.name)}.jpg"

    def _one(self, pair: Pair, trial: Trial) -> bool:
        if self.budget.over():
            return False
        print(f"{pair.name} | {trial.name}", file=sys.stderr)
        image, seconds = trial.run(pair, self._read(pair.content), self._read(pair.style))
        judgement = self._yardstick(pair).judge(image)
        row = {**asdict(judgement), "seconds": seconds}
        self.store.put(f"{pair.name} | {trial.name}", self._settings(pair, trial), row)
        target = self.picture(pair, trial)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_image(target, image)
        return True

    def _settings(self, pair: Pair, trial: Trial) -> Row:
        files = [sha256_of(path) for path in (pair.content, pair.style, *pair.unrelated)]
        common = {"judge": self.vgg.identity, "size": self.size, "files": files}
        return {**common, **trial.settings}

    def _make_yardstick(self, pair: Pair) -> Yardstick:
        others = [self._read(path) for path in pair.unrelated]
        return Yardstick(self.vgg, self._read(pair.content), self._read(pair.style), others)

    def _read(self, path: Path) -> Tensor:
        return read_image(path, size=self.size)


def _file_name(trial: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in trial)


@lru_cache(maxsize=1024)
def sha256_of(path: Path) -> str:
    """Of a picture, which does not change while a benchmark runs."""
    return sha256_file(path)


def controls() -> list[Trial]:
    """What is not stylized at all: the yardstick's two ends."""
    return [
        Trial("untouched photo", {}, lambda pair, photo, style: (photo, 0.0)),
        Trial("the style itself", {}, lambda pair, photo, style: (style, 0.0)),
    ]


def metastyle(name: str, method: MetaStyle, start: str, polish: int = 0, **options: Any) -> Trial:
    """Adapt to the style on the photo itself and stylize it; seconds are the adaptation's, and
    with steps of polish those of the picture as well.

    start: what tells this start from others, the hash of its file.
    """
    settings = {
        "start": start,
        "encoder": method.encoder.identity,
        "adapt": method.adapt_settings(**options),
        **({"polish": polish} if polish else {}),
    }

    def run(pair: Pair, photo: Tensor, style: Tensor) -> tuple[Tensor, float]:
        began = time.perf_counter()
        card = method.adapt(style, contents=[photo], **options)
        seconds = time.perf_counter() - began
        if not polish:
            return method.stylizer(card)(photo.unsqueeze(0))[0], seconds
        keep_grams(card, method, style)
        stylize = polished(method.stylizer(card), method.encoder, card, polish)
        return stylize(photo.unsqueeze(0))[0], time.perf_counter() - began

    return Trial(name, settings, run)


def random_start(like: MetaStyle, seed: int) -> MetaStyle:
    """An untrained network of the same width and objective; it has learned no inner step."""
    torch.manual_seed(seed)
    config = replace(like.config, inner=InnerLoop(steps=0))
    return MetaStyle(like.encoder, config)


def gatys_trial(vgg: Encoder, steps: int, lr: float) -> Trial:
    """Adam on the pixels, from the photo, at its own size."""
    settings = {"steps": steps, "lr": lr, "encoder": vgg.identity}

    def run(pair: Pair, photo: Tensor, style: Tensor) -> tuple[Tensor, float]:
        began = time.perf_counter()
        with torch.no_grad(), compute_in(fast_dtype(style.device)):
            target = grams(vgg(style.unsqueeze(0), OBJECTIVE.levels), OBJECTIVE.levels)
        descent = Descent(steps, lr, coarse=0)
        image = optimise(photo.unsqueeze(0), lambda c: c, vgg, OBJECTIVE, target, descent)
        return image[0], time.perf_counter() - began

    return Trial(f"Gatys, {steps} steps", settings, run)
