"""Hypercolumns at some places are those of all of them."""

from __future__ import annotations

import pytest
import torch

from gesso.losses.columns import Corners, hypercolumns


def features(height: int, width: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Four levels, each of half the size of the one before."""
    random = torch.Generator().manual_seed(seed)
    shapes = [(3, height, width), (5, height // 2, width // 2)]
    shapes += [(6, height // 4, width // 4), (7, height // 8, width // 8)]
    return {str(i): torch.randn(1, *shape, generator=random) for i, shape in enumerate(shapes)}


def columns_at(
    found: dict[str, torch.Tensor], rows: int, across: int, places: torch.Tensor
) -> torch.Tensor:
    parts = []
    for feature in found.values():
        corners = Corners.of(places, (rows, across), (feature.shape[2], feature.shape[3]))
        parts.append(corners.mixed(feature[0].flatten(1).T[corners.places]))
    return torch.cat(parts, 1)


@pytest.mark.parametrize("size", [(64, 64), (71, 50), (16, 93)])
def test_columns_at_places_are_those_of_the_whole_grid(size: tuple[int, int]) -> None:
    found, (rows, across) = features(*size), (size[0] // 4, size[1] // 4)
    places = torch.randint(rows * across, (200,), generator=torch.Generator().manual_seed(1))
    whole = hypercolumns(found, rows, across)[0]
    torch.testing.assert_close(columns_at(found, rows, across, places), whole[places])


def test_their_gradient_is_that_of_the_whole_grid() -> None:
    ours, theirs = ({k: f.requires_grad_() for k, f in features(50, 71).items()} for _ in "ab")
    places = torch.tensor([0, 5, 5, 203])
    columns_at(ours, 12, 17, places).square().sum().backward()
    hypercolumns(theirs, 12, 17)[0, places].square().sum().backward()
    for level, feature in ours.items():
        torch.testing.assert_close(feature.grad, theirs[level].grad)
