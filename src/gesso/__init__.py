"""gesso: neural style transfer that takes on any style in seconds.

method   = gesso.load("metastyle")         # a method with its bundled weights
card     = method.adapt("painting.jpg")    # style → card
stylizer = method.stylizer(card)           # card → stylizer
image    = stylizer(content)               # contents (B, 3, H, W) in [0, 1] → images
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.controls.controls import Controls, mix
    from gesso.errors import GessoError
    from gesso.images.write import write_image
    from gesso.methods.registry import load
    from gesso.methods.registry import methods as list_methods
    from gesso.nn.pictures import read_image

__version__ = "0.1.0"

# Imported on first use: torch takes two seconds, and `gesso --help` has no need of it.
_HOMES = {
    "load": "gesso.methods",
    "StyleCard": "gesso.cards.card",
    "GessoError": "gesso.errors",
    "read_image": "gesso.nn.pictures",
    "write_image": "gesso.images.write",
    "Controls": "gesso.controls.controls",
    "mix": "gesso.controls.controls",
}

__all__ = [
    "Controls",
    "GessoError",
    "StyleCard",
    "list_methods",
    "load",
    "mix",
    "read_image",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name == "list_methods":  # `gesso.methods` is the package of methods
        return import_module("gesso.methods").methods
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gesso' has no attribute '{name}'")
