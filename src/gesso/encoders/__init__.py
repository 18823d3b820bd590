"""Encoders: images in [0, 1] to feature maps at named levels. Imports torch only to load one.

The compact encoder is bundled; VGG-16 and VGG-19 are downloaded once (torchvision's published
weights, full SHA-256 checked) or read from a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gesso import assets
from gesso.disk.atomic import sha256_file, shown
from gesso.encoders.levels import DEPTHS
from gesso.errors import GessoError

if TYPE_CHECKING:
    from gesso.encoders.base import Encoder


def load_encoder(name: str | Path = "compact", deepest: str = "relu4_3") -> Encoder:
    """Frozen encoder by name (compact, vgg16, vgg19) or from a weight file, on the CPU.

    A file is torchvision's published state dict, byte for byte, or a safetensors file: a compact
    encoder, or VGG with torchvision's names (features.0.weight …) or in the Caffe convention
    (conv1_1.weight …, BGR, 0–255). Of VGG only the layers up to `deepest` are loaded.

    Raises:
        GessoError: an unknown name, a missing or foreign file, a failed download, a level that the
            network does not have.
    """
    from gesso.encoders import sources

    if str(name) == "compact":
        return sources.compact_file(assets.weights("compact"))
    if str(name) in DEPTHS:
        return sources.published_vgg(str(name), deepest)
    check_encoder(name)
    return sources.encoder_file(Path(name), deepest)


def check_encoder(name: str | Path) -> None:
    """Refuse what is neither an encoder's name nor a file, without loading anything.

    Raises:
        GessoError: no such name, no such file.
    """
    if str(name) != "compact" and str(name) not in DEPTHS and not Path(name).is_file():
        allowed = "compact, vgg16, vgg19 or a file"
        raise GessoError(f"encoder {shown(name)}: no such file; allowed: {allowed}")


def encoder_identity(name: str | Path = "compact") -> str:
    """`load_encoder(name).identity`, the hash of the weights, without loading or fetching them.

    Raises:
        GessoError: an unknown name, a missing file.
    """
    check_encoder(name)
    if str(name) in DEPTHS:
        from gesso.encoders.download import PUBLISHED

        return PUBLISHED[str(name)].sha256
    from gesso.disk.tensors import read_header

    path = assets.weights("compact") if str(name) == "compact" else Path(name)
    try:
        return str(read_header(path, verify=False)["sha256"])
    except GessoError:  # not a file of gesso's own
        return sha256_file(path)
