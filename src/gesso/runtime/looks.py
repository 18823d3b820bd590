"""Styles, ready to paint photos by a method's bundled graphs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gesso import assets
from gesso.cards.cache import CardCache, card_key
from gesso.cards.packing import PlainCard, read_card, rounded
from gesso.controls.options import ControlOptions, check_masks
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError, OptionError
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.images.resize import target_size
from gesso.images.styles import style_file
from gesso.images.write import thumbnail_bytes
from gesso.pipeline.styles import holds_card
from gesso.runtime.coloring import recolored
from gesso.runtime.colors import Colors
from gesso.runtime.engines import DEFAULT as ENGINE
from gesso.runtime.given import given_by
from gesso.runtime.look import Look
from gesso.runtime.painter import Painter
from gesso.runtime.sampling import antialiased, bilinear
from gesso.runtime.seen import ORDINARY, PALETTE, Seen, mixed, put, scaled, tint_of
from gesso.runtime.sessions import Arrays, Network, Weights

DEFAULT = "meta_networks"
SMALLEST_STYLE_PX = 64
THUMBNAIL_SIDES = 96, 64, 48, 32

Paints = Callable[[Pixels], Pixels]
"""A photo (3, H, W) in [0, 1] → its picture."""


class AnyStyle:
    """A method's two bundled graphs: paintings and cards → looks. What is found of a painting is
    kept in the cache, if there is one, as a card of numbers rounded to float16, and used so from
    the start."""

    def __init__(
        self, method: str = DEFAULT, cache: CardCache | None = None, engine: str = ENGINE
    ) -> None:
        """Raises GessoError for a method without bundled graphs, or weights that do not fit."""
        path = assets.GRAPHS / f"{method}.json"
        if not path.is_file():
            known = ", ".join(bundled_methods())
            raise GessoError(f"method {method}: not one that runs without torch; {known} do")
        self.method, self.engine = method, engine
        self.about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.weights, self.cache = Weights(method), cache

    def look(
        self,
        styles: Sequence[Any],
        shares: Sequence[float] | None = None,
        controls: ControlOptions | None = None,
        style_size: int | None = None,
    ) -> Paints:
        """The look of paintings (whatever `gesso.read_image` takes, or names of bundled ones) and
        of files of cards, which are mixed in these shares, or have a mask of the controls each.

        Raises:
            GessoError: a style that cannot be read, or another number of shares or masks.
        """
        how, size = controls or ControlOptions(), style_size or self.about["style_size"]
        if how.masks:
            check_masks(len(how.masks), len(styles))
        elif shares is not None and len(shares) != len(styles):
            count = f"{len(shares)} numbers for {len(styles)} styles; one a style"
            raise OptionError("weights", count)
        weights, sources = scaled(shares or [1.0] * len(styles)), [*map(source_of, styles)]
        if how.color == "style" or any(map(holds_card, sources)):
            return self._look([self.seen(source, size) for source in sources], weights, how)
        pictures = [read_image(source, size=size) for source in sources]

        def in_its_colors(photo: Pixels) -> Pixels:
            new = [recolored(picture, photo, how.color) for picture in pictures]
            seen = [Seen(self._numbers(_large_enough(one))) for one in new]
            return replace(self._look(seen, weights, how), matched=True)(photo)

        return in_its_colors

    def _look(self, styles: Sequence[Seen], weights: Sequence[float], how: ControlOptions) -> Look:
        apart = bool(how.masks)
        groups = [([one], [1.0]) for one in styles] if apart else [(list(styles), list(weights))]
        found = [style.palette for style in styles if style.palette is not None]
        palettes = found if apart or not found else [Colors.union(found, weights[: len(found)])]
        return Look(
            [self._painter(*group) for group in groups],
            palettes if len(found) == len(styles) else None,
            tint_of(styles) if how.color == "style" else None,
            self.about["color_share"],
            self.about["paint_from"],
            self.about["paint_pixels"],
            how,
            together=self._regions if len(groups) > 1 else None,
        )

    def _painter(self, styles: list[Seen], weights: list[float]) -> Painter:
        """What paints one style, or a mixture."""
        usual = {n: np.full(1, v, np.float32) for n, v in self.about["settings"].items()}
        numbers = mixed([style.numbers for style in styles], weights)
        names = {name for style in styles for name in style.weights}
        bundled = self.weights.of(names)
        own = mixed([bundled | style.weights for style in styles], weights) if names else {}
        one = styles[0] if len(styles) == 1 else Seen({})

        def at(strength: float) -> Network:
            return self._network_with(mixed([bundled, own], [1 - strength, strength]))

        return Painter(
            self._network_with(own) if own else self.network,
            {**numbers, **usual},
            self._own,
            one.ordinary,
            one.keep,
            at if own else None,
        )

    def seen(self, style: Any, size: int) -> Seen:
        """A painting, from the cache or looked at now, or a card."""
        source = source_of(style)
        if holds_card(source):
            return self._of_card(source)
        settings = {"without": "torch", "size": size, "encoder": self.weights.trained_with}
        settings["may hold"] = list(ORDINARY.values())  # which an earlier gesso knew nothing of
        key = card_key(_digest(source), self.method, self.weights.base, settings)
        card = self.cache.get_plain(key) if self.cache else None
        if card is None:
            card = self._found(source, size)
            put(self.cache, key, card)
        numbers = {n: x for n, x in card.tensors.items() if n not in ORDINARY.values()}
        return Seen.of(card, numbers).known(key, card, self.cache)

    def _of_card(self, source: Any) -> Seen:
        """A card's file. Raises GessoError for one that the bundled network cannot run."""
        if not isinstance(source, str | Path):
            raise GessoError("style: a card; without torch it has to be the file of one")
        card, what = read_card(source), shown(source)
        if card.method != self.method:
            raise GessoError(f"{what}: a card of {card.method}, the method is {self.method}")
        try:
            names = [*self.about["network"], *self.about["style"]]
            given, own = given_by(card, self.weights, names)
            numbers = {n: _shaped(n, x, self.network.inputs) for n, x in given.items()}
        except GessoError as error:
            raise GessoError(f"{what}: {error}") from error
        if missing := self._taken - numbers.keys():
            raise GessoError(f"{what}: a card without {min(missing)}")
        key = card_key(_digest(source), self.method, self.weights.base, {"without": "torch"})
        name = {"style": Path(source).name}
        empty = PlainCard(self.method, {}, base=self.weights.base, provenance=name)
        stored = self.cache.get_plain(key) if self.cache else None
        return Seen.of(card, numbers, own).known(key, stored or empty, self.cache)

    def _found(self, source: Any, size: int) -> PlainCard:
        picture = _large_enough(read_image(source, size=size))
        name = Path(source).name if isinstance(source, str | Path) else ""
        return PlainCard(
            self.method,
            self._numbers(picture),
            settings={PALETTE: Colors.of(picture).numbers(), "size": size},
            base=self.weights.base,
            thumbnail=self.thumbnail(picture),
            provenance={"style": name} if name else {},
        )

    def _numbers(self, picture: Pixels) -> Arrays:
        """What the network takes of a painting, rounded as a card holds it."""
        found = self._reader.run({"style": picture[None]})
        return rounded(PlainCard(self.method, found)).tensors

    def _own(self, photo: Pixels) -> Arrays:
        """What the network takes of a photo as its own style."""
        size = target_size(photo.shape[1:], self.about["neutral_size"])
        return self._reader.run({"style": _large_enough(antialiased(photo, *size))[None]})

    def _network_with(self, own: Arrays) -> Network:
        return self._bundled("network", own)

    @cached_property
    def network(self) -> Network:
        """What paints photos."""
        return self._bundled("network", {})

    @cached_property
    def _regions(self) -> Network | None:
        return self._bundled("regions", {}) if "regions" in self.about else None

    @cached_property
    def _reader(self) -> Network:
        return self._bundled("style", {})

    def _bundled(self, part: str, own: Arrays) -> Network:
        """One of the two, with weights of its own in the place of those that are bundled."""
        shapes = self.about[part]
        numbers = self.weights.of(shapes) | own
        return Network.bundled(f"{self.method}.{part}", shapes, numbers, self.engine)

    @property
    def _taken(self) -> set[str]:
        """The inputs that are a style's."""
        others = {"image", "among", "light", "moments", *self.about["settings"]}
        return set(self.network.inputs) - others

    def thumbnail(self, picture: Pixels) -> bytes | None:
        """The style as its card keeps it."""
        made = (thumbnail_bytes(picture, side) for side in THUMBNAIL_SIDES)
        return next((data for data in made if len(data) <= self.about["thumbnail_bytes"]), None)


def bundled_methods() -> list[str]:
    """The methods whose graphs are bundled."""
    return sorted(path.stem for path in assets.GRAPHS.glob("*.json"))


def source_of(style: Any) -> Any:
    """A style, with the file of a bundled one in the place of its name."""
    return style_file(style) if isinstance(style, str | Path) else style


def _shaped(name: str, value: Any, inputs: dict[str, tuple[Any, ...]]) -> Any:
    """A number as the network takes it. Raises GessoError where it cannot."""
    shape = inputs.get(name)
    if shape is None or value.size != np.prod(shape):
        raise GessoError(f"{name} of {list(value.shape)}, a card of another network")
    return np.ascontiguousarray(value, np.float32).reshape(shape)


def _large_enough(picture: Pixels) -> Pixels:
    height, width = (max(SMALLEST_STYLE_PX, n) for n in picture.shape[1:])
    small = (height, width) != picture.shape[1:]
    return bilinear(picture, height, width) if small else picture


def _digest(source: Any) -> str:
    """SHA-256 of a file, its bytes, or a picture's pixels."""
    if isinstance(source, str | Path):
        return sha256_file(source)
    data = source if isinstance(source, bytes) else read_image(source).tobytes()
    return hashlib.sha256(data).hexdigest()
