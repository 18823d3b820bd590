"""Styles, ready to paint photos: what all methods have in common that need no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from gesso import assets
from gesso.cards.cache import CardCache, card_key
from gesso.cards.packing import PlainCard, read_card, rounded
from gesso.controls.options import ControlOptions, check_masks
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError, OptionError
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.images.styles import style_file
from gesso.images.write import thumbnail_bytes
from gesso.pipeline.styles import holds_card
from gesso.runtime.coloring import recolored
from gesso.runtime.colors import Colors
from gesso.runtime.engines import DEFAULT as ENGINE
from gesso.runtime.look import Look, Paints, Together
from gesso.runtime.sampling import bilinear
from gesso.runtime.seen import PALETTE, Seen, put, scaled, tint_of
from gesso.runtime.sessions import Arrays, Network, Weights

SMALLEST_STYLE_PX = 64
THUMBNAIL_SIDES = 96, 64, 48, 32

S = TypeVar("S", bound=Seen)


class Styles(Generic[S]):
    """Paintings and cards of a method → looks. What is found of a painting is kept in the cache, if
    there is one, as a card of numbers rounded to float16, and used so from the start."""

    def __init__(self, method: str, cache: CardCache | None = None, engine: str = ENGINE) -> None:
        """Raises GessoError for a method without bundled graphs, or weights that do not fit."""
        self.method, self.engine, self.cache = method, engine, cache
        self.about = about_of(method)
        self.weights = Weights(self.about.get("weights", method))

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
            seen = [self._seen_now(large_enough(one)) for one in new]
            return replace(self._look(seen, weights, how), matched=True)(photo)

        return in_its_colors

    def _look(self, styles: Sequence[S], weights: Sequence[float], how: ControlOptions) -> Look:
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
            together=self._together(styles) if len(groups) > 1 else None,
        )

    def seen(self, style: Any, size: int) -> S:
        """A painting, from the cache or looked at now, or a card."""
        source = source_of(style)
        if holds_card(source):
            return self._of_card(source, self._read(source))
        key = card_key(_digest(source), self.method, self._base, self._settings(size))
        card = self.cache.get_plain(key) if self.cache else None
        if card is None:
            card = self._found(source, size)
            put(self.cache, key, card)
        return self._known(card, key)

    def _read(self, source: Any) -> PlainCard:
        """A card's file. Raises GessoError for one of another method."""
        if not isinstance(source, str | Path):
            raise GessoError("style: a card; without torch it has to be the file of one")
        card = read_card(source)
        if card.method != self.method:
            trouble = f"a card of {card.method}, the method is {self.method}"
            raise GessoError(f"{shown(source)}: {trouble}")
        return card

    def _found(self, source: Any, size: int) -> PlainCard:
        picture = large_enough(read_image(source, size=size))
        name = Path(source).name if isinstance(source, str | Path) else ""
        return PlainCard(
            self.method,
            self._numbers(picture),
            settings={PALETTE: Colors.of(picture).numbers(), "size": size},
            base=self._base,
            thumbnail=self.thumbnail(picture),
            provenance={"style": name} if name else {},
        )

    def _numbers(self, picture: Pixels) -> Arrays:
        """What is kept of a painting, rounded as a card holds it."""
        return rounded(PlainCard(self.method, self._looked_at(picture))).tensors

    @property
    def _base(self) -> str:
        """The weights that what is kept of a painting depends on."""
        return self.weights.base

    def _settings(self, size: int) -> dict[str, Any]:
        """What else it depends on."""
        return {"without": "torch", "size": size, "encoder": self.weights.trained_with}

    def _looked_at(self, picture: Pixels) -> Arrays:
        """What is kept of a painting."""
        raise NotImplementedError

    def _known(self, card: PlainCard, key: str) -> S:
        """A painting as the cache has it under a key."""
        raise NotImplementedError

    def _seen_now(self, picture: Pixels) -> S:
        """A painting that is not kept."""
        raise NotImplementedError

    def _of_card(self, source: str | Path, card: PlainCard) -> S:
        """A card of the method. Raises GessoError for one that cannot be run."""
        raise NotImplementedError

    def _painter(self, styles: list[S], weights: list[float]) -> Any:
        """What paints one style, or a mixture."""
        raise NotImplementedError

    def _together(self, styles: Sequence[S]) -> Together | None:
        """What paints several styles in their regions; None: their pictures are put together."""
        raise NotImplementedError

    def _bundled(
        self, part: str, own: Arrays | None = None, weights: Weights | None = None
    ) -> Network:
        """A graph, with weights of its own in the place of those that are bundled."""
        shapes = self.about[part]
        numbers = (weights or self.weights).of(shapes) | (own or {})
        return Network.bundled(f"{self.method}.{part}", shapes, numbers, self.engine)

    def thumbnail(self, picture: Pixels) -> bytes | None:
        """The style as its card keeps it."""
        made = (thumbnail_bytes(picture, side) for side in THUMBNAIL_SIDES)
        return next((data for data in made if len(data) <= self.about["thumbnail_bytes"]), None)


def about_of(method: str) -> dict[str, Any]:
    """What a runtime has to know of a method with bundled graphs. Raises GessoError for others."""
    path = assets.GRAPHS / f"{method}.json"
    if not path.is_file():
        known = ", ".join(bundled_methods() + drawn_methods())
        raise GessoError(f"method {method}: not one that runs without torch; {known} do")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def bundled_methods() -> list[str]:
    """The methods whose graphs are bundled, and give the pictures that torch gives."""
    return sorted(path.name.partition(".")[0] for path in assets.GRAPHS.glob("*.network.onnx"))


def drawn_methods() -> list[str]:
    """Those that need torch for the steps that their pictures usually take, and draw without."""
    return sorted(path.name.partition(".")[0] for path in assets.GRAPHS.glob("*.decoder.onnx"))


def source_of(style: Any) -> Any:
    """A style, with the file of a bundled one in the place of its name."""
    return style_file(style) if isinstance(style, str | Path) else style


def large_enough(picture: Pixels) -> Pixels:
    """A painting (3, h, w) with sides of SMALLEST_STYLE_PX at least."""
    height, width = (max(SMALLEST_STYLE_PX, n) for n in picture.shape[1:])
    small = (height, width) != picture.shape[1:]
    return bilinear(picture, height, width) if small else picture


def _digest(source: Any) -> str:
    """SHA-256 of a file, its bytes, or a picture's pixels."""
    if isinstance(source, str | Path):
        return sha256_file(source)
    data = source if isinstance(source, bytes) else read_image(source).tobytes()
    return hashlib.sha256(data).hexdigest()
