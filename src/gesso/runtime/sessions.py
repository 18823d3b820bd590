"""Networks in an engine: bundled graphs with the weights of safetensors, and exported files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso import assets
from gesso.disk.atomic import open_regular, shown
from gesso.disk.tensors import read_file
from gesso.errors import GessoError
from gesso.runtime.engines import DEFAULT, ENGINES, Engine

Arrays = dict[str, NDArray[Any]]

MOST_BYTES = 2**30
ELSEWHERE = b"\x08location"  # the key of a tensor whose numbers lie in another file


class Network:
    """One graph, ready to run.

    Attributes:
        inputs: name → shape.
        facts: the file's metadata.
    """

    def __init__(
        self, data: bytes, weights: Mapping[str, NDArray[Any]] | None = None, engine: str = DEFAULT
    ) -> None:
        """Raises ValueError for what is no graph, OptionError for an engine that is not there."""
        try:
            self._made: Engine = ENGINES[engine](data, weights or {})
        except GessoError:
            raise
        except Exception as error:  # of classes that the engines keep to themselves
            raise ValueError(" ".join(str(error).split())[:120]) from error
        self.inputs, self.facts = self._made.inputs, self._made.facts

    def run(self, given: Mapping[str, NDArray[Any]], wanted: Sequence[str] = ()) -> Arrays:
        """The outputs by name; all of them, or those wanted."""
        names = list(wanted or self._made.outputs)
        values = {n: np.ascontiguousarray(v, np.float32) for n, v in given.items()}
        return dict(zip(names, self._made.run(values, names), strict=True))

    @classmethod
    def exported(cls, path: Path, engine: str = DEFAULT) -> Network:
        """That of a file which `gesso export` wrote.

        Raises:
            GessoError: another file, or one that says its numbers are in another one.
        """
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise GessoError(f"{shown(path)}: more than {MOST_BYTES} bytes")
        if ELSEWHERE in data:
            raise GessoError(f"{shown(path)}: its numbers are in another file, which is not read")
        try:
            made = cls(data, engine=engine)
        except ValueError as error:
            raise GessoError(f"{shown(path)}: not a network that can be run ({error})") from error
        if made.facts.get("gesso_contract") != "1":
            raise GessoError(f"{shown(path)}: not a network that gesso export wrote")
        return made

    @classmethod
    def bundled(
        cls,
        name: str,
        weights: Mapping[str, Sequence[int]],
        numbers: Arrays,
        engine: str = DEFAULT,
    ) -> Network:
        """That of a bundled graph, whose weights have these shapes.

        Raises:
            GessoError: weights that do not fit.
        """
        found = {}
        for weight, shape in weights.items():
            value = numbers.get(weight)
            if value is None or value.size != np.prod(shape):
                raise GessoError(f"{name}: weights that do not fit its graph ({weight})")
            found[weight] = np.ascontiguousarray(value.reshape(shape), np.float32)
        return cls((assets.GRAPHS / f"{name}.onnx").read_bytes(), found, engine)


class Weights:
    """The weights of a bundled method, and those of its encoder under `compact.`, which is read
    when it is first needed.

    Attributes:
        base: the hash of the method's weights.

    Raises:
        GessoError: damaged files, or an encoder that the weights were not trained with.
    """

    def __init__(self, method: str) -> None:
        self._path = assets.weights(method)
        own, header = read_file(self._path, kind="weights")
        self._own = {name: raw.array() for name, raw in own.items()}
        self.base = str(header["sha256"])
        self.trained_with = str(header.get("config", {}).get("encoder", ""))

    @cached_property
    def all(self) -> Arrays:
        """By name."""
        encoder, about = read_file(assets.weights("compact"), kind="encoder")
        if self.trained_with not in ("", about["sha256"]):
            raise GessoError(f"{shown(self._path)}: weights that another encoder was trained with")
        return self._own | {f"compact.{name}": raw.array() for name, raw in encoder.items()}

    def of(self, names: Iterable[str]) -> Arrays:
        """Those of these names, as far as there are any."""
        wanted = set(names)
        known = self._own if wanted <= self._own.keys() else self.all
        return {name: known[name] for name in wanted & known.keys()}
