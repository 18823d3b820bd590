"""The bundled decoder gives back what it is given as its own style."""

from __future__ import annotations

import math

import pytest

from gesso.assets import CONTENTS
from gesso.methods.registry import load
from gesso.nn.pictures import read_image


@pytest.mark.parametrize("name", ["cat", "coffee", "lake", "rocket", "astronaut"])
def test_a_photo_in_its_own_style_comes_back_at_22_db(name: str) -> None:
    photo = read_image(CONTENTS / f"{name}.jpg", size=384)
    method = load("adain")
    card = method.adapt(photo, style_size=max(photo.shape))
    again = method.stylizer(card)(photo.unsqueeze(0))[0]
    assert -10 * math.log10(float((again - photo).square().mean())) >= 22
