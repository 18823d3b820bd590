"""Large photos, strokes and empty ground, with every method: `paint_size`, `stroke`, `ground`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gesso
from gesso.controls.controls import Controls
from gesso.controls.painting import Limit, coarse_to_fine, with_limit
from gesso.controls.regions import region_shares
from gesso.errors import OptionError
from gesso.fitting.carry import carried, smaller
from gesso.images.copies import halvings
from gesso.methods.base import Method
from gesso.stylizers.progress import AdaptStep, OnStep
from gesso.stylizers.stylizer import Stylizer
from tiny import grained, pictures, quick
from tiny_files import TinyFiles

STYLES = pictures(2, 70, seed=5)
PHOTO = grained(pictures(1, 160, seed=6)[..., :120, :])  # 160 × 120 px
SMALL = smaller(PHOTO, 80 * 60)


@pytest.fixture(params=gesso.list_methods())
def method(request: pytest.FixtureRequest, tiny_weights: TinyFiles) -> Method:
    return gesso.load(request.param)


def on_white() -> Tensor:
    """A product on white (1, 3, 96, 96)."""
    photo = torch.ones(1, 3, 96, 96)
    photo[..., 36:60, 36:60] = grained(pictures(1, 24, seed=7))
    return photo


def test_the_white_behind_a_product_is_of_one_colour(method: Method) -> None:
    card = method.adapt(STYLES[0], [PHOTO[0]], **quick(method))
    found = Controls(polish=0, color_share=0).stylizer(method, card)(on_white())
    assert float(found[..., :28, :].flatten(2).std(2).max()) < 1e-6
    painted = Controls(polish=0, color_share=0, ground="painted").stylizer(method, card)(on_white())
    assert torch.equal(painted, method.stylizer(card)(on_white()))
    assert torch.equal(found[..., 40:56, 40:56], painted[..., 40:56, 40:56])


def test_strokes_of_any_size_are_painted_on_a_copy(method: Method) -> None:
    card = method.adapt(STYLES[0], [PHOTO[0]], **quick(method))
    bare = {"polish": 0, "color_share": 0, "paint_from": 0, "ground": "painted"}
    large = Controls(stroke=2, **bare).stylizer(method, card)  # type: ignore[arg-type]
    assert torch.equal(large(PHOTO), carried(PHOTO, SMALL, method.stylizer(card)(SMALL)))
    fine = Controls(stroke=0.8, **bare).stylizer(method, card)  # type: ignore[arg-type]
    enlarged = F.interpolate(PHOTO, (150, 200), mode="bicubic").clamp(0, 1)
    made = method.stylizer(card)(enlarged)
    shrunk = F.interpolate(made, (120, 160), mode="bilinear", antialias=True)
    assert torch.allclose(fine(PHOTO), shrunk, atol=1e-5)


def test_strokes_and_limits_say_how_large_a_copy_is() -> None:
    for limit, painted in (
        (Limit(stroke=2), 300 * 200),
        (Limit(stroke=0.5), 1200 * 800),
        (Limit(side=300, stroke=2), 150 * 100),
        (Limit(pixels=60_000, stroke=0.5), 240_000),  # all of it
        (Limit(pixels=60_000, stroke=0.25), 960_000),
        (Limit(side=100, stroke=8), round(600 * 400 * (64 / 600) ** 2)),  # and no smaller one
    ):
        assert limit.of(400, 600) == painted
    assert Limit(stroke=8).of(30, 40) == 1200


def test_of_a_large_photo_a_smaller_copy_is_painted(method: Method) -> None:
    card = method.adapt(STYLES[0], [PHOTO[0]], **quick(method))
    expected = carried(PHOTO, SMALL, method.stylizer(card)(SMALL))
    found = Controls(polish=0, color_share=0, paint_size=80).stylizer(method, card)(PHOTO)
    assert torch.equal(found, expected)
    whole = Controls(polish=0, color_share=0, paint_size=160).stylizer(method, card)
    assert torch.equal(whole(PHOTO), method.stylizer(card)(PHOTO))
    assert (whole.network is None) == (method.stylizer(card).network is None)


class Seen:
    """What was painted: negatives; it takes three steps."""

    def __init__(self) -> None:
        self.shapes: list[Sequence[int]] = []
        self.shares: list[float] = []

    def at(self, share: float) -> Stylizer:
        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            self.shapes.append(tuple(contents.shape))
            self.shares.append(share)
            for step in range(1, 4):
                if on_step is not None:
                    on_step(AdaptStep(step, 3))
            return 1 - contents

        return Stylizer(run, nn.Identity())


def test_small_pictures_stay_together_and_large_ones_are_painted_one_by_one() -> None:
    seen, steps = Seen(), list[AdaptStep]()
    batch = torch.cat([PHOTO, PHOTO.flip(2)])
    for limit in (Limit(), Limit(pixels=160 * 120), Limit(160, 4800), Limit(pixels=4800)):
        made = with_limit(seen.at, limit)(batch, steps.append)
        assert made.shape == batch.shape
    assert seen.shapes == [(2, 3, 120, 160)] * 3 + [(1, 3, 60, 80)] * 2
    assert seen.shares == [1, 1, 1, 0.5, 0.5]
    assert [(step.step, step.steps) for step in steps[-6:]] == [(n, 6) for n in range(1, 7)]


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        (Limit(), 12_000_000),
        (Limit(pixels=800_000), 800_000),
        (Limit(400, 800_000), 120_000),
        (Limit(2000, 800_000), 3_000_000),
        (Limit(9000, 800_000), 12_000_000),
    ],
)
def test_what_is_asked_for_goes_before_the_methods_limit(limit: Limit, most: int) -> None:
    assert limit.of(3000, 4000) == most


def test_masks_and_feather_shrink_with_the_photo(tiny_weights: TinyFiles) -> None:
    method, mask = gesso.load("conditional_in"), torch.zeros(120, 160)
    mask[:, :80] = 1
    cards = [method.adapt(style, **quick(method)) for style in STYLES]
    shares = region_shares([mask], 2, 60, 80, 10)[0]
    one, other = (method.stylizer(card)(SMALL) for card in cards)
    expected = carried(PHOTO, SMALL, shares[0] * one + shares[1] * other)
    look = Controls(masks=[mask], feather=20, polish=0, color_share=0, paint_size=80)
    torch.testing.assert_close(look.stylizer(method, cards)(PHOTO), expected)


def test_strength_is_the_distance_from_a_large_photo_too(tiny_weights: TinyFiles) -> None:
    method = gesso.load("adain")
    card = method.adapt(STYLES[0])
    full, half = (Controls(s, paint_size=80).stylizer(method, card)(PHOTO) for s in (1, 0.5))
    away = [float((made - PHOTO).square().mean().sqrt()) for made in (full, half)]
    assert away[1] == pytest.approx(away[0] / 2, rel=1e-3)


def test_polish_works_on_the_smaller_copy(
    tiny_weights: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, seen = gesso.load("adain"), list[int]()
    card = method.adapt(STYLES[0], vectors=True)
    method.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[-1]))
    Controls(polish=1, paint_size=64).stylizer(method, card)(PHOTO)
    assert seen and max(seen) < 160


def test_what_an_older_card_keeps_is_its_default(tiny_weights: TinyFiles) -> None:
    method = gesso.load("matching")
    card = method.adapt(STYLES[0], **quick(method))
    assert not {"paint_size", "ground"} & card.config.keys()
    older = replace(card, config={**card.config, "paint_size": 80, "ground": "painted"})
    photo = torch.cat([PHOTO[..., :60], torch.ones(1, 3, 120, 100)], 3)
    same = {"paint_size": 80, "ground": "painted"}
    expected = Controls(**same).stylizer(method, card)(photo)
    assert torch.equal(Controls().stylizer(method, older)(photo), expected)
    said = Controls(paint_size=160, ground="calm")
    assert torch.equal(said.stylizer(method, older)(photo), said.stylizer(method, card)(photo))
    assert method.blend([card, older], [1, 1]).method == "matching"
    broken = replace(card, config={**card.config, "paint_size": "wide"})
    with pytest.raises(OptionError, match="paint_size: wide; allowed are whole numbers from 64"):
        Controls().stylizer(method, broken)


def test_a_copy_of_half_the_size_is_painted_first_and_the_photo_begins_with_it(
    method: Method,
) -> None:
    card = method.adapt(STYLES[0], [PHOTO[0]], **quick(method))
    stylizer = method.stylizer(card)
    expected = stylizer(carried(PHOTO, SMALL, stylizer(SMALL)))
    found = Controls(polish=0, color_share=0, paint_from=80).stylizer(method, card)(PHOTO)
    assert torch.equal(found, expected)
    at_once = Controls(polish=0, color_share=0, paint_from=0).stylizer(method, card)(PHOTO)
    assert torch.equal(at_once, stylizer(PHOTO))


def test_photos_are_halved_until_they_are_about_as_large_as_asked_for() -> None:
    sizes = {383: 0, 384: 1, 512: 1, 767: 1, 768: 2, 4000: 4}
    assert {size: halvings(size, 256) for size in sizes} == sizes
    assert halvings(10**6, 0) == 0
    for size in range(192, 5000, 7):
        assert 0.75 * 256 <= size / 2 ** halvings(size, 256) <= 1.5 * 256


def test_every_scale_hears_its_share_and_all_steps_are_reported() -> None:
    seen, steps = Seen(), list[AdaptStep]()
    photos = pictures(2, 160, seed=8)
    found = coarse_to_fine(seen.at, 40, 0.5)(photos, steps.append)
    assert seen.shapes == [(1, 3, n, n) for n in (40, 80, 160)] * 2
    assert seen.shares == [0.5, *[0.125, 0.25, 0.5] * 2][1:]
    assert [step.step for step in steps] == list(range(1, 19)) and steps[0].steps == 18
    assert float((found - (1 - photos)).abs().max()) < 1e-4  # turned over three times


def test_shapes_are_as_large_as_the_strokes_of_the_smallest_copy() -> None:
    """A stylizer of blocks of 4 px makes, from a quarter of the size, blocks of 16 px."""

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        return F.interpolate(F.avg_pool2d(contents, 4), scale_factor=4.0)

    blocks = Stylizer(run)
    photo = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(9))
    coarse = F.interpolate(F.avg_pool2d(photo, 16), scale_factor=16.0)
    distances = [
        float((coarse_to_fine(lambda _: blocks, begin, 1.0)(photo) - coarse).square().mean())
        for begin in (0, 64, 32)
    ]
    assert distances[0] > 2 * distances[1] > 4 * distances[2]
