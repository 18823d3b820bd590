"""Rendered clips whose motion is known, and a look that flickers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from gesso import assets
from gesso.images.read import read_photo
from gesso.video.frames import Frame, Pixels

HEIGHT, WIDTH = 96, 128


def picture(name: str = "town") -> Pixels:
    photo = read_photo(assets.CONTENTS / f"{name}.jpg", size=400)
    return np.ascontiguousarray((photo.rgb.transpose(1, 2, 0) * 255).round().astype(np.uint8))


def view(source: Pixels, x: float, y: float, scale: float = 1.0) -> Pixels:
    """A window of the picture from (x, y), `scale` times as large as the picture."""
    matrix = np.float32([[1 / scale, 0, x], [0, 1 / scale, y]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(
        source, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(seen, np.uint8)


def numbered(pictures: Iterator[Pixels]) -> list[Frame]:
    return [Frame(rgb, Fraction(n, 25), n) for n, rgb in enumerate(pictures)]


def pan(count: int, name: str = "town", speed: float = 1.7) -> list[Frame]:
    """`speed` px a frame to the right, a third of it down."""
    source = picture(name)
    return numbered(view(source, 20 + speed * n, 30 + speed / 3 * n) for n in range(count))


def zoom(count: int, name: str = "town", speed: float = 0.01) -> list[Frame]:
    source = picture(name)
    scales = [1 + speed * n for n in range(count)]
    middle = [(200 - WIDTH / 2 / s, 120 - HEIGHT / 2 / s) for s in scales]
    places = zip(middle, scales, strict=True)
    return numbered(view(source, x, y, scale) for (x, y), scale in places)


def moving_object(count: int, speed: float = 3.0) -> tuple[list[Frame], list[Pixels]]:
    """A panning background with a picture of a cat before it, and where that is (255)."""
    source, thing = picture("town"), picture("cat")[100:140, 100:150]
    frames, places = [], []
    for n in range(count):
        rgb, where = view(source, 20 + n, 30), np.zeros((HEIGHT, WIDTH), np.uint8)
        left = round(5 + speed * n)
        rgb[30:70, left : left + 50] = thing
        where[30:70, left : left + 50] = 255
        frames.append(rgb)
        places.append(where)
    return numbered(iter(frames)), places


class Noisy:
    """The frame in inverted colours, with blotches of another place in every frame."""

    memory = 0

    def __init__(self, amount: float = 30.0) -> None:
        self.amount, self.resets = amount, 0

    def __call__(self, frame: Frame) -> Pixels:
        rng = np.random.default_rng(frame.index)
        noise = cv2.GaussianBlur(rng.normal(0, 1, frame.rgb.shape), (0, 0), 2)
        made = 255.0 - frame.rgb + self.amount * noise / noise.std()
        return np.clip(np.rint(made), 0, 255).astype(np.uint8)

    def reset(self) -> None:
        self.resets += 1
