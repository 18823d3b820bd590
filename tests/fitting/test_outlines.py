"""A photo's outlines in what is painted of it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.outlines import Outlines, correlation, outlines
from gesso.fitting.pyramid import descend
from gesso.fitting.settings import KEPT, Painting


def noise(seed: int, blur: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, 96, 128, generator=generator)
    return F.avg_pool2d(image, blur, 1, blur // 2, count_include_pad=False)


def portrait() -> Tensor:
    """A light face with eyes and a mouth."""
    image = torch.full((1, 3, 96, 128), 0.3)
    image[..., 16:80, 40:88] = 0.8
    for top, left, width in ((36, 48, 8), (36, 72, 8), (62, 54, 20)):
        image[..., top : top + 5, left : left + width] = 0.2
    return image


def stripes(image: Tensor) -> Tensor:
    rows = torch.arange(image.shape[-2])
    return (rows % 12 < 6).float().view(1, 1, -1, 1).expand_as(image)


def test_correlation_is_pearsons() -> None:
    a, b = noise(1), noise(2) + noise(1)
    expected = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
    torch.testing.assert_close(correlation(a, b), expected)
    assert float(correlation(a, torch.ones_like(a))) == 0


def test_outlines_are_where_colours_change_whichever_way() -> None:
    photo = portrait()
    found = outlines(photo, 96, 128)
    torch.testing.assert_close(outlines(1 - photo, 96, 128), found)
    assert found.shape == (1, 94, 126)
    edge, cheek = float(found[0, 15, 60]), float(found[0, 45, 66])
    assert edge > 0.5 and cheek < 0.01
    hue = photo.clone()
    hue[:, 0] = 1.1 - photo[:, 1]  # as light everywhere, another colour
    assert float(outlines(hue, 96, 128)[0, 15, 60]) > 0.5


def test_nothing_is_lost_by_the_photo_its_negative_and_what_is_above_the_floor() -> None:
    photo = portrait()
    loss = Outlines(photo, 0.8)
    assert float(loss(photo)) == float(loss(1 - photo)) == 0
    assert float(loss(0.7 * photo + 0.05 * noise(3))) == 0
    assert float(loss(stripes(photo))) > 0.4


def test_steps_bring_outlines_back_to_the_floor_and_no_further() -> None:
    photo = portrait()
    begun, loss = 0.3 * photo + 0.7 * stripes(photo), Outlines(photo, 0.8)
    before = float(loss(begun))
    made = descend(begun, loss, 40, 1e-2)
    assert before > 0.3 and float(loss(made)) < 0.05
    kept = correlation(outlines(made, 96, 128), outlines(photo, 96, 128))
    assert float(kept) < 0.97


@pytest.mark.parametrize("size", [(1, 40), (7, 300), (16, 16)])
def test_flat_and_narrow_photos_have_no_outlines_to_lose(size: tuple[int, int]) -> None:
    chance = torch.Generator().manual_seed(0)
    flat = 0.4 + torch.randint(2, (1, 3, *size), generator=chance) / 255  # an 8-bit step of noise
    image = torch.rand(1, 3, *size, requires_grad=True)
    loss = Outlines(flat, 0.8)(image)
    assert float(loss.detach()) == 0


def test_what_is_to_be_kept_follows_alpha() -> None:
    assert Painting().outlines_kept == pytest.approx(KEPT)
    kept = [Painting(alpha=alpha).outlines_kept for alpha in (0.0, 0.3, 0.6, 0.7, 1.0)]
    assert kept[0] == 0 and kept == sorted(kept) and kept[-1] < 1
