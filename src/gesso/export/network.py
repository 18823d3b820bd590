"""Whole graphs of networks, with what they normalise flat and dark photos among."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.graphs.graph import Graph, Name, Shape
from gesso.graphs.layers import PICTURE, PICTURES, Surroundings
from gesso.graphs.share import shares_of
from gesso.images.arrays import LUMA
from gesso.stylizers.any_style import AnyStyle
from gesso.stylizers.drawing import Drawing
from gesso.stylizers.ordinary import ordinary_pictures

FEATURES: Shape = (1, "rows", "columns", None)
Writes = Callable[[Graph, Name, Surroundings], Name]
"""(graph, photos, what is pooled with) → the pictures: what a network's `written` is."""


def card_graph(writes: Writes, half: bool) -> tuple[Graph, float]:
    """The graph of a card's network, image (1, 3, H, W) → picture and lacking (1,), and the mean
    luminance of what it makes of ordinary pictures. It knows what its normalisations find in
    these, and looks how far a photo needs them."""
    moments, light = _of_ordinary(writes)
    g = Graph(half)
    image = g.input("image", PICTURE)
    lacking, share = shares_of(g, image, g.constant(light))
    known = g.weight("moments", moments)
    g.output(writes(g, image, Surroundings(lacking, share, known)), "picture", PICTURE)
    g.output(g.op("Reshape", lacking, [1]), "lacking", [1])
    return g, light


def any_style_graph(found: AnyStyle, half: bool) -> tuple[Graph, Graph]:
    """The two graphs of a method: style (1, 3, h, w) → numbers, and image and numbers → picture,
    with the surroundings as inputs (`surrounded_graph`)."""
    style = Graph(half)
    values = found.style(style, style.input("style", PICTURE))
    for name, shape in found.numbers.items():
        style.output(values[name], name, shape)

    def writes(g: Graph, image: Name, around: Surroundings) -> Name:
        given = {name: g.input(name, shape) for name, shape in found.numbers.items()}
        given |= {name: g.input(name, [1]) for name in found.settings}
        return found.network(g, image, given, around)

    return style, surrounded_graph(writes, half)


def regions_graph(found: AnyStyle) -> Graph | None:
    """The graph of several styles in their regions: image (1, 3, H, W), regions (K, 1, H, W), and
    numbers and lights of K styles → picture; None for a method that puts pictures together."""
    if found.regions is None:
        return None
    g = Graph()
    image = g.input("image", PICTURE)
    given = {name: g.input(name, ("styles", *shape)) for name, shape in found.numbers.items()}
    given |= {name: g.input(name, [1]) for name in found.settings}
    given["regions"] = g.input("regions", ("styles", 1, "height", "width"))
    lacking, shares = shares_of(g, image, g.input("light", ("styles",)))
    among = g.op("Mul", shares, g.op("Squeeze", g.input("among", [1])))
    around = Surroundings(lacking, g.op("Reshape", among, [-1, 1, 1, 1]), "moments")
    g.input("moments", [2, None])
    g.output(found.regions(g, image, given, around), "picture", PICTURE)
    g.inputs["moments"] = [2, around.channels]
    return g


def drawing_graphs(found: Drawing) -> dict[str, Graph]:
    """The graphs of networks that patches are drawn with: image (1, 3, H, W) → features (1, h, w,
    C), and features → picture in [0, 1]. Channels are last, as patches are searched for."""
    encoder, decoder = Graph(), Graph()
    seen = found.encoder(encoder, encoder.input("image", PICTURE))
    last = encoder.op("Transpose", seen, perm=[0, 2, 3, 1])
    encoder.output(last, "features", FEATURES)
    first = decoder.op("Transpose", decoder.input("features", FEATURES), perm=[0, 3, 1, 2])
    made = decoder.op("Clip", found.decoder(decoder, first), 0.0, 1.0)
    decoder.output(made, "picture", PICTURE)
    return {"encoder": encoder, "decoder": decoder}


def surrounded_graph(writes: Writes, half: bool = False) -> Graph:
    """A network's graph that is given the surroundings: image (B, 3, H, W), among (1,), light (1,)
    and moments (2, ΣC) → picture, lacking (1,) and own_moments (2, ΣC)."""
    g = Graph(half)
    image = g.input("image", PICTURES)
    among, light = (g.op("Squeeze", g.input(name, [1])) for name in ("among", "light"))
    lacking, share = shares_of(g, image, light)
    share = g.op("Mul", share, among)
    around = Surroundings(lacking, share, g.input("moments", [2, None]))
    g.output(writes(g, image, around), "picture", PICTURES)
    g.inputs["moments"] = [2, around.channels]
    g.output(g.op("Reshape", lacking, [1]), "lacking", [1])
    g.output(around.own(g), "own_moments", [2, around.channels])
    return g


def _of_ordinary(writes: Writes) -> tuple[NDArray[Any], float]:
    """What a network's normalisations find in ordinary pictures, (2, ΣC), and the mean luminance of
    what it makes of them."""
    import onnxruntime as ort

    g = surrounded_graph(writes)
    session = ort.InferenceSession(
        g.model({}).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    none = {"among": np.zeros(1, np.float32), "light": np.full(1, 0.5, np.float32)}
    none["moments"] = np.zeros(g.inputs["moments"], np.float32)  # type: ignore[arg-type]
    picture, _, moments = session.run(None, {"image": ordinary_pictures().numpy(), **none})
    weights = np.array(LUMA, np.float32)[:, None, None]
    return moments, float((weights * picture).sum(1).mean())
