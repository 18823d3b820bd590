"""How far a photo is normalised among ordinary pictures, and what that is read from: in torch
`gesso.nn.surroundings` says the same."""

from __future__ import annotations

from gesso.graphs.graph import Graph, Name
from gesso.graphs.layers import moments
from gesso.images.arrays import LUMA

ROUNDING = 6 / 12 / 255**2
"""Variance of the second differences x − 2y + z of what rounding to 8 bits adds: 1/12 of a step
squared to each of three neighbours, with the weights 1, 4 and 1."""

DETAIL = (ROUNDING, 1.5 * ROUNDING)  # of this variance all detail is rounding; of that, a photo's
CONTRAST = (0.0, 20 / 255)  # deviation of the values; sketches and fog have more
LIGHT = (1 / 4, 1 / 3)  # mean luminance, of bright pictures its distance from white
ALL = [0, 1, 2, 3]


def shares_of(g: Graph, photo: Name, style_light: Name) -> tuple[Name, Name]:
    """Two values () in [0, 1] for a photo (1, 3, H, W) at least 3 px wide and high: what it lacks
    itself, and the share of ordinary pictures where a style of the mean luminance `style_light`
    () makes do with less. All lines are looked at; a batch counts as one picture."""
    luma = g.op("ReduceSum", g.op("Mul", photo, [[[[w]] for w in LUMA]]), [1])
    detail = g.op("Add", _seconds(g, luma, 2), _seconds(g, luma, 3))
    mean = g.op("ReduceMean", luma, ALL, keepdims=0)
    variance = moments(g, photo, (0, 2, 3))[1]
    contrast = g.op("ReduceMax", g.op("Sqrt", variance), ALL, keepdims=0)
    plain = _lack(g, g.op("Mul", detail, 0.5), DETAIL), _lack(g, contrast, CONTRAST)
    dark = _extreme(g, mean)
    alike = g.op("Equal", g.op("Less", mean, 0.5), g.op("Less", style_light, 0.5))
    less = g.op("Mul", dark, g.op("Sub", 1.0, _extreme(g, style_light)))
    return g.op("Max", *plain, dark), g.op("Max", *plain, g.op("Where", alike, less, dark))


def _extreme(g: Graph, light: Name) -> Name:
    """1 for a dark or bright mean luminance, 0 for middle ones."""
    return _lack(g, g.op("Min", light, g.op("Sub", 1.0, light)), LIGHT)


def _seconds(g: Graph, luma: Name, axis: int) -> Name:
    """The mean square of second differences along an axis: (1,)."""
    ends = ((0, -2), (1, -1), (2, 1 << 30))
    first, middle, last = (g.op("Slice", luma, [a], [b], [axis]) for a, b in ends)
    found = g.op("Sub", g.op("Add", first, last), g.op("Mul", middle, 2.0))
    return g.op("ReduceMean", g.op("Mul", found, found), ALL, keepdims=0)


def _lack(g: Graph, value: Name, limits: tuple[float, float]) -> Name:
    """1 up to the first limit, 0 from the second."""
    nothing, enough = limits
    slope = g.op("Mul", g.op("Sub", enough, value), 1 / (enough - nothing))
    return g.op("Clip", slope, 0.0, 1.0)
