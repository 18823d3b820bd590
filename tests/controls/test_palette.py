"""The palette control: pictures with the mean and covariance of their style's colours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.cards.card import PALETTE, StyleCard
from gesso.controls.controls import Controls, mix
from gesso.controls.palette import palette_of
from gesso.errors import GessoError, OptionError
from gesso.methods.adain.layer import Config
from gesso.methods.adain.method import AdaIN
from gesso.nn.colors import Colors
from tiny import WIDTHS, grained, pictures, tiny_encoder

PHOTO = grained(pictures(1, 64, seed=6))
STYLES = grained(pictures(2, 64, seed=5)) * torch.tensor([0.3, 0.2, 0.1]).view(3, 1, 1) + 0.3


def adain() -> AdaIN:
    torch.manual_seed(1)
    config = Config(tuple((width,) for width in WIDTHS))
    made = AdaIN(tiny_encoder(), config, "1" * 64).requires_grad_(False)
    last = list(made.network.parameters())[-2]
    last.mul_(30)  # untrained it gives almost nothing but grey
    return made


def card(style: int = 0, **options: Any) -> StyleCard:
    return adain().adapt(STYLES[style], style_size=64, **options)


def picture(cards: StyleCard | list[StyleCard], photo: Tensor = PHOTO, **controls: Any) -> Tensor:
    return Controls(**controls).stylizer(adain(), cards)(photo)


def assert_alike(found: Colors, expected: Colors) -> None:
    torch.testing.assert_close(found.mean, expected.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.covariance, expected.covariance, atol=1e-3, rtol=0)


def test_the_map_of_colours_is_symmetric_exact_and_moves_less_than_coral() -> None:
    own, target = Colors.of(PHOTO), Colors.of(STYLES[0])
    matrix, shift = own.nearest(target, 100.0)
    torch.testing.assert_close(matrix, matrix.T)
    torch.testing.assert_close(matrix @ own.covariance @ matrix.T, target.covariance)
    torch.testing.assert_close(matrix @ own.mean + shift, target.mean)
    pixels = PHOTO[0].flatten(1).double()
    ours, coral = (
        (a @ pixels + b[:, None] - pixels).square().mean()
        for a, b in ((matrix, shift), own.transform(target))
    )
    assert float(ours) <= float(coral) + 1e-9
    assert float(torch.linalg.eigvalsh(own.nearest(target, 0.5)[0]).max()) < 0.5 + 1e-9


def test_the_colours_of_pictures_side_by_side_are_the_union() -> None:
    parts = [Colors.of(style) for style in STYLES]
    whole = Colors.of(torch.cat([STYLES[0], STYLES[1], STYLES[1]], 2))
    assert_alike(Colors.union(parts, [1, 2]), whole)
    assert_alike(Colors.union(parts, [-1, -2]), whole)  # shares of 1/3 and 2/3, as for the styles
    assert_alike(Colors.union(parts, [3, -1]), parts[0])
    again = Colors.from_numbers(parts[0].numbers())
    assert_alike(again, parts[0])
    with pytest.raises(GessoError, match=r"a palette: .*12 numbers"):
        Colors.from_numbers([1.0, float("nan")])


def test_a_picture_has_its_styles_palette_as_far_as_asked() -> None:
    full, none, half = (picture(card(), color_share=share) for share in (1.0, 0.0, 0.5))
    assert_alike(Colors.of(full), Colors.of(STYLES[0]))
    torch.testing.assert_close(none, adain().stylizer(card())(PHOTO))
    torch.testing.assert_close(half, torch.lerp(none, full, 0.5), atol=0.02, rtol=0)
    usual = picture(card(), color_share=adain().about.color_share)
    torch.testing.assert_close(picture(card()), usual)


def test_a_mixture_has_the_palette_of_all_its_styles() -> None:
    cards = [card(0), card(1)]
    expected = Colors.union([Colors.of(style) for style in STYLES], [1, 3])
    assert_alike(Colors.of(picture(cards, weights=(1, 3), color_share=1)), expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gesso.controls.controls.load", lambda name: adain())
        assert_alike(Colors.from_numbers(mix(cards, [1, 3]).settings[PALETTE]), expected)


def test_every_region_has_the_palette_of_its_style() -> None:
    left = torch.zeros(64, 64)
    left[:, :32] = 1
    found = picture([card(0), card(1)], masks=(left,), color_share=1)
    for part, style in ((found[..., :32], STYLES[0]), (found[..., 32:], STYLES[1])):
        assert_alike(Colors.of(part), Colors.of(style))


@pytest.mark.parametrize("value", [0.02, 0.5])
def test_flat_and_dark_photos_keep_what_they_have(value: float) -> None:
    photo = torch.full((1, 3, 64, 64), value)
    torch.testing.assert_close(
        picture(card(), photo, color_share=1), picture(card(), photo, color_share=0)
    )


def test_the_palette_is_that_of_the_part_of_the_style_that_counts() -> None:
    mask = torch.zeros(64, 64)
    mask[:, :32] = 1
    made = adain().adapt(STYLES[0], style_size=64, style_mask=mask)
    found = palette_of(made)
    assert found is not None
    assert_alike(found, Colors.of(STYLES[0][..., :32]))


def test_a_card_of_before_keeps_no_palette_and_its_pictures() -> None:
    old = replace(card(), settings={})
    assert palette_of(old) is None
    torch.testing.assert_close(picture(old), picture(card(), color_share=0))
    with pytest.raises(GessoError, match="a palette"):
        picture(replace(card(), settings={PALETTE: "red"}))


def test_the_photos_colours_go_before_the_palette() -> None:
    for color in ("content", "luminance"):
        found, plain = (picture(card(), color=color, color_share=share) for share in (1, 0))
        torch.testing.assert_close(found, plain)


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(OptionError, match=r"color.share.*0 to 1"):
        Controls(color_share=1.5)
