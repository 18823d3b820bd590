"""What descents see of a picture in tiles is what they see of the whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.encoders.summed import LEAST_SIDE, MOST_SIDE, bytes_a_pixel, tile_side
from gesso.encoders.vgg import NormalisedVGG
from gesso.errors import GessoError
from gesso.fitting.apart import Apart
from gesso.fitting.painting import paint
from gesso.fitting.picture import Descent, optimise
from gesso.fitting.regions import Regions, Styles
from gesso.fitting.settings import Painting
from gesso.fitting.sight import Sight
from gesso.fitting.summed import objective_of
from gesso.fitting.terms import Weights
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.objectives import Objective
from gesso.losses.terms import grams, total
from gesso.nn import memory
from tiny import pictures, random_vgg, tiny_encoder


def noise(seed: int) -> Tensor:
    """No two neighbours are alike, between which a pooling would have to choose."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, 83, 101, generator=generator, dtype=torch.float64)


PHOTO, PICTURE = noise(3), noise(4)
WEIGHTS = Weights(transport=1.0, moments=0.5, palette=0.0, structure=0.75)


def normalised() -> Encoder:
    torch.manual_seed(0)
    return NormalisedVGG("relu3_1").freeze()


@pytest.mark.parametrize(
    ("encoder", "levels"),
    [
        (tiny_encoder(), LEVELS),
        (random_vgg(), ("relu1_2", "relu2_2", "relu3_3")),
        (normalised(), ("relu1_1", "relu2_1", "relu3_1")),
    ],
    ids=["compact", "vgg", "normalised"],
)
def test_vectors_and_their_gradient_are_those_of_the_whole(
    encoder: Encoder, levels: tuple[str, ...]
) -> None:
    encoder = encoder.double()
    found = encoder(PICTURE, list(levels))
    generator = torch.Generator().manual_seed(0)
    wanted, columns = [], torch.randint(0, 20 * 25, (40,), generator=generator)
    for level in levels:
        grid = Sight(encoder, levels).grid(level, PICTURE)
        assert grid == tuple(found[level].shape[2:])
        wanted.append((level, torch.randint(0, grid[0] * grid[1], (50,), generator=generator)))
    seen = []
    for side in (None, 16):
        image = PICTURE.clone().requires_grad_()
        rows, across = Sight(encoder, levels, side).seen(image, wanted, [columns])
        sum((x.sin().sum() for x in (*rows, *across)), torch.zeros(())).backward()
        assert image.grad is not None
        seen.append([*rows, *across, image.grad])
    for whole, tiled in zip(*seen, strict=True):
        torch.testing.assert_close(tiled, whole, rtol=1e-7, atol=1e-9 * largest(whole))


def style(seed: int) -> StyleVectors:
    """Of a random picture."""
    encoder, picture = tiny_encoder(dtype=torch.float64), pictures(1, 64, seed, torch.float64)
    found = encoder(picture, LEVELS)
    rows = {level: found[level][0].flatten(1).T for level in LEVELS}
    rows["all"] = hypercolumns(found, *cells(picture))[0]
    kept = {name: Vectors(x[:200], x.mean(0)) for name, x in rows.items()}
    return StyleVectors({64: kept.pop("all")}, kept)


def regions() -> Regions:
    shares = torch.zeros(2, *PICTURE.shape[-2:])
    shares[0, :, :40], shares[1, :, 40:] = 1, 1
    return Regions([style(5), style(6)], shares)


@pytest.mark.parametrize("styles", [style(5), regions()], ids=["one style", "two regions"])
def test_the_gradient_of_matching_is_that_of_the_whole(
    styles: Styles, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, found = tiny_encoder(dtype=torch.float64), []
    for side in (None, 32):
        monkeypatch.setattr("gesso.fitting.sight.tile_side", lambda *_, side=side: side)
        loss = Apart(styles, encoder, WEIGHTS, 0, PICTURE, PHOTO)
        image = PICTURE.clone().requires_grad_()
        for _ in range(2):  # shifts and places are drawn anew
            loss(image).backward()
        found.append(image.grad)
    assert found[0] is not None and float(found[0].abs().max()) > 0
    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-7 * largest(found[0]))


