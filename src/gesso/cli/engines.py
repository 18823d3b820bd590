"""Which engine computes: the one that is asked for, or the one that is done first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from gesso.cli.options import RUNNING, option
from gesso.errors import OptionError

if TYPE_CHECKING:
    from gesso.controls.options import ControlOptions
    from gesso.export.engines import Through

ENGINES = ("auto", "fastest", "torch", "onnxruntime", "openvino", "compile")
GRAPHS = ("onnxruntime", "openvino")

EngineName = Annotated[
    str,
    option(
        "What computes networks: torch; ONNX Runtime or OpenVINO, which start without torch for "
        "meta_networks, adain, the draft of matching and exported cards; compile (torch.compile), "
        "which takes minutes to begin. fastest: what is done first, of those installed. auto: "
        "torch where it is, so that the picture is the same from every door; else the fastest.",
        "|".join(ENGINES),
        under=RUNNING,
    ),
]

START_S: Mapping[str, float] = {"torch": 3.4, "onnxruntime": 1.4, "openvino": 2.7}
WRITTEN_S: Mapping[str, float] = {"torch": 0.0, "onnxruntime": 1.0, "openvino": 2.0}
MEGAPIXEL_S: Mapping[str, float] = {"torch": 1.3, "onnxruntime": 1.7, "openvino": 1.9}
DECODER_S: Mapping[str, float] = {"torch": 8.3, "onnxruntime": 7.1, "openvino": 5.4}
"""Seconds of one core without AVX-512, as `gesso bench --engines` found them: until the first
picture, where torch need not be there; those more of a network that torch has, until it is written
as a graph; of a megapixel by a transfer network, and by adain, encoder and decoder."""

USUAL_PX = 1600  # longer side of a photo whose size is not asked for
MANY = 1000  # frames of a clip, or pictures of a camera


def checked(engine: str) -> str:
    """The engine. Raises OptionError for an unknown one, or one that is not installed."""
    if engine not in ENGINES:
        raise OptionError("engine", f"{engine} is unknown; allowed are {', '.join(ENGINES)}")
    if engine in GRAPHS:
        from gesso.runtime.engines import require

        require(engine)
    return engine


def megapixels(pictures: int, size: int | None) -> float:
    """About how many are to be painted."""
    return pictures * 0.75 * (size or USUAL_PX) ** 2 / 1e6


def one_network(look: ControlOptions) -> bool:
    """Whether all pictures are made by the same networks, which then are written as graphs once."""
    return look.strength == 1 and look.color == "style"


def quickest(
    work: float,
    names: Iterable[str],
    method: str | None = None,
    start: Mapping[str, float] = START_S,
) -> str:
    """The engine that is done first with so many megapixels by a method, of those of these names
    that are installed; onnxruntime where none is."""
    from gesso.runtime.engines import is_installed

    rate = DECODER_S if method == "adain" else MEGAPIXEL_S
    there = filter(is_installed, names)
    return min(there, key=lambda name: start[name] + work * rate[name], default=GRAPHS[0])


def through(
    engine: str, work: float, device: str | None, method: str | None = None
) -> Through | None:
    """What networks that torch has go through; None: nothing. Torch is imported.

    Raises:
        OptionError: the engine, or what writes graphs for it, is not installed.
    """
    from gesso.runtime.engines import is_installed

    where_possible = engine == "fastest"
    if where_possible:
        known = device in (None, "cpu") and is_installed("onnx")
        names = "torch", *GRAPHS
        engine = quickest(work, names, method, WRITTEN_S) if known else "torch"
    if engine in ("torch", "auto"):
        return None
    from gesso.export.engines import Through

    return Through(engine, where_possible)
