"""A stylizer as what makes pictures of frames, and what a clip practises on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.images.read import Photo
from gesso.images.write import eight_bits
from gesso.pipeline.photos import finished
from gesso.pipeline.style_cards import MOST_PHOTOS, Contents
from gesso.stylizers.stylizer import Stylizer
from gesso.video.frames import Frame, Pixels
from gesso.video.source import Source


class Stylized:
    """A look that makes a picture of every frame by itself.

    Args:
        stylizer: what makes it.
        on_frame: is called before each.
    """

    memory = 0

    def __init__(self, stylizer: Stylizer, on_frame: Callable[[], None] | None = None) -> None:
        self.stylizer, self.on_frame = stylizer, on_frame

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8. Raises GessoError where memory does not
        suffice."""
        if self.on_frame is not None:
            self.on_frame()
        rgb = np.ascontiguousarray(frame.rgb.transpose(2, 0, 1)).astype(np.float32) / np.float32(
            255
        )
        made = finished(Photo(rgb), self.stylizer, f"frame {frame.index}")
        return eight_bits(made.rgb)

    def reset(self) -> None:
        """Forget all frames before: it remembers none."""


def practice(source: Source, most: int = MOST_PHOTOS) -> Contents:
    """What a style's card for a clip is practised on: frames spread evenly over it."""
    count = min(most, source.count)
    places = dict.fromkeys((2 * n + 1) * source.count // (2 * count) for n in range(count))
    found = [next(source.frames(place), None) for place in places]
    return Contents([frame.rgb for frame in found if frame is not None], most=most)


def identity(cards: Sequence[StyleCard], controls: Controls) -> str:
    """A hash of all that decides what a frame becomes: the cards' numbers and the controls."""
    seen = hashlib.sha256()
    for card in cards:
        seen.update(json.dumps([card.method, card.config, card.base], sort_keys=True).encode())
        for name, tensor in sorted(card.tensors.items()):
            seen.update(name.encode() + _bytes(tensor))
    for one in fields(controls):
        value = getattr(controls, one.name)
        seen.update(one.name.encode())
        if one.name == "masks":
            seen.update(b"".join(_bytes(mask) for mask in value))
        else:
            seen.update(repr(value).encode())
    return seen.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    numbers = tensor.detach().cpu().float().contiguous()
    return repr(tuple(numbers.shape)).encode() + numbers.numpy().tobytes()
