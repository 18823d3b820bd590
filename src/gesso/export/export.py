"""What is exported of a card, and of a method that takes on any style in one pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.cards.card import PALETTE, StyleCard
from gesso.controls.chroma import Tint
from gesso.disk.atomic import StrPath, atomic_write, make_folder, sha256_file
from gesso.errors import GessoError, OptionError
from gesso.export.network import Writes, any_style_graph, card_graph
from gesso.graphs.graph import Graph, check_installed
from gesso.methods.base import Method
from gesso.version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto

DTYPES = ("float32", "float16")
CONTRACT = "1"  # of docs/export.md
NETWORK, STYLE = "network.onnx", "style.onnx"
LICENCE = (
    "Apache-2.0 as far as the authors of gesso have rights in it; trained on pictures of others, "
    "most of which may be used for research only (DATA.md beside the weights of gesso)"
)


@dataclass(frozen=True)
class Export:
    """Writes networks as ONNX files with what docs/export.md promises.

    Attributes:
        folder: where; it is made if it is not there.
        dtype: of the weights, and of what convolutions compute: float32 or float16.

    Raises:
        OptionError: another dtype.
        GessoError: what exporting needs is not installed.
    """

    folder: StrPath
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise OptionError("dtype", f"{self.dtype}: allowed are {', '.join(DTYPES)}")
        check_installed()

    def card(self, method: Method, card: StyleCard, source: StrPath) -> list[Path]:
        """Writes the network of a card, which the file `source` holds; returns the file written.

        Raises:
            GessoError: a card whose stylizer is no plain network, with the reason; a folder that
                cannot be written.
        """
        stylizer = method.stylizer(card)
        if stylizer.network is None:
            raise GessoError(f"export: no network to export: {method.name} {stylizer.why_none}")
        writes: Writes | None = getattr(stylizer.network, "written", None)
        if writes is None:
            kind = type(stylizer.network).__name__
            raise GessoError(f"export: {method.name}: nobody wrote down how {kind} is exported")
        graph, light = card_graph(writes, self.dtype == "float16")
        facts = {**_facts(method, "network"), **_facts_of(card, source), "light": f"{light:.6f}"}
        return [self._write(NETWORK, graph, facts)]

    def method(self, method: Method) -> list[Path]:
        """Writes the two networks of a method that takes on any style in one pass; returns the
        files written. Raises GessoError for another one, and as `card` does."""
        found = method.any_style()
        if found is None:
            trouble = "does not take on styles by one network; a card of it may be one"
            raise GessoError(f"export: {method.name} {trouble}")
        style, network = any_style_graph(found, self.dtype == "float16")
        size = {"style_size": str(found.style_size)}
        usual = {"settings": json.dumps(found.settings)}
        return [
            self._write(STYLE, style, {**_facts(method, "style"), **size}),
            self._write(NETWORK, network, {**_facts(method, "network"), **usual}),
        ]

    def _write(self, name: str, graph: Graph, facts: Mapping[str, str]) -> Path:
        known = {f"gesso_{key}": text for key, text in {**facts, "dtype": self.dtype}.items()}
        make_folder(self.folder)
        path = Path(self.folder) / name
        atomic_write(path, serialized(graph.model(known)))
        return path


def serialized(model: ModelProto) -> bytes:
    """The bytes of a model; equal ones for equal models."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _facts(method: Method, part: str) -> dict[str, str]:
    """What the metadata says of every file."""
    about = method.about
    return {
        "contract": CONTRACT,
        "version": __version__,
        "part": part,
        "method": about.name,
        "title": about.title,
        "licence": LICENCE,
        "weights_sha256": method.base,
        "color_share": str(about.color_share),
        "paint_from": str(about.paint_from),
        "paint_pixels": str(about.paint_pixels or 0),
    }


def _facts_of(card: StyleCard, source: StrPath) -> dict[str, str]:
    """What it says of a card."""
    tint = Tint.of_cards([card])
    limits: Any = tint and [tint.directions.tolist(), tint.least.tolist(), tint.most.tolist()]
    return {
        "card_sha256": sha256_file(source),
        "provenance": json.dumps(card.provenance, ensure_ascii=False),
        "palette": json.dumps(card.settings.get(PALETTE)),
        "tint": json.dumps(limits),
    }
