"""What was done to a small copy, carried over to the picture itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.carry import at_most, carried, kept, smaller
from tiny import pictures

PIXELS = 64 * 48


def photo(height: int = 144, width: int = 192, noise: float = 0.0) -> Tensor:
    """(1, 3, H, W): smooth, with a dark disc that has a sharp edge."""
    smooth = pictures(1, max(height, width))[..., :height, :width]
    down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    disc = (down - height / 2) ** 2 + (across - width / 2) ** 2 < (min(height, width) / 4) ** 2
    random = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(1))
    return (0.3 + 0.4 * smooth - 0.25 * disc + noise * random).clamp(0, 1)


def gradient(image: Tensor) -> float:
    """The steepest step of the disc's edge along the middle row."""
    return float(image[..., image.shape[-2] // 2, :].diff(dim=-1).abs().max())


def test_where_nothing_changes_the_picture_stays_as_it_is() -> None:
    image = photo(noise=0.03)
    found = at_most(PIXELS, image, lambda small: small)
    torch.testing.assert_close(found, image, atol=2e-6, rtol=0)


@pytest.mark.parametrize("change", [0.1, -0.05])
def test_where_all_changes_by_the_same_so_does_the_picture(change: float) -> None:
    image = photo(noise=0.01)
    found = at_most(PIXELS, image, lambda small: small + change)
    torch.testing.assert_close(found, image + change, atol=1e-4, rtol=0)


def test_no_picture_within_the_limit_is_made_smaller() -> None:
    seen: list[Tensor] = []

    def change(small: Tensor) -> Tensor:
        seen.append(small)
        return small

    for image in (photo(48, 64), photo(480, 640), photo(8, 4000)):
        assert at_most(PIXELS, image, change).shape == image.shape
    assert [tuple(small.shape[2:]) for small in seen] == [(48, 64), (48, 64), (2, 1239)]


def test_a_flat_photo_gets_soft_paint_and_nothing_else() -> None:
    flat = torch.full((1, 3, 144, 192), 0.4)
    small = smaller(flat, PIXELS)
    torch.testing.assert_close(carried(flat, small, small + 0.1), flat + 0.1, atol=1e-5, rtol=0)
    strokes = small + 0.1 * torch.rand(small.shape, generator=torch.Generator().manual_seed(2))
    soft = F.interpolate(strokes, flat.shape[-2:], mode="bicubic")
    torch.testing.assert_close(carried(flat, small, strokes), soft, atol=1e-5, rtol=0)


def test_the_photos_noise_does_not_come_back_under_paint() -> None:
    noisy = photo(noise=0.04)
    small = smaller(noisy, PIXELS)
    paint = smaller(photo(), PIXELS)  # the noise is painted over
    soft = F.interpolate(paint, noisy.shape[-2:], mode="bicubic")
    corner = (..., slice(0, 30), slice(0, 40))
    left = (carried(noisy, small, paint) - soft)[corner].std()
    assert float(left) < 0.2 * float((noisy - photo())[corner].std())


def test_outlines_stay_as_sharp_as_the_photos() -> None:
    image = photo(noise=0.01)
    small = smaller(image, PIXELS)
    paint = 0.2 + 0.7 * small.flip(1)  # other colours, less contrast
    soft = F.interpolate(paint, image.shape[-2:], mode="bicubic")
    found = carried(image, small, paint)
    assert gradient(found) > 0.85 * gradient(0.7 * image) > 1.5 * gradient(soft)
    turned = carried(image, small, 0.9 - 0.7 * small)  # light where the photo is dark
    torch.testing.assert_close(turned, (0.9 - 0.7 * image).clamp(0, 1), atol=0.05, rtol=0)


def test_kept_is_one_for_the_same_detail_and_little_for_other_detail() -> None:
    detail = photo(48, 64, noise=0.03)
    assert torch.equal(kept(detail, detail), torch.ones_like(detail))
    assert float(kept(detail, detail.flip(-1).roll(5, -1)).abs().mean()) < 0.3
