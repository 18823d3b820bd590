"""Colour profiles and high bit depths → sRGB."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_FAILURES = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """A picture of mode L, RGB or CMYK as sRGB (mode RGB), by its profile where that applies.

    A profile that is damaged, or made for another kind of picture, is ignored as browsers do. One
    that is sRGB in all but name changes nothing, not even by a rounding step.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else None
        space = profile.profile.xcolor_space.strip() if profile else None
        if image.mode == "L" and space == "GRAY":
            curve = _grey_curve(profile)
            return Image.merge("RGB", [image.point(curve[:, c].tolist()) for c in range(3)])
        if image.mode == "CMYK" and space == "CMYK":
            return _transform(profile, "CMYK").apply(image)
        if image.mode != "CMYK" and space == "RGB":
            transform = _transform(profile, "RGB")
            if not _is_identity(transform):
                return transform.apply(image.convert("RGB"))
    except _FAILURES:
        pass
    return image.convert("RGB")


def _transform(
    profile: ImageCms.ImageCmsProfile | None, mode: str, flags: int = 0
) -> ImageCms.ImageCmsTransform:
    # Relative colorimetric with black point compensation is how photo editors convert: colours
    # that sRGB has stay exactly what they are, and shadows keep their detail.
    return ImageCms.buildTransform(
        profile,  # type: ignore[arg-type]
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags(flags) | ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """True if a transform moves no colour of a coarse grid by more than 2 of 255."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    moved = np.asarray(transform.apply(Image.fromarray(grid))) - grid.astype(np.int16)
    return int(np.abs(moved).max()) <= 2


def _grey_curve(profile: ImageCms.ImageCmsProfile | None) -> NDArray[np.uint8]:
    """The sRGB colours (256, 3) of all grey levels; unoptimised: fast paths are off by 10 of 255"""
    ramp = np.arange(256, dtype=np.uint8)
    transform = _transform(profile, "L", ImageCms.Flags.NOOPTIMIZE)
    curve = np.asarray(transform.apply(Image.fromarray(ramp[None])))[0]
    same = int(np.abs(curve - ramp[:, None].astype(np.int16)).max()) <= 2
    return np.stack([ramp] * 3, -1) if same else curve


def float_grey(image: Image.Image) -> Image.Image:
    """A 16-bit or floating-point grey picture as mode F in [0, 1].

    Raises:
        ValueError: 32-bit integers, whose white is not known; floats that are not in [0, 1] (more
            than a few highlights) or not finite.
    """
    values = np.asarray(image).astype(np.float32)
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        values /= 2 ** tags.get(_BITS_PER_SAMPLE, (16,))[0] - 1
    elif image.mode != "F":
        raise ValueError("signed or 32-bit integers; save it as unsigned 8 or 16 bits")
    elif not np.isfinite(values).all():
        raise ValueError("values that are not numbers, or infinite")
    elif values.mean() > 1:
        raise ValueError(
            f"values of {values.mean():.4g} on average; allowed are 0 to 1; save it as 8 or 16 bits"
        )
    np.clip(values, 0, 1, out=values)
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero; Pillow inverts up to 8 bits only
        values = 1 - values
    return Image.fromarray(values)


def grey_to_srgb(values: NDArray[np.float32], icc: bytes | None) -> NDArray[np.float32]:
    """Grey (H, W) → sRGB (3, H, W) in [0, 1]; a profile is applied as a curve of 256 points."""
    values = np.clip(values, 0, 1)  # Lanczos overshoots
    ramp = np.arange(256, dtype=np.uint8)[None]
    curve = np.asarray(to_srgb(Image.fromarray(ramp), icc))[0]
    if (curve == ramp[0, :, None]).all():
        return np.ascontiguousarray(np.broadcast_to(values, (3, *values.shape)))
    points = np.linspace(0, 1, 256)
    channels = [np.interp(values, points, curve[:, c] / 255) for c in range(3)]
    return np.stack(channels).astype(np.float32)


def keyed_alpha(image: Image.Image) -> Image.Image:
    """A PNG whose one transparent colour is given in 16 bits, as LA or RGBA of 8 bits."""
    key = image.info["transparency"]
    if image.mode == "RGB":  # Pillow has already cut the pixels to 8 bits, but not the key
        cut = image.copy()
        cut.info["transparency"] = tuple(level >> 8 for level in key)
        return cut.convert("RGBA")
    values = np.asarray(image)
    grey = np.round(values / 257).astype(np.uint8)
    alpha = np.where(values == key, 0, 255).astype(np.uint8)
    return Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
