"""Polish: a few steps on the pixels of the picture that a stylizer made.

A small network cannot draw all of a style's texture, nor find all of its colours. The last pass of
matching (Kolkin et al. 2022) goes on from its picture towards the style's own feature vectors.
Cards of gesso 0.1 keep Gram matrices in their place; their pictures descend on Gatys' objective
(CVPR 2016; from a network's picture as in MetaStyle, Zhang et al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.cards.vectors import KeptVectors
from gesso.controls.options import MAX_STEPS
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import OptionError
from gesso.fitting.carry import carried, smaller
from gesso.fitting.kept import read_colors, read_rows, widths
from gesso.fitting.painting import finish
from gesso.fitting.picture import Descent, OnTerms, optimise
from gesso.fitting.pyramid import resized
from gesso.fitting.settings import Painting
from gesso.fitting.vectors import StyleVectors
from gesso.graphs.drawing import SMALLEST_PX
from gesso.losses.objectives import Objective
from gesso.methods.base import Method, OnStep
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.strips import Striped
from gesso.stylizers.begun import Begun
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer

# Matching only; eight steps of its rate, by looking at four pictures.
HOW = Painting(lr=4e-3, transport=0.0, moments=0.0, structure=0.0, outlines=0.0)
LR = 0.02  # of Adam, with Gram matrices; tried: 0.01 to 0.08, constant and falling
CHROMA = 0.25  # of that rate, for differences of colours: else they become coloured fringes
CALM = 0.02  # five steps of 8 bits: skies move at a third or less of the rate
BETAS = (0.85, 0.98)  # over so few steps a little better than the usual ones
BY_GRAMS = Descent(lr=LR, coarse=0, betas=BETAS, mirror=True, chroma=CHROMA, shift=True, calm=CALM)
OBJECTIVE = Objective()
MAX_PIXELS = 1_000_000  # of what is polished where nobody asks for more, for time


Nearer = Callable[[Tensor, Tensor, int, OnTerms | None], Tensor]
"""Takes a photo and its picture (1, 3, H, W), and so many steps, and reports; returns a picture
nearer to a style."""


def can_polish(method: Method, cards: Sequence[StyleCard]) -> bool:
    """Whether all cards keep vectors or Gram matrices, and of the method's encoder."""
    kept = [card.vectors or card.grams for card in cards]
    return all(one is not None and one.encoder == method.encoder.identity for one in kept)


def polished(
    stylizer: Stylizer,
    encoder: Encoder,
    card: StyleCard,
    steps: int,
    most: int | None = MAX_PIXELS,
) -> Stylizer:
    """A stylizer whose pictures are taken `steps` steps nearer to the card's style.

    Args:
        stylizer: what makes the pictures to begin with.
        encoder: the one that the card's vectors were seen with.
        card: with `vectors`, or with `grams`.
        steps: number of Adam's, from 0 to MAX_STEPS.
        most: of a picture of more pixels a smaller copy is polished, and what changed in it is
            carried over; None: every picture at its own size, in tiles where it does not fit.

    Raises:
        OptionError: a card that keeps neither, or those of another encoder; a number of steps out
            of range.
    """
    check_steps(steps)
    if not steps:
        return stylizer
    nearer = _nearer(encoder, card)

    def one(content: Tensor, heard: OnTerms | None) -> Tensor:
        picture = stylizer.striped(Striped.of(content)).whole()
        pixels = most or content.shape[-2] * content.shape[-1]
        before, photo = (smaller(image, pixels) for image in (picture, content))
        begun = Begun()
        after = begun.keep(nearer(photo, begun(before), begun.steps(steps), heard))
        return after if before is picture else carried(picture, before, after.to(before))

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        count = len(contents)
        rows = [one(c.unsqueeze(0), in_batch(on_step, i, count)) for i, c in enumerate(contents)]
        return torch.cat([row.to(contents.device) for row in rows])

    return Stylizer(run, why_none="optimises every picture")


def check_steps(steps: int) -> None:
    """Raises OptionError for a number of steps out of range."""
    if not 0 <= steps <= MAX_STEPS:
        raise OptionError("polish", f"{steps} steps; allowed are 0 to {MAX_STEPS}")


def _nearer(encoder: Encoder, card: StyleCard) -> Nearer:
    kept = card.vectors or card.grams
    if kept is None:
        raise OptionError(
            "polish",
            "the card keeps no vectors of its style; one adapted with vectors does",
        )
    if kept.encoder != encoder.identity:
        raise OptionError(
            "polish",
            f"what the card keeps of its style is of the encoder {kept.encoder[:12]}; the one "
            f"loaded is {encoder.name} {encoder.identity[:12]}",
        )
    if isinstance(kept, KeptVectors):
        return _by_matching(encoder, kept.tensors)
    return _by_grams(encoder, kept.matrices)


def _by_matching(encoder: Encoder, tensors: Mapping[str, Tensor]) -> Nearer:
    place = next(encoder.parameters()).device
    channels = widths(encoder, LEVELS, place)
    levels = {at: read_rows(tensors, f"level.{at}", channels[at], place) for at in LEVELS}
    style = StyleVectors({}, levels, read_colors(tensors, place))

    def nearer(photo: Tensor, picture: Tensor, steps: int, heard: OnTerms | None) -> Tensor:
        how = replace(HOW, final_steps=steps)

        def report(step: int, loss: float) -> None:
            if heard is not None:
                heard(step, steps, {"match": loss})

        height, width = (max(SMALLEST_PX, n) for n in picture.shape[-2:])
        with torch.inference_mode(False), torch.enable_grad(), compute_in(fast_dtype(place)):
            begun = resized(_ordinary(picture).to(place), height, width)
            return finish(begun, _ordinary(photo).to(place), style, encoder, how, report)

    return nearer


def _ordinary(image: Tensor) -> Tensor:
    """An image that gradients may be taken of, whatever it was made in."""
    return image.clone() if image.is_inference() else image


def _by_grams(encoder: Encoder, matrices: Mapping[str, Tensor]) -> Nearer:
    place = next(encoder.parameters()).device
    target = {level: matrix[None].to(place) for level, matrix in matrices.items()}

    def nearer(photo: Tensor, picture: Tensor, steps: int, heard: OnTerms | None) -> Tensor:
        descent = replace(BY_GRAMS, steps=steps)
        begun = picture.to(place)
        where = photo.to(place)
        return optimise(where, lambda _: begun, encoder, OBJECTIVE, target, descent, heard)

    return nearer
