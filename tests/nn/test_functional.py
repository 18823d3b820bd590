"""The building blocks equal torch's own, in values and in derivatives of both orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from gesso.nn import functional

DOUBLE = torch.float64


def random(*shape: int, seed: int = 0, grad: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=DOUBLE).requires_grad_(grad)


def derivatives(function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Value, gradients, and the gradients of a function of the gradients (second order)."""
    y = function(*inputs)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    first = torch.autograd.grad((y * weights + y**2).sum(), inputs, create_graph=True)
    total = torch.stack([(g * g.detach().cos()).sum() + (g**2).sum() for g in first]).sum()
    return [y, *first, *torch.autograd.grad(total, inputs)]


def assert_same(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-10) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


GEOMETRIES = [(1, 0, 3), (1, 1, 3), (2, 0, 3), (2, 1, 3), (1, 0, 1), (1, 4, 9), (2, 1, 5)]


@pytest.mark.parametrize(("stride", "padding", "kernel"), GEOMETRIES)
@pytest.mark.parametrize("size", [(9, 9), (10, 13)])
def test_conv2d_equals_torchs_to_second_order(
    stride: int, padding: int, kernel: int, size: tuple[int, int]
) -> None:
    inputs = (random(2, 3, *size, grad=True), random(4, 3, kernel, kernel, grad=True))
    inputs += (random(4, grad=True),)

    def ours(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return functional.conv2d(x, w, b, stride=stride, padding=padding)

    def theirs(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.conv2d(x, w, b, stride=stride, padding=padding)

    assert_same(derivatives(ours, inputs), derivatives(theirs, inputs))


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_conv2d_matches_finite_differences(stride: int, padding: int) -> None:
    inputs = (random(1, 2, 4, 5, grad=True), random(2, 2, 3, 3, grad=True), random(2, grad=True))

    def convolve(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return functional.conv2d(x, w, b, stride=stride, padding=padding)

    assert gradcheck(convolve, inputs)
    assert gradgradcheck(convolve, inputs)


def test_conv2d_has_a_third_derivative() -> None:
    x, w = random(1, 2, 4, 4, grad=True), random(2, 2, 3, 3, grad=True)

    def third(convolve: Callable[..., Tensor]) -> Tensor:
        (first,) = torch.autograd.grad((convolve(x, w) ** 3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first**2).sum(), w, create_graph=True)
        return torch.autograd.grad((second**2).sum(), x)[0]

    torch.testing.assert_close(third(functional.conv2d), third(F.conv2d))


def test_conv2d_without_bias_and_with_frozen_weights() -> None:
    x, w, b = random(1, 3, 5, 5, grad=True), random(2, 3, 3, 3), random(2)
    torch.testing.assert_close(functional.conv2d(x, w, padding=1), F.conv2d(x, w, padding=1))
    functional.conv2d(x, w, b).sum().backward()
    assert x.grad is not None and w.grad is None and b.grad is None


def test_convolutions_run_in_the_chosen_dtype_inside_compute_in_alone() -> None:
    x, w, b = (t.float() for t in (random(1, 3, 6, 6), random(4, 3, 3, 3), random(4)))
    with functional.compute_in(torch.bfloat16):
        half = functional.conv2d(x, w, b)
    assert half.dtype == torch.bfloat16
    assert functional.conv2d(x, w, b).dtype == torch.float32
    torch.testing.assert_close(half.float(), F.conv2d(x, w, b), rtol=0.05, atol=0.2)


def test_compute_in_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), functional.compute_in(torch.bfloat16):
        raise ZeroDivisionError
    assert functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).dtype == torch.float32


def test_fast_dtype_is_one_that_convolves() -> None:
    dtype = functional.fast_dtype("cpu")
    assert dtype in (torch.bfloat16, torch.float32)
    with functional.compute_in(dtype):
        out = functional.conv2d(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 3, 3))
    assert float(out.sum()) == 18 * 4


# --- instance norm


