"""Pictures of one size in rows and columns, and the shares of styles that fill such a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gesso.errors import GessoError
from gesso.images.arrays import Pixels, pixels

GAP_PX, LABEL_PX = 4, 20


def grid_weights(corners: int, columns: int, rows: int) -> list[list[list[float]]]:
    """Rows of columns of weights, one for each of the corners, that sum to 1.

    Two corners are the ends of one row; four are top left, top right, bottom left and bottom
    right, with bilinear weights between them.

    Raises:
        GessoError: another number of corners, fewer than 2 columns or rows.
    """
    if corners not in (2, 4):
        raise GessoError(f"{corners} styles: a grid has 2 (a row) or 4 (its corners)")
    if columns < 2 or (corners == 4 and rows < 2):
        raise GessoError(
            f"{columns} × {rows}: a grid has at least 2 columns and, with 4 styles, rows"
        )
    across = [i / (columns - 1) for i in range(columns)]
    if corners == 2:
        return [[[1 - x, x] for x in across]]
    down = [j / (rows - 1) for j in range(rows)]
    return [[[(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x] for x in across] for y in down]


def sheet(rows: Sequence[Sequence[Any]], labels: Sequence[Sequence[str]] = ()) -> Pixels:
    """One picture (3, H, W) of rows of pictures (3, h, w) of one size, on white, with a line of
    text below each where labels are given. Pictures are arrays or tensors in [0, 1]."""
    lines = []
    for number, row in enumerate(rows):
        cells = [pixels("image", cell) for cell in row]
        if labels:
            texts = labels[number]
            cells = [_labelled(cell, text) for cell, text in zip(cells, texts, strict=True)]
        lines.append(_joined(cells, axis=2))
    return _joined(lines, axis=1)


def labelled_sheet(
    cells: Sequence[Any], labels: Sequence[str], columns: int | None = None
) -> Pixels:
    """`sheet` of pictures one after the other in rows of `columns`, by default about a square; the
    last row is filled with white."""
    columns = columns or math.ceil(math.sqrt(len(cells)))
    missing = -len(cells) % columns
    every = [*cells, *[np.ones_like(pixels("image", cells[0]))] * missing]
    texts = [*labels, *[""] * missing]
    starts = range(0, len(every), columns)
    rows = [every[start : start + columns] for start in starts]
    return sheet(rows, [texts[start : start + columns] for start in starts])


def _joined(parts: list[Pixels], axis: int) -> Pixels:
    shape = list(parts[0].shape)
    shape[axis] = GAP_PX
    gap = np.ones(shape, np.float32)
    spaced = [piece for part in parts for piece in (gap, part)]
    return np.concatenate(spaced[1:], axis)


def _labelled(cell: Pixels, text: str) -> Pixels:
    strip = Image.new("RGB", (cell.shape[2], LABEL_PX), "white")
    place = (cell.shape[2] // 2, LABEL_PX // 2)
    font = ImageFont.load_default(13)
    ImageDraw.Draw(strip).text(place, text, fill=(60, 60, 60), font=font, anchor="mm")
    return np.concatenate([cell, pixels("label", np.asarray(strip))], 1)
