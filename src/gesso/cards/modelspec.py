"""What a card says of itself to programs that know ModelSpec, the metadata standard of safetensors
files (https://github.com/Stability-AI/ModelSpec, 1.0.1): interfaces that list models show it.

gesso writes these keys and reads none of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

VERSION = "1.0.1"
MOST_SHARE = 0.01
"""What a thumbnail may take of a card's numbers: it stands in the card already."""


def modelspec(header: Mapping[str, Any], thumbnail: bytes | None, size: int) -> dict[str, str]:
    """The keys of a card's file with the text of each; what is unknown is left out.

    Args:
        header: the card's fields.
        thumbnail: a WebP, PNG or JPEG picture, which is given where it is small.
        size: bytes of the card's numbers.
    """
    method, origin = header["method"], header["provenance"]
    style = PurePath(str(origin.get("style", ""))).stem or "a style"
    found = {
        "sai_model_spec": VERSION,
        "architecture": f"gesso-{method}-card",  # only this method runs it
        "implementation": "gesso",
        "title": f"{style} ({method})",
        "author": origin.get("author"),
        "date": origin.get("created"),
        "license": origin.get("licence"),
        "thumbnail": _uri(thumbnail, MOST_SHARE * size) if thumbnail else None,
    }
    return {f"modelspec.{key}": str(text) for key, text in found.items() if text}


def _uri(picture: bytes, most: float) -> str | None:
    """A picture as a data URI; None where that has more than `most` characters."""
    kind = {b"\x89PNG": "png", b"RIFF": "webp"}.get(picture[:4], "jpeg")
    text = f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
    return text if len(text) <= most else None
