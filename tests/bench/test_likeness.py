"""Measures near to the eye: what they say of pictures whose likeness nobody doubts."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.bench.likeness import columns, structure_moved, style_match
from gesso.bench.measures import Judgement, SeenStyle, Yardstick
from gesso.bench.patches import levels, sliced_distances, slices
from gesso.encoders.levels import LEVELS
from tiny import pictures, tiny_encoder


def textured(seed: int, height: int = 64, width: int = 64) -> Tensor:
    """(3, height, width): smooth colours under grain."""
    grain = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    return 0.7 * pictures(1, 64, seed)[0, :, :height, :width] + 0.3 * grain


@pytest.fixture(scope="module")
def scene() -> dict[str, Tensor]:
    """A photo, an unrelated one, and a style of another size and shape."""
    return {"photo": textured(1), "other": textured(2, 48), "style": textured(3, 40, 64)}


@pytest.fixture(scope="module")
def yardstick(scene: dict[str, Tensor]) -> Yardstick:
    return Yardstick(tiny_encoder(), scene["photo"], scene["style"], [scene["other"]])


def judged(yardstick: Yardstick, picture: Tensor) -> Judgement:
    return yardstick.judge(picture)


def test_the_photo_itself_has_kept_its_structure(
    yardstick: Yardstick, scene: dict[str, Tensor]
) -> None:
    photo = judged(yardstick, scene["photo"])
    assert photo.structure == 0
    assert photo.match > 0.1 and photo.patches > 0.05


@pytest.mark.parametrize("scale", [1, 2])
def test_the_style_itself_is_wholly_like_the_style(
    yardstick: Yardstick, scene: dict[str, Tensor], scale: int
) -> None:
    style = F.interpolate(scene["style"][None], scale_factor=scale)[0]
    stick = Yardstick(tiny_encoder(), scene["photo"], style, [scene["other"]])
    found = judged(stick, style)
    assert found.match_of_picture < 1e-5 and found.match_of_style < 1e-5
    assert found.patches == 0 and found.patches_by_level == [0, 0, 0]
    assert found.structure > 0.05


def test_every_measure_is_the_same_every_time(
    yardstick: Yardstick, scene: dict[str, Tensor]
) -> None:
    again = Yardstick(tiny_encoder(), scene["photo"], scene["style"], [scene["other"]])
    assert asdict(judged(yardstick, scene["other"])) == asdict(judged(again, scene["other"]))


def stripes(shift: int) -> Tensor:
    """(3, 64, 64): upright waves of 8 px in two colours, moved by some px."""
    wave = (0.5 + 0.4 * torch.sin((torch.arange(64) + shift) * torch.pi / 4)).expand(64, 64)
    return torch.stack([wave, 1 - wave, 0.5 + 0 * wave])


def test_the_same_texture_elsewhere_is_liker_the_style_than_another_of_its_colours(
    scene: dict[str, Tensor],
) -> None:
    stick = Yardstick(tiny_encoder(), scene["photo"], stripes(0), [scene["other"]])
    moved, turned = judged(stick, stripes(4)), judged(stick, stripes(0).transpose(1, 2))
    assert moved.match < 0.3 * turned.match
    assert moved.patches < 0.3 * turned.patches
    assert turned.match < judged(stick, scene["photo"]).match


def test_other_colours_keep_the_structure_and_a_shuffled_photo_loses_it(
    yardstick: Yardstick, scene: dict[str, Tensor]
) -> None:
    photo = scene["photo"]
    darker = judged(yardstick, 0.8 * photo + 0.1)
    drawn = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    blocks = F.unfold(photo[None], 8, stride=8)[:, :, drawn]
    shuffled = judged(yardstick, F.fold(blocks, (64, 64), 8, stride=8)[0])
    assert shuffled.structure > 3 * darker.structure


def test_what_leaves_a_part_of_the_style_unused_is_worse_in_one_half_only() -> None:
    bright, dark = 0.5 + 0.5 * textured(4), 0.3 * textured(5).flip(0)
    style = torch.cat([bright, dark], 2)
    judge = tiny_encoder()
    seen = [columns(judge(x[None], LEVELS), x.shape[-2:]) for x in (bright, style)]
    of_picture, of_style = style_match(*seen)
    assert of_picture < 0.05 and of_style > 5 * of_picture
    whole_first = style_match(seen[1], seen[1])
    assert max(whole_first) < 1e-5
    stick = Yardstick(judge, bright, style, [dark])
    found = judged(stick, bright)
    assert found.match == found.match_of_style > 3 * found.match_of_picture


def test_levels_weigh_alike_in_both_directions() -> None:
    ours, theirs = ([torch.rand(50, n) + seed for n in (3, 5, 4, 6)] for seed in (0, 1))
    louder = [
        [scale * level for scale, level in zip((9, 0.1, 3, 1), x, strict=True)]
        for x in (ours, theirs)
    ]
    assert style_match(*louder) == pytest.approx(style_match(ours, theirs), rel=1e-4)
    assert structure_moved(*louder) == pytest.approx(structure_moved(ours, theirs), rel=1e-4)


def test_a_pyramid_says_at_which_size_patches_differ() -> None:
    sharp = textured(6)
    soft = F.avg_pool2d(F.pad(sharp[None], (1, 1, 1, 1), "replicate"), 3, stride=1)[0]
    fine, *_, coarse = sliced_distances(slices(soft), slices(sharp))
    assert fine > 0.3 > 0.03 > coarse
    assert [tuple(level.shape[-2:]) for level in levels(sharp)] == [(64, 64), (32, 32), (16, 16)]


@pytest.mark.parametrize("shape", [(5, 64), (16, 300), (1, 1)])
def test_narrow_pictures_have_patches_too(shape: tuple[int, int]) -> None:
    picture = textured(7, 64).repeat(1, 1, 5)[:, : shape[0], : shape[1]]
    assert max(sliced_distances(slices(picture), slices(picture))) == 0
    assert min(sliced_distances(slices(picture), slices(1 - picture))) > 0


def test_a_style_is_seen_once_a_size() -> None:
    seen = SeenStyle(tiny_encoder(), textured(3))
    assert seen.at(64) is seen.at(64)
    assert seen.at(64)[0][0].shape[0] == 16 * 16 and seen.at(32)[0][0].shape[0] == 8 * 8


def test_one_flat_colour_is_judged(scene: dict[str, Tensor]) -> None:
    flat = torch.full((3, 64, 64), 0.5)
    stick = Yardstick(tiny_encoder(), scene["photo"], flat, [scene["other"]])
    for picture in (flat, scene["photo"]):
        numbers = asdict(judged(stick, picture))
        listed = [*numbers.pop("patches_by_level"), *numbers.values()]
        assert all(map(torch.isfinite, map(torch.tensor, listed)))
