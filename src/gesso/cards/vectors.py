"""The feature vectors of a style that its card may keep, for steps on the pixels later. Needs no
torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from gesso.cards.numbers import joined, layout, parsed_layout, split
from gesso.disk.raw import Raw

_NONE = "its header does not describe its feature vectors"

M = TypeVar("M")


@dataclass(frozen=True)
class KeptVectors(Generic[M]):
    """Vectors and colours of a style seen by an encoder (its identity), by the names that
    `gesso.fitting.kept` gives them."""

    encoder: str
    tensors: dict[str, M]


def packed_vectors(
    kept: KeptVectors[NDArray[Any]], dtype: str
) -> tuple[NDArray[Any], dict[str, Any]]:
    """All numbers in one row of `dtype`, and what the header says of them.

    Raises:
        ValueError: numbers that are not finite or that `dtype` cannot hold.
    """
    header = {"encoder": kept.encoder, "tensors": layout(kept.tensors)}
    return joined(kept.tensors, dtype), header


def unpacked_vectors(row: Raw | None, header: Any) -> KeptVectors[NDArray[Any]] | None:
    """The inverse of `packed_vectors`; None without either. Raises ValueError for what does not
    fit."""
    if row is None and header is None:
        return None
    if not isinstance(header, dict) or not isinstance(header.get("encoder"), str):
        raise ValueError(_NONE)
    return KeptVectors(header["encoder"], dict(split(row, parsed_layout(header.get("tensors")))))
