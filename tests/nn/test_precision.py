"""The dtype convolutions run in."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from derivatives import random
from gesso.environment import PRECISION
from gesso.errors import GessoError
from gesso.nn.convolution import conv2d
from gesso.nn.precision import compute_in, fast_dtype


def test_convolutions_run_in_the_chosen_dtype_inside_compute_in_alone() -> None:
    x, w, b = (t.float() for t in (random(1, 3, 6, 6), random(4, 3, 3, 3), random(4)))
    with compute_in(torch.bfloat16):
        half = conv2d(x, w, b)
    assert half.dtype == torch.bfloat16
    assert conv2d(x, w, b).dtype == torch.float32
    torch.testing.assert_close(half.float(), F.conv2d(x, w, b), rtol=0.05, atol=0.2)


def test_compute_in_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), compute_in(torch.bfloat16):
        raise ZeroDivisionError
    assert conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).dtype == torch.float32


def test_float32_is_what_the_environment_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    for asked, expected in (("float32", torch.float32), ("fast", torch.bfloat16)):
        monkeypatch.setenv(PRECISION, asked)
        assert fast_dtype() == expected
    monkeypatch.setenv(PRECISION, "double")
    with pytest.raises(GessoError, match="GESSO_PRECISION: double"):
        fast_dtype()


def test_fast_dtype_is_one_that_convolves() -> None:
    dtype = fast_dtype("cpu")
    assert dtype in (torch.bfloat16, torch.float32)
    with compute_in(dtype):
        out = conv2d(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 3, 3))
    assert float(out.sum()) == 18 * 4
