"""What repeats with a grid is found, and nothing else."""

from __future__ import annotations

import torch

from gesso.losses.lattice import lattice
from tiny import pictures


def woven(image: torch.Tensor, px: int) -> torch.Tensor:
    pattern = 0.05 * torch.randn(px, px, generator=torch.Generator().manual_seed(0))
    height, width = (n // px for n in image.shape[-2:])
    return image + (pattern - pattern.mean()).repeat(height, width)


def test_a_weave_of_the_grid_stands_out_from_grain_ramps_and_other_weaves() -> None:
    plain = pictures(2, 60, seed=3)
    grain = 0.05 * torch.randn(plain.shape, generator=torch.Generator().manual_seed(1))
    ramp = torch.linspace(0, 1, 60).expand(2, 3, 60, 60)
    weave = lattice(woven(plain, 4), 4)
    assert bool((weave > 0.03).all())
    for other in (plain, plain + grain, ramp, woven(plain, 5)):
        assert bool((lattice(other, 4) < 0.4 * weave).all())


def test_sides_need_not_be_whole_places() -> None:
    assert lattice(torch.rand(1, 3, 31, 26), 4).shape == (1,)
