"""Colour control: CORAL, and luminance alone (Gatys et al. 2016, "Preserving Color")."""

from __future__ import annotations

import logging

import pytest
import torch

from gesso.controls.color import (
    COLORS,
    checked_color,
    grey,
    match_colors,
    match_luminance,
    recolored,
    with_color,
    with_luminance,
)
from gesso.errors import GessoError
from gesso.nn.colors import Colors
from gesso.nn.pictures import luminance
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer
from tiny import pictures


def noisy(seed: int, side: int = 40) -> torch.Tensor:
    """(3, side, side) within [0.2, 0.8], whose colours have a full covariance."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.rand(3, side, side, generator=generator)
    mixing = torch.eye(3) + 0.5 * torch.rand(3, 3, generator=generator)
    mixed = torch.einsum("ij,jhw->ihw", mixing, base)
    return 0.2 + 0.6 * (mixed - mixed.min()) / (mixed.max() - mixed.min())


def test_coral_gives_the_contents_colour_mean_and_covariance() -> None:
    style, photo = noisy(1), noisy(2)
    found, wanted = Colors.of(match_colors(style, photo, clip=False)), Colors.of(photo)
    torch.testing.assert_close(found.mean, wanted.mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.covariance, wanted.covariance, atol=1e-5, rtol=0)
    assert not torch.allclose(Colors.of(style).covariance, wanted.covariance, atol=1e-3)


def test_coral_of_a_picture_with_its_own_colours_changes_nothing() -> None:
    style = noisy(1)
    torch.testing.assert_close(match_colors(style, style), style, atol=1e-5, rtol=0)


def test_coral_is_the_symmetric_map_of_the_paper() -> None:
    one, other = Colors.of(noisy(1)), Colors.of(noisy(2))
    spread, shift = one.transform(other)
    torch.testing.assert_close(spread @ one.covariance @ spread.T, other.covariance)
    torch.testing.assert_close(spread @ one.mean + shift, other.mean)


def test_grey_and_flat_pictures_stay_without_colour_noise() -> None:
    photo = noisy(2)
    flat = torch.full((3, 8, 8), 0.5)
    mean = Colors.of(photo).mean.float().reshape(3, 1, 1).expand(3, 8, 8)
    torch.testing.assert_close(match_colors(flat, photo), mean)
    style = grey(noisy(1)) + 0.002 * torch.randn(3, 40, 40)  # below two grey levels: noise
    matched = match_colors(style, photo, clip=False)
    assert bool(torch.isfinite(matched).all())
    hidden = matched - match_colors(grey(style), photo, clip=False)
    assert float(hidden.std()) < 0.06


def test_the_share_of_clipped_values_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    style, photo = torch.rand(3, 20, 20) ** 8, pictures(1, 20)[0].clamp(0.9, 1)
    with caplog.at_level(logging.INFO, logger="gesso.controls.color"):
        logging.getLogger("gesso").propagate = True
        matched = match_colors(style, photo)
    assert float(matched.min()) >= 0 and float(matched.max()) <= 1
    assert "of the values were clipped to [0, 1]" in caplog.text


def test_luminance_is_that_of_yiq() -> None:
    primaries = torch.eye(3).reshape(3, 3, 1)  # a red, a green and a blue row
    torch.testing.assert_close(luminance(primaries).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    image = noisy(3)
    torch.testing.assert_close(luminance(grey(image)), luminance(image))


def test_a_luminance_is_matched_in_mean_and_deviation() -> None:
    style, photo = 0.4 + 0.2 * noisy(1), 0.3 + 0.3 * noisy(2)
    found, wanted = match_luminance(style, photo), luminance(photo)
    torch.testing.assert_close(found.mean(), wanted.mean(), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std(), wanted.std(), atol=1e-4, rtol=0)


def test_a_new_luminance_is_reached_exactly_and_hue_stays() -> None:
    photo, light = torch.rand(3, 30, 30), torch.rand(1, 30, 30)
    image = with_luminance(photo, light)
    assert float(image.min()) >= 0 and float(image.max()) <= 1
    torch.testing.assert_close(luminance(image), light, atol=1e-5, rtol=0)
    before, after = photo - luminance(photo), image - luminance(image)
    torch.testing.assert_close(before[0] * after[1], before[1] * after[0], atol=1e-4, rtol=0)
    assert bool((before * after > -1e-5).all())  # desaturated at most, never turned round
    mild = with_luminance(0.4 + 0.2 * photo, 0.4 + 0.2 * light)  # within the gamut: chroma stays
    torch.testing.assert_close(mild - luminance(mild), 0.2 * before, atol=1e-5, rtol=0)


def test_colour_content_matches_every_result_to_its_own_content() -> None:
    contents = torch.stack([noisy(1), noisy(2)])
    negative = Stylizer(lambda contents, _: 1 - contents.flip(1))
    stylize = with_color(negative, "content", matched=False)
    for picture, content in zip(stylize(contents), contents, strict=True):
        found, wanted = Colors.of(picture), Colors.of(content)
        torch.testing.assert_close(found.mean, wanted.mean, atol=5e-3, rtol=0)
        torch.testing.assert_close(found.covariance, wanted.covariance, atol=5e-3, rtol=0)


@pytest.mark.parametrize("matched", [True, False])
def test_colour_luminance_stylizes_a_grey_photo_and_keeps_its_chroma(matched: bool) -> None:
    contents = 0.4 + 0.2 * torch.stack([noisy(1), noisy(2)])

    def run(seen: torch.Tensor, on_step: OnStep | None) -> torch.Tensor:
        torch.testing.assert_close(seen, grey(contents))
        return 1 - seen

    pictures = with_color(Stylizer(run), "luminance", matched)(contents)
    chroma = contents - luminance(contents)
    torch.testing.assert_close(pictures - luminance(pictures), chroma, atol=1e-5, rtol=0)
    light = luminance(pictures)
    if matched:
        torch.testing.assert_close(light, 1 - luminance(contents), atol=1e-5, rtol=0)
    else:
        found, wanted = light.mean((1, 2, 3)), luminance(contents).mean((1, 2, 3))
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def test_a_style_is_recoloured_as_the_word_says() -> None:
    style, photo = noisy(1), noisy(2)
    assert recolored(style, photo, "style") is style
    assert torch.equal(recolored(style, photo, "content"), match_colors(style, photo))
    found = recolored(style, photo, "luminance")
    assert found.shape == style.shape and torch.equal(found[0], found[2])


def test_an_unknown_word_is_refused() -> None:
    assert [checked_color(word) for word in COLORS] == list(COLORS)
    with pytest.raises(GessoError, match="color: blue is unknown; allowed are style, content, lum"):
        checked_color("blue")
