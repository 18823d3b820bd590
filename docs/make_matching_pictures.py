"""Make the pictures of docs/matching.md: `python docs/make_matching_pictures.py`.

With the bundled encoder, some minutes on a CPU; `stages`, `shares`, `side_by_side`, `faces`,
`parts` or `presets` as an argument makes only that one. Photographs: src/gesso/assets/contents;
the styles are drawn by examples/draw_styles.py; all of them may be passed on freely.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from gesso.assets import CONTENTS, STYLES
from gesso.bench.measures import covering
from gesso.controls.controls import Controls
from gesso.fitting.recolor import StyleColors, recolored
from gesso.images.sheet import sheet
from gesso.images.write import write_image
from gesso.methods.registry import load
from gesso.nn.pictures import read_image
from gesso.pipeline.presets import PRESETS
from gesso.pipeline.session import Session

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs/pictures"
SIDE_PX = 448
PAIRS = (("town", "ukiyo-e"), ("coffee", "impasto"), ("astronaut-face", "stained-glass"))
SHARES = (0.8, 0.6, 0.3)
FACE = ("impasto", "stained-glass", "sumi-e", "pop-art", "cubism")
STAGES_PX = (256, 512)
DRAFTED = (("cat", "impasto"), ("town", "watercolour"))


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


def faces() -> None:
    """One face in five styles."""
    photo, session = CONTENTS / "astronaut-face.jpg", Session(load("matching"))
    cells = [read_image(photo, size=SIDE_PX)]
    for style in FACE:
        cells.append(torch.from_numpy(session.stylize(photo, [style], size=SIDE_PX).rgb))
    rows = [[_square(cell).numpy() for cell in cells[i : i + 3]] for i in (0, 3)]
    texts = ["photo", *FACE]
    write_image(OUT / "matching-faces.jpg", sheet(rows, [texts[:3], texts[3:]]), quality=82)


def parts() -> None:
    """One photo in the upper and in the lower half of a painting (`--style-mask`)."""
    photo, session = CONTENTS / "lake.jpg", Session(load("matching"))
    paint = read_image(STYLES / "watercolour.jpg", size=SIDE_PX)
    height, width = paint.shape[1:]
    upper = np.zeros((height, width), np.float32)
    upper[: round(0.62 * height)] = 1
    seen = [read_image(photo, size=SIDE_PX), paint]
    for mask in (None, upper, 1 - upper):
        masks = () if mask is None else (mask,)
        made = session.stylize(photo, ["watercolour"], size=SIDE_PX, style_masks=masks)
        seen.append(torch.from_numpy(made.rgb))
    texts = ["photo", "style", "all of it", "its sky", "its water"]
    cells = [[_square(cell).numpy() for cell in seen]]
    write_image(OUT / "style-mask.jpg", sheet(cells, [texts]), quality=82)


def presets() -> None:
    """Photos by each preset."""
    method, rows, size = load("matching"), [], STAGES_PX[-1]
    for content, style in DRAFTED:
        photo = CONTENTS / f"{content}.jpg"
        cells = [read_image(photo, size=size)]
        for preset in PRESETS.values():
            session = Session(method, method.about.options(**preset.options))
            cells.append(torch.from_numpy(session.stylize(photo, [style], size=size).rgb))
        rows.append([_square(cell).numpy() for cell in cells])
    texts = ["photo", *PRESETS]
    write_image(OUT / "matching-presets.jpg", sheet(rows, [texts, [""] * len(texts)]), quality=80)


def stages() -> None:
    """A photo, what patches make of it at each scale, the last pass, and the colours."""
    method = load("matching")
    photo, style = CONTENTS / "coffee.jpg", STYLES / "impasto.jpg"
    card, full = method.adapt(style), STAGES_PX[-1]

    def painted(size: int, **changes: object) -> torch.Tensor:
        changed = replace(card, config=card.config | {"recolor": "off"} | changes)
        return method.stylizer(changed)(read_image(photo, size=size)[None])

    seen, paint = (read_image(one, size=full) for one in (photo, style))
    cells = [seen[None], covering(paint, *seen.shape[-2:])[None]]
    for size in STAGES_PX:
        cells.append(painted(size, half_steps=0, final_steps=0))
    cells.append(painted(full))
    cells.append(recolored(cells[-1], cells[0], StyleColors.of(paint, 1), "own"))
    texts = ["photo", "style", *(f"{size} px" for size in STAGES_PX), "last pass", "colours"]
    rows = [[_cell(cell, cells[0]) for cell in cells[i : i + 3]] for i in (0, 3)]
    write_image(OUT / "matching-stages.jpg", sheet(rows, [texts[:3], texts[3:]]), quality=80)


def _cell(image: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(1, 3, h, w) seen as large as the others, in the shape of `like`: its pixels stay visible."""
    share = SIDE_PX * 3 / 4 / max(like.shape[-2:])
    height, width = (round(n * share) for n in like.shape[-2:])
    mode = "nearest" if image.shape[-2] < height else "area"
    return F.interpolate(image, (height, width), mode=mode)[0]


def _fitted(image: torch.Tensor) -> torch.Tensor:
    return F.interpolate(image[None], (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)[0]


def _square(image: torch.Tensor) -> torch.Tensor:
    """The middle of (3, H, W), as large as it is wide, SIDE_PX / 4 · 3 px."""
    side = SIDE_PX * 3 // 4
    image = image if min(image.shape[1:]) >= side else _fitted(image)
    top, left = ((n - side) // 2 for n in image.shape[1:])
    return image[:, top : top + side, left : left + side]


if __name__ == "__main__":
    makers = {
        maker.__name__: maker for maker in (side_by_side, shares, stages, faces, parts, presets)
    }
    for name in sys.argv[1:] or makers:
        makers[name]()
