"""Photos → pictures by a card's stylizer: strength, and many files of which some may be bad.

Knows only Method, StyleCard and stylizer, so it serves every method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gesso.batch import Job
from gesso.card import StyleCard
from gesso.errors import GessoError
from gesso.files import shown
from gesso.image import MAX_PIXELS, read_photo, write_image
from gesso.methods.base import Method

Stylize = Callable[[Tensor], Tensor]
"""Contents (B, 3, H, W) in [0, 1] → pictures of the same shape."""


def apply_strength(method: Method, card: StyleCard, strength: float) -> Stylize:
    """The stylizer of a card at a strength from 0 (the photo itself) to 1 (the card's own).

    Two mixtures at once. The weights go from the neutral card's to the card's, which changes the
    strokes, not just their opacity. Where the method's neutral card is that of a content, every
    photo gets its own. But the neutral network (MetaStyle's start, say) does not give back the
    photo: it washes it out. So up to a strength of 1/2 the picture is mixed with the photo,
    in the share 2 · strength. A card that cannot be blended with the neutral one (of another
    start) is mixed in the picture alone, in the share strength.

    Raises:
        GessoError: a strength out of range, a card this method cannot run.
    """
    if not 0 <= strength <= 1:
        raise GessoError(f"strength: {strength} is out of range; allowed are 0 to 1")
    if strength == 0:
        return _unchanged
    stylize: Stylize = method.stylizer(card)
    if strength == 1:
        return stylize
    if not method.blends_with_neutral(card):
        return _mixed(stylize, strength)
    if method.neutral_of_content:
        stylize = _one_by_one(method, card, strength)
    else:
        neutral = method.neutral(like=card)
        stylize = method.stylizer(method.blend([neutral, card], [1 - strength, strength]))
    return _mixed(stylize, min(1.0, 2 * strength))


def _one_by_one(method: Method, card: StyleCard, strength: float) -> Stylize:
    def stylize(contents: Tensor) -> Tensor:
        pictures = []
        for content in contents:
            neutral = method.neutral(content, like=card)
            blend = method.blend([neutral, card], [1 - strength, strength])
            pictures.append(method.stylizer(blend)(content.unsqueeze(0)))
        return torch.cat(pictures)

    return stylize


def _unchanged(content: Tensor) -> Tensor:
    return content


def _mixed(stylize: Stylize, share: float) -> Stylize:
    def mixed(content: Tensor) -> Tensor:
        return torch.lerp(content, stylize(content), share)

    return mixed


@dataclass(frozen=True)
class Pictures:
    """How photos are read and results written: see `read_photo` and `write_image`."""

    size: int | None = None
    max_pixels: int = MAX_PIXELS
    quality: int | None = None
    keep_metadata: bool = False

    def stylize(self, job: Job, stylize: Stylize) -> None:
        """Read one photo, stylize it and write the result with the photo's transparency.

        Raises:
            GessoError: a photo that cannot be read, a result that cannot be written, or too
                little memory.
        """
        photo = read_photo(job.photo, size=self.size, max_pixels=self.max_pixels)
        try:
            picture = stylize(photo.rgb.unsqueeze(0))[0]
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "memory" in str(error).lower():
                size = " × ".join(str(n) for n in reversed(photo.rgb.shape[1:]))
                trouble = f"{size} px need more memory than there is; a smaller --size helps"
                raise GessoError(f"{shown(job.photo)}: {trouble}") from error
            raise
        metadata = photo.exif if self.keep_metadata else None
        write_image(job.out, picture, alpha=photo.alpha, quality=self.quality, metadata=metadata)


def stylize_all(
    jobs: Iterable[Job],
    stylize: Stylize,
    pictures: Pictures,
    on_job: Callable[[Job], None] | None = None,
) -> dict[Path, str]:
    """Do every job; those that fail are told at the end: photo → one line, in the jobs' order."""
    failures: dict[Path, str] = {}
    for job in jobs:
        try:
            pictures.stylize(job, stylize)
        except GessoError as error:
            failures[job.photo] = str(error)
        if on_job is not None:
            on_job(job)
    return failures


def noise(size_px: int, seed: int = 0) -> Tensor:
    """Gaussian white noise (3, size_px, size_px) around mid-grey: the content that shows a style's
    texture (Shen et al. 2018, figure 5)."""
    generator = torch.Generator().manual_seed(seed)
    return (0.5 + 0.25 * torch.randn(3, size_px, size_px, generator=generator)).clamp(0, 1)
