"""Instance norm equals torch's, in values and in derivatives of both orders."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from derivatives import assert_same, assert_within_rounding, derivatives, gradients, random
from gesso.nn import norm
from gesso.nn.norm import EPS, instance_norm


def plain_instance_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """F.instance_norm, one sample at a time when γ and β have a row for each."""
    if gamma.dim() == 1:
        return F.instance_norm(x, weight=gamma, bias=beta, eps=EPS)
    share = len(x) // len(gamma)
    parts = [
        F.instance_norm(part, weight=g, bias=b, eps=EPS)
        for part, g, b in zip(x.split(share), gamma, beta, strict=True)
    ]
    return torch.cat(parts)


@pytest.mark.parametrize("rows", [None, 1, 2, 4])
def test_instance_norm_equals_torchs_to_second_order(rows: int | None) -> None:
    affine = (3,) if rows is None else (rows, 3)
    inputs = (
        random(4, 3, 5, 6, grad=True),
        random(*affine, grad=True),
        random(*affine, seed=1, grad=True),
    )
    ours = derivatives(instance_norm, inputs)
    assert_same(ours, derivatives(plain_instance_norm, inputs), 1e-9)


@pytest.mark.parametrize("rows", [None, 2])
def test_instance_norm_matches_finite_differences(rows: int | None) -> None:
    affine = (2,) if rows is None else (rows, 2)
    inputs = (
        random(2, 2, 2, 3, grad=True),
        random(*affine, grad=True),
        random(*affine, seed=1, grad=True),
    )
    assert gradcheck(instance_norm, inputs)
    assert gradgradcheck(instance_norm, inputs)


@pytest.mark.parametrize("rows", [None, 2])
@pytest.mark.parametrize("pieces", [7, 1 << 18])
def test_instance_norm_without_gradients_equals_that_with(
    rows: int | None, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(norm, "ROWS", pieces)
    affine = (3,) if rows is None else (rows, 3)
    x, gamma, beta = random(4, 3, 5, 6), random(*affine), random(*affine, seed=1)
    expected = plain_instance_norm(x, gamma, beta)
    torch.testing.assert_close(instance_norm(x, gamma, beta), expected)
    with torch.no_grad():
        torch.testing.assert_close(instance_norm(x, gamma, beta), expected)


@pytest.mark.parametrize("side", [2, 3, 4, 5, 40])
def test_the_kernels_without_gradients_take_any_number_of_pixels(side: int) -> None:
    x, gamma, beta = (one.float() for one in (random(2, 3, side, side), random(3), random(3)))
    expected = plain_instance_norm(x, gamma, beta)
    with torch.no_grad():
        made = instance_norm(x, gamma, beta)
    torch.testing.assert_close(made, expected)


@pytest.mark.parametrize("grad", [True, False])
def test_statistics_of_half_precision_features_are_taken_in_float32(grad: bool) -> None:
    x = 300 + 100 * random(1, 2, 40, 40).float()  # squares overflow float16
    gamma, beta = torch.ones(2), torch.zeros(2)
    with torch.set_grad_enabled(grad):
        out = instance_norm(x.half(), gamma, beta)
    assert out.dtype == torch.float16
    expected = plain_instance_norm(x, gamma, beta)
    torch.testing.assert_close(out.float(), expected, rtol=0.01, atol=0.01)


def test_a_constant_channel_normalises_to_beta() -> None:
    gamma, beta = torch.full((2,), 3.0), torch.tensor([0.25, -1.0])
    out = instance_norm(torch.full((1, 2, 8, 8), 0.75), gamma, beta)
    torch.testing.assert_close(out, beta.view(1, 2, 1, 1).expand_as(out))


@pytest.mark.parametrize(("batch", "rows"), [(1, None), (4, None), (4, 2), (4, 4)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_of_bfloat16_equals_float32s_within_rounding(
    batch: int, rows: int | None, layout: torch.memory_format
) -> None:
    affine = (8,) if rows is None else (rows, 8)
    x = (1 + random(batch, 8, 12, 9)).bfloat16().contiguous(memory_format=layout)
    gamma, beta = random(*affine).float(), random(*affine, seed=1).float()
    ours = gradients(instance_norm, (x, gamma, beta))
    theirs = gradients(instance_norm, (x.float(), gamma, beta))
    assert_within_rounding(ours, theirs)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("pixels", [107, 108])
def test_the_kernel_of_small_pictures_equals_the_formula_of_large_ones(
    pixels: int, second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = (random(2, 8, 12, 9).bfloat16(), random(8).float(), random(8, seed=1).float())
    expected = gradients(instance_norm, inputs, second)
    monkeypatch.setattr(norm, "KERNEL_PIXELS", pixels)
    assert_within_rounding(gradients(instance_norm, inputs, second), expected)


@pytest.mark.parametrize("side", [256, 300])
def test_a_constant_channel_of_bfloat16_normalises_to_beta(side: int) -> None:
    gamma, beta = torch.full((2,), 3.0), torch.tensor([0.25, -1.0])
    x = torch.full((1, 2, side, side), 0.1).bfloat16()
    out = instance_norm(x, gamma, beta).float()
    torch.testing.assert_close(out, beta.view(1, 2, 1, 1).expand_as(out), rtol=0, atol=0.01)
