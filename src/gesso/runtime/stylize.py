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
from gesso.pipeline.presets import chosen
from gesso.pipeline.styles import holds_card
from gesso.runtime.drafts import PRESET, styles_of
from gesso.runtime.exported import exported_look, is_exported
from gesso.runtime.look import Paints
from gesso.runtime.styles import bundled_methods, drawn_methods, source_of


def stylize(
    photo: Any,
    style: Any,
    out: str | Path | None = None,
    *,
    method: str | None = None,
    preset: str | None = None,
    size: int | None = None,
    quality: int | None = None,
    strength: float | None = None,
    controls: ControlOptions | None = None,
    **others: Any,
) -> NDArray[np.uint8]:
    """A photo in a style, without torch: the pixels that `gesso stylize` writes.

    Args:
        photo: a picture: a path, bytes, a binary file, a Pillow picture or an array.
        style: a picture, the name of a bundled style, the file of a card of `method`, or what
            `gesso export` wrote of a card; a list of the former is mixed.
        out: the file to write, too.
        method: matching (of which the preset draft needs no torch), meta_networks or adain; None:
            that of cards, or matching.
        preset: draft; None is that, too, of matching.
        size: the longer side of the result in px; None: the photo's.
        quality: of the file.
        strength: 0 (the photo itself) to 1 (the style); goes before that of the controls.
        controls: `gesso.Controls`, without polish; masks are numbers (h, w) in [0, 1].

    Returns:
        (H, W, 3) uint8, or (H, W, 4) where the photo has transparency.

    Raises:
        GessoError: a picture that cannot be read or written, or another argument, which needs
            torch.
    """
    needs = [*(["preset"] if preset not in (None, PRESET) else []), *others]
    if needs:
        raise GessoError(f"{', '.join(needs)}: {NEEDS_TORCH}")
    how = controls or ControlOptions()
    if how.polish:
        raise GessoError(f"polish: {NEEDS_TORCH}")
    look = look_of(
        style, method, preset, how if strength is None else replace(how, strength=strength)
    )
    found: Photo = read_photo(photo, size=size)
    picture = replace(found, rgb=look(found.rgb))
    if out is not None:
        write_image(out, picture.rgb, alpha=picture.alpha, quality=quality)
    return eight_bits(picture.rgb, picture.alpha)


def look_of(style: Any, method: str | None, preset: str | None, controls: ControlOptions) -> Paints:
    """The look of a style, or of several that are mixed or have a region each."""
    path = Path(style) if isinstance(style, str | Path) else None
    if path is not None and is_exported(path):
        return exported_look(path, controls)
    given: Sequence[Any] = style if isinstance(style, list | tuple) else [style]
    styles = [source_of(one) for one in given]
    name = chosen(preset, method, styles, {}).method
    if any(map(holds_card, styles)) and name not in bundled_methods() + drawn_methods():
        raise GessoError(f"style: a card of {name} {NEEDS_TORCH}")
    return styles_of(name).look(styles, controls.weights, controls)
