"""What a reader expects of a gesso file, and how the file differs from it, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gesso.disk.header import Layout, brief

_KINDS = {"card": "a style card", "weights": "weights", "checkpoint": "a training checkpoint"}


@dataclass(frozen=True)
class Like:
    """What a tensor has to be: its shape and, where `dtype` (in words) is given, whether it is
    floating point."""

    shape: tuple[int, ...]
    floating: bool = True
    dtype: str = ""


def complaint_of(
    layout: Layout,
    header: Mapping[str, Any],
    kind: str | None,
    expected: Mapping[str, Like] | None,
    what: str | None,
) -> str:
    """What is wrong with the file for this reader, in one line; empty if nothing."""
    found = _described(header, len(layout.entries))
    wanted = what or _KINDS.get(kind or "", f"a file of kind {kind}" if kind else "a gesso file")
    if kind is not None and header["kind"] != kind:
        return f"expected {wanted}, found {found}"
    differences = _differences(layout, expected or {}) if expected is not None else []
    if not differences:
        return ""
    return (
        f"expected {wanted} ({len(expected or {})} tensors), found {found}; "
        f"{len(differences)} differ, the first: {differences[0]}"
    )


def _described(header: Mapping[str, Any], count: int) -> str:
    kind = str(header["kind"])
    text = _KINDS.get(kind, f"a file of kind {brief(kind, 20)}")
    if isinstance(header.get("method"), str):
        text += f" of {brief(header['method'], 30)}"
    config = header.get("config")
    if isinstance(config, dict) and type(config.get("width")) is int:
        text += f" of width {brief(config['width'], 20)}"
    return f"{text} ({count} tensors)"


def _differences(layout: Layout, expected: Mapping[str, Like]) -> list[str]:
    differences = []
    for name, like in expected.items():
        entry = layout.entries.get(name)
        if entry is None:
            differences.append(f"{brief(name)} is missing")
        elif entry.shape != like.shape:
            differences.append(f"{brief(name)} is {list(entry.shape)}, expected {list(like.shape)}")
        elif like.dtype and like.floating != entry.floating:
            differences.append(f"{brief(name)} is of type {entry.dtype}, expected {like.dtype}")
    unexpected = [name for name in layout.entries if name not in expected]
    return differences + [f"{brief(name)} is not expected" for name in unexpected]
