"""The controls of every method: weights, colour, masks, the style's size; mixed cards."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gesso
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls, mix
from gesso.controls.regions import region_shares
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.base import Method
from gesso.nn.masks import read_mask
from gesso.nn.pictures import luminance
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer, composite
from tiny import pictures, quick
from tiny_files import TinyFiles

STYLES = pictures(2, 140, seed=5)
PHOTO = pictures(1, 66, seed=6)
PLAIN: dict[str, Any] = {"polish": 0, "color_share": 0, "ground": "painted"}


@pytest.fixture(params=gesso.list_methods())
def method(request: pytest.FixtureRequest, tiny_weights: TinyFiles) -> Method:
    return gesso.load(request.param)


def adapted(method: Method, style: int = 0, **more: Any) -> StyleCard:
    return method.adapt(STYLES[style], [PHOTO[0]], **quick(method, steps=2, **more))


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).double().square().mean().sqrt())


# weights, and mixed cards


def test_weights_run_the_blended_card(method: Method) -> None:
    cards = [adapted(method, style) for style in range(2)]
    found = Controls(weights=[1, 3], **PLAIN).stylizer(method, cards)(PHOTO)
    blend = method.blend(cards, [0.25, 0.75])
    assert torch.equal(found, method.stylizer(blend)(PHOTO))
    ends = Controls(weights=[1, 0], **PLAIN).stylizer(method, cards)(PHOTO)
    torch.testing.assert_close(ends, method.stylizer(cards[0])(PHOTO), atol=1e-4, rtol=0)
    equal = Controls(**PLAIN).stylizer(method, cards)(PHOTO)
    assert torch.equal(equal, method.stylizer(method.blend(cards, [1, 1]))(PHOTO))


def test_a_mixed_card_is_saved_and_used_like_any_other(method: Method, tmp_path: Path) -> None:
    paths = [tmp_path / f"{style}.safetensors" for style in range(2)]
    for style, path in enumerate(paths):
        adapted(method, style).save(path)
    mixed = mix([str(path) for path in paths], [0.6, 0.4])
    mixed.save(tmp_path / "mixed.safetensors")
    loaded = StyleCard.load(tmp_path / "mixed.safetensors")
    assert torch.equal(method.stylizer(loaded)(PHOTO), method.stylizer(mixed)(PHOTO))
    cards = [StyleCard.load(path) for path in paths]
    blend = method.blend(cards, [0.6, 0.4]).rounded()
    assert torch.equal(method.stylizer(loaded)(PHOTO), method.stylizer(blend)(PHOTO))
    assert [part["weight"] for part in loaded.provenance["blend"]] == [0.6, 0.4]
    again = mix([loaded, cards[0]])
    assert again.tensors.keys() >= loaded.tensors.keys()
    assert method.stylizer(again.rounded())(PHOTO).shape == PHOTO.shape


def test_cards_that_cannot_be_mixed_say_why_in_one_line(tiny_weights: TinyFiles) -> None:
    card = adapted(gesso.load("metastyle"))
    foreign = StyleCard("gatys", card.tensors, card.config)
    other = StyleCard("metastyle", card.tensors, {**card.config, "start": "2" * 64})
    for cards, words in [
        ([card, foreign], "cards of methods metastyle and gatys cannot be mixed"),
        ([card, other], "cards 1 and 2 cannot be blended: configuration start is"),
        ([], "mix: no cards"),
    ]:
        with pytest.raises(GessoError, match=words) as caught:
            mix(cards)
        assert "\n" not in str(caught.value)
    with pytest.raises(GessoError, match="2 cards and 1 weights"):
        mix([card, card], [1.0])


# masks


def halves(height: int = 40, width: int = 50) -> Tensor:
    mask = torch.zeros(height, width)
    mask[:, : width // 2] = 1
    return mask


def in_the_picture(method: Method) -> bool:
    """Whether regions are put together there, and not before."""
    return type(method).stylizer_of_regions is Method.stylizer_of_regions


def test_masks_compose_to_the_unmasked_picture_when_all_regions_share_a_style(
    method: Method,
) -> None:
    card = adapted(method)
    soft = torch.rand(20, 30)
    whole = method.stylizer(card)
    if whole.network is None and not in_the_picture(method):
        pytest.skip("regions in one descent: each one's vectors are centred by their own mean")
    expected = whole(PHOTO)
    for masks in ([soft], [soft, 1 - soft], [halves()]):
        found = Controls(masks=masks, **PLAIN).stylizer(method, [card, card])(PHOTO)
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_every_region_has_its_own_style(method: Method) -> None:
    cards = [adapted(method, style) for style in range(2)]
    one, other = (method.stylizer(card)(PHOTO) for card in cards)
    found = Controls(masks=[halves(66, 66)], **PLAIN).stylizer(method, cards)(PHOTO)
    if in_the_picture(method):
        torch.testing.assert_close(found[..., :33], one[..., :33])
        torch.testing.assert_close(found[..., 33:], other[..., 33:])
    else:
        assert distance(found[..., :20], one[..., :20]) < distance(found[..., :20], other[..., :20])


def test_where_no_mask_is_on_the_photo_stays(method: Method) -> None:
    card = adapted(method)
    for color in ("style", "content", "luminance"):
        controls = Controls(masks=[halves(66, 66)], color=color, polish=0)
        found = controls.stylizer(method, card)(PHOTO)
        assert torch.equal(found[..., 33:], PHOTO[..., 33:])
        assert distance(found[..., :33], PHOTO[..., :33]) > 1e-3


def test_shares_sum_to_one_and_the_cover_is_what_the_masks_sum_to() -> None:
    masks = [torch.rand(17, 23), 0.3 * torch.rand(1, 50, 40), torch.zeros(9, 9)]
    shares, cover = region_shares(masks, 3, 30, 20)
    assert shares.shape == (3, 30, 20) and cover.shape == (1, 30, 20)
    torch.testing.assert_close(shares.sum(0), torch.ones(30, 20))
    assert float(cover.max()) <= 1
    shares, cover = region_shares(masks, 4, 30, 20)  # the last style takes the rest
    torch.testing.assert_close(cover, torch.ones(1, 30, 20))
    empty, nothing = region_shares([torch.zeros(5, 5)], 1, 8, 8)
    assert float(nothing.max()) == 0 and bool(torch.isfinite(empty).all())


def test_masks_are_stretched_and_feathered() -> None:
    hard, _ = region_shares([halves(40, 40)], 2, 40, 40)
    soft, _ = region_shares([halves(40, 40)], 2, 40, 40, feather=8)
    assert set(hard[0].unique().tolist()) == {0.0, 1.0}
    row = soft[0, 20]
    assert all(a >= b - 1e-6 for a, b in pairwise(row.tolist()))
    assert float(row[20 - 8]) > 0.95 and float(row[20 + 8]) < 0.05 and 0.3 < float(row[20]) < 0.7
    wide, _ = region_shares([halves(10, 10)], 2, 40, 80)
    assert wide.shape == (2, 40, 80)
    assert float(wide[0, :, :30].min()) == 1 and float(wide[0, :, -30:].max()) == 0


def test_a_region_without_a_pixel_is_not_run() -> None:
    def never(contents: Tensor, on_step: OnStep | None) -> Tensor:
        raise AssertionError

    negative = Stylizer(lambda contents, _: 1 - contents)
    shares = torch.stack([torch.ones(66, 66), torch.zeros(66, 66)])
    assert torch.equal(composite([negative, Stylizer(never)])(PHOTO, shares, None), 1 - PHOTO)


def test_a_mask_is_the_luminance_of_what_can_be_seen(tmp_path: Path) -> None:
    image, alpha = pictures(1, 12)[0], torch.linspace(0, 1, 12).expand(1, 12, 12)
    write_image(tmp_path / "mask.png", image, alpha=alpha)
    found = read_mask(tmp_path / "mask.png")
    torch.testing.assert_close(found, (luminance(image) * alpha)[0], atol=0.01, rtol=0)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 1.0])
def test_a_cut_out_of_any_colour_counts_by_what_shows(tmp_path: Path, level: float) -> None:
    alpha = torch.zeros(1, 8, 12)
    alpha[:, :, :6], alpha[:, :, 6] = 1, 0.5
    write_image(tmp_path / "mask.png", torch.full((3, 8, 12), level), alpha=alpha)
    torch.testing.assert_close(read_mask(tmp_path / "mask.png"), alpha[0], atol=0.01, rtol=0)
    write_image(tmp_path / "mask.png", torch.full((3, 8, 12), level), alpha=torch.ones(1, 8, 12))
    found = read_mask(tmp_path / "mask.png")  # nothing is cut out: a grey mask
    torch.testing.assert_close(found, torch.full((8, 12), level), atol=0.01, rtol=0)


def test_a_mask_that_is_off_everywhere_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    black = torch.zeros(3, 8, 12)
    for alpha in (None, torch.ones(1, 8, 12), torch.zeros(1, 8, 12)):
        write_image(tmp_path / "mask.png", black, alpha=alpha)
        assert read_mask(tmp_path / "mask.png").max() == 0
        assert "mask.png: a mask that is off everywhere; white is on" in caplog.text
        caplog.clear()
    white = torch.zeros(3, 8, 12)
    white[:, 3, 3] = 1
    write_image(tmp_path / "mask.png", white)
    assert read_mask(tmp_path / "mask.png").max() == 1 and not caplog.text


@pytest.mark.parametrize(
    ("words", "styles", "trouble"),
    [
        ({"strength": 1.1}, 1, "strength: 1.1; allowed are numbers from 0 to 1"),
        ({"color": "blue"}, 1, "color: blue is unknown"),
        ({"weights": [1.0], "masks": [torch.ones(4, 4)]}, 1, "weights: of no use with masks"),
        ({"weights": [1.0]}, 2, "weights: 1 numbers for 2 styles"),
        ({"weights": ["half"]}, 1, r"weights: \['half'\]; allowed are numbers"),
        ({}, 0, "style: none given; at least one is needed"),
        ({"feather": 3.0}, 1, "feather: of no use without masks"),
        (
            {"feather": float("nan"), "masks": [torch.ones(4, 4)]},
            1,
            "feather: nan; allowed are numbers from 0",
        ),
        ({"masks": [torch.ones(4, 4)] * 4}, 2, "mask: 4 given, for 2 styles; allowed are 2, or 1"),
    ],
)
def test_controls_that_make_no_sense_are_one_line(
    words: dict[str, Any], styles: int, trouble: str
) -> None:
    with pytest.raises(GessoError, match=trouble) as caught:
        Controls(**words).check(styles)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "mask", [torch.ones(3, 4, 4), torch.ones(4), torch.full((4, 4), torch.nan), "mask.png"]
)
def test_what_is_no_mask_is_refused(mask: Any) -> None:
    with pytest.raises(GessoError, match="mask: "):
        region_shares([mask], 1, 8, 8)


def test_arrays_are_masks_too() -> None:
    mask = torch.rand(8, 8)
    assert torch.equal(region_shares([mask.numpy()], 1, 8, 8)[1], mask[None])


# colour and the style's size, for every method


def test_every_method_keeps_the_photos_chroma(method: Method) -> None:
    photo = 0.35 + 0.3 * PHOTO
    found = Controls(color="luminance", polish=0).stylizer(method, adapted(method))(photo)
    chroma, kept = photo - luminance(photo), found - luminance(found)
    assert float((chroma * kept).sum()) > 0
    inside = (found > 1e-3).all(1, keepdim=True) & (found < 1 - 1e-3).all(1, keepdim=True)
    difference = (kept - chroma).abs() * inside
    assert float(inside.float().mean()) > 0.2 and float(difference.max()) < 1e-4


def test_the_size_of_the_style_is_another_style(method: Method) -> None:
    small, large = adapted(method, style_size=64), adapted(method, style_size=128)
    assert any(not torch.equal(t, large.tensors[name]) for name, t in small.tensors.items())


def test_a_feather_wider_than_the_picture_costs_nothing_and_evens_the_mask_out() -> None:
    mask = torch.zeros(60, 90)
    mask[:, :45] = 1
    one = region_shares([mask], 2, 60, 90, feather=64)[0][0]
    wider = region_shares([mask], 2, 60, 90, feather=65)[0][0]
    torch.testing.assert_close(one, wider, atol=0.03, rtol=0)
    flat = region_shares([mask], 2, 60, 90, feather=1e7)[0][0]
    torch.testing.assert_close(flat, torch.full((60, 90), 0.5))
