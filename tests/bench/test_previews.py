"""Previews that do not mislead: quick methods rank ten styles as the final pictures do."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
import torch
from previews import STYLES, by_patches, by_places, ranks
from torch import Tensor

import gesso
from gesso import assets
from gesso.nn.pictures import read_image

FINALS = Path(__file__).parents[1] / "fixtures" / "previews"
"""The bundled town in ten bundled styles as `gesso stylize --size 192` paints it by default
(`matching`, from `python benchmarks/previews.py`), as JPEGs."""
CHANCE = (len(STYLES) + 1) / 2


@pytest.fixture(scope="module")
def finals() -> list[Tensor]:
    return [read_image(FINALS / f"{style}.jpg") for style in STYLES]


@pytest.mark.parametrize(
    ("name", "places", "patches"), [("meta_networks", 3.4, 2.3), ("adain", 1.8, 4.0)]
)
def test_the_right_final_picture_ranks_high(
    name: str, places: float, patches: float, finals: list[Tensor]
) -> None:
    method = gesso.load(name)
    photo = read_image(assets.CONTENTS / "town.jpg", size=192)[None]
    made = []
    for style in STYLES:
        made.append(gesso.Controls().stylizer(method, method.adapt(style))(photo)[0])
    assert fmean(ranks(made, finals, by_places)) <= places < CHANCE
    assert fmean(ranks(made, finals, by_patches)) <= patches < CHANCE


def test_a_picture_ranks_itself_first_and_the_most_unlike_last(finals: list[Tensor]) -> None:
    for measure in (by_places, by_patches):
        assert ranks(finals, finals, measure) == [1] * len(STYLES)
    red, blue = (torch.zeros(3, 24, 24).index_fill(0, torch.tensor(i), 1) for i in (0, 2))
    violet = 0.6 * red + 0.4 * blue
    assert ranks([violet, violet], [red, blue], by_places) == [1, 2]
