from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.errors import GessoError, OptionError
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer
from gesso.video.frames import Frame
from gesso.video.keys import KEPT, Keyed, Keys, Track

DARK, BRIGHT, MIDDLE = (StyleCard("toy", {"v": torch.tensor([v])}, {}) for v in (0.0, 1.0, 0.5))


class Maker:
    """Makes stylizers of one colour: that of the mixed cards, times the strength."""

    def __init__(self) -> None:
        self.made: list[tuple[float, float]] = []

    def __call__(
        self, cards: Sequence[StyleCard], shares: Sequence[float], strength: float
    ) -> Stylizer:
        value = sum(float(c.tensors["v"]) * s for c, s in zip(cards, shares, strict=True))
        self.made.append((value, strength))

        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            return torch.full_like(contents, value * strength)

        return Stylizer(run)


def frame(time: float) -> Frame:
    return Frame(np.zeros((4, 5, 3), np.uint8), Fraction(time), round(time * 100))


def light(look: Keyed, time: float) -> float:
    return float(look(frame(time)).mean()) / 255


def keyed(*cards: tuple[int, StyleCard], strengths: Sequence[tuple[int, float]] = ()) -> Keyed:
    times = [(Fraction(t), s) for t, s in strengths or [(0, 1.0)]]
    return Keyed([(Fraction(t), card) for t, card in cards], times, Maker())


def test_keys_are_styles_and_strengths_at_times() -> None:
    keys = Keys.of(["4s=neon", "0=a.safetensors", "1:30=0.5", "8.5=1", "2=b=c.jpg"])
    assert keys.styles == ((0, "a.safetensors"), (2, "b=c.jpg"), (4, "neon"))
    assert keys.strengths == ((Fraction(17, 2), 1.0), (90, 0.5))
    assert Keys.of([]) == Keys()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["neon"], "TIME=STYLE"),
        (["=neon"], "time"),
        (["4="], "TIME=STYLE"),
        (["x=neon"], "no time"),
        (["-1=neon"], "no time"),
        (["0=1.5"], "from 0 to 1"),
        (["0=nan"], "from 0 to 1"),
        (["4=neon", "4s=batik"], "a second style"),
        (["4=1", "4.0=0"], "a second strength"),
    ],
)
def test_other_keys_are_refused_in_one_line(texts: list[str], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Keys.of(texts)


def test_on_the_way_from_key_to_key_all_goes_linearly() -> None:
    look = keyed((2, DARK), (4, BRIGHT), (8, MIDDLE))
    times = [0, 2, 2.5, 3, 4, 6, 8, 100]
    expected = [0, 0, 0.25, 0.5, 1, 0.75, 0.5, 0.5]
    assert [light(look, time) for time in times] == pytest.approx(expected, abs=0.005)


def test_strengths_go_their_own_way() -> None:
    look = keyed((0, BRIGHT), strengths=[(1, 1.0), (3, 0.0)])
    assert [light(look, t) for t in (0, 1, 2, 3, 9)] == pytest.approx([1, 1, 0.5, 0, 0], abs=0.005)


def test_a_stylizer_is_made_for_each_of_32_steps_and_some_are_kept() -> None:
    look = keyed((0, DARK), (10, BRIGHT))
    maker = look.make
    assert isinstance(maker, Maker)
    assert maker.made == [(0.5, 1.0)]  # that they can be mixed is known at once
    for number in range(1001):
        look(frame(number / 100))
    assert len(maker.made) <= 1 + 33
    before = len(maker.made)
    for time in (10, 9.9, 10, 9.9):
        look(frame(time))
    assert len(maker.made) == before and KEPT < 10


def test_cards_that_do_not_mix_are_refused_before_the_first_frame() -> None:
    def make(cards: Sequence[StyleCard], shares: Sequence[float], strength: float) -> Stylizer:
        raise GessoError("cards 1 and 2 cannot be blended")

    with pytest.raises(GessoError, match="cannot be blended"):
        Keyed([(Fraction(0), DARK), (Fraction(1), BRIGHT)], [(Fraction(0), 1.0)], make)


def test_a_track_of_one_key_stays() -> None:
    track = Track([(Fraction(3), "a")])
    assert [track.at(Fraction(t)) for t in (0, 3, 9)] == [(0, 0)] * 3
