"""The Gram matrix, in values and in derivatives of both orders."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from derivatives import assert_within_rounding, gradients, random
from gesso.nn.gram import gram


def test_gram_and_its_gradients_match_finite_differences() -> None:
    f = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(gram(f), torch.einsum("bni,bnj->bij", f, f))
    assert gradcheck(gram, (f,))
    assert gradgradcheck(gram, (f,))


@pytest.mark.parametrize("batch", [1, 3])
def test_gram_of_bfloat16_equals_float32s_within_rounding(batch: int) -> None:
    f = random(batch, 500, 16).bfloat16()
    ours, theirs = gradients(gram, (f,)), gradients(gram, (f.float(),))
    assert_within_rounding(ours, theirs, 0.005)
    again = [gradients(gram, (g,), second=True) for g in (f, f.float())]
    assert_within_rounding(again[0], again[1])


def test_gram_of_float16_does_not_overflow() -> None:
    f = torch.full((1, 400, 2), 30.0, dtype=torch.float16)
    assert gram(f).tolist() == [[[360000.0] * 2] * 2]
