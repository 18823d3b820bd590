"""The graphs that come with gesso: those of a method for any style, without weights, which lie in
the method's safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gesso.disk.atomic import atomic_write, make_folder
from gesso.errors import GessoError
from gesso.export.export import serialized
from gesso.export.network import any_style_graph, regions_graph
from gesso.graphs.graph import Name
from gesso.methods.base import Method
from gesso.runtime.sessions import Weights


def bundle(method: Method, folder: Path) -> list[Path]:
    """Writes NAME.style.onnx, NAME.network.onnx, NAME.regions.onnx where the method puts regions
    together itself, and NAME.json, which has the weights' shapes and what else a runtime needs;
    returns the files.

    Raises:
        GessoError: a method that is not made of two networks, or whose weights' file lacks one.
    """
    found = method.any_style()
    if found is None:
        raise GessoError(f"{method.name}: not made of two networks")
    make_folder(folder)
    known, paths = Weights(method.name).all, []
    about: dict[str, Any] = {
        "style_size": found.style_size,
        "neutral_size": found.neutral_size,
        "settings": dict(found.settings),
        "color_share": method.about.color_share,
        "paint_from": method.about.paint_from,
        "paint_pixels": method.about.paint_pixels or 0,
        "thumbnail_bytes": method.thumbnail_bytes,
    }
    graphs = dict(zip(("style", "network"), any_style_graph(found, False), strict=True))
    if (regions := regions_graph(found)) is not None:
        graphs["regions"] = regions
    for part, graph in graphs.items():
        weights = {n: list(w.shape) for n, w in graph.weights.items() if _outside(n)}
        if missing := sorted(weights.keys() - known.keys()):
            raise GessoError(f"{method.name}: {missing[0]} is not in its weights' file")
        about[part] = weights
        paths.append(folder / f"{method.name}.{part}.onnx")
        atomic_write(paths[-1], serialized(graph.model({}, _outside)))
    paths.append(folder / f"{method.name}.json")
    atomic_write(paths[-1], (json.dumps(about, indent=1) + "\n").encode())
    return paths


def _outside(name: Name) -> bool:
    return not name.startswith("constant_")
