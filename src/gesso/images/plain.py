"""Pictures as training takes them: a Pillow image of 8 bits, and nothing beside it."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from gesso.images import apart
from gesso.images.decode import decoded
from gesso.images.profiles import float_grey, to_srgb
from gesso.images.source import Source


def read_plain(source: Source, shorter: int = 0) -> Image.Image:
    """A picture, upright, sRGB, of mode L or RGB; transparent parts lie on white.

    Args:
        source: a path, the bytes of a file, or a binary file object.
        shorter: a JPEG much larger is decoded at a fraction of its size, of at least this many px
            at its shorter side; 0: always at its own.

    Raises:
        GessoError: one line that names the file, as `gesso.images.read.read_photo` raises it.
    """
    decoders = apart.current()
    if decoders is not None:
        head, parts = decoders.ask("plain", source, shorter=shorter)
        return Image.frombytes(head["mode"], tuple(head["size"]), bytes(parts[0]))

    def draft(image: ImageFile) -> None:
        if shorter and image.format in ("JPEG", "MPO"):
            image.draft(None, (shorter, shorter))

    with decoded(source, prepare=draft) as image:
        return _upright(image)


def _upright(image: ImageFile) -> Image.Image:
    with suppress(Exception):  # EXIF that cannot be read is no reason to refuse a picture
        ImageOps.exif_transpose(image, in_place=True)
    flat: Image.Image = image
    if image.mode.startswith("I") or image.mode == "F":
        flat = Image.fromarray((np.asarray(float_grey(image)) * 255).round().astype(np.uint8))
    elif image.has_transparency_data:
        flat = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", flat.size, "white"), flat).convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        flat = image.convert("RGB")
    return to_srgb(flat, image.info.get("icc_profile"))
