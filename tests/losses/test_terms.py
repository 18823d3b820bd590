"""Terms state their divisors, and are zero where there is nothing left to lose."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gesso.losses.terms import (
    channel_statistics,
    gram_matrix,
    mean_squared_error,
    relative_squared_error,
    saturation,
    total_variation,
)


def test_the_gram_matrix_is_divided_by_channels_and_pixels() -> None:
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    gram = gram_matrix(features)
    assert gram.shape == (2, 3, 3)
    for b in range(2):
        for i in range(3):
            for j in range(3):
                product = (features[b, i] * features[b, j]).sum()
                torch.testing.assert_close(gram[b, i, j], product / (3 * 4 * 5))


def test_the_gram_matrix_of_ones_is_one_over_the_channels() -> None:
    torch.testing.assert_close(gram_matrix(torch.ones(1, 8, 5, 7)), torch.full((1, 8, 8), 1 / 8))


def test_the_gram_matrix_forgets_where_things_are_but_not_how_much() -> None:
    features = torch.randn(1, 4, 6, 6, dtype=torch.float64)
    shuffled = features.flatten(2)[..., torch.randperm(36)].view(1, 4, 6, 6)
    torch.testing.assert_close(gram_matrix(shuffled), gram_matrix(features))
    torch.testing.assert_close(gram_matrix(features * 2), gram_matrix(features) * 4)
    torch.testing.assert_close(gram_matrix(features.repeat(1, 1, 2, 3)), gram_matrix(features))


def test_gram_matrices_of_half_precision_features_are_float32() -> None:
    features = torch.full((1, 2, 64, 64), 100.0)  # 4096 · 10⁴ is beyond float16
    gram = gram_matrix(features.half())
    assert gram.dtype == torch.float32
    torch.testing.assert_close(gram, gram_matrix(features))


def test_total_variation_is_a_mean_squared_difference_per_image() -> None:
    flat, stripes = torch.ones(3, 6, 6), torch.zeros(3, 6, 6)
    stripes[:, :, ::2] = 0.5
    expected = torch.tensor([0.0, 0.25])
    torch.testing.assert_close(total_variation(torch.stack([flat, stripes])), expected)
    torch.testing.assert_close(total_variation(torch.stack([flat, stripes]).mT), expected)


def test_squared_errors_are_per_image_and_by_their_divisors() -> None:
    a, b = torch.randn(3, 4, 5), torch.randn(3, 4, 5)
    torch.testing.assert_close(mean_squared_error(a, b)[1], F.mse_loss(a[1], b[1]))
    expected = (a[2] - b[2]).norm() ** 2 / b[2].norm() ** 2
    torch.testing.assert_close(relative_squared_error(a, b)[2], expected)


def test_the_relative_error_knows_no_units() -> None:
    a, b = torch.randn(2, 5, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    error = relative_squared_error(a, b)
    torch.testing.assert_close(relative_squared_error(1e3 * a, 1e3 * b), error)
    assert relative_squared_error(b, b).tolist() == [0, 0]
    torch.testing.assert_close(
        relative_squared_error(torch.zeros_like(b), b), torch.ones(2, dtype=torch.float64)
    )
    assert bool(torch.isfinite(relative_squared_error(a, torch.zeros_like(b))).all())


def test_saturation_counts_what_leaves_the_sigmoids_steep_part() -> None:
    raw = torch.zeros(3, 3, 2, 2)
    raw[1] = 4.0
    raw[2, 0] = -7.0  # a third of the values, 3 too low
    torch.testing.assert_close(saturation(raw), torch.tensor([0.0, 0.0, 3.0]))


def test_channel_statistics_are_means_and_deviations() -> None:
    features = torch.randn(2, 3, 5, 7) * 2 + 1
    mean, std = features.mean((2, 3)), features.std((2, 3), correction=0)
    expected = torch.cat([mean, std], 1)
    torch.testing.assert_close(channel_statistics(features), expected, atol=1e-5, rtol=1e-5)
    assert torch.isfinite(channel_statistics(torch.full((1, 2, 3, 3), 100.0))).all()
