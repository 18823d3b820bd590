"""Grids of styles, and the sheets that show them."""

from __future__ import annotations

import numpy as np
import pytest

from gesso.errors import GessoError
from gesso.images.sheet import GAP_PX, LABEL_PX, grid_weights, sheet


def test_a_grid_has_its_styles_in_the_corners() -> None:
    corners = grid_weights(4, 3, 5)
    assert [len(row) for row in corners] == [3] * 5
    assert corners[0][0] == [1, 0, 0, 0] and corners[0][-1] == [0, 1, 0, 0]
    assert corners[-1][0] == [0, 0, 1, 0] and corners[-1][-1] == [0, 0, 0, 1]
    assert corners[2][1] == [0.25] * 4
    assert all(sum(weights) == pytest.approx(1) for row in corners for weights in row)
    assert grid_weights(2, 3, 9) == [[[1, 0], [0.5, 0.5], [0, 1]]]
    for count, columns, rows in [(3, 3, 3), (2, 1, 1), (4, 3, 1)]:
        with pytest.raises(GessoError, match="a grid has"):
            grid_weights(count, columns, rows)


def test_a_sheet_holds_its_pictures_and_their_labels() -> None:
    rows = [list(np.random.default_rng(seed).random((3, 3, 30, 30))) for seed in range(2)]
    plain = sheet(rows)
    assert plain.shape == (3, 60 + GAP_PX, 90 + 2 * GAP_PX)
    assert np.array_equal(plain[:, -30:, -30:], np.float32(rows[1][2]))
    labelled = sheet(rows, [["one", "two", "three"]] * 2)
    assert labelled.shape == (3, 60 + 2 * LABEL_PX + GAP_PX, 90 + 2 * GAP_PX)
    assert float(labelled[:, 30 : 30 + LABEL_PX].min()) < 0.5
