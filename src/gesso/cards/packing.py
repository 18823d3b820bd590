"""The file of a style card: written, read and checked. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from gesso.cards.fields import FIELDS, checked_fields, shown_field
from gesso.cards.modelspec import modelspec
from gesso.cards.numbers import (
    Grams,
    joined,
    layout,
    packed_grams,
    parsed_layout,
    split,
    unpacked_grams,
)
from gesso.cards.vectors import KeptVectors, packed_vectors, unpacked_vectors
from gesso.disk.atomic import StrPath, shown
from gesso.disk.header import brief, parse_json
from gesso.disk.raw import Raw, compact_json
from gesso.disk.tensors import read_file, write_file
from gesso.errors import GessoError, OptionError

Dtype = Literal["float16", "float32"]
M = TypeVar("M", bound=Any)

MAX_CARD_BYTES = 2**28
MAX_THUMBNAIL_BYTES = 64 * 1024

_STORED = ("float16", "float32")
_THUMBNAIL_RULE = "a thumbnail has to be a WebP, PNG or JPEG picture below 64 KB"
_VALUES, _THUMBNAIL, _GRAMS, _VECTORS = "values", "thumbnail", "grams", "vectors"


@dataclass
class Card(Generic[M]):
    """The fields of a style card, which `gesso.cards.card.StyleCard` describes; M is what it keeps
    numbers in."""

    method: str
    tensors: dict[str, M]
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    thumbnail: bytes | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    grams: Grams[M] | None = None
    vectors: KeptVectors[M] | None = None

    def summary(self) -> dict[str, Any]:
        """The card in plain values, for `gesso info`; no numbers of tensors, nothing long."""
        thumbnail = self.thumbnail and f"{_picture_format(self.thumbnail)}, {len(self.thumbnail)} B"
        return {
            "kind": "style card",
            "method": brief(self.method),
            "tensors": len(self.tensors),
            "numbers": sum(math.prod(tensor.shape) for tensor in self.tensors.values()),
            "base": brief(self.base, 80) or "none (the card is whole)",
            "config": shown_field(self.config),
            "settings": shown_field(self.settings),
            "grams": f"of encoder {brief(self.grams.encoder, 12)}" if self.grams else "none",
            "vectors": f"of encoder {brief(self.vectors.encoder, 12)}" if self.vectors else "none",
            "thumbnail": thumbnail or "none",
            "provenance": shown_field(self.provenance),
        }


@dataclass
class PlainCard(Card[NDArray[Any]]):
    """A style card in numpy arrays."""


def write_card(path: StrPath, card: PlainCard, dtype: Dtype = "float16") -> None:
    """Write a card atomically, its numbers rounded to `dtype`; equal cards give equal bytes.

    Raises:
        GessoError: numbers that are not finite or beyond the range of `dtype`, a bad thumbnail or
            header, or a path that cannot be written.
    """
    if dtype not in _STORED:
        raise OptionError("dtype", f"{brief(dtype)}: allowed are {', '.join(_STORED)}")
    try:
        stored, header = _packed(card, dtype)
    except ValueError as error:
        raise GessoError(f"{shown(path)}: not written: {brief(error, 100)}") from error
    size = sum(array.nbytes for array in stored.values())
    write_file(path, stored, header, modelspec(header, card.thumbnail, size))


def read_card(path: StrPath) -> PlainCard:
    """Read a card; all its numbers are float32.

    Raises:
        GessoError: missing, damaged or foreign file, or one that is not a card.
    """
    stored, header = read_file(path, kind="card", max_bytes=MAX_CARD_BYTES)
    try:
        return _unpacked(stored, header)
    except ValueError as error:
        trouble = f"not a card gesso can read: {brief(error, 100)}"
        raise GessoError(f"{shown(path)}: {trouble}") from error


def rounded(card: PlainCard, dtype: Dtype = "float16") -> PlainCard:
    """The card that `write_card` followed by `read_card` gives; no file is written. A card with
    numbers that float16 cannot hold is rounded to float32.

    Raises:
        GessoError: what no card file can hold.
    """
    try:
        narrow = dtype if _fits(card, dtype) else "float32"
        stored, header = _packed(card, narrow)
        raws = {name: raw for name, array in stored.items() if (raw := Raw.of(array))}
        return _unpacked(raws, parse_json(compact_json(header)))
    except ValueError as error:
        raise GessoError(f"card: {brief(error, 100)}") from error


def narrowest(card: PlainCard) -> Dtype:
    """The type in which a card can be written without any loss; "float32" if none is exact."""
    if not _fits(card, "float16"):
        return "float32"
    half = rounded(card, "float16")
    pairs = [(all_of(card)[name], one) for name, one in all_of(half).items()]
    same = all(np.array_equal(one, other) for one, other in pairs)
    if card.grams is not None and half.grams is not None:
        pairs = [(m, half.grams.matrices[level]) for level, m in card.grams.matrices.items()]
        same = same and all(np.array_equal(one, other) for one, other in pairs)
    return "float16" if same else "float32"


def all_of(card: Card[M]) -> dict[str, M]:
    """A card's tensors and vectors by name, those of the vectors after `vectors `."""
    kept = card.vectors.tensors if card.vectors else {}
    return {**card.tensors, **{f"{_VECTORS} {name}": one for name, one in kept.items()}}


