"""The terms beside matching: each is least where what it asks for is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gesso.errors import GessoError
from gesso.fitting.recolor import StyleColors
from gesso.fitting.terms import Terms, Weights
from gesso.fitting.vectors import Vectors
from tiny import pictures

PHOTO, STYLE, OTHER = pictures(3, 32, seed=9)


def columns(image: torch.Tensor) -> torch.Tensor:
    """(64, 48): the pixels of every cell, in the place of an encoder's features."""
    return image.unfold(1, 4, 4).unfold(2, 4, 4).permute(1, 2, 0, 3, 4).reshape(64, 48)


def value(image: torch.Tensor, weights: Weights, colors: bool = True) -> float:
    rows = columns(STYLE)[torch.randperm(64, generator=torch.Generator().manual_seed(1))]
    terms = Terms(
        weights,
        Vectors(rows, rows.mean(0)),
        StyleColors.of(STYLE, 400) if colors else None,
        torch.Generator().manual_seed(0),
        PHOTO[None],
    )
    drawn, seen = terms.drawn(image[None], 64), columns(image)
    some = slice(0) if drawn.columns is None else drawn.columns
    return float(terms(image[None], drawn, seen[some], columns(PHOTO)[some]))


@pytest.mark.parametrize("name", ["transport", "moments", "palette"])
def test_what_asks_for_the_style_is_least_at_the_style(name: str) -> None:
    weights = replace(Weights(), **{name: 1.0})
    assert value(STYLE, weights) < 0.6 * value(OTHER, weights)


@pytest.mark.parametrize("name", ["structure", "content"])
def test_what_asks_for_the_photo_is_nothing_at_the_photo(name: str) -> None:
    weights = replace(Weights(), **{name: 1.0})
    assert value(PHOTO, weights) < 1e-3 < value(OTHER, weights)


def test_content_asks_for_differences_of_colors_not_for_colors() -> None:
    weights = Weights(content=1.0)
    assert value(PHOTO + 0.2, weights) < 1e-3 < value(0.5 * PHOTO, weights)


def test_weights_multiply_and_nothing_asked_for_is_nothing() -> None:
    assert value(OTHER, Weights()) == 0
    one, three = (value(OTHER, Weights(transport=w, palette=w)) for w in (1.0, 3.0))
    assert three == pytest.approx(3 * one, rel=1e-4)


def test_a_palette_needs_the_styles_colors() -> None:
    with pytest.raises(GessoError, match="palette"):
        value(OTHER, Weights(palette=1.0), colors=False)
    value(OTHER, Weights(transport=1.0), colors=False)
