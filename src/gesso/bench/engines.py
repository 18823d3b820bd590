"""What the engines give for a network on this machine: parity, start-up, seconds, memory. Each is
measured in a process of its own, `python -m gesso.bench.engines SPEC`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gesso import assets
from gesso.bench.processes import answer_of, peak_mib
from gesso.errors import GessoError
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.runtime.engines import ENGINES, THREADS, is_installed
from gesso.runtime.looks import AnyStyle
from gesso.runtime.styles import bundled_methods

TORCH, COMPILE = "torch", "compile"
SIDES = (256, 512)
MOST_S = 1800.0
HEADS = (
    "method", "engine", "largest difference, of 255", "start-up, s", "s at 256 px", "s at 512 px",
    "peak memory, MiB",
)  # fmt: skip
Paint = Callable[[Pixels], Pixels]


def measured(
    methods: Sequence[str],
    engines: Sequence[str],
    runs: int,
    begins: Callable[[str, int, int], None],
) -> Iterator[list[str]]:
    """A row of `HEADS` for every method and engine, torch first, with which all are compared. The
    start-up is all until the first picture can be begun, with a style that was not seen before.

    Args:
        runs: timed pictures of each size, after one that is not; the median counts.
        begins: is given what is measured next, its number and how many there are.
    """
    jobs = [(method, engine) for method in methods for engine in engines]
    with TemporaryDirectory(prefix="gesso-") as folder:
        for number, (method, engine) in enumerate(jobs):
            begins(f"{method} by {engine}", number, len(jobs))
            pictures = {e: Path(folder, f"{method}-{e}.f32") for e in (TORCH, engine)}
            spec = {"method": method, "engine": engine, "runs": runs}
            spec |= {"picture": str(pictures[engine]), "began": time.time()}
            command = [sys.executable, "-m", "gesso.bench.engines", json.dumps(spec)]
            try:
                row = answer_of(command, f"{method} by {engine}", MOST_S)
            except GessoError as error:
                yield [method, engine, f"– ({str(error).rpartition(': ')[2]})", *["–"] * 4]
                continue
            yield [method, engine, _apart(pictures[engine], pictures[TORCH]), *_texts(row)]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows under `HEADS` in Markdown."""
    lines = [HEADS, ["---"] * len(HEADS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def all_engines() -> list[str]:
    """Those that are installed, torch first; compile last, which takes minutes to begin."""
    return [*filter(is_installed, (TORCH, *ENGINES)), COMPILE]


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """The seconds and peak MiB of one method by one engine, in this process; its picture of 256 px
    goes to the file `picture`."""
    photo = sorted(assets.CONTENTS.glob("*.jpg"))[0]
    photos = {side: _square(read_image(photo, size=2 * side), side) for side in SIDES}
    paint = _painter(spec["method"], spec["engine"])
    row: dict[str, Any] = {"start": time.time() - spec["began"]}
    for side, picture in photos.items():
        made = paint(picture)
        if side == SIDES[0]:
            made.astype(np.float32).tofile(spec["picture"])
        row[str(side)] = median([_seconds(paint, picture) for _ in range(spec["runs"])])
    return row | {"peak": peak_mib()}


def _painter(method: str, engine: str) -> Paint:
    style = sorted(assets.STYLES.glob("*.jpg"))[0]
    if engine in ENGINES and method in bundled_methods():
        return AnyStyle(method, None, engine).look([style])
    import torch

    import gesso
    from gesso.export.engines import Through

    torch.set_num_threads(int(os.environ.get(THREADS) or torch.get_num_threads()))
    made = gesso.load(method)
    made.engine = None if engine == TORCH else Through(engine)
    card = made.adapt(style) if method in bundled_methods() else made.neutral()
    stylizer = gesso.Controls(polish=0).stylizer(made, card)
    return lambda photo: stylizer(torch.from_numpy(photo)[None])[0].numpy()


def _seconds(paint: Paint, photo: Pixels) -> float:
    began = time.perf_counter()
    paint(photo)
    return time.perf_counter() - began


def _square(image: Pixels, side: int) -> Pixels:
    return np.ascontiguousarray(image[:, :side, :side])


def _apart(picture: Path, reference: Path) -> str:
    if picture == reference or not reference.is_file():
        return "–"
    one, other = (np.fromfile(path, np.float32) for path in (picture, reference))
    return f"{np.abs(one - other).max() * 255:.2g}"


def _texts(row: dict[str, Any]) -> list[str]:
    peak = row["peak"]
    seconds = [f"{row[name]:.3g}" for name in ("start", *map(str, SIDES))]
    return [*seconds, "–" if peak is None else f"{peak:.0f}"]


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
