"""A style, ready to paint photos: of a painting by bundled graphs, or an exported card."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gesso import assets
from gesso.cards.cache import CardCache, card_key
from gesso.cards.packing import PlainCard, rounded
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError, OptionError
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.images.resize import target_size
from gesso.images.styles import style_file
from gesso.images.write import thumbnail_bytes
from gesso.runtime.colors import Colors, Tint
from gesso.runtime.engines import DEFAULT as ENGINE
from gesso.runtime.look import Look, Painting
from gesso.runtime.sampling import antialiased, bilinear
from gesso.runtime.sessions import Arrays, Network, Weights

log = logging.getLogger(__name__)

DEFAULT = "meta_networks"
ORDINARY = {"light": "ordinary.light", "moments": "ordinary.moments"}  # of a look → of a card
PALETTE = "style_colors"  # among a card's settings, as torch's cards have it
NETWORK = "network.onnx"
SMALLEST_STYLE_PX = 64
THUMBNAIL_SIDES = 96, 64, 48, 32


class AnyStyle:
    """A method's two bundled graphs: paintings → looks. What is found of a painting is kept in the
    cache, if there is one, as a card of numbers rounded to float16, and used so from the start."""

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

    def network(self, part: str) -> Network:
        """One of the two, "style" or "network"."""
        shapes = self.about[part]
        return Network.bundled(
            f"{self.method}.{part}", shapes, self.weights.of(shapes), self.engine
        )

    def look(
        self,
        styles: Sequence[Any],
        shares: Sequence[float] | None = None,
        painting: Painting | None = None,
        style_size: int | None = None,
    ) -> Look:
        """The look of paintings (whatever `gesso.read_image` takes, or names of bundled ones) that
        are mixed in these shares. Raises GessoError for one that cannot be read."""
        size = style_size or self.about["style_size"]
        keys, cards = zip(*(self._card(style, size) for style in styles), strict=True)
        weights = np.array(shares or [1.0] * len(cards), np.float32)
        if not weights.sum():
            raise OptionError("weights", f"{shares} sum to 0; no mixture of styles is made of that")
        weights /= weights.sum()
        mixed: Arrays = {
            name: sum(w * card.tensors[name] for w, card in zip(weights, cards, strict=True))
            for name in cards[0].tensors
            if name not in ORDINARY.values()
        }
        usual = {n: np.full(1, v, np.float32) for n, v in self.about["settings"].items()}
        colors = [Colors.from_numbers(card.settings[PALETTE]) for card in cards]
        seen = [read_image(card.thumbnail) for card in cards if card.thumbnail]
        return Look(
            self.network("network"),
            {**mixed, **usual},
            Colors.union(colors, weights.tolist()),
            Tint.of(seen) if len(seen) == len(cards) else None,
            self.about["color_share"],
            self.about["paint_from"],
            self.about["paint_pixels"],
            painting or Painting(),
            self._own,
            *(self._ordinary(keys[0], cards[0]) if len(cards) == 1 else ()),
        )

    def _ordinary(
        self, key: str, card: PlainCard
    ) -> tuple[Arrays | None, Callable[[Arrays], None]]:
        """What a card knows of ordinary pictures, and what adds that to the card in the cache."""

        def keep(found: Arrays) -> None:
            named = {ORDINARY[n]: value for n, value in found.items()}
            self._keep(key, replace(card, tensors=card.tensors | named))

        known = {n: card.tensors[name] for n, name in ORDINARY.items() if name in card.tensors}
        return (known if len(known) == len(ORDINARY) else None), keep

    def _own(self, photo: Pixels) -> Arrays:
        """What the network takes of a photo as its own style."""
        size = target_size(photo.shape[1:], self.about["neutral_size"])
        return self._reader.run({"style": _large_enough(antialiased(photo, *size))[None]})

    def _card(self, style: Any, size: int) -> tuple[str, PlainCard]:
        """What the network takes of a painting, from the cache or found now, and its key there."""
        source = style_file(style) if isinstance(style, str | Path) else style
        settings = {"without": "torch", "size": size, "encoder": self.weights.trained_with}
        settings["may hold"] = list(ORDINARY.values())  # which an earlier gesso knew nothing of
        key = card_key(_digest(source), self.method, self.weights.base, settings)
        card = self.cache.get_plain(key) if self.cache else None
        if card is None:
            card = self._found(source, size)
            self._keep(key, card)
        return key, card

    def _keep(self, key: str, card: PlainCard) -> None:
        if self.cache is not None:
            try:
                self.cache.put_plain(key, card)
            except GessoError as error:
                log.warning("%s; the style is not cached", error)

    def _found(self, source: Any, size: int) -> PlainCard:
        picture = _style(source, size)
        name = Path(source).name if isinstance(source, str | Path) else ""
        return rounded(
            PlainCard(
                self.method,
                self._reader.run({"style": picture[None]}),
                settings={PALETTE: Colors.of(picture).numbers(), "size": size},
                base=self.weights.base,
                thumbnail=self.thumbnail(picture),
                provenance={"style": name} if name else {},
            )
        )

    @cached_property
    def _reader(self) -> Network:
        return self.network("style")

    def thumbnail(self, picture: Pixels) -> bytes | None:
        """The style as its card keeps it."""
        made = (thumbnail_bytes(picture, side) for side in THUMBNAIL_SIDES)
        return next((data for data in made if len(data) <= self.about["thumbnail_bytes"]), None)


def bundled_methods() -> list[str]:
    """The methods whose graphs are bundled."""
    return sorted(path.stem for path in assets.GRAPHS.glob("*.json"))


def exported_look(path: Path, painting: Painting | None = None, engine: str = ENGINE) -> Look:
    """The look of a card that `gesso export` wrote: its file, or the folder of it.

    Raises:
        GessoError: what is none, or a network that is for any style.
    """
    file = path / NETWORK if path.is_dir() else path
    network = Network.exported(file, engine)
    facts = network.facts
    if tuple(network.inputs) != ("image",):
        raise GessoError(f"{shown(file)}: a network for any style, not that of a card")
    try:
        palette = json.loads(facts["gesso_palette"])
        return Look(
            network,
            palette=None if palette is None else Colors.from_numbers(palette),
            tint=Tint.from_numbers(json.loads(facts["gesso_tint"])),
            color_share=float(facts["gesso_color_share"]),
            paint_from=int(facts["gesso_paint_from"]),
            paint_pixels=int(facts["gesso_paint_pixels"]),
            painting=painting or Painting(),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise GessoError(f"{shown(file)}: its metadata is damaged ({error!r:.60})") from error


def is_exported(path: Any) -> bool:
    """Whether a style is what `gesso export` wrote of a card."""
    if not isinstance(path, Path):
        return False
    return path.suffix == ".onnx" or (path.is_dir() and (path / NETWORK).is_file())


def _style(source: Any, size: int) -> Pixels:
    """A painting as it is looked at."""
    return _large_enough(read_image(source, size=size))


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
