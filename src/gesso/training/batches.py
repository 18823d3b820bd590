"""Folders and tar shards of images as training batches that depend only on (seed, step).

    contents = ImageSource("photos/")                    # flat, nested, or .tar shards
    batches = Batches(contents, 8, crop=256, seed=0)
    images = batches.batch(step=0)                       # (8, 3, 256, 256), RGB in [0, 1]

No state is kept between steps: a resumed run, another number of workers or of processes sees
exactly the same images.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gesso.errors import GessoError
from gesso.training.source import ImageSource

STYLE_STREAM = 2  # styles are drawn from it, contents from 0, and a second draw of contents from 1

T = TypeVar("T")


class MakeBatch(Protocol):
    """The named tensors which process `rank` of `world` needs for `step`; a pure function."""

    def __call__(self, step: int, rank: int = 0, world: int = 1, /) -> dict[str, Tensor]: ...


class Batches:
    """Random crops of a source as batches (B, 3, crop, crop), float32, RGB in [0, 1].

    Order: every epoch is a fresh permutation by (seed, stream, epoch), cut into whole batches (the
    remainder sits out that epoch), so no image comes twice in a batch unless the source has fewer
    than `batch_size`. Crops: the shorter side is resized to a random length in
    [resize_min, resize_max], then a random square of side `crop` is taken and mirrored with
    probability 1/2 if `flip`; all of it drawn by (seed, stream, step, position).

    A broken image is replaced by the one at the same position in the next batch of the epoch
    (cyclically), and so on: independent of workers and processes, and never doubled in a batch
    while a readable one is left at that position.

    `stream` separates several draws from one seed (support, query, styles). Sampling is safe to
    call from many threads.
    """

    def __init__(
        self,
        source: ImageSource,
        batch_size: int,
        *,
        crop: int = 256,
        resize_min: int | None = None,
        resize_max: int | None = None,
        flip: bool = True,
        seed: int = 0,
        stream: int = 0,
    ) -> None:
        self.source, self.batch_size, self.crop, self.flip = source, batch_size, crop, flip
        self.resize_min = crop if resize_min is None else resize_min
        self.resize_max = self.resize_min if resize_max is None else resize_max
        if batch_size < 1 or crop < 1:
            raise GessoError(f"batch size {batch_size} and crop {crop} must be at least 1")
        if not crop <= self.resize_min <= self.resize_max:
            sizes = f"{self.resize_min}..{self.resize_max}"
            raise GessoError(f"resize {sizes}: must be ascending and at least the crop, {crop}")
        self.seed, self.stream = seed, stream
        self._order = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, self.stream, epoch])
        n = len(self.source)
        repeats = -(-self.batch_size // n)  # more than one only when a batch exceeds the source
        order = np.concatenate([rng.permutation(n) for _ in range(repeats)])
        return order[: len(order) // self.batch_size * self.batch_size]

    def candidates(self, step: int, position: int) -> Iterator[int]:
        """Indices for one position of a batch: the image itself, then its replacements."""
        per_epoch = max(1, len(self.source) // self.batch_size)
        epoch, batch = divmod(step, per_epoch)
        order = self._order(epoch)
        for k in range(per_epoch):
            yield int(order[(batch + k) % per_epoch * self.batch_size + position])
        yield from (int(index) for index in order)  # doubles only when all of these are broken
        yield from range(len(self.source))

    def batch(self, step: int, rank: int = 0, world: int = 1) -> Tensor:
        """Batch `step`, or the part of it which process `rank` of `world` gets, in order."""
        if self.batch_size % world:
            raise GessoError(
                f"batch size {self.batch_size}: must be a multiple of the {world} processes"
            )
        share = self.batch_size // world
        positions = range(rank * share, (rank + 1) * share)
        pixels = np.stack([self._sample(step, position) for position in positions])
        planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return torch.from_numpy(planes.astype(np.float32) / np.float32(255))

    def _sample(self, step: int, position: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, self.stream, step, position])
        shorter = int(rng.integers(self.resize_min, self.resize_max + 1))
        u, v, mirrored = rng.random(), rng.random(), self.flip and rng.random() < 0.5
        for index in self.candidates(step, position):
            image = self.source.load(index, shorter)
            if image is not None:
                return _crop(image, shorter, self.crop, u, v, mirrored)
        raise GessoError(f"{self.source.path}: none of its {len(self.source)} images is readable")


def _crop(
    image: Image.Image, shorter: int, crop: int, u: float, v: float, mirrored: bool
) -> np.ndarray:
    """Resize and crop in one antialiased resampling of the wanted square: (crop, crop, 3) bytes."""
    side = min(image.size) * crop / shorter
    left, top = u * (image.width - side), v * (image.height - side)
    box = (left, top, min(left + side, image.width), min(top + side, image.height))
    image = image.resize((crop, crop), Image.Resampling.BICUBIC, box=box)
    pixels = np.asarray(image)
    return pixels[:, ::-1] if mirrored else pixels


def image_batches(batches: Batches) -> MakeBatch:
    """{"images": (B / world, 3, h, w)}: each process gets its part of every batch."""

    def make(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {"images": batches.batch(step, rank, world)}

    return make


def meta_batches(
    contents: ImageSource,
    styles: ImageSource,
    *,
    content_batch: int = 4,
    style_batch: int = 4,
    crop: int = 256,
    style_crop: int | None = None,
    resize_max: int | None = None,
    seed: int = 0,
) -> MakeBatch:
    """Draws for a bilevel step: one content batch shared by all inner steps, one by all outer
    losses, and the styles.

    {"contents_support", "contents_query": (content_batch, 3, crop, crop),
    "styles": (style_batch / world, 3, style_crop, style_crop)}: styles are divided among the
    processes, every process gets all contents, so the mean over processes is the mean over styles.
    """
    support, query = (
        Batches(contents, content_batch, crop=crop, resize_max=resize_max, seed=seed, stream=n)
        for n in (0, 1)
    )
    # A style's statistics are better known from a larger crop, and it is encoded only once.
    side = style_crop or crop
    style = Batches(styles, style_batch, crop=side, flip=False, seed=seed, stream=STYLE_STREAM)

    def make(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {
            "contents_support": support.batch(step),
            "contents_query": query.batch(step),
            "styles": style.batch(step, rank, world),
        }

    return make


def style_batches(contents: Batches, styles: Batches, repeats: int) -> MakeBatch:
    """Draws of pairs: the same styles for `repeats` steps, new contents every step.
    `contents.batch_size` must be a multiple of `styles.batch_size`.

    {"contents": (C / world, 3, h, w), "styles": (S / world, 3, h', w')}: style i goes with the
    i-th of S equal runs of contents. Several styles are divided among the processes together with
    their contents; with a single style every process gets some of the contents.
    """
    count, total = styles.batch_size, contents.batch_size
    if repeats < 1 or total % count:
        raise GessoError(
            f"{total} contents for {count} styles, kept for {repeats} steps: allowed are a "
            "multiple of the styles, and at least 1 step"
        )

    def make(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        share = (rank, world) if count > 1 else (0, 1)
        return {
            "contents": contents.batch(step, rank, world),
            "styles": styles.batch(step // repeats, *share),
        }

    return make


def prefetch(make: Callable[[int], T], start: int, stop: int, workers: int) -> Generator[T]:
    """make(start), …, make(stop − 1) in order, computed ahead by `workers` threads.

    `make` must be a pure function of its step and safe to call from threads; then any number of
    workers, 0 included, gives the same values.
    """
    if workers == 0:
        yield from map(make, range(start, stop))
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="gesso-data")
    steps = iter(range(start, stop))
    ahead: deque[Future[T]] = deque()
    try:
        for step in steps:
            ahead.append(pool.submit(make, step))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
