"""Pictures on the way can be watched, and what is made does not depend on who watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.fitting.carry import coarse_to_fine
from gesso.fitting.picture import Descent, optimise
from gesso.fitting.pyramid import descend
from gesso.losses.objectives import Objective
from gesso.nn.strips import Striped
from gesso.reports import Draft, watching
from tiny import pictures, tiny_encoder

PHOTO = pictures(1, 32)


def by_bands() -> Tensor:
    return descend(PHOTO, lambda image: (image - 0.5).square().mean(), 3, 0.01)


def by_copies() -> Tensor:
    copies = [Striped.of(PHOTO[..., ::2, ::2]), Striped.of(PHOTO)]
    return coarse_to_fine(copies, lambda _, begun: Striped.of(begun.whole().flip(-1))).whole()


def by_pixels() -> Tensor:
    encoder, objective = tiny_encoder(), Objective()
    with torch.no_grad():
        style = objective.targets(encoder(pictures(1, 32, seed=2), objective.style_levels))
    descent = Descent(steps=2, optimizer="adam")
    return optimise(PHOTO, lambda small: small, encoder, objective, style, descent)


@pytest.mark.parametrize("make", [by_bands, by_copies, by_pixels])
def test_drafts_are_pictures_and_change_nothing(make: Callable[[], Tensor]) -> None:
    seen: list[Any] = []

    def watch(draft: Draft) -> None:
        seen.append(draft().clone())

    alone = make()
    with watching(watch):
        watched = make()
    assert torch.equal(alone, watched)
    assert len(seen) >= 2 and all(one.shape[:2] == (1, 3) for one in seen)
    assert len({tuple(one.flatten().tolist()) for one in seen}) == len(seen)


def test_drafts_that_nobody_wants_are_not_made() -> None:
    count = 0

    def watch(draft: Draft) -> None:
        nonlocal count
        count += 1

    with watching(watch):
        by_bands()
    by_bands()
    assert count == 3
