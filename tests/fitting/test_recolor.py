"""The colours of a painted picture: within the style's, even where lightness is, grey if it is."""

from __future__ import annotations

import pytest
import torch

from gesso.fitting.recolor import Recolor, StyleColors, recolored, smoothed
from gesso.nn.colors import Colors
from gesso.nn.oklab import to_oklab
from tiny import pictures

PHOTO, PICTURE, STYLE = pictures(3, 48, seed=4)
BOTH: list[Recolor] = ["own", "photo"]


def colors_of(style: torch.Tensor) -> StyleColors:
    return StyleColors.of(style, 100)


def chroma(image: torch.Tensor) -> torch.Tensor:
    return to_oklab(image)[..., 1:, :, :].square().sum(-3).sqrt()


@pytest.mark.parametrize("source", BOTH)
def test_chroma_lies_in_the_styles_range(source: Recolor) -> None:
    style = 0.6 + 0.3 * (STYLE - 0.5)
    found = to_oklab(recolored(PICTURE[None], PHOTO[None], colors_of(style), source))[0]
    for before, seen, kept in zip(
        to_oklab(PICTURE)[1:], found[1:], to_oklab(style)[1:], strict=True
    ):
        assert float(before.max() - before.min()) > 1.2 * float(kept.max() - kept.min())
        assert float(seen.min()) > float(kept.min()) - 2e-3
        assert float(seen.max()) < float(kept.max()) + 2e-3


@pytest.mark.parametrize("source", BOTH)
def test_a_grey_style_gives_a_grey_picture(source: Recolor) -> None:
    grey = STYLE.mean(0, keepdim=True).expand(3, -1, -1)
    assert float(chroma(PICTURE).max()) > 0.05
    found = recolored(PICTURE[None], PHOTO[None], colors_of(grey), source)
    assert float(chroma(found).max()) <= float(chroma(grey).max()) + 1e-3


@pytest.mark.parametrize("source", BOTH)
def test_lightness_stays_the_pictures(source: Recolor) -> None:
    style = torch.cat([STYLE, torch.zeros(3, 1, 48), torch.ones(3, 1, 48)], 1)
    found = to_oklab(recolored(PICTURE[None], PHOTO[None], colors_of(style), source))[0, 0]
    assert float((found - to_oklab(PICTURE)[0]).abs().mean()) < 0.01


def test_a_style_of_one_color_takes_no_forms_away() -> None:
    flat = torch.full_like(STYLE, 0.8)
    found = recolored(PICTURE[None], PHOTO[None], colors_of(flat), "own")
    lights = [to_oklab(image)[..., 0, :, :].std() for image in (found, PICTURE)]
    assert float(lights[0]) == pytest.approx(float(lights[1]), rel=0.05)


def test_the_photos_chroma_gets_the_styles_mean() -> None:
    flat = torch.full_like(PICTURE, 0.5)[None]  # one lightness: the filter only averages
    style = colors_of(STYLE)
    lab = to_oklab(recolored(flat, PHOTO[None], style, "photo"))[:, 1:]
    wanted = style.moments.mean[1:]
    torch.testing.assert_close(Colors.of(lab).mean, wanted, atol=0.01, rtol=0)


def test_off_leaves_the_picture() -> None:
    assert torch.equal(
        recolored(PICTURE[None], PHOTO[None], colors_of(STYLE), "off"), PICTURE[None]
    )


def test_chroma_keeps_its_edges_where_lightness_has_them_and_evens_out_elsewhere() -> None:
    left = torch.arange(32) < 16
    step = left.float().expand(1, 1, 32, 32)
    speckled = step + 0.2 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    flat = torch.zeros(1, 1, 32, 32)
    assert float((smoothed(step, step) - step).abs().max()) < 1e-3
    assert float((smoothed(step, flat) - step).abs().max()) > 0.3
    rough, even = (image[..., 2:14].std() for image in (speckled, smoothed(speckled, step)))
    assert float(even) < 0.4 * float(rough)


def test_statistics_are_those_of_all_pixels_and_the_pixels_the_styles() -> None:
    colors, lab = colors_of(STYLE), to_oklab(STYLE)
    found, exact = colors.moments, Colors.of(lab)
    torch.testing.assert_close(found.mean, exact.mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.covariance, exact.covariance, atol=1e-6, rtol=0)
    own = STYLE.flatten(1).T
    assert len(colors.pixels) == 100
    assert all(bool((own == pixel).all(1).any()) for pixel in colors.pixels)


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("style", [STYLE, STYLE[:1].expand(3, -1, -1)], ids=["colour", "grey"])
def test_strips_are_the_whole_picture(
    source: Recolor, style: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recolored(PICTURE[None], PHOTO[None], colors_of(style), source)
    monkeypatch.setattr("gesso.nn.strips.STRIP_PIXELS", 7 * 48)
    found = recolored(PICTURE[None], PHOTO[None], colors_of(style), source)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-5)
