"""What methods are given: pictures of any kind, a style at every size, contents to practise on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso import assets
from gesso.disk.atomic import sha256_file
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.images.styles import style_file
from gesso.images.write import thumbnail_bytes
from gesso.losses.matched import ForNetworks
from gesso.losses.terms import Features
from gesso.nn.masks import MaskLike, continued, fitted, part, places, read_style_mask
from gesso.nn.pictures import read_image, resize
from gesso.nn.precision import compute_in, fast_dtype

ImageLike = Any
"""A picture, as `gesso.read_image` takes them: a tensor (3, H, W) or (1, 3, H, W) in [0, 1], a
path, bytes, a binary file, a Pillow image or an array."""

SMALLEST_STYLE_PX = 64  # a smaller one is enlarged: the deepest level sees one pixel in eight


class Style:
    """The picture of a style, read once; its scaled copies and their features are kept.

    Where a mask is given, only the part where it is on is the style: pictures show that part,
    continued over the rest by reflection.

    Attributes:
        name: the file's name; "" for a picture that is no file.
        sha256: of the file's bytes; "" for a picture that is no file.
        picture: (3, H, W), no larger than it is used.
        mask: (H, W) bool: where the style is; None: everywhere.
    """

    def __init__(
        self,
        source: ImageLike,
        size: int,
        encoder: Encoder,
        place: torch.device,
        mask: MaskLike = None,
    ) -> None:
        """Reads `source`, a picture or the name of a bundled style; no use of it is larger than
        `size` px on its longer side.

        Raises:
            GessoError: a picture or mask that cannot be read, a mask that is off everywhere.
        """
        source = style_file(source) if isinstance(source, str | Path) else source
        is_file = isinstance(source, str | Path)
        self.name = Path(source).name if is_file else ""
        self.sha256 = sha256_file(source) if is_file else ""
        self.picture, self.mask = masked(source, size, mask)
        self.encoder, self.place = encoder, place
        self._sizes: dict[int, Tensor] = {}
        self._features: dict[int, dict[str, Tensor]] = {}

    def at(self, size: int) -> Tensor:
        """(3, h, w) with a longer side of `size` px, and a shorter one of at least
        SMALLEST_STYLE_PX, on the method's device."""
        if size not in self._sizes:
            self._sizes[size] = enlarged(resize(self.picture, size)).to(self.place)
        return self._sizes[size]

    @torch.no_grad()
    def features(self, size: int, levels: Sequence[str]) -> Features:
        """The encoder's features (1, C, h, w) of `at(size)` by level."""
        known = self._features.setdefault(size, {})
        if not known.keys() >= set(levels):
            with compute_in(fast_dtype(self.place)):
                known |= self.encoder(self.at(size).unsqueeze(0), levels)
        return {level: known[level] for level in levels}

    def of_part(self, size: int, levels: Sequence[str]) -> Features:
        """`features` at the n places where the mask is on, (1, C, 1, n); all without a mask."""
        return {level: part(x, self.mask) for level, x in self.features(size, levels).items()}

    def compared(self, objective: ForNetworks, size: int) -> dict[str, Tensor]:
        """What an objective compares pictures with, of `at(size)`."""

        def seen(times: int, levels: Sequence[str]) -> Features:
            return self.features(max(1, size // times), levels)

        return objective.of_style(seen)


def masked(source: ImageLike, size: int | None, mask: MaskLike) -> tuple[Tensor, Tensor | None]:
    """(3, H, W) of a picture, with a longer side of `size` px if given, of which only the part
    where a mask is on can be seen (`continued`); and where that is, (H, W) bool, or None where the
    mask is None or on everywhere.

    Raises:
        GessoError: a picture or mask that cannot be read, a mask that is off everywhere.
    """
    found = read_style_mask(mask)
    if found is None:
        return as_image(source, size), None
    image = as_image(source)
    share = places(fitted(found, *image.shape[1:]), *image.shape[1:]).to(image)[None]
    image = image * share  # so that scaling takes nothing across the edge
    if size is not None:
        image, share = resize(image, size), resize(share, size)
    on = places(share, *share.shape[1:])
    seen = (image / share.clamp(min=0.1)).clamp(0, 1)
    return continued(seen, on.cpu()), None if bool(on.all()) else on


def as_image(image: ImageLike, size: int | None = None) -> Tensor:
    """(3, H, W) of a picture, with a longer side of `size` px if given. Raises GessoError."""
    return read_image(image, size=size)


def enlarged(image: Tensor) -> Tensor:
    """At least SMALLEST_STYLE_PX on the shorter side, so that every level has pixels."""
    shorter = min(image.shape[-2:])
    if shorter >= SMALLEST_STYLE_PX:
        return image
    target = [max(SMALLEST_STYLE_PX, n) for n in image.shape[-2:]]
    return nn.functional.interpolate(image.unsqueeze(0), target, mode="bilinear")[0]


def practice_images(contents: Sequence[ImageLike] | None, size: int | None) -> list[Tensor]:
    """The contents (3, h, w) to practise on, scaled to a longer side of `size` px if given; the
    bundled set by default."""
    pictures: Sequence[ImageLike] = (
        sorted(assets.CONTENTS.glob("*.jpg")) if contents is None else contents
    )
    if not len(pictures):
        raise GessoError("contents: none given; at least one picture is needed")
    images = [as_image(picture) for picture in pictures]
    return [resize(image, size) if size else image for image in images]


def load_exactly(net: nn.Module, tensors: dict[str, Tensor], what: str) -> None:
    """Load tensors whose names and shapes have to be those of `net`.

    Raises:
        GessoError: they are not; `what` says where they came from.
    """
    expected = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if expected != found:
        wrong = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise GessoError(
            f"{what}: expected the {len(expected)} tensors of a network, found {len(found)}; "
            f"the first difference is {wrong}"
        )
    net.load_state_dict({name: value.float() for name, value in tensors.items()})


def thumbnail_within(image: Tensor, most_bytes: int) -> bytes | None:
    """The largest thumbnail of (3, H, W) that takes at most `most_bytes`; None if none does."""
    for side in (96, 64, 48, 32):
        thumbnail = thumbnail_bytes(image.cpu(), side)
        if len(thumbnail) <= most_bytes:
            return thumbnail
    return None
