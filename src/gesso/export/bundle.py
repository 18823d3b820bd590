"""The graphs that come with gesso: those of a method for any style, without weights, which lie in
the method's safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gesso.disk.atomic import atomic_write, make_folder
from gesso.errors import GessoError
from gesso.export.export import serialized
from gesso.export.network import any_style_graph, drawing_graphs, regions_graph
from gesso.graphs.graph import Graph, Name
from gesso.methods.base import Method
from gesso.runtime.sessions import Weights
from gesso.stylizers.any_style import AnyStyle
from gesso.stylizers.drawing import Drawing


def bundle(method: Method, folder: Path) -> list[Path]:
    """Writes NAME.PART.onnx for every part that a method is made of, and NAME.json, which has the
    weights' shapes and what else a runtime needs; returns the files. Parts are style, network and
    (where the method puts regions together itself) regions; or encoder and decoder, between which
    the runtime puts a style's patches.

    Raises:
        GessoError: a method that is made of neither, or whose weights' file lacks one.
    """
    found = method.any_style() or method.drawing()
    if found is None:
        raise GessoError(f"{method.name}: not made of two networks")
    graphs, own = _of_networks(found) if isinstance(found, AnyStyle) else _of_drawing(found)
    about = {
        "style_size": found.style_size,
        **own,
        "settings": dict(found.settings),
        "color_share": method.about.color_share,
        "paint_from": method.about.paint_from,
        "paint_pixels": method.about.paint_pixels or 0,
        "thumbnail_bytes": method.thumbnail_bytes,
    }
    return _written(method.name, about, graphs, folder)


def _of_networks(found: AnyStyle) -> tuple[dict[str, Graph], dict[str, Any]]:
    graphs = dict(zip(("style", "network"), any_style_graph(found, False), strict=True))
    if (regions := regions_graph(found)) is not None:
        graphs["regions"] = regions
    return graphs, {"neutral_size": found.neutral_size}


def _of_drawing(found: Drawing) -> tuple[dict[str, Graph], dict[str, Any]]:
    sight = {"stride": found.stride, "reach": list(found.reach)}
    return drawing_graphs(found), {"weights": found.weights, **sight}


def _written(
    name: str, about: Mapping[str, Any], graphs: Mapping[str, Graph], folder: Path
) -> list[Path]:
    make_folder(folder)
    known, paths, shapes = Weights(about.get("weights", name)).all, [], {}
    for part, graph in graphs.items():
        weights = {n: list(w.shape) for n, w in graph.weights.items() if _outside(n)}
        if missing := sorted(weights.keys() - known.keys()):
            raise GessoError(f"{name}: {missing[0]} is not in its weights' file")
        shapes[part] = weights
        paths.append(folder / f"{name}.{part}.onnx")
        atomic_write(paths[-1], serialized(graph.model({}, _outside)))
    paths.append(folder / f"{name}.json")
    atomic_write(paths[-1], (json.dumps({**about, **shapes}, indent=1) + "\n").encode())
    return paths


def _outside(name: Name) -> bool:
    return not name.startswith("constant_")
