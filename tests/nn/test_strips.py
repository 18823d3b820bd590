"""Pictures in strips are the pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gesso.nn import strips
from gesso.nn.strips import Enlarging, Striped, resized_rows

IMAGE = torch.rand(1, 3, 70, 53, generator=torch.Generator().manual_seed(0))
SMALL = torch.rand(1, 3, 17, 13, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def short_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "STRIP_PIXELS", 5 * 53)


def computed() -> Striped:
    """The image, whose rows are computed."""
    return Striped.of(IMAGE - 1).changed(lambda strip, _: strip + 1)


def test_strips_put_together_are_the_picture() -> None:
    torch.testing.assert_close(computed().whole(), IMAGE)
    assert len(list(computed().strips())) == 14
    assert Striped.of(IMAGE).whole() is IMAGE
    levels = np.arange(70 * 53 * 3, dtype=np.uint8).reshape(70, 53, 3)
    expected = torch.from_numpy(levels).permute(2, 0, 1)[None] / 255
    assert torch.equal(Striped.of_array(levels).whole(), expected)


def test_some_rows_and_columns_are_those_of_the_picture() -> None:
    torch.testing.assert_close(computed().every(3), IMAGE[..., ::3, ::3])
    torch.testing.assert_close(computed().every(1, lines=9), IMAGE[..., ::9, :])


def test_a_smaller_copy_is_what_torch_makes_of_the_whole() -> None:
    size = (31, 20)
    expected = F.interpolate(IMAGE, size, mode="bilinear", antialias=True)
    torch.testing.assert_close(computed().shrunk(*size), expected)
    areas = F.interpolate(IMAGE, (7, 6), mode="area")
    torch.testing.assert_close(computed().shrunk(7, 6, area=True), areas)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("rows", [slice(0, 9, 1), slice(60, 70, 1), slice(3, 70, 7)])
def test_rows_of_an_enlarged_picture_are_what_torch_makes(mode: Enlarging, rows: slice) -> None:
    expected = F.interpolate(SMALL, (70, 53), mode=mode)[..., rows, :]
    found = resized_rows(SMALL, 70, 53, rows, mode)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


def test_rows_of_a_smaller_picture_are_what_torch_makes() -> None:
    expected = F.interpolate(IMAGE, (17, 13), mode="bilinear", antialias=True)[..., 4:9, :]
    torch.testing.assert_close(resized_rows(IMAGE, 17, 13, slice(4, 9, 1)), expected)
