"""The pictures of docs/meta-networks.md: what the space of generated networks holds.

`python docs/make_meta_networks_pictures.py [--weights FILE] [--out docs/pictures]`. Photographs are
scikit-image's, styles those of examples/.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import skimage
from torch import Tensor
from torch.nn import functional as F

import gesso
from gesso.controls.controls import Controls
from gesso.images.sheet import sheet
from gesso.methods.meta_networks.method import MetaNetworks
from gesso.methods.textures import white_noise
from gesso.nn.pictures import read_image

HERE = Path(__file__).parent
STYLES_DIR = HERE.parent / "examples" / "styles"
PHOTOS_DIR = Path(skimage.__file__).parent / "data"
PHOTOS = ("astronaut.png", "chelsea.png")
STYLES = ("stained-glass", "impasto", "linocut", "watercolour", "ukiyo-e")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
CELL_PX = 208
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
    """The method, its cards of the styles, and the photographs."""

    def __init__(self, method: MetaNetworks, out: Path) -> None:
        self.method, self.out = method, out
        self.photos = [read_image(PHOTOS_DIR / name, size=512) for name in PHOTOS]
        self.styles = {name: read_image(STYLES_DIR / f"{name}.jpg") for name in STYLES}
        self.cards = {name: method.adapt(style) for name, style in self.styles.items()}

    def run(self, card: gesso.StyleCard, content: Tensor) -> Tensor:
        """One picture, as `gesso stylize` makes it."""
        return Controls().stylizer(self.method, card)(content[None])

    def one_pass(self) -> None:
        """Every photo in every style."""
        rows: list[list[Cell]] = [[("", self.photos[0] * 0 + 1), *self.styles.items()]]
        for photo in self.photos:
            made = [("", self.run(card, photo)) for card in self.cards.values()]
            rows.append([("photo", photo), *made])
        write(rows, self.out / "meta-networks-styles.jpg")

    def interpolation(self) -> None:
        """From one style to another, by their hidden vectors (figure 4 of the paper)."""
        first, second = (self.cards[name] for name in ("linocut", "impasto"))
        row = []
        for share in SHARES:
            mixed = Controls(weights=[1 - share, share]).stylizer(self.method, [first, second])
            row.append((f"{1 - share:.0%} linocut", mixed(self.photos[0][None])))
        write([row], self.out / "meta-networks-interpolation.jpg")

    def strength(self) -> None:
        """From the photo to the style."""
        photo, card = self.photos[1], self.cards["stained-glass"]
        row = [
            (f"strength {share:g}", Controls(share).stylizer(self.method, card)(photo[None]))
            for share in SHARES
        ]
        write([row], self.out / "meta-networks-strength.jpg")

    def textures(self) -> None:
        """What the styles' networks make of Gaussian noise."""
        made = [("", self.run(card, white_noise(384, 384))) for card in self.cards.values()]
        write([list(self.styles.items()), made], self.out / "meta-networks-textures.jpg")

    def invented(self) -> None:
        """Styles that no picture has."""
        rows = []
        for uniform in (False, True):
            cards = self.method.invent(len(STYLES), seed=1, uniform=uniform)
            kind = "uniform" if uniform else "like real styles"
            rows.append(
                [(f"{kind}, {i + 1}", self.run(c, self.photos[0])) for i, c in enumerate(cards)]
            )
        write(rows, self.out / "meta-networks-invented.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    method = gesso.load("meta_networks", weights=args.weights)
    assert isinstance(method, MetaNetworks)
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = Pictures(method, args.out)
    for make in (Pictures.one_pass, Pictures.interpolation, Pictures.strength, Pictures.textures):
        make(pictures)
    pictures.invented()


if __name__ == "__main__":
    main()
