"""Polish: a few steps of Gatys' descent (CVPR 2016) on the picture that a stylizer made.

A small network cannot draw all of a style's texture, least of all in a flat sky; a descent on the
pixels can, but takes long to move colours and large shapes. Begun with a network's picture (Gatys
from MetaStyle, Zhang et al. 2019), eight steps of it lower the objective by nearly a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.cards.card import StyleCard
from gesso.cards.grams import StyleGrams
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.picture import Descent, optimise
from gesso.losses.objectives import LEVELS, Objective, grams
from gesso.methods.base import ImageLike, Method
from gesso.methods.inputs import as_image, enlarged
from gesso.nn.functional import compute_in, fast_dtype
from gesso.nn.pictures import resize

LR = 0.02  # of Adam; tried: 0.01 to 0.08, constant and falling
CHROMA = 0.25  # of that rate, for differences of colours: else they become coloured fringes
BETAS = (0.85, 0.98)  # over so few steps a little better than the usual ones
OBJECTIVE = Objective()
MAX_STEPS = 1000
MAX_PIXELS = 1_000_000
"""Above this many pixels a smaller copy is polished, and what changed in it is carried over."""

Stylize = Callable[[Tensor], Tensor]


@torch.no_grad()
def style_grams(encoder: Encoder, style: Tensor) -> StyleGrams:
    """The Gram matrices of a style (3, H, W) in [0, 1], as it is."""
    place = next(encoder.parameters()).device
    with compute_in(fast_dtype(place)):
        found = grams(encoder(style.unsqueeze(0).to(place), LEVELS))
    return StyleGrams(encoder.identity, {level: gram[0].cpu() for level, gram in found.items()})


def keep_grams(
    card: StyleCard, method: Method, style: ImageLike, size: int | None = None
) -> StyleCard:
    """Put the style's Gram matrices into its card, as the method's encoder sees them.

    Args:
        card: what the method's `adapt` made of the style; changed, and returned.
        style: a picture.
        size: its longer side in px while it is looked at; None: the method's style size.

    Raises:
        GessoError: a picture that cannot be read.
    """
    seen = resize(as_image(style), size or method.adapt_settings()["style_size"])
    card.grams = style_grams(method.encoder, enlarged(seen))
    return card


def polished(stylize: Stylize, encoder: Encoder, card: StyleCard, steps: int) -> Stylize:
    """A stylizer whose pictures are taken `steps` steps nearer to the card's style.

    Args:
        stylize: contents (B, 3, H, W) in [0, 1] → pictures of the same shape.
        encoder: the one that the card's Gram matrices were made with.
        card: with `grams`.
        steps: of Adam, from 0 to MAX_STEPS.

    Raises:
        GessoError: a card without Gram matrices, or with those of another encoder; a number of
            steps out of range.
    """
    check_steps(steps)
    if not steps:
        return stylize
    target = _target(encoder, card)
    descent = Descent(steps, LR, coarse=0, betas=BETAS, mirror=True, chroma=CHROMA)

    def one(content: Tensor) -> Tensor:
        place = next(encoder.parameters()).device
        height, width = content.shape[-2:]
        if height * width <= MAX_PIXELS:
            return optimise(content.to(place), stylize, encoder, OBJECTIVE, target, descent)
        picture = stylize(content)
        before, photo = (_smaller(image) for image in (picture, content))
        after = optimise(photo.to(place), lambda _: before, encoder, OBJECTIVE, target, descent)
        change = (after.to(before) - before).detach()
        change = F.interpolate(change, (height, width), mode="bicubic")
        return change.add_(picture).clamp_(0, 1)

    return lambda contents: torch.cat([one(c.unsqueeze(0)).to(contents.device) for c in contents])


def check_steps(steps: int) -> None:
    """Raises GessoError for a number of steps out of range."""
    if not 0 <= steps <= MAX_STEPS:
        raise GessoError(f"polish: {steps} steps; allowed are 0 to {MAX_STEPS}")


def _target(encoder: Encoder, card: StyleCard) -> Mapping[str, Tensor]:
    if card.grams is None:
        raise GessoError(
            "--polish: the card holds no Gram matrices of its style; gesso adapt --grams keeps them"
        )
    if card.grams.encoder != encoder.identity:
        raise GessoError(
            f"--polish: the card's Gram matrices are of the encoder {card.grams.encoder[:12]}; "
            f"the one loaded is {encoder.name} {encoder.identity[:12]}"
        )
    place = next(encoder.parameters()).device
    return {level: matrix[None].to(place) for level, matrix in card.grams.matrices.items()}


def _smaller(image: Tensor) -> Tensor:
    """(1, 3, H, W) at MAX_PIXELS or a little less; the ratio of sides kept."""
    scale = math.sqrt(MAX_PIXELS / (image.shape[-2] * image.shape[-1]))
    size = [max(1, int(n * scale)) for n in image.shape[-2:]]
    return F.interpolate(image, size, mode="bilinear", antialias=True)
