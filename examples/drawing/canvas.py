"""What every painting starts from: coordinates, colours, masks and the light on the paint.

Pictures are float32 arrays (height, width, 3), sRGB in [0, 1]. Positions are in units of the
picture's side, x to the right and y down, so that a picture looks the same at every size.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline

from .noise import Array, blurred_noise

Point = tuple[float, float]


def coordinates(size: int) -> tuple[Array, Array]:
    """x and y of every pixel centre of a square picture."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    return x, y


def rgb(code: str) -> Array:
    """``"d94f2b"`` as three floats."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


def palette(codes: str) -> Array:
    """Colours written as hex codes with spaces between, (n, 3)."""
    return np.stack([rgb(code) for code in codes.split()])


def ramp(colors: Array, position: Array) -> Array:
    """Interpolate along a list of colours; 0 is the first one, 1 the last."""
    place = np.clip(position, 0, 1) * (len(colors) - 1)
    low = np.minimum(place.astype(np.int64), len(colors) - 2)
    part = (place - low)[..., None].astype(np.float32)
    return colors[low] * (1 - part) + colors[low + 1] * part


def smoothstep(low: float, high: float, value: Array) -> Array:
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def over(below: Array, color: Array, alpha: Array | float) -> Array:
    """``color`` laid over ``below`` with coverage ``alpha`` (height, width)."""
    cover = np.asarray(alpha, np.float32)
    return below + (color - below) * (cover[..., None] if cover.ndim else cover)


def curve(points: Sequence[Point], closed: bool = True, fine: int = 12) -> list[Point]:
    """A smooth line through the points."""
    knots = np.array([*points, points[0]] if closed else points, np.float64)
    spline = CubicSpline(np.arange(len(knots)), knots, bc_type="periodic" if closed else "natural")
    dense = spline(np.linspace(0, len(knots) - 1, (len(knots) - 1) * fine + 1))
    return [(float(px), float(py)) for px, py in dense]


def mirrored(points: Sequence[Point], flip: bool, scale: float, shift: Point) -> list[Point]:
    """An outline drawn about the origin, turned round if ``flip``, scaled and moved."""
    sign = -1 if flip else 1
    return [(sign * scale * px + shift[0], scale * py + shift[1]) for px, py in points]


def filled(size: int, outline: Sequence[Point], fine: int = 3) -> Array:
    """Coverage in [0, 1] of a polygon, anti-aliased by ``fine``² samples a pixel."""
    image = Image.new("L", (size * fine, size * fine))
    ImageDraw.Draw(image).polygon(
        [(x * size * fine, y * size * fine) for x, y in outline], fill=255
    )
    return _coverage(image, size)


def lines(size: int, paths: Sequence[Sequence[Point]], widths: Sequence[float]) -> Array:
    """Coverage of round-ended polylines, each of its own width (in units of the side)."""
    fine = 3
    image = Image.new("L", (size * fine, size * fine))
    draw = ImageDraw.Draw(image)
    for path, width in zip(paths, widths, strict=True):
        points = [(x * size * fine, y * size * fine) for x, y in path]
        thick = max(1, round(width * size * fine))
        draw.line(points, fill=255, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    return _coverage(image, size)


def _coverage(image: Image.Image, size: int) -> Array:
    small = image.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def disc(x: Array, y: Array, center: Point, radius: float, edge: float = 0.002) -> Array:
    """Coverage of a disc; ``edge`` is the width of its soft rim."""
    return smoothstep(edge, -edge, np.hypot(x - center[0], y - center[1]) - radius)


def vary(colors: Array, rng: np.random.Generator, light: float, tint: float) -> Array:
    """Colours (n, 3) shifted at random: all channels together, and each on its own."""
    shift = light * rng.standard_normal((len(colors), 1)) + tint * rng.standard_normal(colors.shape)
    return np.clip(colors + shift, 0, 1).astype(np.float32)


def relief(picture: Array, height: Array, strength: float, shine: float = 0.0) -> Array:
    """Light the picture from the upper left as if ``height`` (in pixels) were its surface."""
    dy, dx = np.gradient(height)
    norm = 1 / np.sqrt(1 + dx * dx + dy * dy)
    lit = (0.5 * dx + 0.62 * dy + 0.6) * norm / 0.6 - 1
    spark = np.clip((0.42 * dx + 0.5 * dy + 0.76) * norm, 0, 1) ** 24 - 0.76**24 * norm
    shaded = picture * (1 + strength * lit)[..., None] + shine * spark[..., None]
    return np.clip(shaded, 0, 1).astype(np.float32)


def paper(rng: np.random.Generator, size: int, amount: float = 1.0) -> Array:
    """The grain of rough paper, about zero mean, (size, size)."""
    scale = size / 768
    grain = blurred_noise(rng, (size, size), 0.7 * scale) + 1.3 * blurred_noise(
        rng, (size, size), 2.2 * scale
    )
    return amount * grain * np.float32(0.5)


def blur(field: Array, sigma: float) -> Array:
    axes = (sigma, sigma, 0) if field.ndim == 3 else sigma
    return ndimage.gaussian_filter(field, axes, mode="nearest")


def sample(field: Array, x: Array, y: Array) -> Array:
    """Values of a field at positions in units of the side, nearest pixel."""
    rows = np.clip((y * field.shape[0]).astype(np.int64), 0, field.shape[0] - 1)
    columns = np.clip((x * field.shape[1]).astype(np.int64), 0, field.shape[1] - 1)
    return field[rows, columns]
