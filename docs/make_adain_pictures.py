"""Make the picture of docs/adain.md: `python docs/make_adain_pictures.py`, seconds on a CPU.

Photographs: src/gesso/assets/contents; the styles are drawn by examples/draw_styles.py; all of them
may be passed on freely.
"""

from __future__ import annotations

from pathlib import Path

from gesso.assets import CONTENTS
from gesso.images.sheet import sheet
from gesso.images.write import write_image
from gesso.nn.pictures import read_image
from gesso.pipeline.session import Session

OUT = Path(__file__).parent / "pictures/adain.jpg"
PHOTOS, SIDE_PX = ("astronaut-face", "cat-face", "coffee-cup"), 256
STYLES = ("impasto", "ukiyo-e", "stained-glass", "watercolour")


def main() -> None:
    """Three photos in four styles."""
    session, rows = Session("adain"), []
    for name in PHOTOS:
        photo = CONTENTS / f"{name}.jpg"
        row = [read_image(photo, size=SIDE_PX).numpy()]
        rows.append(row + [session.stylize(photo, [s], size=SIDE_PX).rgb for s in STYLES])
    write_image(OUT, sheet(rows, [["photo", *STYLES], *[[""] * 5] * 2]), quality=82)


if __name__ == "__main__":
    main()
