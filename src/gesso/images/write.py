"""Tensors → picture files. The format is the extension's; the file is whole or not there."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gesso.disk.atomic import atomic_path
from gesso.errors import GessoError
from gesso.images.decode import DECODER_ERRORS, problem

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
WRITE_SUFFIXES = tuple(_FORMATS)
"""File name endings, in lower case, that `write_image` has a format for."""

# Qualities of equal fidelity: each keeps a photograph to about 39 dB. Colour at full resolution
# (4:4:4) where the format has it, as not in lossy WebP: halving it smears saturated strokes.
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 92, "subsampling": "4:4:4"},
    "WEBP": {"quality": 95, "use_sharp_yuv": True},
    "AVIF": {"quality": 85, "subsampling": "4:4:4"},
    "HEIF": {"quality": 60, "chroma": 444, "enc_params": {"preset": "fast"}},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "PNG": {},
    "BMP": {},
}
_OPAQUE = ("JPEG", "BMP")


def write_image(
    path: str | os.PathLike[str],
    image: Tensor,
    *,
    alpha: Tensor | None = None,
    quality: int | None = None,
    metadata: bytes | None = None,
) -> None:
    """Write a picture as JPEG, PNG, WebP, AVIF, HEIF, TIFF or BMP, 8 bits a channel, sRGB.

    The file appears under its name only when it is complete; what was there before is replaced.

    Args:
        path: the file; its extension (one of `WRITE_SUFFIXES`) is the format. Its folder exists.
        image: (3, H, W), or a batch of one, floating-point RGB; clamped to [0, 1].
        alpha: (1, H, W) in [0, 1], kept by PNG, WebP, AVIF, HEIF and TIFF; JPEG and BMP, which
            have none, show the picture on white.
        quality: 1 to 100 for JPEG (default 92), WebP (95), AVIF (85) and HEIF (60); the others are
            lossless and not affected.
        metadata: an EXIF block to put in, as `Photo.exif`; by default the file holds none (BMP
            cannot hold any).

    Raises:
        GessoError: an unknown extension, a missing folder, a quality out of range, a tensor of
            another shape or with values that are not finite, or a file that cannot be written.
    """
    path = Path(path)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        allowed = ", ".join(WRITE_SUFFIXES)
        raise problem(path, f"no picture format for {path.suffix!r}; allowed are {allowed}")
    if quality is not None and not 1 <= quality <= 100:
        raise GessoError(f"quality: {quality} is out of range; allowed are 1 to 100")
    picture = _picture(image, alpha, opaque=kind in _OPAQUE)
    options = dict(_OPTIONS[kind])
    if quality is not None and "quality" in options:
        options["quality"] = quality
    if metadata and kind != "BMP":
        options["exif"] = metadata
        options.pop("compression", None)  # through libtiff Pillow cannot write GPS tags
    if not path.parent.is_dir():
        raise problem(path, "its folder does not exist; make it first")
    try:
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            _encode(picture, file, kind, options)
    except GessoError:
        raise
    except DECODER_ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise problem(path, f"cannot be written ({reason})") from error


def pixels(image: Tensor, alpha: Tensor | None = None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(H, W, 3) uint8 of (3, H, W) in [0, 1], or (H, W, 4) with alpha (1, H, W): what a lossless
    file of the picture holds."""
    return np.asarray(_picture(image, alpha, opaque=False))


def _encode(picture: Image.Image, file: IO[bytes], kind: str, options: dict[str, Any]) -> None:
    if kind == "HEIF":
        import pillow_heif  # only here: it loads a library of its own

        pillow_heif.from_pillow(picture).save(file, **options)
    else:
        picture.save(file, format=kind, **options)


def _picture(image: Tensor, alpha: Tensor | None, *, opaque: bool) -> Image.Image:
    """An RGB or RGBA picture; on white if it has to be `opaque`."""
    rgb = _checked("image", image, 3)
    if alpha is None:
        return Image.fromarray(_bytes(rgb).numpy())
    a = _checked("alpha", alpha, 1)
    if a.shape[1:] != rgb.shape[1:]:
        sizes = f"{tuple(a.shape)} and {tuple(rgb.shape)}"
        raise GessoError(f"alpha: shapes {sizes} differ; both need the same height and width")
    if opaque:
        return Image.fromarray(_bytes(rgb * a + (1 - a)).numpy())
    return Image.fromarray(_bytes(torch.cat([rgb, a])).numpy())


def _checked(name: str, tensor: Tensor, channels: int) -> Tensor:
    """(channels, H, W) float32 in [0, 1] on the CPU."""
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != channels or 0 in tensor.shape:
        raise GessoError(f"{name}: shape {shape} is not a picture's; ({channels}, H, W) is")
    if not tensor.is_floating_point():
        raise GessoError(f"{name}: {tensor.dtype} values; floating-point in 0 to 1 is allowed")
    tensor = tensor.detach().to("cpu", torch.float32)
    if not tensor.isfinite().all():
        raise GessoError(f"{name}: values that are not numbers, or infinite")
    return tensor.clamp(0, 1)


def _bytes(tensor: Tensor) -> Tensor:
    """(C, H, W) in [0, 1] → (H, W, C) uint8, rounded."""
    return tensor.mul(255).round_().to(torch.uint8).permute(1, 2, 0).contiguous()


def thumbnail_bytes(image: Tensor, size_px: int = 96) -> bytes:
    """A WebP of (3, H, W) in [0, 1], scaled down (never up) to a longer side of `size_px`."""
    rgb = _checked("image", image, 3)
    scale = min(1.0, size_px / max(rgb.shape[1:]))
    height, width = (max(1, round(n * scale)) for n in rgb.shape[1:])
    small = F.interpolate(rgb[None], (height, width), mode="bicubic", antialias=True)[0]
    buffer = io.BytesIO()
    Image.fromarray(_bytes(small.clamp(0, 1)).numpy()).save(buffer, "WEBP", quality=75, method=6)
    return buffer.getvalue()
