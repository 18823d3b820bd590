"""One file a method; the file name registers it.

A method's module `gesso/methods/NAME.py` holds one subclass of Method whose `name` is NAME and
whose classmethod `load(encoder, weights)` builds it.
"""

from __future__ import annotations

import pkgutil
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gesso.errors import GessoError

if TYPE_CHECKING:
    import torch

    from gesso.methods.base import Method


def methods() -> list[str]:
    """The names of all methods, without importing them."""
    rooms = pkgutil.iter_modules([str(Path(__file__).parent)])
    return [room.name for room in rooms if room.ispkg]


def load(
    name: str = "metastyle",
    *,
    weights: str | Path | None = None,
    encoder: str | Path = "compact",
    device: str | None = None,
) -> Method:
    """A method with its bundled weights (or those in the file `weights`), ready to adapt.

    Raises:
        GessoError: an unknown method, encoder or device, or weights that cannot be used.
    """
    from gesso.encoders import check_encoder, load_encoder

    kind = load_class(name)
    place = checked_device(device or "cpu")
    check_encoder(encoder)
    method = kind.load(partial(load_encoder, encoder, kind.deepest), weights)
    return method.to(place)


def load_class(name: str) -> type[Method]:
    """The class of a method. Raises GessoError for an unknown name."""
    if name not in methods():
        raise GessoError(f"method {name}: unknown; allowed are {', '.join(methods())}")
    from gesso.methods.base import Method

    module = import_module(f"gesso.methods.{name}.method")
    return next(
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Method) and getattr(c, "name", "") == name
    )


def checked_device(name: str) -> torch.device:
    """The device of that name. Raises GessoError where this machine, or torch, has no such one."""
    import torch

    try:
        place = torch.device(name)
        torch.empty(1, device=place).item()  # "meta" keeps no numbers
    except (RuntimeError, AssertionError, NotImplementedError):
        raise GessoError(f"device {name}: not available here; cpu always is") from None
    return place