def _fits(card: PlainCard, dtype: Dtype) -> bool:
    """True if every number lies in the range of `dtype`; the Gram matrices always do."""
    with np.errstate(over="ignore"):
        largest = [np.abs(one).max(initial=0).astype(dtype) for one in all_of(card).values()]
    return bool(np.isfinite(largest).all())


def _packed(card: PlainCard, dtype: Dtype) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    stored: dict[str, NDArray[Any]] = {_VALUES: joined(card.tensors, dtype)}
    header = checked_fields({name: getattr(card, name) for name in FIELDS})
    if card.thumbnail is not None:
        if not _picture_format(card.thumbnail):
            raise ValueError(_THUMBNAIL_RULE)
        stored[_THUMBNAIL] = np.frombuffer(card.thumbnail, np.uint8)
    if card.grams is not None:
        row, header[_GRAMS] = packed_grams(card.grams)
        stored[_GRAMS] = joined({_GRAMS: row}, dtype)
    if card.vectors is not None:
        stored[_VECTORS], header[_VECTORS] = packed_vectors(card.vectors, dtype)
    return stored, header | {"kind": "card", "tensors": layout(card.tensors)}


def _unpacked(stored: dict[str, Raw], header: dict[str, Any]) -> PlainCard:
    fields = checked_fields(header)
    if not stored.keys() <= {_VALUES, _THUMBNAIL, _GRAMS, _VECTORS}:
        raise ValueError("tensors that no card has")
    return PlainCard(
        tensors=split(stored.get(_VALUES), parsed_layout(header.get("tensors"))),
        thumbnail=_thumbnail(stored.get(_THUMBNAIL)),
        grams=unpacked_grams(stored.get(_GRAMS), header.get(_GRAMS)),
        vectors=unpacked_vectors(stored.get(_VECTORS), header.get(_VECTORS)),
        **fields,
    )


def _thumbnail(stored: Raw | None) -> bytes | None:
    if stored is None:
        return None
    data = bytes(stored.data) if stored.dtype == "U8" and len(stored.shape) == 1 else b""
    if not _picture_format(data):
        raise ValueError(_THUMBNAIL_RULE)
    return data


def _picture_format(data: bytes) -> str:
    """ "WebP", "PNG" or "JPEG" by the first bytes of a picture below 64 KB, else ""."""
    if len(data) >= MAX_THUMBNAIL_BYTES:
        return ""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "WebP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""
