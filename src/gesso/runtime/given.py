"""What cards of torch give to the bundled graphs of their methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from gesso.cards.packing import PlainCard
from gesso.errors import GessoError
from gesso.runtime.sessions import Arrays, Weights

KERNELS, SHARED, GENERATE = "kernels.", "shared.", "generate."


def given_by(card: PlainCard, weights: Weights, names: Iterable[str]) -> tuple[Arrays, Arrays]:
    """A card's numbers by the names of the network's inputs, in any shape, and weights that it has
    in the place of the bundled ones.

    Args:
        weights: of the method.
        names: of the network's weights, and of what the inputs are made with.

    Raises:
        GessoError: a card of other weights, or one that lacks what the network needs.
    """
    base = card.base or card.config.get("start")
    if base != weights.base:
        found = f"{str(base)[:12]}, the bundled ones are {weights.base[:12]}"
        raise GessoError(f"a card that needs the weights it was made with: base {found}")
    try:
        return READERS[card.method](card, weights, list(names))
    except (KeyError, ValueError) as error:
        raise GessoError(f"a card that the bundled network cannot run ({error})") from error


def _statistics(card: PlainCard, weights: Weights, names: list[str]) -> tuple[Arrays, Arrays]:
    """Mean and deviation of every channel: of the deepest level, and of the others in order."""
    deepest = str(card.config["level"])
    others = {name.partition(".")[2] for name in card.tensors} - {deepest}
    levels = [deepest, *sorted(others)]
    rows = [
        np.concatenate([card.tensors[f"{part}.{level}"].ravel() for level in levels])
        for part in ("mean", "deviation")
    ]
    return {"statistics": np.stack(rows)}, {}


def _kernels(card: PlainCard, weights: Weights, names: list[str]) -> tuple[Arrays, Arrays]:
    """The kernels that a hidden vector generates, or those of a whole network, and the rest of
    that where it is another."""
    if "hidden" in card.tensors:
        return _generated(card.tensors["hidden"].ravel(), weights, names), {}
    kernels = _under(KERNELS, card.tensors)
    shared = {n: x for n, x in card.tensors.items() if n.startswith(SHARED)}
    known = weights.of(shared)
    if missing := [n for n in names if n.startswith(SHARED) and n not in shared]:
        raise KeyError(missing[0])
    own = any(not np.array_equal(x.ravel(), known[n].ravel()) for n, x in shared.items())
    return kernels, shared if own else {}


def _generated(hidden: np.ndarray, weights: Weights, names: list[str]) -> Arrays:
    layers = [n for n in names if n.startswith(GENERATE)]
    kernels = list(dict.fromkeys(name.split(".")[1] for name in layers))
    numbers = {n: x.astype(np.float32) for n, x in weights.of(layers).items()}
    made = {}
    for kernel, group in zip(kernels, np.split(hidden, len(kernels)), strict=True):
        own = {n.rpartition(".")[2]: x for n, x in numbers.items() if n.split(".")[1] == kernel}
        x = own["weight"] @ group if "weight" in own else own["left"] @ (own["right"] @ group)
        made[kernel] = x + own["bias"]
    return made


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> Arrays:
    return {n.removeprefix(prefix): x for n, x in tensors.items() if n.startswith(prefix)}


READERS: Mapping[str, Callable[[PlainCard, Weights, list[str]], tuple[Arrays, Arrays]]] = {
    "adain": _statistics,
    "meta_networks": _kernels,
}
