"""Make the picture of docs/style-swap.md: `python docs/make_style_swap_pictures.py`.

With the bundled weights, some minutes on a CPU. Photographs: src/gesso/assets/contents; the styles
are those of src/gesso/assets/styles, which were drawn for gesso; all may be passed on freely.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gesso.assets import CONTENTS, STYLES
from gesso.bench.measures import covering
from gesso.controls.controls import Controls
from gesso.images.sheet import sheet
from gesso.images.write import write_image
from gesso.methods.registry import load
from gesso.nn.pictures import read_image

OUT = Path(__file__).parent / "pictures" / "style-swap.jpg"
SIDE_PX = 256
PAIRS = (("town", "impasto"), ("cat-face", "stained-glass"))
WAYS = ({}, {"patch_size": 7}, {"inverse": "content", "descent": 60})


def main() -> None:
    method = load("style_swap")
    rows = []
    for content, style in PAIRS:
        photo = read_image(CONTENTS / f"{content}.jpg", size=SIDE_PX)
        painting = STYLES / f"{style}.jpg"
        shape = photo.shape[-2:]
        cells = [photo, covering(read_image(painting), *shape)]
        for way in WAYS:
            card = method.adapt(painting, **way)
            cells.append(Controls().stylizer(method, card)(photo[None])[0])
        rows.append([_square(cell).numpy() for cell in cells])
    write_image(OUT, sheet(rows), quality=82)


def _square(picture: Tensor) -> Tensor:
    """The middle of a picture (3, H, W), as wide as high."""
    side = min(picture.shape[-2:])
    top, left = ((n - side) // 2 for n in picture.shape[-2:])
    square = picture[:, top : top + side, left : left + side]
    size = (SIDE_PX * 7 // 8,) * 2
    return torch.nn.functional.interpolate(square[None], size, mode="bilinear", antialias=True)[0]


if __name__ == "__main__":
    main()
