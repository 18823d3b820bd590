"""Style cards: what a method keeps of a style, as one small file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.cards.numbers import Grams
from gesso.cards.packing import Card, Dtype, PlainCard, narrowest, read_card, rounded, write_card
from gesso.cards.vectors import KeptVectors
from gesso.disk.atomic import StrPath
from gesso.version import __version__

PALETTE = "style_colors"  # the setting that is the mean and covariance of the style's colours


@dataclass
class StyleCard(Card[Tensor]):
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
        vectors: feature vectors and colours of the style, which polishing needs; None: not kept.
        grams: the style's Gram matrices, by which cards of gesso 0.1 are polished; None: not kept.
    """

    def save(self, path: StrPath, dtype: Dtype = "float16") -> None:
        """Write the card atomically, its numbers rounded to `dtype`; equal cards, equal bytes.
        Of a `rounded` card nothing is lost.

        Raises:
            GessoError: numbers that are not finite or beyond the range of `dtype`, a bad thumbnail
                or header, or a path that cannot be written.
        """
        write_card(path, self.plain(), dtype)

    @classmethod
    def load(cls, path: StrPath) -> StyleCard:
        """Read a card; its tensors are float32 on the CPU.

        Raises:
            GessoError: missing, damaged or foreign file, or one that is not a card.
        """
        return cls.of(read_card(path))

    def rounded(self, dtype: Dtype = "float16") -> StyleCard:
        """The card whose numbers, vectors included, are what `save` and `load` give.

        Tensors are float32 on the CPU. Where float16 cannot hold a number of the card (beyond
        ±65,504), the card stays as it is in float32, and `save` has to be asked for that.

        Raises:
            GessoError: a card that no file can hold: values that are not finite, a bad header.
        """
        return StyleCard.of(rounded(self.plain(), dtype))

    def narrowest(self) -> Dtype:
        """The type to save the card in that loses nothing: float16 if it is rounded to it."""
        return narrowest(self.plain())

    def plain(self) -> PlainCard:
        """The card in numpy arrays; they share memory with the tensors where they can."""
        return PlainCard(**_fields(self, _array))

    @classmethod
    def of(cls, card: PlainCard) -> StyleCard:
        """The card with these arrays as its tensors; they share memory."""
        return cls(**_fields(card, torch.from_numpy))


def _fields(card: Card[Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields of a card, all its numbers converted."""
    grams = card.grams and Grams(card.grams.encoder, _converted(card.grams.matrices, convert))
    kept = card.vectors and KeptVectors(
        card.vectors.encoder, _converted(card.vectors.tensors, convert)
    )
    tensors = _converted(card.tensors, convert)
    return {**vars(card), "tensors": tensors, "grams": grams, "vectors": kept}


def _converted(numbers: dict[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: convert(one) for name, one in numbers.items()}


def _array(tensor: Tensor) -> Any:
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def provenance(
    style: StrPath = "",
    *,
    sha256: str = "",
    steps: int | None = None,
    seconds: float | None = None,
    loss_before: float | None = None,
    loss_after: float | None = None,
) -> dict[str, Any]:
    """Where a card comes from, for its `provenance`; what is unknown is left out.

    Args:
        style: the style's file; only its name is kept, without its folders.
        sha256: of the style file's bytes.
        steps: gradient steps taken to adapt.
        seconds: wall time they took.
        loss_before: the objective before the first step.
        loss_after: the objective after the last step.
    """
    known = {
        "style": Path(style).name,
        "sha256": sha256,
        "created": datetime.now(UTC).date().isoformat(),
        "gesso": __version__,
        "steps": steps,
        "seconds": None if seconds is None else round(seconds, 2),
        "loss_before": None if loss_before is None else float(f"{loss_before:.6g}"),
        "loss_after": None if loss_after is None else float(f"{loss_after:.6g}"),
    }
    return {name: value for name, value in known.items() if value not in (None, "")}
