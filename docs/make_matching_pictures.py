"""Make the pictures of docs/matching.md: `python docs/make_matching_pictures.py`.

With the bundled encoder, some minutes on a CPU. Photographs: src/gesso/assets/contents; the
styles are drawn by examples/draw_styles.py; all of them may be passed on freely.
"""

from __future__ import annotations

from pathlib import Path

import torch

from gesso.assets import CONTENTS
from gesso.controls.controls import Controls
from gesso.images.sheet import sheet
from gesso.images.write import write_image
from gesso.methods.registry import load
from gesso.nn.pictures import read_image
from gesso.pipeline.session import Session

ROOT = Path(__file__).parent.parent
STYLES = ROOT / "examples/styles"
OUT = ROOT / "docs/pictures"
SIDE_PX = 448
PAIRS = (("town", "ukiyo-e"), ("coffee", "impasto"), ("astronaut-face", "stained-glass"))
SHARES = (0.8, 0.6, 0.3)


def side_by_side() -> None:
    """Photo, style, MetaStyle's default and matching, for some pairs."""
    methods = [Session(load(name)) for name in ("metastyle", "matching")]
    rows = []
    for content, style in PAIRS:
        photo = CONTENTS / f"{content}.jpg"
        pictures = [read_image(photo, size=SIDE_PX), _fitted(read_image(STYLES / f"{style}.jpg"))]
        pictures += [
            torch.from_numpy(one.stylize(photo, [STYLES / f"{style}.jpg"], size=SIDE_PX).rgb)
            for one in methods
        ]
        rows.append([_square(picture).numpy() for picture in pictures])
    write_image(OUT / "matching.jpg", sheet(rows), quality=80)


def shares() -> None:
    """One photo and style at several shares of the photo in the query."""
    photo, style = CONTENTS / "cat-face.jpg", STYLES / "cubism.jpg"
    method = load("matching")
    cells = [read_image(photo, size=SIDE_PX)]
    for alpha in SHARES:
        session = Session(method, method.about.options(alpha=alpha))
        picture = session.stylize(photo, [style], Controls(), size=SIDE_PX)
        cells.append(torch.from_numpy(picture.rgb))
    texts = ["photo", *(f"alpha {alpha:g}" for alpha in SHARES)]
    write_image(
        OUT / "matching-alpha.jpg", sheet([[c.numpy() for c in cells]], [texts]), quality=80
    )


def _fitted(image: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        image[None], (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True
    )[0]


def _square(image: torch.Tensor) -> torch.Tensor:
    """The middle of (3, H, W), as large as it is wide, SIDE_PX / 4 · 3 px."""
    side = SIDE_PX * 3 // 4
    image = image if min(image.shape[1:]) >= side else _fitted(image)
    top, left = ((n - side) // 2 for n in image.shape[1:])
    return image[:, top : top + side, left : left + side]


if __name__ == "__main__":
    side_by_side()
    shares()
