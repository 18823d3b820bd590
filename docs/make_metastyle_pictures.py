"""The pictures of docs/metastyle.md: the start, what steps make of it, and ways between styles.

`python docs/make_metastyle_pictures.py [--weights FILE] [--out docs/pictures]`; a quarter of an
hour of one core. Photographs are those of src/gesso/assets/contents, styles the drawn ones.
"""

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

import gesso
from gesso.assets import CONTENTS, STYLES
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.images.sheet import sheet
from gesso.methods.base import Method
from gesso.nn.pictures import read_image

HERE = Path(__file__).parent
PHOTOS = ("cat", "town", "still-life", "astronaut", "lake")
PAINTINGS = ("wheatfield", "mosaic")
STEPS = (0, 1, 5, 20, 60, 200)
CELL_PX, PHOTO_PX = 240, 320
Cell = tuple[str, Tensor]


def square(image: Tensor) -> Tensor:
    """(3, H, W) or (1, 3, H, W) → (3, CELL_PX, CELL_PX), cut in the middle."""
    image = image.reshape(3, *image.shape[-2:])
    side = min(image.shape[-2:])
    top, left = ((n - side) // 2 for n in image.shape[-2:])
    cut = image[:, top : top + side, left : left + side].unsqueeze(0)
    return F.interpolate(cut, (CELL_PX, CELL_PX), mode="bicubic", antialias=True)[0].clamp(0, 1)


def write(rows: Sequence[Sequence[Cell]], target: Path) -> None:
    """Write rows of captioned pictures."""
    pictures = [[square(image) for _, image in row] for row in rows]
    labels = [[caption for caption, _ in row] for row in rows]
    gesso.write_image(target, sheet(pictures, labels), quality=85)
    print(target)


class Pictures:
    """The method, the photographs and the styles."""

    def __init__(self, method: Method, out: Path) -> None:
        self.method, self.out = method, out
        paths = {name: CONTENTS / f"{name}.jpg" for name in PHOTOS}
        self.photos = {name: read_image(path, size=PHOTO_PX) for name, path in paths.items()}
        self.styles = {name: read_image(STYLES / f"{name}.jpg") for name in PAINTINGS}

    @cache  # noqa: B019  (there is one, to the end)
    def card(self, style: str, photo: str, steps: int = 60) -> StyleCard:
        """The style's network, adapted on the photo, as `gesso stylize` adapts it."""
        return self.method.adapt(self.styles[style], [self.photos[photo]], steps=steps)

    def run(self, card: StyleCard, photo: str) -> Tensor:
        """One picture of the network and nothing else."""
        return Controls().stylizer(self.method, card)(self.photos[photo][None])

    def start(self) -> None:
        """Photographs, and what the start makes of them before any step."""
        neutral = self.method.neutral()
        made = [("the start", self.run(neutral, name)) for name in PHOTOS]
        write([list(self.photos.items()), made], self.out / "metastyle-start.jpg")

    def steps(self) -> None:
        """Two photographs in two styles after more and more steps, each adapted anew."""
        rows: list[list[Cell]] = []
        for style, photo in zip(PAINTINGS, PHOTOS, strict=False):
            row: list[Cell] = [(style, self.styles[style])]
            for steps in STEPS:
                card = self.card(style, photo, steps) if steps else self.method.neutral()
                row.append((f"{steps} step{'s' * (steps != 1)}", self.run(card, photo)))
            rows.append(row)
        write(rows, self.out / "metastyle-steps.jpg")

    def interpolation(self) -> None:
        """From one adapted network to another, by their weights."""
        first, second = (self.card(style, "town") for style in PAINTINGS)
        row: list[Cell] = []
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            controls = Controls(weights=[1 - share, share])
            made = controls.stylizer(self.method, [first, second])(self.photos["town"][None])
            row.append((f"{1 - share:.0%} {PAINTINGS[0]}, {share:.0%} {PAINTINGS[1]}", made))
        write([row], self.out / "metastyle-interpolation.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = Pictures(gesso.load("metastyle", weights=args.weights), args.out)
    for make in (Pictures.start, Pictures.interpolation, Pictures.steps):
        make(pictures)


if __name__ == "__main__":
    main()
