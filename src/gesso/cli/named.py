"""Which commands there are. Each is imported only where it is wanted: all of them together take as
long as a small picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

PLACES: Mapping[str, str] = {
    "stylize": "stylize.stylize",
    "verify": "verify.verify",
    "batch": "batch.batch",
    "adapt": "adapt.adapt",
    "mix": "mix.mix",
    "grid": "mix.grid",
    "styles": "styles.styles",
    "video": "video.video",
    "pipe": "pipe.pipe",
    "webcam": "webcam.webcam",
    "studio": "studio.studio",
    "texture": "texture.texture",
    "invent": "texture.invent",
    "train": "train.trainers",
    "distill": "train.distill",
    "export": "export.export",
    "bench": "bench.bench",
    "info": "show.info",
    "methods": "show.methods",
    "cache": "show.cache",
    "fast": "adapt.fast",
    "test": "stylize.test",
}
"""Name → where it is, in the order of the help."""

HIDDEN = ("fast", "test")  # the names of the original release


def wanted(words: Sequence[str] | None) -> list[str]:
    """The names that a command line can mean: the first word, if it is one; else all."""
    return [words[0]] if words and words[0] in PLACES else list(PLACES)


def found(name: str) -> Any:
    """What is called so: a function; of a group what it is made of."""
    module, _, attribute = PLACES[name].partition(".")
    return getattr(import_module(f"gesso.cli.{module}"), attribute)
