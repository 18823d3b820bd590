"""Covariances of features, and what whitens and colours them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gesso.nn import covariance
from gesso.nn.covariance import colouring, mean_and_covariance, times, whitening


def correlated(seed: int, channels: int = 6, rank: int = 6) -> Tensor:
    """(1, channels, 20, 15) whose covariance has that rank."""
    torch.manual_seed(seed)
    mixed = torch.randn(channels, rank) @ torch.randn(rank, 300) + torch.randn(channels, 1)
    return mixed.view(1, channels, 20, 15)


def test_mean_and_covariance_are_those_of_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.cat([correlated(0), correlated(1)]) + 300
    for positions in (2**14, 40):  # at once, and two rows at a time
        monkeypatch.setattr(covariance, "POSITIONS", positions)
        mean, found = mean_and_covariance(x)
        for one, middle, matrix in zip(x.double().flatten(2), mean, found, strict=True):
            torch.testing.assert_close(middle, one.mean(1), atol=1e-4, rtol=0)
            torch.testing.assert_close(matrix, torch.cov(one, correction=0), atol=1e-4, rtol=1e-4)


def test_white_features_have_the_identity_as_covariance() -> None:
    mean, own = mean_and_covariance(correlated(0))
    matrix = whitening(own)
    white = times(matrix.float(), correlated(0), -(matrix @ mean.unsqueeze(2))[..., 0].float())
    middle, found = mean_and_covariance(white)
    torch.testing.assert_close(middle, torch.zeros(1, 6).double(), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[0], torch.eye(6).double(), atol=1e-3, rtol=0)


def test_coloured_features_have_the_styles_covariance() -> None:
    own, style = (mean_and_covariance(correlated(seed))[1] for seed in (0, 1))
    matrix = (colouring(style) @ whitening(own)).float()
    found = mean_and_covariance(times(matrix, correlated(0), torch.zeros(1, 6)))[1]
    torch.testing.assert_close(found, style, atol=1e-3, rtol=1e-3)


def test_what_a_picture_lacks_is_not_stretched() -> None:
    """Of two directions one is kept, although rounding leaves a trace of the others."""
    own = mean_and_covariance(correlated(0, rank=2))[1]
    assert torch.linalg.matrix_rank(whitening(own)) == 2
    assert float(whitening(own * 1e-9).abs().max()) == 0
    torch.testing.assert_close(colouring(own) @ colouring(own), own, atol=1e-5, rtol=1e-5)
