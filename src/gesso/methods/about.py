"""What a method says of itself, without torch: the command line, the bench, the documentation and
the contract tests are derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Needs:
    """What a method needs beside its weights.

    Attributes:
        levels: of the encoder; an encoder that lacks one is refused.
        deepest: the last level of VGG that is loaded; "" is the last of `levels`.
        encoder_to_run: whether a card is run with the encoder it was made with.
    """

    levels: tuple[str, ...]
    deepest: str = ""
    encoder_to_run: bool = False


@dataclass(frozen=True)
class About:
    """One method.

    Attributes:
        name: in Python, in files and on the command line.
        title: the method and its paper, such as "MetaStyle (Zhang et al., AAAI 2019)".
        summary: what it does, in one sentence.
        options: the frozen dataclass of what its `adapt` takes, declared as in `gesso.options`.
        training: that of what its training takes; None: it is not trained.
        weights: the bundled weights' name; None: it has none.
        kind: the kind that its weights' files call themselves.
        needs: see `Needs`.
        neutral: what the card that changes nothing depends on: the weights, or the content.
        blend: how cards mix: linear (the weighted mean of the tensors), its own way, or none.
        styles: how many styles one set of weights serves, in a word for tables.
        textures: how `Method.texture` makes one: white noise is stylized, or in its own way.
        tileable: whether its textures can be laid side by side without a seam.
        bank: the names of the styles that its weights hold.
        steps_on: whether the options' steps are taken for every style or on every picture.
        descends: whether these steps lower the very objective that `gesso bench` judges pictures
            by: other methods are compared with it.
        full_steps: the paper's steps, or those after which little changes, where the default is
            fewer; 0: the default.
        polish: steps of polish that a picture gets by default (`gesso.controls.polish`).
        color_share: how far colours go to the style's mean and covariance by default
            (`gesso.controls.palette`), from 0 to 1.
        paint_from: about the longer side in px of the smallest copy that is painted by default,
            before larger ones that begin with it; 0: pictures are painted at once.
        paint_pixels: above so many pixels a smaller copy is painted by default, and what changed is
            carried over (`gesso.controls.painting`), for time, memory or larger strokes.
        paint_bytes: about what a painted pixel takes while it is painted, measured in float32.
        tile_bytes: that of a photo which is painted in tiles, since it is too large for the memory;
            0: it is refused.
        version: goes up when the same options make another card: cached cards then lapse.
    """

    name: str
    title: str
    summary: str
    options: type
    needs: Needs
    training: type | None = None
    weights: str | None = None
    kind: str = "weights"
    neutral: Literal["weights", "content"] = "weights"
    blend: Literal["linear", "own", "none"] = "linear"
    styles: str = "∞"
    textures: Literal["stylized", "own"] = "stylized"
    tileable: bool = False
    bank: tuple[str, ...] = ()
    steps_on: Literal["style", "picture"] = "style"
    descends: bool = False
    full_steps: int = 0
    polish: int = 0
    color_share: float = 0.0
    paint_from: int = 0
    paint_pixels: int | None = None
    paint_bytes: int = 550
    tile_bytes: int = 0
    version: int = 1
