"""Polishing: the last pass of matching from a stylizer's picture, and the vectors cards keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gesso
from gesso.cards.blend import blend_tensors
from gesso.cards.card import StyleCard
from gesso.cards.vectors import KeptVectors
from gesso.controls import polish
from gesso.controls.controls import Controls
from gesso.controls.painting import with_ground
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.fitting.apart import SHIFT_PX
from gesso.fitting.kept import kept_for_polish
from gesso.losses.matching import cosine_distance, nearest
from gesso.methods.base import AdaptStep, Method
from gesso.nn.checkpoint import load_file, save_file
from gesso.stylizers.stylizer import Stylizer
from tiny import pictures, quick, tiny_encoder
from tiny_files import TinyFiles

STYLE = pictures(1, 64, seed=5)[0]
PHOTOS = pictures(2, 64, seed=6)
SAME = Stylizer(lambda contents, _: contents.clone())


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return tiny_encoder()


@pytest.fixture(params=gesso.list_methods())
def method(request: pytest.FixtureRequest, tiny_weights: TinyFiles) -> Method:
    return gesso.load(request.param)


def vectors_of(encoder: Encoder, style: Tensor = STYLE) -> KeptVectors[Tensor]:
    return KeptVectors(encoder.identity, kept_for_polish(encoder(style[None], LEVELS), style))


def card_of(encoder: Encoder, style: Tensor = STYLE) -> StyleCard:
    return StyleCard("metastyle", {}, vectors=vectors_of(encoder, style))


def foreign_encoder() -> Encoder:
    other = tiny_encoder(seed=3)
    other.identity = "ab" * 32
    return other


def distance(encoder: Encoder, picture: Tensor, style: Tensor = STYLE) -> float:
    """How far the vectors of a picture (3, H, W) are from the style's nearest, over levels."""
    with torch.no_grad():
        seen, wanted = (encoder(image[None], LEVELS) for image in (picture, style))
    total = 0.0
    for level in LEVELS:
        rows, others = (found[level].float()[0].flatten(1).T for found in (seen, wanted))
        near, mean = others[nearest(rows, others)], others.mean(0)
        total += float(cosine_distance(rows - mean, near - mean))
    return total


def test_every_step_goes_on_nearing_the_style(encoder: Encoder) -> None:
    card = card_of(encoder)
    found = [
        distance(encoder, polish.polished(SAME, encoder, card, steps)(PHOTOS)[0])
        for steps in (0, 8, 40)
    ]
    assert found[0] > found[1] > found[2]


def test_no_step_changes_nothing_and_a_batch_is_its_pictures(encoder: Encoder) -> None:
    card = card_of(encoder)
    assert torch.equal(polish.polished(SAME, encoder, card, 0)(PHOTOS), PHOTOS)
    stylize = polish.polished(SAME, encoder, card, 3)
    both = stylize(PHOTOS)
    assert both.shape == PHOTOS.shape and float(both.min()) >= 0 and float(both.max()) <= 1
    assert torch.equal(both[1:], stylize(PHOTOS[1:]))
    with torch.inference_mode():
        assert torch.equal(stylize(PHOTOS), both)


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (33, 47)])
def test_any_size(encoder: Encoder, size: tuple[int, int]) -> None:
    content = torch.rand(1, 3, *size)
    picture = polish.polished(SAME, encoder, card_of(encoder), 2)(content)
    assert picture.shape == content.shape and bool(torch.isfinite(picture).all())


def test_of_a_large_picture_a_small_copy_is_polished(encoder: Encoder) -> None:
    photo = pictures(1, 64, seed=8)
    card = card_of(encoder)
    seen: list[int] = []
    encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[-1]))
    carried = polish.polished(SAME, encoder, card, 20, most=48 * 48)(photo)
    assert carried.shape == photo.shape and max(seen) < 48 + SHIFT_PX
    assert distance(encoder, carried[0]) < distance(encoder, photo[0])


def test_of_a_picture_of_any_size_all_is_polished_on_demand(encoder: Encoder) -> None:
    card, largest = card_of(encoder), list[int]()
    for most in (None, 16 * 16):
        seen: list[int] = []
        with encoder.register_forward_pre_hook(
            lambda _, given, seen=seen: seen.append(given[0].shape[-1])
        ):
            polish.polished(SAME, encoder, card, 1, most)(PHOTOS[:1])
        largest.append(max(seen))
    assert largest[0] >= 64 + SHIFT_PX - 1 and largest[1] < 64


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_comes_out_flat(level: float, encoder: Encoder) -> None:
    photo = torch.full((1, 3, 64, 80), level)
    finished = polish.polished(SAME, encoder, card_of(encoder), 8)
    assert float(finished(photo).flatten(2).std(2).max()) > 1e-3
    picture = with_ground(finished, calm=True)(photo)
    assert float(picture.flatten(2).std(2).max()) < 1e-6


def test_a_grey_style_leaves_no_colour(encoder: Encoder) -> None:
    grey = STYLE.mean(0, keepdim=True).expand(3, -1, -1)
    picture = polish.polished(SAME, encoder, card_of(encoder, grey), 8)(PHOTOS[:1])[0]
    assert float((picture - picture.mean(0)).abs().max()) < 1 / 255


def test_all_methods_are_polished_by_the_same_word(method: Method) -> None:
    bare = method.adapt(STYLE, [PHOTOS[0]], vectors=False, **quick(method))
    with pytest.raises(GessoError, match="polish: the card keeps no vectors"):
        Controls(polish=1).stylizer(method, bare)
    card = method.adapt(STYLE, [PHOTOS[0]], vectors=True, **quick(method))
    plain = Controls(polish=0).stylizer(method, card)(PHOTOS[:1])
    assert torch.equal(plain, method.stylizer(card)(PHOTOS[:1]))
    one, more = (Controls(polish=n).stylizer(method, card)(PHOTOS[:1])[0] for n in (1, 40))
    assert distance(method.encoder, more) < distance(method.encoder, one)


