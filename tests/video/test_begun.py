"""Descents on a clip's frames begin with what they made of the frame before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.cards.vectors import KeptVectors
from gesso.controls.polish import polished
from gesso.encoders.levels import LEVELS
from gesso.fitting.kept import kept_for_polish
from gesso.methods.base import OnStep
from gesso.methods.gatys.method import Gatys
from gesso.methods.matching.method import Matching
from gesso.stylizers.begun import SHARE, Begun, Trail
from gesso.stylizers.stylizer import Stylizer
from gesso.video.flicker import Flicker
from gesso.video.frames import Frame, Pixels
from gesso.video.look import Stylized
from gesso.video.steady import Steady
from rendered_clips import Noisy, moving_object, numbered, pan
from tiny import pictures, tiny_encoder

STYLE = pictures(1, 64, seed=5)[0]
PHOTO = pictures(1, 64, seed=6)
OTHER = pictures(1, 64, seed=8)
KNOWN = torch.ones(1, 1, 64, 64)


def by_polish() -> Stylizer:
    encoder = tiny_encoder()
    kept = kept_for_polish(encoder(STYLE[None], LEVELS), STYLE)
    card = StyleCard("metastyle", {}, vectors=KeptVectors(encoder.identity, kept))
    return polished(Stylizer(lambda contents, _: contents.clone()), encoder, card, 3)


def by_gatys() -> Stylizer:
    method = Gatys(tiny_encoder())
    return method.stylizer(method.adapt(STYLE, style_size=64, steps=3, init="content"))


def by_matching() -> Stylizer:
    method = Matching(tiny_encoder())
    how: dict[str, Any] = {"steps": 1, "fine_steps": 1, "half_steps": 0, "final_steps": 3}
    return method.stylizer(method.adapt(STYLE, style_size=64, recolor="off", **how))


@pytest.mark.parametrize("make", [by_polish, by_gatys, by_matching])
def test_a_descent_begins_with_the_picture_before(make: Any) -> None:
    stylizer, trail = make(), Trail()
    with trail.following(None):
        fresh = stylizer(PHOTO)
    with trail.following(lambda made: (OTHER, KNOWN)):
        begun = stylizer(PHOTO)
    torch.testing.assert_close(fresh, stylizer(PHOTO), rtol=0, atol=0)  # outside, afresh
    away = [float((one - OTHER).abs().mean()) for one in (fresh, begun)]
    assert away[1] < 0.5 * away[0]


def marked(value: float) -> Stylizer:
    """A stylizer with a descent that takes no steps."""

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        begun = Begun()
        return begun.keep(begun(torch.full_like(contents, value)))

    return Stylizer(run)


def test_where_nothing_is_known_of_before_it_begins_afresh() -> None:
    trail, half = Trail(), KNOWN.clone()
    half[..., :32] = 0
    with trail.following(lambda made: (OTHER, half)):
        assert torch.equal(marked(0.5)(PHOTO), torch.full_like(PHOTO, 0.5))  # the first picture
    with trail.following(lambda made: (made, half)):
        made = marked(1.0)(PHOTO)
    assert torch.allclose(made[..., :32], torch.tensor(1.0))
    assert torch.allclose(made[..., 32:], torch.tensor(1 - SHARE / 2))


def test_each_of_several_descents_on_a_picture_goes_on_with_its_own() -> None:
    trail, both = Trail(), (marked(0.2), marked(0.8))
    for _ in range(3):
        with trail.following(lambda made: (made, KNOWN)):
            made = [float(one(PHOTO).mean()) for one in both]
    assert made == pytest.approx([0.2, 0.8])


def test_a_picture_before_of_another_size_is_scaled() -> None:
    trail = Trail()
    with trail.following(None):
        marked(0.0)(PHOTO)
    with trail.following(lambda made: (made, KNOWN)):
        assert marked(1.0)(PHOTO[..., :40, :50]).mean() == pytest.approx(1 - SHARE)


def test_what_is_known_takes_fewer_steps() -> None:
    trail, counts = Trail(), []

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        begun = Begun()
        counts.append(begun.steps(30))
        return begun.keep(contents)

    for known in (None, KNOWN, KNOWN / 2, 0 * KNOWN):
        with trail.following(None if known is None else lambda made, k=known: (made, k)):
            Stylizer(run)(PHOTO)
    assert counts == [30, 10, 20, 30]


class Flickering:
    """A descent of no steps from a picture that flickers."""

    memory = 0

    def __init__(self) -> None:
        self.noisy = Noisy()
        self._look = Stylized(Stylizer(self._run))

    def _run(self, contents: Tensor, on_step: OnStep | None) -> Tensor:
        begun = Begun()
        fresh = torch.from_numpy(self._now.astype(np.float32) / 255).permute(2, 0, 1)[None]
        return begun.keep(begun(fresh))

    def __call__(self, frame: Frame) -> Pixels:
        self._now = self.noisy(frame)
        return self._look(frame)

    def reset(self) -> None:
        self.noisy.reset()


def test_strokes_stick_to_things_and_leave_no_ghosts() -> None:
    frames, places = moving_object(10, speed=6)
    look, flicker, plain = Steady(Flickering(), share=0.0, descends=True), Flicker(), Noisy()
    for frame in frames:
        made = look(frame)
        flicker.add(frame, {"begun": made, "plain": plain(frame)})
    errors = flicker.errors
    assert errors["begun"].short.value < 0.25 * errors["plain"].short.value
    still = Steady(_calm(), share=0.0, descends=True)
    for frame in frames:
        made = still(frame)
    behind = (np.maximum.reduce(places[:-1]) > 0) & (places[-1] == 0)
    assert np.abs(made.astype(int) - Noisy(0)(frames[-1]))[behind].mean() < 3


def _calm() -> Flickering:
    look = Flickering()
    look.noisy = Noisy(0)
    return look


def test_a_cut_and_a_reset_begin_afresh() -> None:
    frames = numbered(f.rgb for f in [*pan(3), *pan(2, "cat")])
    look = Steady(Flickering(), share=0.0, descends=True)
    made = [look(frame) for frame in frames]
    assert np.array_equal(made[3], Noisy()(frames[3]))
    assert not np.array_equal(made[4], Noisy()(frames[4]))
    look.reset()
    assert np.array_equal(look(frames[4]), Noisy()(frames[4]))


def test_as_many_frames_are_remembered_as_count() -> None:
    frames = pan(60)
    whole, part = (Steady(Flickering(), 0.5, descends=True) for _ in range(2))
    made = [whole(frame) for frame in frames]
    for frame in frames[-1 - part.memory : -1]:
        part(frame)
    assert np.abs(part(frames[-1]).astype(int) - made[-1]).mean() < 1
