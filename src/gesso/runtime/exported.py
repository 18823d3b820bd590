"""A card that `gesso export` wrote, ready to paint photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gesso.controls.options import ControlOptions, check_masks
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.runtime.colors import Colors, Tint
from gesso.runtime.engines import DEFAULT as ENGINE
from gesso.runtime.look import Look
from gesso.runtime.painter import Painter
from gesso.runtime.sessions import Network

NETWORK = "network.onnx"


def exported_look(path: Path, controls: ControlOptions | None = None, engine: str = ENGINE) -> Look:
    """The look of a card that `gesso export` wrote: its file, or the folder of it.

    Raises:
        GessoError: what is none, a network that is for any style, or several masks.
    """
    how = controls or ControlOptions()
    if how.masks:
        check_masks(len(how.masks), 1)
    file = path / NETWORK if path.is_dir() else path
    network = Network.exported(file, engine)
    facts = network.facts
    if tuple(network.inputs) != ("image",):
        raise GessoError(f"{shown(file)}: a network for any style, not that of a card")
    try:
        palette = json.loads(facts["gesso_palette"])
        return Look(
            [Painter(network)],
            None if palette is None else [Colors.from_numbers(palette)],
            Tint.from_numbers(json.loads(facts["gesso_tint"])),
            float(facts["gesso_color_share"]),
            int(facts["gesso_paint_from"]),
            int(facts["gesso_paint_pixels"]),
            how,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise GessoError(f"{shown(file)}: its metadata is damaged ({error!r:.60})") from error


def is_exported(path: Any) -> bool:
    """Whether a style is what `gesso export` wrote of a card."""
    if not isinstance(path, Path):
        return False
    return path.suffix == ".onnx" or (path.is_dir() and (path / NETWORK).is_file())
