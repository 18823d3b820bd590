"""Distances of sets of vectors: what STROTSS's paper says of them."""

from __future__ import annotations

import pytest
import torch

from gesso.losses.products import products_among
from gesso.losses.transport import (
    OPPONENT,
    cosine_distances,
    mean_emd,
    moment_distance,
    palette_distance,
    relaxed,
    relaxed_emd,
    self_similarity,
    self_similarity_distance,
)


def vectors(count: int, seed: int, channels: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, generator=generator)


def test_a_set_is_at_no_distance_from_itself_in_another_order() -> None:
    a = vectors(60, 1)
    b = a[torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    for distance in (relaxed_emd, moment_distance):
        assert float(distance(a, b)) < 1e-6
    assert float(palette_distance(a[:, :3], b[:, :3])) < 1e-3


def test_a_part_left_out_counts_in_either_direction() -> None:
    whole = torch.cat([vectors(40, 1), -torch.ones(1, 12) * 9])
    part = whole[:40]
    assert float(relaxed_emd(part, whole)) > 0.001
    assert torch.equal(relaxed_emd(part, whole), relaxed_emd(whole, part))


def test_only_moments_see_magnitudes() -> None:
    a = vectors(40, 1)
    assert float(relaxed_emd(a, 3 * a)) < 1e-6
    assert float(moment_distance(a, 3 * a)) > 1


def test_self_similarity_knows_no_magnitude_and_no_turn_of_the_space() -> None:
    a, other = vectors(40, 1), vectors(40, 2)
    turn = torch.linalg.qr(vectors(12, 3))[0]
    assert float(self_similarity_distance(a, 2 * a @ turn)) < 1e-4
    assert float(self_similarity_distance(a, other)) > 0.1


def test_the_opponent_basis_is_orthonormal() -> None:
    basis = torch.tensor(OPPONENT)
    torch.testing.assert_close(basis @ basis.T, torch.eye(3), atol=1e-3, rtol=0)


def test_the_nearest_looked_for_without_gradient_give_value_and_gradient_of_all_distances() -> None:
    for counts in ((50, 30), (30, 50)):
        ours, theirs = (vectors(counts[0], 1).requires_grad_() for _ in "ab")
        style = vectors(counts[1], 2)
        found, whole = relaxed_emd(ours, style), relaxed(cosine_distances(theirs, style))
        torch.testing.assert_close(found, whole)
        found.backward()
        whole.backward()
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_products_among_rows_have_autograds_value_and_gradient() -> None:
    ours, theirs = (vectors(40, 1).requires_grad_() for _ in "ab")
    weights = vectors(40, 2, channels=40)
    (products_among(ours) * weights).sum().backward()
    ((theirs @ theirs.T) * weights).sum().backward()
    torch.testing.assert_close(products_among(ours), theirs @ theirs.T)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_self_similarity_in_bfloat16_is_near_that_in_float32() -> None:
    a = vectors(60, 1)
    exact, fast = self_similarity(a), self_similarity(a, torch.bfloat16)
    assert float((exact - fast).abs().max() / exact.mean()) < 0.02


def test_products_among_rows_have_no_second_derivative_rather_than_a_wrong_one() -> None:
    rows = vectors(6, 1).requires_grad_()
    (first,) = torch.autograd.grad(products_among(rows).square().sum(), rows, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_the_mean_of_both_directions_acts_on_both() -> None:
    ours, style = vectors(6, 1).requires_grad_(), vectors(9, 2)
    distances = cosine_distances(ours, style)
    both = distances.amin(1).mean(), distances.amin(0).mean()
    torch.testing.assert_close(mean_emd(ours, style), (both[0] + both[1]) / 2)
    (found,) = torch.autograd.grad(mean_emd(ours, style), ours)
    parts = [torch.autograd.grad(one, ours, retain_graph=True)[0] for one in both]
    torch.testing.assert_close(found, (parts[0] + parts[1]) / 2)
    assert all(float(part.abs().max()) > 0 for part in parts)