@pytest.mark.parametrize("relative", [True, False])
def test_the_gradient_on_gram_matrices_is_that_of_the_whole(relative: bool) -> None:
    encoder, levels = tiny_encoder(dtype=torch.float64), list(LEVELS)
    objective = Objective(relative=relative, tv_weight=0.1)
    target = grams(encoder(noise(5), levels))
    content, found = encoder(PHOTO, levels)[objective.content_level], []
    for side in (None, 24):
        image = PICTURE.clone().requires_grad_()
        if side is None:
            terms = objective(image, encoder(image, levels), content, target)
        else:
            terms = objective_of(
                objective, Sight(encoder, LEVELS, side), side, image, PHOTO, target
            )
        total(terms).sum().backward()
        assert image.grad is not None
        found.append([*terms.values(), image.grad])
    for whole, tiled in zip(*found, strict=True):
        torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=1e-7 * largest(whole))


@pytest.mark.parametrize(
    "descent",
    [
        Descent(steps=3, coarse=64),
        Descent(steps=3, coarse=0, mirror=True, chroma=0.25, shift=True, calm=0.02),
    ],
    ids=["adam", "polish"],
)
def test_a_descent_in_tiles_makes_the_same_picture(
    descent: Descent, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In float32 a descent magnifies rounding: a photo changed by 1e-6 differs as much afterwards.
    monkeypatch.setattr("gesso.fitting.picture.fast_dtype", lambda _: torch.float64)
    encoder, content, found = tiny_encoder(dtype=torch.float64), PHOTO, []
    target = grams(encoder(noise(5), list(LEVELS)))
    for side in (None, 32):
        monkeypatch.setattr("gesso.fitting.sight.tile_side", lambda *_, side=side: side)
        made = optimise(content, lambda x: x, encoder, Objective(), target, descent)
        found.append(made)
    assert largest(found[0] - content) > 4 / 255
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0.01 / 255)


def test_matching_in_tiles_paints_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gesso.fitting.apart.fast_dtype", lambda _: torch.float64)
    monkeypatch.setattr("gesso.fitting.terms.fast_dtype", lambda _: torch.float64)
    encoder, found = tiny_encoder(dtype=torch.float64), []
    # Outlines are seen in the whole picture in any case.
    how = Painting(half_steps=3, final_steps=3, outlines=0.0, recolor="off")
    for side in (None, 32):
        monkeypatch.setattr("gesso.fitting.sight.tile_side", lambda *_, side=side: side)
        found.append(paint(PHOTO, style(5), encoder, how, redraw=lambda x: x))
    assert largest(found[0] - PHOTO) > 4 / 255
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0.01 / 255)


def test_what_steps_draw_whole_is_refused_where_it_does_not_fit() -> None:
    how = Painting(drawn_by="steps", recolor="off")
    with memory.at_most(1), pytest.raises(GessoError, match="101 × 83 px drawn by steps need"):
        paint(PHOTO, style(5), tiny_encoder(dtype=torch.float64), how)


def test_tiles_are_chosen_by_what_may_be_taken() -> None:
    encoder, pixels, sides = random_vgg(), 2_400_000, list[int]()
    assert tile_side(encoder, ["relu4_3"], pixels, None, 0) is None
    assert tile_side(encoder, ["relu4_3"], pixels, 10**10, 10**6) is None
    for room in (10**6, 10**9, 2 * 10**9, 8 * 10**9):
        side = tile_side(encoder, ["relu4_3"], pixels, room, 10**6)
        assert side is not None and 2 * bytes_a_pixel(encoder, ["relu4_3"]) * side**2 <= max(
            room, 3 * 10**8
        )
        sides.append(side)
    assert sides == sorted(sides) and sides[0] == LEAST_SIDE < sides[1] < sides[-1] == MOST_SIDE


def largest(x: Tensor) -> float:
    return float(x.detach().abs().max())
