"""Polishing by Gram matrices, which cards of version 0.1.0 keep: Gatys' descent on the pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.cards.blend import blend_tensors
from gesso.cards.card import StyleCard
from gesso.cards.grams import StyleGrams
from gesso.controls import polish
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.fitting.picture import BORDER_PX, SHIFTS
from gesso.losses.terms import gram_matrix, grams
from gesso.nn.checkpoint import load_file, save_file
from gesso.stylizers.stylizer import Stylizer
from tiny import pictures, tiny_encoder

STYLE = pictures(1, 64, seed=5)[0]
PHOTOS = pictures(2, 64, seed=6)
SAME = Stylizer(lambda contents, _: contents.clone())


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return tiny_encoder()


def card_of(encoder: Encoder, style: Tensor = STYLE) -> StyleCard:
    matrices = {level: gram[0] for level, gram in grams(encoder(style[None], LEVELS)).items()}
    return StyleCard("metastyle", {}, grams=StyleGrams(encoder.identity, matrices))


def objective(encoder: Encoder, photo: Tensor, picture: Tensor) -> float:
    """Content and style of (3, H, W) pictures, added up as the formulas say."""
    with torch.no_grad():
        seen, style, content = (
            encoder(image.unsqueeze(0), LEVELS) for image in (picture, STYLE, photo)
        )
    total = 0.0
    for level in LEVELS:
        wanted, found = gram_matrix(style[level]), gram_matrix(seen[level])
        total += float((found - wanted).square().sum() / wanted.square().sum())
    level = polish.OBJECTIVE.content_level
    away = (seen[level] - content[level]).square().sum() / content[level].square().sum()
    return total + float(away)


def test_every_step_goes_on_lowering_the_objective(encoder: Encoder) -> None:
    card = card_of(encoder)
    found = [
        objective(encoder, PHOTOS[0], polish.polished(SAME, encoder, card, steps)(PHOTOS)[0])
        for steps in (0, 5, 20)
    ]
    assert found[0] > 1.1 * found[1] and found[1] > 1.1 * found[2]


def test_of_a_large_picture_a_small_copy_is_polished(encoder: Encoder) -> None:
    photo = pictures(1, 64, seed=8)
    card = card_of(encoder)
    own = polish.polished(SAME, encoder, card, 10)(photo)
    seen: list[int] = []
    encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[-1]))
    carried = polish.polished(SAME, encoder, card, 10, most=48 * 48)(photo)
    assert carried.shape == photo.shape and max(seen) <= 48 + 2 * BORDER_PX + max(SHIFTS)
    before, exact, found = (objective(encoder, photo[0], x[0]) for x in (photo, own, carried))
    assert exact < before and found < before


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_calm_places_stay_calm(level: float, encoder: Encoder) -> None:
    photo = torch.full((1, 3, 64, 80), level)
    picture = polish.polished(SAME, encoder, card_of(encoder), 8)(photo)
    assert float((picture - photo).abs().max()) < 1 / 255
    photo[..., 24:40, :16] = PHOTOS[:1, :, 24:40, :16]
    change = (polish.polished(SAME, encoder, card_of(encoder), 8)(photo) - photo).abs()
    assert float(change[..., 40:].max()) < 1 / 255 < float(change[..., 24:40, :16].mean())


def test_every_step_sees_the_picture_moved_within_its_reflection(encoder: Encoder) -> None:
    seen: list[Tensor] = []
    with encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach())):
        polish.polished(SAME, encoder, card_of(encoder), 8)(PHOTOS[:1])
    places = []
    for number, view in enumerate(seen[1:17:2]):  # the photo, each followed by the picture
        view = view.flip(-1) if number % 2 else view
        down, right = (n - 64 - BORDER_PX for n in view.shape[-2:])
        assert torch.equal(view[..., down : down + 64, right : right + 64], PHOTOS[:1])
        assert min(down, right) >= BORDER_PX
        places.append((down % 8, right % 8))
    for axis in zip(*places, strict=True):
        assert sorted(axis) == list(range(8))


def test_a_card_keeps_gram_matrices(encoder: Encoder, tmp_path: Path) -> None:
    card = card_of(encoder)
    card.tensors["norm.gamma"] = torch.ones(3)
    assert card.grams is not None
    expected = grams(encoder(STYLE.unsqueeze(0), LEVELS))
    for level, matrix in card.grams.matrices.items():
        error = (matrix - expected[level][0]).norm() / expected[level].norm()
        assert float(error) < 0.02  # bfloat16's rounding
    for dtype, precision in (("float32", 1e-6), ("float16", 1e-3)):
        card.save(tmp_path / "a.safetensors", dtype)  # type: ignore[arg-type]
        found = StyleCard.load(tmp_path / "a.safetensors").grams
        assert found is not None and found.encoder == encoder.identity
        for level, matrix in card.grams.matrices.items():
            size = float(matrix.abs().max())
            assert float((found.matrices[level] - matrix).abs().max()) <= precision * size


def test_a_mixture_has_the_mixture_of_the_statistics(encoder: Encoder) -> None:
    one, other = card_of(encoder), card_of(encoder, PHOTOS[1])
    mixed = blend_tensors([one, other], [3, 1]).grams
    assert one.grams is not None and other.grams is not None and mixed is not None
    for level in LEVELS:
        expected = 0.75 * one.grams.matrices[level] + 0.25 * other.grams.matrices[level]
        torch.testing.assert_close(mixed.matrices[level], expected)
    assert blend_tensors([one, StyleCard("metastyle", {})], [1, 1]).grams is None
    stranger = StyleCard("metastyle", {}, grams=StyleGrams("other", other.grams.matrices))
    assert blend_tensors([one, stranger], [1, 1]).grams is None


@pytest.mark.parametrize(
    "damage",
    [
        {"levels": {}},
        {"levels": {"relu1_2": [4, 1.0]}},
        {"levels": {level: [10**9, 1.0] for level in LEVELS}},
        {"levels": {level: [4, -1.0] for level in LEVELS}},
        {"levels": {level: ["4", 1.0] for level in LEVELS}},
        {"encoder": 3},
        None,
    ],
)
def test_a_damaged_card_is_refused_in_one_line(
    damage: dict[str, Any] | None, encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    card_of(encoder).save(path)
    stored, header = load_file(path, kind="card")
    header["grams"] = None if damage is None else header["grams"] | damage
    save_file(path, stored, {k: v for k, v in header.items() if k not in ("format", "sha256")})
    with pytest.raises(GessoError, match=r"a\.safetensors: not a card gesso can read"):
        StyleCard.load(path)
