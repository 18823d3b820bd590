"""Gatys et al. (2016): optimise the picture itself. What a transfer network is compared with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gesso import checkpoint
from gesso.encoders import Encoder
from gesso.functional import compute_in, fast_dtype
from gesso.losses import Objective, grams

KIND = "gatys-state"
SAVE_EVERY = 10  # steps


def gatys(
    photo: Tensor,
    style: Tensor,
    encoder: Encoder,
    objective: Objective,
    steps: int,
    *,
    lr: float = 0.02,
    state: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, float] | None:
    """Adam on the pixels of photo (3, H, W), from the photo, clamped to [0, 1] after every step.

    Returns the picture and the seconds it took. With `state`, work done so far is in that file and
    is taken up from there; None if `stop()` said so before the end.
    """
    image = photo.clone().unsqueeze(0).requires_grad_()
    optimizer = torch.optim.Adam([image], lr)
    done, seconds = _resume(state, image, optimizer)
    began = time.perf_counter()
    with compute_in(fast_dtype(photo.device)):
        with torch.no_grad():
            level = objective.content_level
            content = encoder(photo.unsqueeze(0), [level])[level]
            target = grams(encoder(style.unsqueeze(0), objective.levels), objective.levels)
        while done < steps and not stop():
            _step(image, optimizer, encoder, objective, content, target)
            done += 1
            if state is not None and done % SAVE_EVERY == 0:
                _save(state, image, optimizer, done, seconds + time.perf_counter() - began)
    result = image.detach()[0], seconds + time.perf_counter() - began
    if done < steps:
        if state is not None:
            _save(state, image, optimizer, done, result[1])
        return None
    return result


def _step(
    image: Tensor,
    optimizer: torch.optim.Adam,
    encoder: Encoder,
    objective: Objective,
    content: Tensor,
    target: dict[str, Tensor],
) -> None:
    levels = sorted({*objective.levels, objective.content_level})
    optimizer.zero_grad()
    terms = objective(image, encoder(image, levels), content, target)
    torch.stack(list(terms.values())).sum().backward()
    optimizer.step()
    with torch.no_grad():
        image.clamp_(0, 1)


def _resume(state: Path | None, image: Tensor, optimizer: torch.optim.Adam) -> tuple[int, float]:
    if state is None or not state.is_file():
        return 0, 0.0
    tensors, header = checkpoint.load_file(state, kind=KIND)
    with torch.no_grad():
        image.copy_(tensors["image"])
    moments = {name: tensors[name] for name in ("step", "exp_avg", "exp_avg_sq")}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: moments}})
    return int(header["steps"]), float(header["seconds"])


def _save(
    state: Path, image: Tensor, optimizer: torch.optim.Adam, steps: int, seconds: float
) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    moments = optimizer.state_dict()["state"].get(0, {})
    if moments:
        header = {"kind": KIND, "steps": steps, "seconds": seconds}
        checkpoint.save_file(state, {"image": image.detach(), **moments}, header)
