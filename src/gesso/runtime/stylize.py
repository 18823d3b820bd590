"""`gesso.stylize` where torch is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.controls.options import ControlOptions
from gesso.errors import NEEDS_TORCH, GessoError
from gesso.images.read import Photo, read_photo
from gesso.images.write import eight_bits, write_image
from gesso.runtime.exported import exported_look, is_exported
from gesso.runtime.looks import DEFAULT, AnyStyle, Paints


def stylize(
    photo: Any,
    style: Any,
    out: str | Path | None = None,
    *,
    method: str = DEFAULT,
    size: int | None = None,
    quality: int | None = None,
    strength: float = 1.0,
    **others: Any,
) -> NDArray[np.uint8]:
    """A photo in a style, in one pass, without torch: the pixels that `gesso stylize` writes.

    Args:
        photo: a picture: a path, bytes, a binary file, a Pillow picture or an array.
        style: a picture, the name of a bundled style, or what `gesso export` wrote of a card; a
            list of pictures is mixed.
        out: the file to write, too.
        method: meta_networks or adain.
        size: the longer side of the result in px; None: the photo's.
        quality: of the file.
        strength: 0 (the photo itself) to 1 (the style).

    Returns:
        (H, W, 3) uint8, or (H, W, 4) where the photo has transparency.

    Raises:
        GessoError: a picture that cannot be read or written, or another argument, which needs
            torch.
    """
    if others:
        raise GessoError(f"{', '.join(others)}: {NEEDS_TORCH}")
    look = look_of(style, method, ControlOptions(strength=strength))
    found: Photo = read_photo(photo, size=size)
    picture = replace(found, rgb=look(found.rgb))
    if out is not None:
        write_image(out, picture.rgb, alpha=picture.alpha, quality=quality)
    return eight_bits(picture.rgb, picture.alpha)


def look_of(style: Any, method: str, controls: ControlOptions) -> Paints:
    """The look of a style, or of several that are mixed."""
    path = Path(style) if isinstance(style, str | Path) else None
    if path is not None and is_exported(path):
        return exported_look(path, controls)
    styles: Sequence[Any] = style if isinstance(style, list | tuple) else [style]
    return AnyStyle(method).look(styles, controls=controls)
