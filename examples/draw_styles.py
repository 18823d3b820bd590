"""Draw the styles: pictures in 32 manners, by nothing but code.

Run ``python examples/draw_styles.py --out examples/styles`` for the ten large ones of the demo, and
``python examples/draw_styles.py --out src/gesso/assets/styles --bundled`` for the other 22, at 512
px. The same seed and size draw the same pixels again.
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

BUNDLED_SIZE, BUNDLED_LIMIT = 512, 52_000  # of one that is drawn for the package as it is

# The function of `drawing` that draws each style, draw(size, rng) -> picture, and the number that
# sets its chances.
STYLES = {
    "mosaic": ("mosaic.draw", 0),
    "stained-glass": ("stained_glass.draw", 1),
    "linocut": ("linocut.draw", 2),
    "impasto": ("impasto.draw", 3),
    "pointillism": ("pointillism.draw", 4),
    "watercolour": ("watercolour.draw", 5),
    "ukiyo-e": ("ukiyo_e.draw", 6),
    "cubism": ("cubism.draw", 7),
    "engraving": ("engraving.draw", 8),
    "gilded": ("gilded.draw", 9),
}
BUNDLED = {
    "art-deco": ("prints.art_deco", 8),
    "azulejo": ("crafts.azulejo", 7),
    "batik": ("prints.batik", 5),
    "bauhaus": ("prints.bauhaus", 7),
    "charcoal": ("inks.charcoal", 8),
    "crayon": ("paints.crayon", 6),
    "cyanotype": ("prints.cyanotype", 9),
    "embroidery": ("crafts.embroidery", 10),
    "fresco": ("paints.fresco", 6),
    "gouache": ("paints.gouache", 7),
    "kintsugi": ("crafts.kintsugi", 8),
    "marbled": ("crafts.marbled", 7),
    "neon": ("crafts.neon", 4),
    "papercut": ("crafts.papercut", 8),
    "pastel": ("paints.pastel", 6),
    "pencil": ("inks.pencil", 6),
    "pop-art": ("prints.pop_art", 7),
    "quilt": ("crafts.quilt", 5),
    "risograph": ("prints.risograph", 9),
    "sumi-e": ("inks.sumi_e", 6),
    "tapestry": ("crafts.tapestry", 8),
    "wheatfield": ("paints.wheatfield", 10),
}


def draw(name: str, size: int, seed: int = SEED) -> NDArray[np.uint8]:
    """The picture in style ``name``, sRGB bytes (size, size, 3)."""
    painter, number = (STYLES | BUNDLED)[name]
    module, _, function = painter.partition(".")
    draws = getattr(importlib.import_module(f"drawing.{module}"), function)
    picture = draws(size, np.random.default_rng([seed, number]))
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode(picture: NDArray[np.uint8], limit: int = LIMIT) -> bytes:
    """The picture as JPEG, of the best quality that fits in ``limit`` bytes."""
    for quality in range(93, 30, -3):
        data = io.BytesIO()
        Image.fromarray(picture).save(
            data, "JPEG", quality=quality, optimize=True, progressive=True
        )
        if data.tell() <= limit:
            break
    return data.getvalue()


def save(name: str, out: Path, size: int, seed: int) -> str:
    start = time.perf_counter()
    limit = BUNDLED_LIMIT if name in BUNDLED and size == BUNDLED_SIZE else LIMIT
    data = encode(draw(name, size, seed), limit)
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
    parser.add_argument("--size", type=int, help="side in pixels (default: 704; bundled: 512)")
    parser.add_argument("--bundled", action="store_true", help="those drawn for the package")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pictures drawn at once")
    parser.add_argument("names", nargs="*", help="default: all of them")
    args = parser.parse_args()
    known = BUNDLED if args.bundled else STYLES
    if unknown := sorted(set(args.names) - known.keys()):
        parser.error(f"{', '.join(unknown)}: unknown; there are {', '.join(known)}")
    size = args.size or (BUNDLED_SIZE if args.bundled else 704)
    draw_all(args.names or known, args.out, size, args.seed, args.jobs)


if __name__ == "__main__":
    main()