def plain_instance_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """F.instance_norm, one sample at a time when γ and β have a row for each."""
    if gamma.dim() == 1:
        return F.instance_norm(x, weight=gamma, bias=beta, eps=functional.EPS)
    share = len(x) // len(gamma)
    parts = [
        F.instance_norm(part, weight=g, bias=b, eps=functional.EPS)
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
    ours = derivatives(functional.instance_norm, inputs)
    assert_same(ours, derivatives(plain_instance_norm, inputs), 1e-9)


@pytest.mark.parametrize("rows", [None, 2])
def test_instance_norm_matches_finite_differences(rows: int | None) -> None:
    affine = (2,) if rows is None else (rows, 2)
    inputs = (
        random(2, 2, 2, 3, grad=True),
        random(*affine, grad=True),
        random(*affine, seed=1, grad=True),
    )
    assert gradcheck(functional.instance_norm, inputs)
    assert gradgradcheck(functional.instance_norm, inputs)


@pytest.mark.parametrize("rows", [None, 2])
@pytest.mark.parametrize("pieces", [7, 1 << 18])
def test_instance_norm_without_gradients_equals_that_with(
    rows: int | None, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functional, "ROWS", pieces)
    affine = (3,) if rows is None else (rows, 3)
    x, gamma, beta = random(4, 3, 5, 6), random(*affine), random(*affine, seed=1)
    expected = plain_instance_norm(x, gamma, beta)
    torch.testing.assert_close(functional.instance_norm(x, gamma, beta), expected)
    with torch.no_grad():
        torch.testing.assert_close(functional.instance_norm(x, gamma, beta), expected)


@pytest.mark.parametrize("grad", [True, False])
def test_statistics_of_half_precision_features_are_taken_in_float32(grad: bool) -> None:
    x = 300 + 100 * random(1, 2, 40, 40).float()  # squares overflow float16
    gamma, beta = torch.ones(2), torch.zeros(2)
    with torch.set_grad_enabled(grad):
        out = functional.instance_norm(x.half(), gamma, beta)
    assert out.dtype == torch.float16
    expected = plain_instance_norm(x, gamma, beta)
    torch.testing.assert_close(out.float(), expected, rtol=0.01, atol=0.01)


def test_a_constant_channel_normalises_to_beta() -> None:
    gamma, beta = torch.full((2,), 3.0), torch.tensor([0.25, -1.0])
    out = functional.instance_norm(torch.full((1, 2, 8, 8), 0.75), gamma, beta)
    torch.testing.assert_close(out, beta.view(1, 2, 1, 1).expand_as(out))


def gradients(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], second: bool = False
) -> list[Tensor]:
    """Value and gradients, or the gradients of the gradients' squares, all in float32."""
    inputs = tuple(t.detach().requires_grad_() for t in inputs)
    y = function(*inputs)
    weights = random(*y.shape, seed=2).float()
    found = torch.autograd.grad((y.float() * weights).sum(), inputs, create_graph=second)
    if second:
        total = torch.stack([g.float().square().sum() for g in found]).sum()
        again = torch.autograd.grad(total, inputs, allow_unused=True)  # none in β
        return [g.float() for g in again if g is not None]
    return [y.detach().float(), *(g.float() for g in found)]


def assert_within_rounding(ours: list[Tensor], theirs: list[Tensor], share: float = 0.01) -> None:
    """Relative to the norm of each; bfloat16 keeps 8 bits."""
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).norm() <= share * b.norm()


@pytest.mark.parametrize(("batch", "rows"), [(1, None), (4, None), (4, 2), (4, 4)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_of_bfloat16_equals_float32s_within_rounding(
    batch: int, rows: int | None, layout: torch.memory_format
) -> None:
    affine = (8,) if rows is None else (rows, 8)
    x = (1 + random(batch, 8, 12, 9)).bfloat16().contiguous(memory_format=layout)
    gamma, beta = random(*affine).float(), random(*affine, seed=1).float()
    ours = gradients(functional.instance_norm, (x, gamma, beta))
    theirs = gradients(functional.instance_norm, (x.float(), gamma, beta))
    assert_within_rounding(ours, theirs)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("pixels", [107, 108])
def test_the_kernel_of_small_pictures_equals_the_formula_of_large_ones(
    pixels: int, second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = (random(2, 8, 12, 9).bfloat16(), random(8).float(), random(8, seed=1).float())
    expected = gradients(functional.instance_norm, inputs, second)
    monkeypatch.setattr(functional, "KERNEL_PIXELS", pixels)
    assert_within_rounding(gradients(functional.instance_norm, inputs, second), expected)


@pytest.mark.parametrize("side", [256, 300])
def test_a_constant_channel_of_bfloat16_normalises_to_beta(side: int) -> None:
    gamma, beta = torch.full((2,), 3.0), torch.tensor([0.25, -1.0])
    x = torch.full((1, 2, side, side), 0.1).bfloat16()
    out = functional.instance_norm(x, gamma, beta).float()
    torch.testing.assert_close(out, beta.view(1, 2, 1, 1).expand_as(out), rtol=0, atol=0.01)


# --- the last convolution, on blocks of pixels


@pytest.mark.parametrize("kernel", [3, 5, 9])
@pytest.mark.parametrize("block", [2, 4])
def test_conv2d_to_few_equals_the_plain_convolution(kernel: int, block: int) -> None:
    height, width = 3 * block, 2 * block
    padded = (height + kernel - 1, width + kernel - 1)
    inputs = (random(2, 5, *padded, grad=True), random(3, 5, kernel, kernel, grad=True))
    inputs += (random(3, grad=True),)

    def ours(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return functional.conv2d_to_few(x, w, b, block)

    assert_same(derivatives(ours, inputs), derivatives(F.conv2d, inputs), 1e-9)


def test_reflect_pad_mirrors_without_repeating_the_border() -> None:
    row = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    padded = functional.reflect_pad(row, 2)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


def test_gram_and_its_gradients_match_finite_differences() -> None:
    f = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(functional.gram(f), torch.einsum("bni,bnj->bij", f, f))
    assert gradcheck(functional.gram, (f,))
    assert gradgradcheck(functional.gram, (f,))


@pytest.mark.parametrize("batch", [1, 3])
def test_gram_of_bfloat16_equals_float32s_within_rounding(batch: int) -> None:
    f = random(batch, 500, 16).bfloat16()
    ours, theirs = gradients(functional.gram, (f,)), gradients(functional.gram, (f.float(),))
    assert_within_rounding(ours, theirs, 0.005)
    again = [gradients(functional.gram, (g,), second=True) for g in (f, f.float())]
    assert_within_rounding(again[0], again[1])


def test_gram_of_float16_does_not_overflow() -> None:
    f = torch.full((1, 400, 2), 30.0, dtype=torch.float16)
    assert functional.gram(f).tolist() == [[[360000.0] * 2] * 2]
