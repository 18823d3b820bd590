"""OKLab: what its page says of it."""

from __future__ import annotations

import pytest
import torch

from gesso.nn.oklab import from_oklab, to_oklab
from tiny import pictures


def test_there_and_back_is_the_same_picture() -> None:
    image = torch.cat([pictures(1, 32)[0], torch.zeros(3, 1, 32), torch.ones(3, 1, 32)], 1)
    assert float((from_oklab(to_oklab(image)) - image).abs().max()) < 1e-4


@pytest.mark.parametrize(
    ("color", "lab"),
    [
        ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (0.6280, 0.2249, 0.1258)),
        ((0.0, 0.0, 1.0), (0.4520, -0.0324, -0.3115)),
    ],
)
def test_known_colors(color: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = to_oklab(torch.tensor(color).view(3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(lab), atol=2e-4, rtol=0)


def test_greys_have_no_chroma() -> None:
    greys = torch.linspace(0, 1, 64).expand(3, 1, 64)
    assert float(to_oklab(greys)[1:].abs().max()) < 1e-3
