"""A small sphere tracer: solids given by signed distances, one sun, soft shadows, haze."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .noise import Array

Distance = Callable[[Array], Array]  # points (N, 3) -> signed distances (N,)
Albedo = Callable[[Array, Array], Array]  # points, normals (N, 3) -> linear RGB (N, 3)
Sky = Callable[[Array], Array]  # unit directions (N, 3) -> linear RGB (N, 3)


@dataclass(frozen=True)
class Solid:
    """A surface and its colour; ``gloss`` scales its highlight, ``mirror`` what it reflects."""

    distance: Distance
    albedo: Albedo
    gloss: float = 0.0
    mirror: float = 0.0


@dataclass(frozen=True)
class Stage:
    """Everything seen: solids, sky, sun and camera. ``haze`` is the fog density per unit."""

    solids: tuple[Solid, ...]
    sky: Sky
    sun: tuple[float, float, float]
    sun_color: tuple[float, float, float]
    ambient: tuple[float, float, float]
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    field_of_view: float = 45.0
    haze: float = 0.0
    far: float = 60.0


def unit(vectors: Array) -> Array:
    length = np.sqrt((vectors * vectors).sum(-1, keepdims=True))
    return (vectors / np.maximum(length, 1e-9)).astype(np.float32)


def flat(red: float, green: float, blue: float) -> Albedo:
    """One sRGB colour (0 to 1) all over."""
    color = np.array([red, green, blue], np.float32) ** np.float32(2.2)
    return lambda points, normals: np.broadcast_to(color, points.shape)


def _camera_rays(stage: Stage, width: int, height: int) -> Array:
    eye, target = np.float32(stage.eye), np.float32(stage.target)
    forward = unit(target - eye)
    right = unit(np.cross(forward, np.float32([0, 1, 0])).astype(np.float32))
    up = np.cross(right, forward)
    scale = np.tan(np.radians(stage.field_of_view) / 2) / (min(width, height) / 2)
    x, y = np.meshgrid(
        (np.arange(width) + 0.5 - width / 2) * scale, (height / 2 - np.arange(height) - 0.5) * scale
    )
    return unit(forward + x[..., None] * right + y[..., None] * up).reshape(-1, 3)


def _nearest(stage: Stage, points: Array) -> Array:
    return np.minimum.reduce([solid.distance(points) for solid in stage.solids])


def _march(stage: Stage, origins: Array, directions: Array, steps: int = 160) -> Array:
    """Distance along each ray to the first surface; ``stage.far`` or more where there is none."""
    depth = np.full(len(origins), 0.02, np.float32)
    active = np.arange(len(origins))
    for _ in range(steps):
        gap = _nearest(stage, origins[active] + depth[active, None] * directions[active])
        depth[active] += 0.9 * gap
        active = active[(np.abs(gap) > 4e-4 * (1 + depth[active])) & (depth[active] < stage.far)]
        if not len(active):
            break
    return depth


def _normals(solid: Solid, points: Array, step: float = 2e-3) -> Array:
    total = np.zeros_like(points)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        offset = np.float32(corner)
        total += offset * solid.distance(points + step * offset)[:, None]
    return unit(total)


def _shadow(stage: Stage, points: Array, sun: Array, steps: int = 28) -> Array:
    light = np.ones(len(points), np.float32)
    depth = np.full(len(points), 0.04, np.float32)
    for _ in range(steps):
        gap = _nearest(stage, points + depth[:, None] * sun)
        light = np.minimum(light, np.clip(9 * gap / depth + 0.5, 0, 1))
        depth += np.clip(gap, 0.03, 0.6)
    return light * light * (3 - 2 * light)


def _occlusion(stage: Stage, points: Array, normals: Array) -> Array:
    hidden = np.zeros(len(points), np.float32)
    for i, reach in enumerate((0.03, 0.1, 0.25, 0.5)):
        hidden += (reach - _nearest(stage, points + reach * normals)) * 0.62**i
    return np.clip(1 - 1.3 * hidden, 0.15, 1)


def _shade(stage: Stage, points: Array, directions: Array) -> Array:
    sun = unit(np.float32(stage.sun))
    owner = np.argmin([solid.distance(points) for solid in stage.solids], axis=0)
    color, normals = np.zeros_like(points), np.zeros_like(points)
    gloss = np.zeros(len(points), np.float32)
    for index, solid in enumerate(stage.solids):
        mine = owner == index
        normals[mine] = _normals(solid, points[mine])
        color[mine] = solid.albedo(points[mine], normals[mine])
        gloss[mine] = solid.gloss
    lit = np.clip(normals @ sun, 0, 1) * _shadow(stage, points + 0.01 * normals, sun)
    open_sky = _occlusion(stage, points, normals) * (0.65 + 0.35 * normals[:, 1])
    halfway = unit(sun - directions)
    shine = gloss * np.clip((normals * halfway).sum(-1), 0, 1) ** 60 * (lit > 0) * lit
    light = lit[:, None] * np.float32(stage.sun_color) + open_sky[:, None] * np.float32(
        stage.ambient
    )
    return color * light + shine[:, None] * np.float32(stage.sun_color)


def _see(stage: Stage, origins: Array, directions: Array, bounces: int) -> Array:
    depth = _march(stage, origins, directions)
    color = stage.sky(directions).astype(np.float32)
    seen = depth < stage.far
    points, rays = (origins + depth[:, None] * directions)[seen], directions[seen]
    shaded = _shade(stage, points, rays)
    if bounces:
        _reflect(stage, points, rays, shaded, bounces)
    clear = np.exp(-stage.haze * depth[seen])[:, None]
    color[seen] = clear * shaded + (1 - clear) * color[seen]
    return color


def _reflect(stage: Stage, points: Array, rays: Array, shaded: Array, bounces: int) -> None:
    owner = np.argmin([solid.distance(points) for solid in stage.solids], axis=0)
    for index, solid in enumerate(stage.solids):
        mine = owner == index
        if not solid.mirror or not mine.any():
            continue
        normals = _normals(solid, points[mine])
        facing = (rays[mine] * normals).sum(-1, keepdims=True)
        mirrored = unit(rays[mine] - 2 * facing * normals)
        seen = _see(stage, points[mine] + 0.02 * normals, mirrored, bounces - 1)
        weight = solid.mirror + (1 - solid.mirror) * np.clip(1 + facing, 0, 1) ** 5
        shaded[mine] += weight * (seen - shaded[mine])


def render(stage: Stage, width: int, height: int, samples: int = 2) -> Array:
    """The picture, sRGB in [0, 1], (height, width, 3); ``samples``² rays for each pixel."""
    directions = _camera_rays(stage, width * samples, height * samples)
    origins = np.broadcast_to(np.float32(stage.eye), directions.shape)
    color = _see(stage, origins, directions, bounces=1)
    color = color.reshape(height, samples, width, samples, 3).mean((1, 3))
    graded = np.clip(1 - np.exp(-1.1 * color), 0, 1) ** np.float32(1 / 2.2)
    # A gentle S-curve: the exponential alone leaves shadows milky.
    return np.float32(0.45) * graded + np.float32(0.55) * graded * graded * (3 - 2 * graded)
