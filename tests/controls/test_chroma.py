"""No colours that neither style nor photo has, and the photo's where they are in the photo."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

import gesso
from gesso.assets import STYLES
from gesso.cards.card import StyleCard
from gesso.controls.chroma import Tint, colored, in_place, with_chroma
from gesso.controls.color import grey, recolored
from gesso.controls.controls import Controls
from gesso.controls.options import COLORS
from gesso.images.write import thumbnail_bytes
from gesso.methods.base import Method
from gesso.nn.pictures import luminance
from gesso.nn.strips import Striped
from gesso.stylizers.stylizer import Stylizer

LINES = torch.linspace(-9, 9, 64)
WAVES = (torch.sin(LINES[:, None] + 0.3 * LINES**2) + torch.cos(2 * LINES[None])) / 4 + 0.5


def colourful(seed: int, side: int = 64) -> Tensor:
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


def sepia() -> Tensor:
    """A drawing in one brown."""
    return (WAVES * torch.tensor([1.0, 0.97, 0.93]).view(3, 1, 1)).clamp(0, 1)


def red_mug() -> Tensor:
    """A red mug on pale pink."""
    photo = torch.tensor([0.98, 0.84, 0.86]).view(3, 1, 1).expand(3, 96, 96).clone()
    shade = 1 - 0.5 * torch.linspace(-0.5, 1, 36).square()
    photo[:, 30:80, 30:66] = torch.tensor([0.8, 0.15, 0.15]).view(3, 1, 1) * shade
    return photo


def chroma(image: Tensor) -> Tensor:
    return image - luminance(image)


def most_chroma(image: Tensor) -> float:
    """In steps of 8 bits."""
    return 255 * float(chroma(image).norm(dim=-3).max())


def likeness(one: Tensor, other: Tensor) -> float:
    """The correlation of two pictures' chroma, place by place."""
    a, b = (chroma(x).flatten(-2) for x in (one, other))
    a, b = (x - x.mean(-1, keepdim=True) for x in (a, b))
    return float((a * b).sum() / (a.norm() * b.norm()))


def card_of(style: Tensor) -> StyleCard:
    return StyleCard("a method", {}, thumbnail=thumbnail_bytes(style, 64))


def invented(contents: Tensor, on_step: object) -> Tensor:
    """Colours that have nothing to do with the contents."""
    return 1 - contents.roll((1, 20), (1, 2)).flip(1)


@cache
def loaded(name: str) -> Method:
    return gesso.load(name)


@pytest.mark.parametrize("photo", [WAVES.expand(3, -1, -1), colourful(1)])
def test_a_grey_style_gives_grey_pictures(photo: Tensor) -> None:
    invents = Stylizer(lambda contents, _: colourful(2).expand_as(contents))
    made = with_chroma(invents, "style", [card_of(WAVES.expand(3, -1, -1))])(photo[None])
    assert most_chroma(made) < 0.01
    torch.testing.assert_close(luminance(made), luminance(colourful(2)[None]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["adain", "meta_networks"])
def test_the_bundled_weights_give_grey_pictures_in_a_grey_style(name: str) -> None:
    method, style = loaded(name), WAVES.expand(3, -1, -1)
    card = method.adapt(style, style_size=64, vectors=False)
    assert most_chroma(method.stylizer(card)(style[None])) > 10
    assert most_chroma(Controls().stylizer(method, card)(style[None])) < 0.01


def test_a_sepia_drawing_gives_nothing_but_its_brown() -> None:
    invents = Stylizer(lambda contents, _: colourful(2)[None])
    made = with_chroma(invents, "style", [card_of(sepia())])(colourful(1)[None])
    red, _, blue = made[0] - luminance(made)[0]
    slack = 3 / 255  # the thumbnail is compressed
    assert float(red.min()) > -slack and float(blue.max()) < slack
    assert most_chroma(made) < most_chroma(sepia()) + 255 * 3 * slack


def test_a_colourful_style_leaves_the_stylizer_as_it_is() -> None:
    stylizer = Stylizer(invented)
    styles = [card_of(WAVES.expand(3, -1, -1)), card_of(colourful(3))]
    assert with_chroma(stylizer, "style", styles) is stylizer
    assert with_chroma(stylizer, "style", [StyleCard("a method", {})]) is stylizer
    muted = [p.stem for p in STYLES.glob("*.jpg") if Tint.of([gesso.read_image(p, size=96)])]
    assert sorted(muted) == ["engraving", "pencil"]


def test_colours_of_the_content_are_where_the_content_has_them() -> None:
    photo = red_mug()[None]
    made = invented(photo, None)
    found = in_place(Striped.of(made), Striped.of(photo)).whole()
    assert likeness(made, photo) < 0.3 and likeness(found, photo) > 0.7
    torch.testing.assert_close(luminance(found), luminance(made), atol=1e-5, rtol=0)
    assert float(found.min()) >= 0 and float(found.max()) <= 1


@pytest.mark.parametrize("name", ["adain", "meta_networks"])
def test_a_red_mug_stays_red_in_its_own_colours(name: str) -> None:
    method, photo = loaded(name), red_mug()
    style = gesso.read_image(STYLES / "ukiyo-e.jpg", size=128)
    card = method.adapt(recolored(style, photo, "content"), style_size=128, vectors=False)
    made = Controls(color="content").stylizer(method, card, matched=True)(photo[None])
    assert likeness(made, photo[None]) > 0.8
    red, _, blue = made[0, :, 40:70, 40:56].mean((1, 2))
    assert float(red - blue) > 0.15


@pytest.mark.parametrize("color", COLORS[1:])
def test_a_grey_photo_stays_grey_in_its_own_colours(color: str) -> None:
    photo = grey(colourful(4))[None]
    controls, method = Controls(color=color), loaded("meta_networks")
    card = method.adapt(STYLES / "mosaic.jpg", style_size=64, vectors=False)
    assert most_chroma(controls.stylizer(method, card)(photo)) < 0.01


def test_opponent_colours_and_luminance_make_the_picture_again() -> None:
    image = colourful(5)
    opponent = (image - luminance(image))[[0, 2]]
    torch.testing.assert_close(colored(opponent, luminance(image)), image, atol=1e-4, rtol=0)
