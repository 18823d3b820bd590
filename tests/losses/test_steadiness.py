"""The term against flicker: 0 for what does not flicker, and a descent on it steadies a network."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gesso.fitting.config import FitOptions
from gesso.fitting.network import OfPhotos, fit_network, style_target
from gesso.losses.matched import MatchingObjective
from gesso.losses.objectives import Objective
from gesso.losses.steadiness import disturbed, unsteadiness
from gesso.nn.transfer import TransferNet
from tiny import pictures, tiny_encoder, tiny_net

PHOTOS = pictures(4, 32, seed=1)
OPTIONS = FitOptions(lr=5e-3, affine_lr=5e-3, crop=32, seed=0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_picture_that_stays_is_steady() -> None:
    grey = torch.full_like(PHOTOS, 0.5)
    found = unsteadiness(lambda photos, by: torch.full_like(photos, 0.5), PHOTOS, grey, generator())
    assert torch.equal(found, torch.zeros(4))


def test_what_changes_is_counted_in_squares() -> None:
    shown = torch.full_like(PHOTOS, 0.7)
    found = unsteadiness(
        lambda photos, by: torch.full_like(photos, 0.4), PHOTOS, shown, generator()
    )
    torch.testing.assert_close(found, torch.full((4,), 0.09))


def test_photos_are_moved_lit_and_strewn_with_noise_a_little() -> None:
    again = disturbed(PHOTOS, generator())
    assert 0.001 < (again - PHOTOS).abs().mean() < 0.05
    assert again.min() >= 0 and again.max() <= 1
    moves: list[tuple[int, int]] = []

    def paint(photos: Tensor, by: tuple[int, int]) -> Tensor:
        moves.append(by)
        return photos

    drawn = generator()
    for _ in range(20):
        unsteadiness(paint, PHOTOS, PHOTOS, drawn)
    assert {step for move in moves for step in move} == set(range(8))


def change(net: TransferNet) -> float:
    """How much the network's pictures change when their photos are strewn with noise."""
    drawn = torch.Generator().manual_seed(7)
    noisy = (PHOTOS + 0.03 * torch.randn(PHOTOS.shape, generator=drawn)).clamp(0, 1)
    with torch.no_grad():
        return float((net(noisy) - net(PHOTOS)).square().mean())


def fitted(steady: float) -> TransferNet:
    net, encoder = tiny_net(seed=0), tiny_encoder()
    objective = Objective(content_weight=0.0)
    target = style_target(encoder, objective, pictures(1, 40, seed=5)[0])
    options = replace(OPTIONS, steady=steady)
    fit_network(net, encoder, objective, target, list(pictures(3, 36, seed=6)), options, 12)
    return net


def test_some_steps_make_a_network_less_sensitive_to_noise() -> None:
    assert change(fitted(300.0)) < 0.6 * change(fitted(0.0))


def test_without_weight_nothing_is_painted_twice() -> None:
    seen = []

    def run(images: Tensor, raw: bool) -> Tensor:
        seen.append(images)
        return images.clone().requires_grad_()

    encoder, objective = tiny_encoder(), MatchingObjective()
    target = style_target(encoder, objective, pictures(1, 40, seed=5)[0])
    for steady, passes in ((0.0, 1), (2.0, 2)):
        seen.clear()
        given = (encoder, objective, target, [PHOTOS[0]], replace(OPTIONS, steady=steady), 1)
        terms, _ = OfPhotos(run, *given)(0)
        assert len(seen) == passes and ("steady" in terms) == (steady > 0)
