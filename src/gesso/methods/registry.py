"""Methods by name: gesso's own rooms, and those that others register."""

from __future__ import annotations

import os
import pkgutil
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from gesso.disk.header import brief
from gesso.disk.hub import fetched, local, on_hub
from gesso.errors import GessoError, OptionError, require_torch
from gesso.methods.about import About

if TYPE_CHECKING:
    import torch

    from gesso.methods.base import Method

GROUP = "gesso.methods"  # of entry points: name = package
DEFAULT = "matching"
_registered: dict[str, str] = {}


def register(name: str, package: str) -> None:
    """Make a method known by its name.

    Args:
        name: as in its `About`.
        package: a package with the modules `about` (torch-free, holds ABOUT) and `method` (holds
            the subclass of `Method`), or one module with both. An entry point of the group
            "gesso.methods" registers one for good, GESSO_METHODS=package,… for a process.
    """
    _registered[name] = package
    about.cache_clear()


def methods() -> list[str]:
    """The names of all methods; none is imported but those in GESSO_METHODS."""
    return sorted(_places())


@cache
def about(name: str) -> About:
    """What a method says of itself, without torch. Raises GessoError for an unknown name."""
    package = _ours(name) or _places().get(name)
    if package is None:
        raise GessoError(f"method {name}: unknown; allowed are {', '.join(methods())}")
    found: About = _module(package, "about").ABOUT
    return found


def load(
    name: str = DEFAULT,
    *,
    weights: str | Path | None = None,
    encoder: str | Path = "compact",
    device: str | None = None,
) -> Method:
    """A method with its bundled weights (or those in the file `weights`), ready to adapt.

    Name or weights may be a pinned file of the Hugging Face Hub (`gesso.disk.hub`), whose method
    its header names.

    Raises:
        GessoError: an unknown method, encoder or device, or weights that cannot be used.
        MissingWeights: no weights are bundled or named.
    """
    require_torch("gesso.load")
    from gesso.encoders import check_encoder, load_encoder

    if on_hub(name):
        if weights is not None:
            raise OptionError("weights", f"{weights}: {name} has weights of its own")
        name, weights = _with_weights(name)
    kind = load_class(name)
    weights = local(weights)
    place = checked_device(device or "cpu")
    check_encoder(encoder)
    needs = kind.about.needs
    method = kind.load(partial(load_encoder, encoder, needs.deepest or needs.levels[-1]), weights)
    return method.to(place)


def _with_weights(name: str) -> tuple[str, Path]:
    """The method of a file on the hub, and the file. Raises GessoError."""
    from gesso.disk.tensors import read_header  # with numpy, which listing methods does not need

    path = fetched(name)
    header = read_header(path)
    method = header.get("method")
    if not isinstance(method, str) or header["kind"] == "card":
        what = f"a file of kind {brief(header['kind'])}, not a method's weights"
        raise GessoError(f"{brief(name, 200)}: {what}")
    return method, path


def load_class(name: str) -> type[Method]:
    """The class of a method. Raises GessoError for an unknown name."""
    from gesso.methods.base import Method

    known = about(name)
    module = _module(_places()[name], "method")
    for found in vars(module).values():
        own = isinstance(found, type) and issubclass(found, Method) and hasattr(found, "about")
        if own and found.about is known:
            kind: type[Method] = found
            return kind
    raise GessoError(f"method {name}: {module.__name__} holds no class with that About")


def part(name: str, module: str) -> ModuleType:
    """A module of a method's package, such as "training". Raises GessoError for an unknown name."""
    about(name)
    return _module(_places()[name], module)


def checked_device(name: str) -> torch.device:
    """The device of that name. Raises GessoError where this machine, or torch, has no such one."""
    import torch

    try:
        place = torch.device(name)
        torch.empty(1, device=place).item()  # "meta" keeps no numbers
    except (RuntimeError, AssertionError, NotImplementedError):
        raise GessoError(f"device {name}: not available here; cpu always is") from None
    return place


def _ours(name: str) -> str | None:
    """The package of one of gesso's own methods, unless it was registered anew in this process."""
    anew = name in _registered or os.environ.get("GESSO_METHODS")
    room = Path(__file__).parent / name / "about.py"
    return f"{__package__}.{name}" if name.isidentifier() and room.is_file() and not anew else None


def _places() -> dict[str, str]:
    """Name → package."""
    from importlib.metadata import entry_points  # takes as long as all the rest

    rooms = pkgutil.iter_modules([str(Path(__file__).parent)])
    places = {point.name: point.value for point in entry_points(group=GROUP)}
    places |= {room.name: f"{__package__}.{room.name}" for room in rooms if room.ispkg}
    for package in filter(None, os.environ.get("GESSO_METHODS", "").split(",")):
        places[_module(package, "about").ABOUT.name] = package
    return places | _registered


def _module(package: str, name: str) -> ModuleType:
    """The module `name` of a package, or the package itself where it has no such module."""
    inside = hasattr(import_module(package), "__path__") and find_spec(f"{package}.{name}")
    return import_module(f"{package}.{name}" if inside else package)