def test_by_default_pictures_are_polished_as_the_method_says_where_the_card_can_be(
    method: Method,
) -> None:
    card = method.adapt(STYLE, [PHOTOS[0]], **quick(method))
    assert (card.vectors is not None) == (method.about.polish > 0)
    found = Controls().stylizer(method, card)(PHOTOS[:1])
    said = Controls(polish=method.about.polish).stylizer(method, card)(PHOTOS[:1])
    assert torch.equal(found, said)
    plain = method.stylizer(card)(PHOTOS[:1])
    for other in (None, vectors_of(foreign_encoder())):
        lacking = replace(card, vectors=other)
        assert torch.equal(Controls().stylizer(method, lacking)(PHOTOS[:1]), plain)


def test_a_card_can_be_completed_later(method: Method) -> None:
    whole = method.adapt(STYLE, [PHOTOS[0]], vectors=True, **quick(method))
    bare = method.adapt(STYLE, [PHOTOS[0]], vectors=False, **quick(method))
    options = method.chosen(None, quick(method))
    pictures = [
        Controls(polish=2).stylizer(method, card)(PHOTOS[:1])
        for card in (whole, method.complete(bare, STYLE, options))
    ]
    assert torch.equal(*pictures)


def test_masks_put_polished_pictures_together(tiny_weights: TinyFiles) -> None:
    method = gesso.load("metastyle")
    cards = [method.adapt(style, [PHOTOS[0]], **quick(method)) for style in (STYLE, PHOTOS[1])]
    mask = torch.zeros(64, 64)
    mask[:, :32] = 1
    one, other = (Controls(polish=2).stylizer(method, card)(PHOTOS[:1]) for card in cards)
    halves = Controls(polish=2, masks=[mask]).stylizer(method, cards)(PHOTOS[:1])
    torch.testing.assert_close(halves, torch.cat([one[..., :32], other[..., 32:]], -1))


def test_the_steps_of_polish_are_reported(encoder: Encoder) -> None:
    seen: list[AdaptStep] = []
    polish.polished(SAME, encoder, card_of(encoder), 3)(PHOTOS, seen.append)
    assert [(now.step, now.steps) for now in seen] == [(i, 6) for i in (1, 2, 3, 4, 5, 6)]


def test_a_card_keeps_vectors(encoder: Encoder, tmp_path: Path) -> None:
    card = card_of(encoder)
    assert card.vectors is not None
    for dtype, precision in (("float32", 0.0), ("float16", 1e-3)):
        card.save(tmp_path / "a.safetensors", dtype)  # type: ignore[arg-type]
        found = StyleCard.load(tmp_path / "a.safetensors").vectors
        assert found is not None and found.encoder == encoder.identity
        for name, rows in card.vectors.tensors.items():
            torch.testing.assert_close(found.tensors[name], rows, rtol=precision, atol=precision)


def test_a_mixture_has_the_vectors_of_both_in_their_shares(encoder: Encoder) -> None:
    one, other = card_of(encoder), card_of(encoder, PHOTOS[1])
    mixed = blend_tensors([one, other], [4, 1]).vectors
    assert one.vectors is not None and other.vectors is not None and mixed is not None
    for level in LEVELS:
        name = f"level.{level}"
        count = len(one.vectors.tensors[name])
        known = {tuple(row) for row in one.vectors.tensors[name].tolist()}
        own = sum(tuple(row) in known for row in mixed.tensors[name].tolist())
        assert own == count and len(mixed.tensors[name]) - own == pytest.approx(count / 4, abs=2)
    alone = blend_tensors([one, other], [1.5, -0.5]).vectors
    assert alone is not None and alone.tensors.keys() == one.vectors.tensors.keys()
    assert blend_tensors([one, StyleCard("metastyle", {})], [1, 1]).vectors is None
    stranger = replace(other, vectors=vectors_of(foreign_encoder()))
    assert blend_tensors([one, stranger], [1, 1]).vectors is None


def test_vectors_of_another_encoder_are_refused(encoder: Encoder) -> None:
    with pytest.raises(GessoError, match="of its style is of the encoder abab"):
        polish.polished(SAME, encoder, card_of(foreign_encoder()), 1)
    for steps in (-1, 1001):
        with pytest.raises(GessoError, match=f"polish: {steps}; allowed are whole numbers"):
            Controls(polish=steps)


@pytest.mark.parametrize(
    "damage", [{"tensors": ""}, {"tensors": "a 10x10"}, {"tensors": 3}, {"encoder": 3}, None]
)
def test_a_damaged_card_is_refused_in_one_line(
    damage: dict[str, object] | None, encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    card_of(encoder).save(path)
    stored, header = load_file(path, kind="card")
    header["vectors"] = None if damage is None else header["vectors"] | damage
    save_file(path, stored, {k: v for k, v in header.items() if k not in ("format", "sha256")})
    with pytest.raises(GessoError, match=r"a\.safetensors: not a card gesso can read"):
        StyleCard.load(path)


@pytest.mark.parametrize("lost", ["level.relu2_2", "mean.level.relu3_3", "colors.mean"])
def test_lost_vectors_are_named(lost: str, encoder: Encoder) -> None:
    kept = vectors_of(encoder)
    card = StyleCard("metastyle", {}, vectors=KeptVectors(kept.encoder, dict(kept.tensors)))
    assert card.vectors is not None
    del card.vectors.tensors[lost]
    with pytest.raises(GessoError, match=lost.removeprefix("mean.")):
        polish.polished(SAME, encoder, card, 1)
