"""Convolutions equal torch's own, in values and in derivatives of both orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from derivatives import assert_same, derivatives, random
from gesso.nn.convolution import conv2d, conv2d_to_few, reflect_pad
from gesso.nn.layers import Convolution

GEOMETRIES = [(1, 0, 3), (1, 1, 3), (2, 0, 3), (2, 1, 3), (1, 0, 1), (1, 4, 9), (2, 1, 5)]


@pytest.mark.parametrize(("stride", "padding", "kernel"), GEOMETRIES)
@pytest.mark.parametrize("size", [(9, 9), (10, 13)])
def test_conv2d_equals_torchs_to_second_order(
    stride: int, padding: int, kernel: int, size: tuple[int, int]
) -> None:
    inputs = (random(2, 3, *size, grad=True), random(4, 3, kernel, kernel, grad=True))
    inputs += (random(4, grad=True),)

    def ours(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return conv2d(x, w, b, stride=stride, padding=padding)

    def theirs(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.conv2d(x, w, b, stride=stride, padding=padding)

    assert_same(derivatives(ours, inputs), derivatives(theirs, inputs))


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_conv2d_matches_finite_differences(stride: int, padding: int) -> None:
    inputs = (random(1, 2, 4, 5, grad=True), random(2, 2, 3, 3, grad=True), random(2, grad=True))

    def convolve(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return conv2d(x, w, b, stride=stride, padding=padding)

    assert gradcheck(convolve, inputs)
    assert gradgradcheck(convolve, inputs)


def test_conv2d_has_a_third_derivative() -> None:
    x, w = random(1, 2, 4, 4, grad=True), random(2, 2, 3, 3, grad=True)

    def third(convolve: Callable[..., Tensor]) -> Tensor:
        (first,) = torch.autograd.grad((convolve(x, w) ** 3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first**2).sum(), w, create_graph=True)
        return torch.autograd.grad((second**2).sum(), x)[0]

    torch.testing.assert_close(third(conv2d), third(F.conv2d))


def test_conv2d_without_bias_and_with_frozen_weights() -> None:
    x, w, b = random(1, 3, 5, 5, grad=True), random(2, 3, 3, 3), random(2)
    torch.testing.assert_close(conv2d(x, w, padding=1), F.conv2d(x, w, padding=1))
    conv2d(x, w, b).sum().backward()
    assert x.grad is not None and w.grad is None and b.grad is None


@pytest.mark.parametrize("kernel", [3, 5, 9])
@pytest.mark.parametrize("block", [2, 4])
def test_conv2d_to_few_equals_the_plain_convolution(kernel: int, block: int) -> None:
    height, width = 3 * block, 2 * block
    padded = (height + kernel - 1, width + kernel - 1)
    inputs = (random(2, 5, *padded, grad=True), random(3, 5, kernel, kernel, grad=True))
    inputs += (random(3, grad=True),)

    def ours(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return conv2d_to_few(x, w, b, block)

    assert_same(derivatives(ours, inputs), derivatives(F.conv2d, inputs), 1e-9)


def test_reflect_pad_mirrors_without_repeating_the_border() -> None:
    row = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    padded = reflect_pad(row, 2)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_circular_convolution_goes_round(kernel: int) -> None:
    torch.manual_seed(0)
    conv, x = Convolution(3, 4, kernel).double(), random(2, 3, 6, 7)
    weight, bias = conv.weight, conv.bias
    padded = F.pad(x, (kernel // 2,) * 4, mode="circular")
    for context in (torch.enable_grad, torch.inference_mode):
        with context():
            assert_same([conv(x, circular=True)], [F.conv2d(padded, weight, bias)])
            turned = conv(x.roll((2, 3), (2, 3)), circular=True)
            assert_same([turned], [conv(x, circular=True).roll((2, 3), (2, 3))])
