"""Draw the example styles: ten pictures in ten manners, by nothing but code.

Run ``python examples/draw_styles.py --out examples/styles``. The same seed and size draw the same
pixels again.
"""

import argparse
import importlib
import io
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gesso.disk.atomic import atomic_write

SEED = 7
LIMIT = 245_000  # bytes of one picture

# The module of `drawing` that draws each style; each has draw(size, rng) -> picture.
STYLES = {
    "mosaic": "mosaic",
    "stained-glass": "stained_glass",
    "linocut": "linocut",
    "impasto": "impasto",
    "pointillism": "pointillism",
    "watercolour": "watercolour",
    "ukiyo-e": "ukiyo_e",
    "cubism": "cubism",
    "engraving": "engraving",
    "gilded": "gilded",
}


def draw(name: str, size: int, seed: int = SEED) -> NDArray[np.uint8]:
    """The picture in style ``name``, sRGB bytes (size, size, 3)."""
    painter = importlib.import_module(f"drawing.{STYLES[name]}")
    picture = painter.draw(size, np.random.default_rng([seed, list(STYLES).index(name)]))
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode(picture: NDArray[np.uint8], limit: int = LIMIT) -> bytes:
    """The picture as JPEG, of the best quality that fits in ``limit`` bytes."""
    for quality in range(93, 40, -3):
        data = io.BytesIO()
        Image.fromarray(picture).save(
            data, "JPEG", quality=quality, optimize=True, progressive=True
        )
        if data.tell() <= limit:
            break
    return data.getvalue()


def save(name: str, out: Path, size: int, seed: int) -> str:
    start = time.perf_counter()
    data = encode(draw(name, size, seed))
    atomic_write(out / f"{name}.jpg", data)
    return f"{name}.jpg: {len(data) / 1000:.0f} kB, {time.perf_counter() - start:.1f} s"


def draw_all(names: Iterable[str], out: Path, size: int, seed: int, jobs: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs) as pool:
        for line in pool.map(partial(save, out=out, size=size, seed=seed), names):
            print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the pictures to")
    parser.add_argument("--size", type=int, default=704, help="side in pixels (default: 704)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pictures drawn at once")
    parser.add_argument("names", nargs="*", choices=[*STYLES, []], help="default: all of them")
    args = parser.parse_args()
    draw_all(args.names or STYLES, args.out, args.size, args.seed, args.jobs)


if __name__ == "__main__":
    main()
