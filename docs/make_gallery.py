"""Make the pictures of the gallery and docs/gallery.md: `python docs/make_gallery.py`.

Every drawn style once, by the default method with its defaults, at 512 px. What is there is not
made again, so the script goes on where it was stopped; names of styles as arguments make only
those. Half a minute a picture on two cores. The photographs and renderings are those of
src/gesso/assets/contents, from the sources that examples/make_contents.py makes those from; the
styles are drawn by examples/draw_styles.py. All of them may be passed on freely.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import numpy as np  # noqa: E402
from make_contents import PHOTOGRAPHS, RENDERINGS, photograph  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

PAGE, OUT = ROOT / "docs/gallery.md", ROOT / "docs/pictures/gallery"
SIDE_PX, QUALITY, COLUMNS = 512, 85, 3

HEAD = """# Gallery

Photographs in drawn styles, by the default method with its defaults, at 512 px: what
`gesso stylize photo.jpg --style impasto --size 512 -o out.png` makes. Click a picture for its full
size.

No style is shown twice. Which photo goes with it was chosen before painting, by motif: faces,
animals, things, places. Pictures whose motif nobody could tell (`mosaic` of a cat, `ukiyo-e` of a
lake, `wheatfield` of a town) were left out for another photo; nothing was retouched.
`python docs/make_gallery.py` makes the pictures and this page. The photographs are
[CC0 or in the public domain, the renderings our own][contents]; the styles are
[drawn by a program][styles].

[contents]: ../src/gesso/assets/contents/LICENCES.md
[styles]: ../src/gesso/assets/styles/LICENCES.md
"""

PAIRS = (
    ("impasto", "cat"),
    ("stained-glass", "astronaut-face"),
    ("watercolour", "still-life"),
    ("cubism", "coffee"),
    ("linocut", "cat-face"),
    ("engraving", "photographer"),
    ("pop-art", "astronaut"),
    ("gilded", "astronaut-face"),
    ("neon", "rocket"),
    ("mosaic", "coffee-cup"),
    ("ukiyo-e", "cat-face"),
    ("bauhaus", "coffee-cup"),
    ("pointillism", "still-life"),
    ("charcoal", "astronaut"),
    ("wheatfield", "photographer"),
    ("azulejo", "coffee-cup"),
    ("fresco", "astronaut-face"),
    ("art-deco", "rocket-launch"),
    ("pencil", "cat"),
    ("pastel", "coffee"),
    ("embroidery", "cat-face"),
    ("crayon", "still-life"),
    ("cyanotype", "rocket-launch"),
    ("sumi-e", "cat"),
    ("kintsugi", "coffee-cup"),
    ("gouache", "photographer"),
    ("tapestry", "cat"),
    ("risograph", "coffee"),
    ("quilt", "astronaut"),
    ("marbled", "rocket"),
    ("papercut", "walker"),
    ("batik", "still-life"),
)


def file_of(style: str, photo: str) -> Path:
    """Where the picture of a pair is kept."""
    return OUT / f"{style}-{photo}.jpg"


@cache
def content(name: str) -> NDArray[np.float32]:
    """A bundled photograph or rendering (3, h, w) in [0, 1], its longer side SIDE_PX."""
    if name in RENDERINGS:
        from drawing.render import render

        pixels = render(RENDERINGS[name](), SIDE_PX, SIDE_PX * 3 // 4, samples=2)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
    source, crop, shorter = PHOTOGRAPHS[name]
    small = photograph(source, crop, shorter)
    image = photograph(source, crop, round(SIDE_PX * min(small.size) / max(small.size)))
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def paint(pairs: Iterable[tuple[str, str]]) -> None:
    """Make what is missing of the pictures."""
    from gesso.images.write import write_image
    from gesso.pipeline.session import Session

    session = Session()
    OUT.mkdir(parents=True, exist_ok=True)
    for style, photo in pairs:
        path = file_of(style, photo)
        if not path.is_file():
            picture = session.stylize(content(photo), [style], size=SIDE_PX)
            write_image(path, picture.rgb, quality=QUALITY)
            print(f"{path.name} {path.stat().st_size / 1024:.0f} KB", flush=True)


def write_page() -> None:
    """Write docs/gallery.md of the pictures that are there."""
    there = [pair for pair in PAIRS if file_of(*pair).is_file()]
    cells = [_cell(style, photo) for style, photo in there]
    cells += [""] * (-len(cells) % COLUMNS)
    rows = [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    table = [f"|{' |' * COLUMNS}", f"|{' --- |' * COLUMNS}", *lines]
    PAGE.write_text(f"{HEAD}\n" + "\n".join(table) + "\n", encoding="utf-8")


def _cell(style: str, photo: str) -> str:
    picture = file_of(style, photo).relative_to(PAGE.parent).as_posix()
    words = f"{photo.replace('-', ' ')} in {style}"
    return f"[![{words}]({picture})]({picture})<br>{words}"


if __name__ == "__main__":
    paint([pair for pair in PAIRS if pair[0] in sys.argv[1:] or not sys.argv[1:]])
    write_page()
