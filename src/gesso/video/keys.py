"""Styles and strengths along a clip: cards mixed between keys, each of which names a time."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from threading import Lock
from typing import Generic, TypeVar

from gesso.cards.card import StyleCard
from gesso.errors import OptionError
from gesso.stylizers.stylizer import Stylizer
from gesso.video.frames import Frame, Pixels
from gesso.video.look import Stylized
from gesso.video.source import seconds

T = TypeVar("T")

STEPS = 32  # of the way from one key to the next; a stylizer is made for each
KEPT = 4  # stylizers at most that are held

Make = Callable[[Sequence[StyleCard], Sequence[float], float], Stylizer]
"""The stylizer of cards in these shares, which sum to 1, at a strength."""


class Track(Generic[T]):
    """Values at times; in between, shares of two of them. Before the first it is the first, after
    the last the last."""

    def __init__(self, keys: Sequence[tuple[Fraction, T]]) -> None:
        self.keys = sorted(keys, key=lambda key: key[0])
        self._times = [time for time, _ in self.keys]

    def at(self, time: Fraction) -> tuple[int, int]:
        """The number of the last key up to a time, and how many STEPS of the way to the next one
        have gone by."""
        place = max(0, bisect_right(self._times, time) - 1)
        if place + 1 == len(self.keys) or time <= self._times[0]:
            return place, 0
        begin, end = self._times[place : place + 2]
        step = round(STEPS * (time - begin) / (end - begin))
        return (place, step) if step < STEPS else (place + 1, 0)


@dataclass(frozen=True)
class Keys:
    """What keys say, as they were written.

    Attributes:
        styles: (seconds, name of a style) each.
        strengths: (seconds, strength) each.
    """

    styles: tuple[tuple[Fraction, str], ...] = ()
    strengths: tuple[tuple[Fraction, float], ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> Keys:
        """Those of texts such as "4=b.safetensors", "1:30=mosaic" and "8=0.5".

        Raises:
            OptionError: a text that is no key, a strength that is none, or two keys of one time.
        """
        styles: dict[Fraction, str] = {}
        strengths: dict[Fraction, float] = {}
        for text in texts:
            when, equals, value = text.partition("=")
            if not equals or not value:
                allowed = "allowed are TIME=STYLE and TIME=STRENGTH, such as 4=mosaic and 8=0.5"
                raise OptionError("key", f"{text!r}; {allowed}")
            time = seconds("key", when.strip().removesuffix("s")) or Fraction(0)
            number = _number(value)
            if number is not None and not 0 <= number <= 1:
                raise OptionError("key", f"{text!r}: a strength is a number from 0 to 1")
            if time in (styles if number is None else strengths):
                kind = "style" if number is None else "strength"
                raise OptionError("key", f"{text!r}: a second {kind} at that time")
            if number is None:
                styles[time] = value
            else:
                strengths[time] = number
        return cls(tuple(sorted(styles.items())), tuple(sorted(strengths.items())))


class Keyed:
    """A look whose style and strength change along a clip's time.

    Args:
        cards: at their times; of one time for a style that stays.
        strengths: at theirs; at least one, which then stays.
        make: makes the stylizers; all mixtures are tried at once.

    Raises:
        GessoError: cards that cannot be mixed.
    """

    memory = 0

    def __init__(
        self,
        cards: Sequence[tuple[Fraction, StyleCard]],
        strengths: Sequence[tuple[Fraction, float]],
        make: Make,
        on_frame: Callable[[], None] | None = None,
    ) -> None:
        self.cards, self.strengths = Track(cards), Track(strengths)
        self.make, self.on_frame = make, on_frame
        self._known: OrderedDict[tuple[int, int, float], Stylized] = OrderedDict()
        self._lock = Lock()
        for place in range(len(cards) - 1):
            self._look(place, STEPS // 2, strengths[0][1])

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        with self._lock:
            look = self._look(*self.cards.at(frame.time), self._strength(frame.time))
        return look(frame)

    def reset(self) -> None:
        """Forget all frames before: it remembers none."""

    def _strength(self, time: Fraction) -> float:
        keys = self.strengths.keys
        place, step = self.strengths.at(time)
        now, later = keys[place][1], keys[min(place + 1, len(keys) - 1)][1]
        return now + (later - now) * step / STEPS

    def _look(self, place: int, step: int, strength: float) -> Stylized:
        name = place, step, strength
        if name not in self._known:
            cards = [card for _, card in self.cards.keys[place : place + 2]]
            shares = [1 - step / STEPS, step / STEPS]
            used = (cards, shares) if step else (cards[:1], [1.0])
            self._known[name] = Stylized(self.make(*used, strength), self.on_frame)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(name)
        return self._known[name]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
