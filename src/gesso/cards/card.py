"""Style cards: what a method keeps of a style, as one small file.

All tensors of a card are stored as one row of numbers and their names and shapes as one line of
the header: with an entry each, the 30 tensors of an instance-norm card (3,200 numbers, 6.4 kB in
float16) would cost nearly half as much again as the numbers themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gesso.cards.grams import StyleGrams, blend_grams
from gesso.disk.atomic import StrPath, shown
from gesso.disk.header import MAX_TENSORS, brief, valid_name, valid_shape
from gesso.disk.tensors import load_file, save_file
from gesso.errors import GessoError
from gesso.version import __version__

MAX_CARD_BYTES = 2**28
MAX_THUMBNAIL_BYTES = 64 * 1024

_STORED = {"float16": torch.float16, "float32": torch.float32}
_THUMBNAIL_RULE = "a thumbnail has to be a WebP, PNG or JPEG picture below 64 KB"
_VALUES, _THUMBNAIL, _GRAMS = "values", "thumbnail", "grams"
_FIELDS = {"method": str, "base": str, "config": dict, "settings": dict, "provenance": dict}


@dataclass
class StyleCard:
    """A style, ready for a method's stylizer.

    Attributes:
        method: the method that made it and can run it, such as "metastyle".
        tensors: its numbers by name, floating point.
        config: what is needed to run it (network, width, encoder, …); JSON values.
        settings: how it was adapted (steps, optimiser, size, seed, …); JSON values.
        base: SHA-256 of the weights that a card of a part of a network completes; "" if the card
            is whole.
        thumbnail: a small picture of the style, the bytes of a WebP, PNG or JPEG file below 64 KB.
        provenance: where it comes from, see `provenance`; JSON values.
        grams: the style's Gram matrices, which polishing needs; None: not kept.
    """

    method: str
    tensors: dict[str, Tensor]
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    thumbnail: bytes | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    grams: StyleGrams | None = None

    def save(self, path: StrPath, dtype: Literal["float16", "float32"] = "float16") -> None:
        """Write the card atomically, its numbers rounded to `dtype`; equal cards, equal bytes.

        Raises:
            GessoError: numbers that are not finite or beyond `dtype`'s range, a bad thumbnail or
                header, or a path that cannot be written.
        """
        if dtype not in _STORED:
            raise GessoError(f"dtype {brief(dtype)}: allowed are {', '.join(_STORED)}")
        stored = {_VALUES: _joined(path, self.tensors, _STORED[dtype])}
        if self.thumbnail is not None:
            if not _picture_format(self.thumbnail):
                raise GessoError(f"{shown(path)}: not written: {_THUMBNAIL_RULE}")
            stored[_THUMBNAIL] = torch.frombuffer(bytearray(self.thumbnail), dtype=torch.uint8)
        header = {name: getattr(self, name) for name in _FIELDS}
        if self.grams is not None:
            row, header[_GRAMS] = self.grams.packed()
            stored[_GRAMS] = _joined(path, {_GRAMS: row}, _STORED[dtype])
        save_file(path, stored, header | {"kind": "card", "tensors": _layout(self.tensors)})

    def rounded(self) -> StyleCard:
        """The card as `save` and `load` give it back: its numbers rounded to float16. A card with
        numbers that float16 cannot hold is returned as it is."""
        tensors = {name: tensor.half().float() for name, tensor in self.tensors.items()}
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            return self
        kept = self.grams
        if kept is not None:
            row, header = kept.packed()
            kept = StyleGrams.unpacked(row.half(), header)
        return replace(self, tensors=tensors, grams=kept)

    @classmethod
    def load(cls, path: StrPath) -> StyleCard:
        """Read a card; its tensors are float32 on the CPU.

        Raises:
            GessoError: missing, damaged or foreign file, or one that is not a card.
        """
        stored, header = load_file(path, kind="card", max_bytes=MAX_CARD_BYTES)
        try:
            fields = {name: _field(header, name, kind) for name, kind in _FIELDS.items()}
            if not stored.keys() <= {_VALUES, _THUMBNAIL, _GRAMS}:
                raise ValueError("tensors that no card has")
            tensors = _split(stored.get(_VALUES), _parsed_layout(header.get("tensors")))
            thumbnail = _thumbnail(stored.get(_THUMBNAIL))
            grams = StyleGrams.unpacked(stored.get(_GRAMS), header.get(_GRAMS))
        except ValueError as error:
            raise GessoError(
                f"{shown(path)}: not a card gesso can read: {brief(error, 100)}"
            ) from error
        return cls(tensors=tensors, thumbnail=thumbnail, grams=grams, **fields)

    def summary(self) -> dict[str, Any]:
        """The card in plain values, for `gesso info`; no tensor among them."""
        numbers = sum(tensor.numel() for tensor in self.tensors.values())
        thumbnail = self.thumbnail and f"{_picture_format(self.thumbnail)}, {len(self.thumbnail)} B"
        return {
            "kind": "style card",
            "method": self.method,
            "tensors": len(self.tensors),
            "numbers": numbers,
            "base": self.base or "none (the card is whole)",
            "config": dict(self.config),
            "settings": dict(self.settings),
            "grams": f"of encoder {self.grams.encoder[:12]}" if self.grams else "none",
            "thumbnail": thumbnail or "none",
            "provenance": dict(self.provenance),
        }


def provenance(
    style: StrPath = "",
    *,
    sha256: str = "",
    licence: str | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    loss_before: float | None = None,
    loss_after: float | None = None,
) -> dict[str, Any]:
    """Where a card comes from, for its `provenance`; what is unknown is left out.

    Args:
        style: the style's file; its name alone is kept, without its folders.
        sha256: of the style file's bytes.
        licence: the licence of the style picture.
        steps: gradient steps taken to adapt.
        seconds: wall time they took.
        loss_before: the objective before the first step.
        loss_after: the objective after the last step.
    """
    known = {
        "style": Path(style).name,
        "sha256": sha256,
        "licence": licence,
        "created": datetime.now(UTC).date().isoformat(),
        "gesso": __version__,
        "steps": steps,
        "seconds": None if seconds is None else round(seconds, 2),
        "loss_before": None if loss_before is None else float(f"{loss_before:.6g}"),
        "loss_after": None if loss_after is None else float(f"{loss_after:.6g}"),
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def blend_tensors(cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
    """The card whose tensors are Σ wᵢ·cardᵢ, with the weights scaled to sum to 1.

    Weights may lie outside [0, 1]: (1.5, -0.5) moves away from the second style.

    Raises:
        GessoError: no cards, weights that are not one finite number each or cancel out, or cards
            that differ in method, base, configuration, names or shapes.
    """
    shares = shares_of(len(cards), weights)
    first = cards[0]
    for position, card in enumerate(cards[1:], start=2):
        difference = _difference(first, card)
        if difference:
            raise GessoError(f"cards 1 and {position} cannot be blended: {difference}")
    pairs = list(zip(cards, shares, strict=True))
    tensors = {
        name: torch.stack([card.tensors[name] * share for card, share in pairs]).sum(0)
        for name in first.tensors
    }
    parts = [part for card, share in pairs for part in _parts(card, share)]
    settings = first.settings if all(card.settings == first.settings for card in cards) else {}
    return StyleCard(
        method=first.method,
        tensors=tensors,
        config=dict(first.config),
        settings=dict(settings),
        base=first.base,
        provenance=provenance() | {"blend": parts},
        grams=blend_grams([card.grams for card in cards], shares),
    )


def _parts(card: StyleCard, share: float) -> list[dict[str, Any]]:
    """The styles in a card and their weights: one, or those it was mixed of."""
    mixed = card.provenance.get("blend")
    known = isinstance(mixed, list) and all(
        isinstance(part, dict) and isinstance(part.get("weight"), float) for part in mixed
    )
    if not mixed or not known:
        return [{"style": str(card.provenance.get("style", "")), "weight": share}]
    return [{"style": str(p.get("style", "")), "weight": share * p["weight"]} for p in mixed]


def shares_of(count: int, weights: Sequence[float]) -> list[float]:
    """Weights of `count` cards, scaled to sum to 1.

    Raises:
        GessoError: not one finite number a card, or numbers that cancel out.
    """
    if count == 0 or len(weights) != count:
        raise GessoError(f"blend: {count} cards and {len(weights)} weights; one weight a card")
    if not all(math.isfinite(weight) for weight in weights):
        raise GessoError(f"blend: weights {list(weights)}; each has to be a finite number")
    exponent = math.frexp(max(map(abs, weights)))[1]
    scaled = [math.ldexp(weight, -exponent) for weight in weights]  # exact, and no sum overflows
    total = math.fsum(scaled)
    if abs(total) <= 1e-6 * math.fsum(map(abs, scaled)):
        raise GessoError(f"blend: weights {list(weights)} sum to 0; allowed is any other sum")
    return [weight / total for weight in scaled]


def _difference(one: StyleCard, other: StyleCard) -> str:
    """Why two cards have no common space to be blended in; "" if they have."""
    if one.method != other.method:
        return f"methods {brief(one.method, 30)} and {brief(other.method, 30)}"
    if one.base != other.base:
        bases = [brief(card.base[:12], 12) or "none" for card in (one, other)]
        return f"base weights {bases[0]} and {bases[1]}"
    for key in sorted(one.config.keys() | other.config.keys()):
        if one.config.get(key) != other.config.get(key):
            values = [brief(card.config.get(key, "none"), 30) for card in (one, other)]
            return f"configuration {brief(key, 30)} is {values[0]} and {values[1]}"
    odd = sorted(one.tensors.keys() ^ other.tensors.keys())
    if odd:
        return f"only one has the tensor {brief(odd[0])}"
    for name, tensor in one.tensors.items():
        if tensor.shape != other.tensors[name].shape:
            shapes = [list(card.tensors[name].shape) for card in (one, other)]
            return f"tensor {brief(name)} is {shapes[0]} and {shapes[1]}"
    return ""


def _joined(path: StrPath, tensors: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
    """All numbers of the card in one row, tensors in the order of their names."""
    if len(tensors) > MAX_TENSORS:
        count = len(tensors)
        raise GessoError(f"{shown(path)}: not written: {count} tensors, allowed are {MAX_TENSORS}")
    runs = [torch.zeros(0, dtype=dtype)]
    for name in sorted(tensors):
        tensor = tensors[name].detach()
        run = tensor.to("cpu", dtype).flatten()
        if not valid_name(name):
            trouble = f"{brief(name)!r} is not a tensor name"
        elif not tensor.is_floating_point():
            trouble = f"tensor {name} is {tensor.dtype}, allowed is floating point"
        elif not torch.isfinite(tensor).all():
            trouble = f"tensor {name} holds NaN or infinity"
        elif not torch.isfinite(run).all():
            trouble = f"tensor {name} exceeds the range of {dtype}; float32 can hold it"
        else:
            runs.append(run)
            continue
        raise GessoError(f"{shown(path)}: not written: {trouble}")
    return torch.cat(runs)


def _layout(tensors: dict[str, Tensor]) -> str:
    """Names and shapes as they follow in the row of numbers: "a.bias 3,a.weight 3x16x9x9,b"."""
    shapes = {name: "x".join(map(str, tensors[name].shape)) for name in sorted(tensors)}
    return ",".join(f"{name} {shape}" if shape else name for name, shape in shapes.items())


def _parsed_layout(text: Any) -> dict[str, list[int]]:
    """The inverse of `_layout`; ValueError if `text` is not what it writes."""
    parts = text.split(",") if isinstance(text, str) and text else []
    if not isinstance(text, str) or len(parts) > MAX_TENSORS:
        raise ValueError("its header lists no tensors, or too many")
    shapes: dict[str, list[int]] = {}
    for part in parts:
        name, _, sides = part.partition(" ")
        shape = [int(side) for side in sides.split("x")] if sides else []
        if not valid_name(name) or name in shapes or not valid_shape(shape):
            raise ValueError(f"its header lists a malformed tensor, {brief(part, 40)}")
        shapes[name] = shape
    return shapes


def _split(values: Tensor | None, shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """The inverse of `_joined` in float32; ValueError says what does not fit."""
    if values is None or not values.is_floating_point() or values.dim() != 1:
        raise ValueError("it has no row of numbers")
    promised = sum(math.prod(shape) for shape in shapes.values())
    if promised != values.numel():
        raise ValueError(f"{values.numel()} numbers, its header promises {promised}")
    tensors: dict[str, Tensor] = {}
    position = 0
    for name, shape in shapes.items():
        run = values[position : position + math.prod(shape)]
        tensors[name] = run.to(torch.float32, copy=True).reshape(shape)
        position += run.numel()
    return tensors


def _field(header: dict[str, Any], name: str, kind: type) -> Any:
    value = header.get(name)
    if not isinstance(value, kind):
        raise ValueError(f"its header lacks {name}")
    return value


def _thumbnail(stored: Tensor | None) -> bytes | None:
    if stored is None:
        return None
    data = stored.numpy().tobytes() if stored.dtype == torch.uint8 and stored.dim() == 1 else b""
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
