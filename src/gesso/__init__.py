"""gesso: neural style transfer that takes on any style in seconds.

gesso.stylize("photo.jpg", "painting.jpg", "out.png")

method   = gesso.load("metastyle")         # a method with its bundled weights
card     = method.adapt("painting.jpg")    # style → card
stylizer = method.stylizer(card)           # card → stylizer, without any of the controls
image    = stylizer(content)               # contents (B, 3, H, W) in [0, 1] → images
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.controls.controls import Controls, mix
    from gesso.errors import GessoError
    from gesso.images.styles import bundled_styles as list_styles
    from gesso.images.write import write_image
    from gesso.methods.base import AdaptStep, Method
    from gesso.methods.registry import load
    from gesso.methods.registry import methods as list_methods
    from gesso.nn.masks import read_mask
    from gesso.nn.pictures import read_image
    from gesso.pipeline.session import Session
    from gesso.pipeline.stylize import stylize
    from gesso.version import __version__

# Imported on first use: torch takes two seconds, and `gesso --help` has no need of it.
_HOMES = {
    "AdaptStep": ("gesso.stylizers.progress", "AdaptStep"),
    "Controls": ("gesso.controls.controls", "Controls"),
    "GessoError": ("gesso.errors", "GessoError"),
    "Method": ("gesso.methods.base", "Method"),
    "Session": ("gesso.pipeline.session", "Session"),
    "StyleCard": ("gesso.cards.card", "StyleCard"),
    "__version__": ("gesso.version", "__version__"),
    "list_methods": ("gesso.methods.registry", "methods"),
    "list_styles": ("gesso.images.styles", "bundled_styles"),
    "load": ("gesso.methods.registry", "load"),
    "mix": ("gesso.controls.controls", "mix"),
    "read_image": ("gesso.nn.pictures", "read_image"),
    "read_mask": ("gesso.nn.masks", "read_mask"),
    "stylize": ("gesso.pipeline.stylize", "stylize"),
    "write_image": ("gesso.images.write", "write_image"),
}

_LIGHT = {  # where torch is not installed
    "Controls": ("gesso.controls.options", "ControlOptions"),
    "read_image": ("gesso.images.read", "read_image"),
    "read_mask": ("gesso.runtime.masks", "read_mask"),
    "stylize": ("gesso.runtime.stylize", "stylize"),
}

__all__ = [
    "AdaptStep",
    "Controls",
    "GessoError",
    "Method",
    "Session",
    "StyleCard",
    "__version__",
    "list_methods",
    "list_styles",
    "load",
    "mix",
    "read_image",
    "read_mask",
    "stylize",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, attribute = _HOMES[name]
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            return _without_torch(name)
    raise AttributeError(f"module 'gesso' has no attribute '{name}'")


def _without_torch(name: str) -> Any:
    """What stands in where torch is not installed. Raises GessoError where nothing does."""
    from gesso.errors import require_torch

    if name not in _LIGHT:
        require_torch(f"gesso.{name}")
    module, attribute = _LIGHT[name]
    return getattr(import_module(module), attribute)
