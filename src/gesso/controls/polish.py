"""Polish: a few steps of Gatys' descent (CVPR 2016) on the picture that a stylizer made.

A small network cannot draw all of a style's texture, least of all in a flat sky; a descent on the
pixels can, but takes long to move colours and large shapes. Begun with a network's picture (Gatys
from MetaStyle, Zhang et al. 2019), eight steps of it lower the objective by nearly a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.controls.options import MAX_STEPS
from gesso.encoders.base import Encoder
from gesso.errors import OptionError
from gesso.fitting.carry import carried, smaller
from gesso.fitting.picture import Descent, OnTerms, Start, optimise
from gesso.losses.objectives import Objective
from gesso.methods.base import Method, OnStep
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer

LR = 0.02  # of Adam; tried: 0.01 to 0.08, constant and falling
CHROMA = 0.25  # of that rate, for differences of colours: else they become coloured fringes
CALM = 0.02  # five steps of 8 bits: skies move at a third or less of the rate
BETAS = (0.85, 0.98)  # over so few steps a little better than the usual ones
DESCENT = Descent(lr=LR, coarse=0, betas=BETAS, mirror=True, chroma=CHROMA, shift=True, calm=CALM)
OBJECTIVE = Objective()
MAX_PIXELS = 1_000_000
"""Above this many pixels a smaller copy is polished, and what changed in it is carried over."""


def can_polish(method: Method, cards: Sequence[StyleCard]) -> bool:
    """Whether all cards keep Gram matrices, and of the method's encoder."""
    if any(card.grams is None for card in cards):
        return False
    identity = method.encoder.identity
    return all(card.grams is not None and card.grams.encoder == identity for card in cards)


def polished(stylizer: Stylizer, encoder: Encoder, card: StyleCard, steps: int) -> Stylizer:
    """A stylizer whose pictures are taken `steps` steps nearer to the card's style.

    Args:
        stylizer: what makes the pictures to begin with.
        encoder: the one that the card's Gram matrices were made with.
        card: with `grams`.
        steps: number of Adam's, from 0 to MAX_STEPS.

    Raises:
        OptionError: a card without Gram matrices, or with those of another encoder; a number of
            steps out of range.
    """
    check_steps(steps)
    if not steps:
        return stylizer
    target = _target(encoder, card)
    descent = replace(DESCENT, steps=steps)
    place = next(encoder.parameters()).device

    def descended(content: Tensor, start: Start, heard: OnTerms | None) -> Tensor:
        where = content.to(place)
        return optimise(where, start, encoder, OBJECTIVE, target, descent, heard)

    def one(content: Tensor, heard: OnTerms | None) -> Tensor:
        height, width = content.shape[-2:]
        if height * width <= MAX_PIXELS:
            return descended(content, stylizer, heard)
        picture = stylizer(content)
        before, photo = (smaller(image, MAX_PIXELS) for image in (picture, content))
        after = descended(photo, lambda _: before, heard)
        return carried(picture, before, after.to(before))

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        count = len(contents)
        rows = [one(c.unsqueeze(0), in_batch(on_step, i, count)) for i, c in enumerate(contents)]
        return torch.cat([row.to(contents.device) for row in rows])

    return Stylizer(run, why_none="optimises every picture")


def check_steps(steps: int) -> None:
    """Raises OptionError for a number of steps out of range."""
    if not 0 <= steps <= MAX_STEPS:
        raise OptionError("polish", f"{steps} steps; allowed are 0 to {MAX_STEPS}")


def _target(encoder: Encoder, card: StyleCard) -> Mapping[str, Tensor]:
    if card.grams is None:
        raise OptionError(
            "polish", "the card holds no Gram matrices of its style; adapt with grams keeps them"
        )
    if card.grams.encoder != encoder.identity:
        raise OptionError(
            "polish",
            f"the card's Gram matrices are of the encoder {card.grams.encoder[:12]}; the one "
            f"loaded is {encoder.name} {encoder.identity[:12]}",
        )
    place = next(encoder.parameters()).device
    return {level: matrix[None].to(place) for level, matrix in card.grams.matrices.items()}
