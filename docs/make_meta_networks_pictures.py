"""The pictures of docs/meta-networks.md: what the space of generated networks holds.

`python docs/make_meta_networks_pictures.py [--weights FILE] [--out docs/pictures]`. Photographs are
scikit-image's, styles those of examples/.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import gesso
from gesso.files import atomic_path
from gesso.methods.meta_networks import MetaNetworks
from gesso.stylize import apply_strength, noise

HERE = Path(__file__).parent
STYLES_DIR = HERE.parent / "examples" / "styles"
PHOTOS_DIR = Path(skimage.__file__).parent / "data"
PHOTOS = ("astronaut.png", "chelsea.png")
STYLES = ("stained-glass", "impasto", "linocut", "watercolour", "ukiyo-e")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
CELL_PX, GAP_PX, CAPTION_PX = 208, 8, 22
Cell = tuple[str, Tensor]


def picture(image: Tensor) -> Image.Image:
    """(3, H, W) or (1, 3, H, W) → a picture that fills a square of CELL_PX, cut in the middle."""
    pixels = image.reshape(3, *image.shape[-2:]).permute(1, 2, 0).clamp(0, 1).numpy()
    whole = Image.fromarray((pixels * 255).round().astype(np.uint8))
    side = min(whole.size)
    left, top = (whole.width - side) // 2, (whole.height - side) // 2
    cut = whole.crop((left, top, left + side, top + side))
    return cut.resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)


def sheet(rows: Sequence[Sequence[Cell]], target: Path) -> None:
    """Write rows of captioned pictures."""
    step = CELL_PX + GAP_PX
    size = (max(map(len, rows)) * step + GAP_PX, len(rows) * (step + CAPTION_PX) + GAP_PX)
    whole = Image.new("RGB", size, "#ffffff")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for r, row in enumerate(rows):
        for c, (caption, image) in enumerate(row):
            left, top = GAP_PX + c * step, GAP_PX + r * (step + CAPTION_PX)
            whole.paste(picture(image), (left, top))
            draw.text((left, top + CELL_PX + 12), caption, "#222222", font, anchor="lm")
    with atomic_path(target) as unfinished:
        whole.save(unfinished, "JPEG", quality=85)
    print(target)


class Pictures:
    """The method, its cards of the styles, and the photographs."""

    def __init__(self, method: MetaNetworks, out: Path) -> None:
        self.method, self.out = method, out
        self.photos = [gesso.read_image(PHOTOS_DIR / name, size=512) for name in PHOTOS]
        self.styles = {name: gesso.read_image(STYLES_DIR / f"{name}.jpg") for name in STYLES}
        self.cards = {name: method.adapt(style) for name, style in self.styles.items()}

    def run(self, card: gesso.StyleCard, content: Tensor) -> Tensor:
        """One picture."""
        image: Tensor = self.method.stylizer(card)(content[None])
        return image

    def one_pass(self) -> None:
        """Every photo in every style."""
        rows: list[list[Cell]] = [[("", self.photos[0] * 0 + 1), *self.styles.items()]]
        for photo in self.photos:
            made = [("", self.run(card, photo)) for card in self.cards.values()]
            rows.append([("photo", photo), *made])
        sheet(rows, self.out / "meta-networks-styles.jpg")

    def interpolation(self) -> None:
        """From one style to another, by their hidden vectors (figure 4 of the paper)."""
        first, second = (self.cards[name] for name in ("linocut", "impasto"))
        row = []
        for share in SHARES:
            card = self.method.blend([first, second], [1 - share, share])
            row.append((f"{1 - share:.0%} linocut", self.run(card, self.photos[0])))
        sheet([row], self.out / "meta-networks-interpolation.jpg")

    def strength(self) -> None:
        """From the photo to the style."""
        photo, card = self.photos[1], self.cards["stained-glass"]
        row = [
            (f"strength {share:g}", apply_strength(self.method, card, share)(photo[None]))
            for share in SHARES
        ]
        sheet([row], self.out / "meta-networks-strength.jpg")

    def textures(self) -> None:
        """What the styles' networks make of Gaussian noise."""
        made = [("", self.run(card, noise(384))) for card in self.cards.values()]
        sheet([list(self.styles.items()), made], self.out / "meta-networks-textures.jpg")

    def invented(self) -> None:
        """Styles that no picture has."""
        rows = []
        for uniform in (False, True):
            cards = self.method.invent(len(STYLES), seed=1, uniform=uniform)
            kind = "uniform" if uniform else "like real styles"
            rows.append(
                [(f"{kind}, {i + 1}", self.run(c, self.photos[0])) for i, c in enumerate(cards)]
            )
        sheet(rows, self.out / "meta-networks-invented.jpg")


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
