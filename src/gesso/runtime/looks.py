"""Styles, ready to paint photos by a method's bundled graphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from gesso.cards.cache import card_key
from gesso.cards.packing import PlainCard
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError
from gesso.images.arrays import Pixels
from gesso.images.resize import target_size
from gesso.runtime.given import given_by
from gesso.runtime.look import Together
from gesso.runtime.painter import Painter, in_regions
from gesso.runtime.sampling import antialiased
from gesso.runtime.seen import ORDINARY, Seen, mixed
from gesso.runtime.sessions import Arrays, Network
from gesso.runtime.styles import Styles, large_enough


class AnyStyle(Styles[Seen]):
    """A method's two bundled graphs: a painting → numbers, and a photo and these → picture."""

    def _settings(self, size: int) -> dict[str, Any]:
        # The last is what an earlier gesso knew nothing of.
        return {**super()._settings(size), "may hold": list(ORDINARY.values())}

    def _looked_at(self, picture: Pixels) -> Arrays:
        return self._reader.run({"style": picture[None]})

    def _known(self, card: PlainCard, key: str) -> Seen:
        numbers = {n: x for n, x in card.tensors.items() if n not in ORDINARY.values()}
        return Seen.of(card, numbers).known(key, card, self.cache)

    def _seen_now(self, picture: Pixels) -> Seen:
        return Seen(self._numbers(picture))

    def _painter(self, styles: list[Seen], weights: list[float]) -> Painter:
        usual = {n: np.full(1, v, np.float32) for n, v in self.about["settings"].items()}
        numbers = mixed([style.numbers for style in styles], weights)
        names = {name for style in styles for name in style.weights}
        bundled = self.weights.of(names)
        own = mixed([bundled | style.weights for style in styles], weights) if names else {}
        one = styles[0] if len(styles) == 1 else Seen({})

        def at(strength: float) -> Network:
            return self._bundled("network", mixed([bundled, own], [1 - strength, strength]))

        return Painter(
            self._bundled("network", own) if own else self.network,
            {**numbers, **usual},
            self._own,
            one.ordinary,
            one.keep,
            at if own else None,
        )

    def _together(self, styles: Sequence[Seen]) -> Together | None:
        return None if self._regions is None else partial(in_regions, self._regions)

    def _of_card(self, source: str | Path, card: PlainCard) -> Seen:
        what = shown(source)
        try:
            names = [*self.about["network"], *self.about["style"]]
            given, own = given_by(card, self.weights, names)
            numbers = {n: _shaped(n, x, self.network.inputs) for n, x in given.items()}
        except GessoError as error:
            raise GessoError(f"{what}: {error}") from error
        if missing := self._taken - numbers.keys():
            raise GessoError(f"{what}: a card without {min(missing)}")
        key = card_key(sha256_file(source), self.method, self.weights.base, {"without": "torch"})
        name = {"style": Path(source).name}
        empty = PlainCard(self.method, {}, base=self.weights.base, provenance=name)
        stored = self.cache.get_plain(key) if self.cache else None
        return Seen.of(card, numbers, own).known(key, stored or empty, self.cache)

    def _own(self, photo: Pixels) -> Arrays:
        """What the network takes of a photo as its own style."""
        size = target_size(photo.shape[1:], self.about["neutral_size"])
        return self._reader.run({"style": large_enough(antialiased(photo, *size))[None]})

    @cached_property
    def network(self) -> Network:
        """What paints photos."""
        return self._bundled("network")

    @cached_property
    def _regions(self) -> Network | None:
        return self._bundled("regions") if "regions" in self.about else None

    @cached_property
    def _reader(self) -> Network:
        return self._bundled("style")

    @property
    def _taken(self) -> set[str]:
        """The inputs that are a style's."""
        others = {"image", "among", "light", "moments", *self.about["settings"]}
        return set(self.network.inputs) - others


def _shaped(name: str, value: Any, inputs: dict[str, tuple[Any, ...]]) -> Any:
    """A number as the network takes it. Raises GessoError where it cannot."""
    shape = inputs.get(name)
    if shape is None or value.size != np.prod(shape):
        raise GessoError(f"{name} of {list(value.shape)}, a card of another network")
    return np.ascontiguousarray(value, np.float32).reshape(shape)
