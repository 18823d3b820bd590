"""Matching with an encoder that has the paper's ten layers: VGG-19 with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import nearest
from gesso.methods.matching.method import Matching
from gesso.methods.matching.reading import read
from gesso.methods.matching.room import PAPER_LEVELS
from tiny import pictures, random_vgg

STYLE = pictures(1, 64, seed=5)[0]
PHOTO = pictures(1, 64, seed=6)


@pytest.fixture(scope="module")
def method() -> Matching:
    return Matching(random_vgg())


@pytest.fixture(scope="module")
def card(method: Matching) -> StyleCard:
    return method.adapt(STYLE, style_size=64, alpha=0.2, fine_steps=10, half_steps=0, final_steps=2)


def whole(method: Matching, image: torch.Tensor) -> torch.Tensor:
    """Centred hypercolumns of all 2,688 numbers, every level brought to the same size."""
    with torch.no_grad():
        found = method.encoder(image, PAPER_LEVELS)
    found = {k: f / f.square().sum(1).mean().sqrt() * f.shape[1] ** 0.5 for k, f in found.items()}
    columns = hypercolumns(found, *cells(image))[0]
    return columns - columns.mean(0)


def test_all_ten_layers_are_matched(card: StyleCard) -> None:
    assert {f"level.{level}" for level in PAPER_LEVELS} <= card.tensors.keys()


def test_reduced_vectors_find_neighbours_as_good_as_whole_ones(
    method: Matching, card: StyleCard
) -> None:
    query, style = whole(method, PHOTO), whole(method, STYLE[None])
    best = F.cosine_similarity(query, style[nearest(query, style)], dim=1)
    _, encoder = read(card, method.encoder, method.place)
    with torch.no_grad():
        a, b = (hypercolumns(encoder(x, PAPER_LEVELS), *cells(x))[0] for x in (PHOTO, STYLE[None]))
    found = F.cosine_similarity(query, style[nearest(a, b)], dim=1)
    assert float((best - found).mean()) < 0.03


def test_the_picture_comes_nearer_to_the_styles_vectors(method: Matching, card: StyleCard) -> None:
    style = whole(method, STYLE[None])

    def away(picture: torch.Tensor) -> float:
        query = whole(method, picture)
        near = style[nearest(query, style)]
        return float((1 - F.cosine_similarity(query, near, dim=1)).mean())

    assert away(method.stylizer(card)(PHOTO)) < 0.9 * away(PHOTO)


def test_a_card_takes_at_most_a_megabyte_and_a_half(method: Matching, tmp_path: Path) -> None:
    wide = F.interpolate(STYLE[None], (64, 512), mode="bilinear")[0]
    method.adapt(wide).save(tmp_path / "card.safetensors")
    assert (tmp_path / "card.safetensors").stat().st_size <= 1_500_000


def test_mixed_cards_share_one_space_and_keep_every_angle(
    method: Matching, card: StyleCard
) -> None:
    other = method.adapt(
        1 - STYLE, style_size=64, alpha=0.2, fine_steps=10, half_steps=0, final_steps=2
    )
    mixed = method.blend([card, other], [1, 1])
    for level in PAPER_LEVELS:
        own = [F.normalize(c.tensors[f"level.{level}"][:9], dim=1) for c in (card, mixed)]
        torch.testing.assert_close(own[1] @ own[1].T, own[0] @ own[0].T, atol=0.02, rtol=0)
    assert torch.isfinite(method.stylizer(mixed)(PHOTO)).all()


def test_a_card_without_its_directions_is_refused(method: Matching, card: StyleCard) -> None:
    for name in ("directions.relu2_1", "scales"):
        tensors = {k: v for k, v in card.tensors.items() if k != name}
        with pytest.raises(GessoError, match=name):
            method.stylizer(StyleCard("matching", tensors, card.config))
