"""ONNX files as bytes, read and changed without any package: numbers put in, facts taken out.

The format is protobuf's: fields of a number, a kind and a value, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAPH, FACTS = 7, 14  # fields of a model
WEIGHT, INPUT, OUTPUT = 5, 11, 12  # of a graph
NAME, NUMBERS, ELSEWHERE, PLACE = 8, 9, 13, 14  # of a tensor
VARINT, LONG, BYTES, SHORT = 0, 1, 2, 5  # kinds


def with_weights(model: bytes, weights: Mapping[str, NDArray[Any]]) -> bytes:
    """The model with these float32 numbers in the place of those it says lie elsewhere. Raises
    ValueError for what is no model."""
    made = bytearray()
    for number, value, whole in _fields(memoryview(model)):
        made += _field(GRAPH, _graph_with(value, weights)) if number == GRAPH else whole
    return bytes(made)


def ends_of(model: bytes) -> tuple[list[str], list[str]]:
    """The names of the graph's inputs and outputs. Raises ValueError for what is no model."""
    names: dict[int, list[str]] = {INPUT: [], OUTPUT: []}
    for number, graph, _ in _fields(memoryview(model)):
        for kind, end, _ in _fields(graph) if number == GRAPH else ():
            if kind in names:
                names[kind] += [bytes(text).decode() for n, text, _ in _fields(end) if n == 1]
    return names[INPUT], names[OUTPUT]


def facts_of(model: bytes) -> dict[str, str]:
    """The model's metadata. Raises ValueError for what is no model."""
    found = {}
    for number, value, _ in _fields(memoryview(model)):
        if number == FACTS:
            pair = {n: bytes(text).decode("utf-8", "replace") for n, text, _ in _fields(value)}
            found[pair.get(1, "")] = pair.get(2, "")
    return found


def _graph_with(graph: memoryview, weights: Mapping[str, NDArray[Any]]) -> bytes:
    made = bytearray()
    for number, value, whole in _fields(graph):
        made += _field(WEIGHT, _tensor_with(value, weights)) if number == WEIGHT else whole
    return bytes(made)


def _tensor_with(tensor: memoryview, weights: Mapping[str, NDArray[Any]]) -> bytes:
    parts = list(_fields(tensor))
    name = next((bytes(value).decode() for number, value, _ in parts if number == NAME), "")
    if name not in weights:
        return bytes(tensor)
    kept = b"".join(whole for number, _, whole in parts if number not in (ELSEWHERE, PLACE))
    return kept + _field(NUMBERS, np.ascontiguousarray(weights[name], "<f4").tobytes())


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, value and the whole of every field."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        size, at = _size(data, key & 7, at)
        if at + size > len(data):
            raise ValueError("ends inside a field")
        yield key >> 3, data[at : at + size], data[start : at + size]
        at += size


def _size(data: memoryview, kind: int, at: int) -> tuple[int, int]:
    """How many bytes a value has, and where it begins."""
    if kind == BYTES:
        return _varint(data, at)
    if kind == VARINT:
        return _varint(data, at)[1] - at, at
    if kind not in (LONG, SHORT):
        raise ValueError(f"a field of kind {kind}")
    return (8 if kind == LONG else 4), at


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64 and at < len(data):
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")


def _field(number: int, value: bytes) -> bytes:
    return _number(number << 3 | BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes((*made, value))
