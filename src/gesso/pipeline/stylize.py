"""`gesso.stylize`: one photo in a style, the very picture that the command line writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gesso.cards.cache import CardCache
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.images.write import eight_bits
from gesso.methods.base import OnStep
from gesso.methods.inputs import ImageLike
from gesso.methods.registry import about
from gesso.nn.masks import MaskLike
from gesso.options import changed
from gesso.pipeline.banks import bank_of
from gesso.pipeline.photos import Pictures
from gesso.pipeline.plan import Job, plan_one
from gesso.pipeline.presets import chosen
from gesso.pipeline.session import Session
from gesso.pipeline.style_cards import Contents, found_style, settled
from gesso.pipeline.styles import check_for_photos, holds_card

_NO_FILE = Path(os.devnull, "picture.png")  # its name is that of its result in a folder


def stylize(
    photo: ImageLike,
    style: ImageLike | StyleCard | Sequence[Any],
    out: str | Path | None = None,
    *,
    method: str | None = None,
    preset: str | None = None,
    size: int | None = None,
    controls: Controls | None = None,
    style_masks: Sequence[MaskLike] = (),
    cache: bool = True,
    contents: str | Path | None = None,
    encoder: str | Path = "compact",
    weights: str | Path | None = None,
    device: str | None = None,
    quality: int | None = None,
    keep_metadata: bool = False,
    on_step: OnStep | None = None,
    **options: Any,
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A photo in a style: the pixels that `gesso stylize` writes with the same options.

    Args:
        photo: a picture: a path, bytes, a binary file, a PIL picture, an array or a tensor.
        style: a picture, the name of a bundled style or of one in the bank of `weights`, a
            StyleCard or a card's file; a list of them is mixed.
        out: the file to write, too; its folder exists.
        method: a method's name; by default the card's, or matching.
        preset: draft, balanced or best: time for quality (`gesso.pipeline.presets`).
        size: the longer side of the result in px; None: the photo's.
        controls: see `gesso.Controls`; what is said there goes before the preset's.
        style_masks: none, or one for each style: only the part where it is on is the style. A
            picture, numbers (h, w) in [0, 1] of any size, or None for all of the style.
        cache: keep and reuse the cards of styles.
        contents: a folder of pictures to practise on, or "bundled": a card of the bundled contents
            serves any photo; None: the photo.
        encoder, weights, device: as for `gesso.load`.
        quality, keep_metadata: of the file, as for `gesso.write_image`.
        on_step: is given the steps of adaptations and of polish.
        options: the method's own, such as steps=100; they go before the preset's. With cards only
            those of pictures, such as alpha=0.4.

    Returns:
        (H, W, 3) uint8, or (H, W, 4) where the photo has transparency.

    Raises:
        GessoError: a picture that cannot be read or written, an option that makes no sense.
    """
    bank = bank_of(weights)
    given = style if isinstance(style, list | tuple) else [style]
    styles = [found_style(one, bank) for one in given]
    photo = settled(photo)
    job = None if out is None else _job(photo, [*styles, *style_masks], out)
    ours = chosen(preset, method, styles, options)
    only_cards = all(map(holds_card, styles))
    polish = controls.polish if controls is not None else None
    session = Session(
        ours.method,
        changed(about(ours.method).options(), ours.options),
        retouch={**ours.retouch, **(options if only_cards else {})},
        defaults=ours.controls,
        encoder=encoder,
        weights=weights,
        device=device,
        cache=CardCache() if cache else None,
        contents=None if contents is None else Contents.named(contents, size),
        vectors=None if polish is None else polish > 0,
    )
    check_for_photos(styles, session.options)
    picture = session.stylize(
        photo, styles, controls, style_masks=style_masks, size=size, on_step=on_step
    )
    if job is not None:
        Pictures(quality=quality, keep_metadata=keep_metadata).write(picture, job)
    return eight_bits(picture.rgb, picture.alpha)


def _job(photo: ImageLike, styles: Sequence[Any], out: str | Path) -> Job:
    """What file to write. Raises GessoError where it cannot be, or is one of the inputs."""
    files = [Path(given) for given in (photo, *styles) if isinstance(given, str | Path)]
    return plan_one(photo if isinstance(photo, str | Path) else _NO_FILE, out, files)
