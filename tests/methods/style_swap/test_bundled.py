"""The bundled inverse network gives back what is not swapped, and keeps a painting's colours."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gesso.assets import CONTENTS, STYLES
from gesso.methods.registry import load
from gesso.methods.style_swap.method import StyleSwap
from gesso.nn.pictures import read_image


@pytest.fixture(scope="module")
def method() -> StyleSwap:
    found = load("style_swap")
    assert isinstance(found, StyleSwap)
    return found


@pytest.mark.parametrize("name", ["cat", "coffee", "lake", "rocket", "astronaut"])
def test_a_photo_without_patches_comes_back_at_20_db(method: StyleSwap, name: str) -> None:
    photo = read_image(CONTENTS / f"{name}.jpg", size=256)
    again = method.stylizer(method.neutral())(photo[None])[0]
    assert -10 * math.log10(float((again - photo).square().mean())) >= 20


def test_a_picture_is_nearer_to_the_painting_than_the_photo_is(method: StyleSwap) -> None:
    photo, style = read_image(CONTENTS / "lake.jpg", size=192), STYLES / "stained-glass.jpg"
    card = method.adapt(style, style_size=192)
    pictures = [photo, method.stylizer(card)(photo[None])[0]]
    pictures.append(
        method.stylizer(replace(card, config={**card.config, "alpha": 0.5}))(photo[None])[0]
    )
    colors = [x.mean((1, 2)) for x in (read_image(style), *pictures)]
    away = [float((colors[0] - color).norm()) for color in colors[1:]]
    assert away[1] < away[2] < away[0]
