"""What each part of matching costs: floating-point operations and milliseconds, in one run.

    python benchmarks/matching.py --size 512
    python benchmarks/matching.py --size 256 --encoder vgg19.safetensors

A step of the finest scale and one of the last pass are taken apart; what is done once for a scale
(the search) and once for a picture (the colours) stands beside them. Operations are those of
convolutions and matrix products, as torch counts them: a multiplication and an addition are two.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils.flop_counter import FlopCounterMode

from gesso.assets import CONTENTS, STYLES
from gesso.bench.store import Row, machine_class, write_csv
from gesso.bench.table import markdown
from gesso.encoders import load_encoder
from gesso.fitting.adam import Adam
from gesso.fitting.apart import Apart
from gesso.fitting.pyramid import bands, summed
from gesso.fitting.recolor import recolored
from gesso.fitting.settings import Painting
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.methods.matching.method import Matching
from gesso.methods.matching.reading import read
from gesso.nn.pictures import read_image
from gesso.nn.precision import compute_in, fast_dtype

RESULTS = Path(__file__).parent / "results"
PHOTO, STYLE = "coffee.jpg", "impasto.jpg"


class Parts:
    """Parts of the work: each is run `repeats` times after a first run, and once more counted."""

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats
        self.rows: list[Row] = []

    def measure(
        self,
        often: str,
        part: str,
        work: Callable[..., object],
        given: Callable[[], object] = lambda: None,
    ) -> None:
        """Measures `work` of what `given` makes anew for each run, which is not measured; `often`
        says how often a picture needs it."""
        seconds = []
        for _ in range(self.repeats + 1):
            what = given()
            begun = time.perf_counter()
            work(what)
            seconds.append(time.perf_counter() - begun)
        what = given()
        with FlopCounterMode(display=False) as counter:
            work(what)
        flops, ms = counter.get_total_flops() / 1e9, 1000 * median(seconds[1:])
        self.rows.append({"how often": often, "part": part, "GFLOP": flops, "ms": ms})


def measured(method: Matching, size: int, repeats: int) -> list[Row]:
    """The rows of the table for a square picture of `size` px."""
    photo = _square(read_image(CONTENTS / PHOTO), size)
    card = method.adapt(_square(read_image(STYLES / STYLE), size)[0], style_size=size)
    style, encoder = read(card, method.encoder, method.place)
    levels, vectors = list(style.levels), style.at(size)
    bands_of_it = [Parameter(band) for band in bands(photo)]
    optimizer, how, parts = Adam([(bands_of_it, 4e-3)]), Painting(), Parts(repeats)
    last = Apart(style, encoder, how.weights, how.seed, photo)

    def picture(_: object = None) -> Tensor:
        return summed(bands_of_it)

    def encoded(image: Tensor) -> Tensor:
        return hypercolumns(encoder(image, levels), *cells(photo))[0]

    def matched(columns: Tensor) -> Tensor:
        return cosine_distance(columns, target)

    def searched(columns: Tensor) -> Tensor:
        return nearest(columns, vectors.rows, vectors.mean, fast_dtype())

    def backward(loss: Tensor) -> None:
        found = torch.autograd.grad(loss, bands_of_it)
        for part, gradient in zip(bands_of_it, found, strict=True):
            part.grad = gradient

    with torch.no_grad():
        query = encoded(photo)
        target = vectors.rows[searched(query)]
    step, final = "a step", "a step of the last pass"
    parts.measure("a scale", "search", searched, lambda: query)
    parts.measure(step, "picture from its bands", picture)
    parts.measure(step, "encode, to hypercolumns", encoded, picture)
    parts.measure(step, "loss of the gathered vectors", matched, lambda: encoded(picture()))
    parts.measure(step, "backward", backward, lambda: matched(encoded(picture())))
    parts.measure(step, "Adam", lambda _: optimizer.step())
    parts.measure(final, "encode, search and loss", last, picture)
    parts.measure(final, "backward", backward, lambda: last(picture()))
    with torch.no_grad():
        whole, colors = picture(), style.colors
        assert colors is not None  # a card just made has them
        parts.measure("a picture", "colours", lambda _: recolored(whole, photo, colors, "own"))
    return parts.rows


def _square(image: Tensor, size: int) -> Tensor:
    return torch.nn.functional.interpolate(
        image[None], (size, size), mode="bilinear", antialias=True
    )


def main() -> None:
    """Measure, print the table and write it into the results' folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--encoder", default="compact")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with compute_in(fast_dtype()):
        method = Matching(load_encoder(args.encoder))
        rows = measured(method, args.size, args.repeats)
    name = method.encoder.name
    print(f"matching, {name}, {args.size} px, {machine_class()}\n")
    print(markdown(rows))
    write_csv(RESULTS / f"matching-{name}-{args.size}-{machine_class()}.csv", rows)


if __name__ == "__main__":
    main()
