"""The pictures of docs/wct.md and docs/avatar-net.md: photographs in some styles, and what single
options do.

`python docs/make_feature_pictures.py [wct avatar_net] [--out docs/pictures]`. Photographs are
scikit-image's, styles those of examples/.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import skimage
from torch import Tensor
from torch.nn import functional as F

import gesso
from gesso.images.sheet import sheet
from gesso.methods.base import Method
from gesso.nn.pictures import read_image

HERE = Path(__file__).parent
STYLES_DIR = HERE.parent / "examples" / "styles"
PHOTOS_DIR = Path(skimage.__file__).parent / "data"
PHOTOS = ("astronaut.png", "chelsea.png")
STYLES = ("stained-glass", "impasto", "ukiyo-e", "cubism")
CELL_PX = 208
SHARES = (0.3, 0.6, 1.0)
Cell = tuple[str, Tensor]


def square(image: Tensor) -> Tensor:
    """(3, H, W) → (3, CELL_PX, CELL_PX), cut in the middle."""
    side = min(image.shape[-2:])
    top, left = ((n - side) // 2 for n in image.shape[-2:])
    cut = image[:, top : top + side, left : left + side].unsqueeze(0)
    return F.interpolate(cut, (CELL_PX, CELL_PX), mode="bicubic", antialias=True)[0].clamp(0, 1)


def photographs() -> list[Tensor]:
    """The photographs, 320 px on the longer side."""
    return [read_image(PHOTOS_DIR / name, size=320) for name in PHOTOS]


def stylized(method: Method, card: gesso.StyleCard, photo: Tensor) -> Tensor:
    """What `gesso stylize` makes of a photo (3, H, W)."""
    return gesso.Controls().stylizer(method, card)(photo[None])[0]


def in_styles(method: Method) -> list[list[Cell]]:
    """A row of styles, and one for each photograph in them."""
    cards = [method.adapt(STYLES_DIR / f"{name}.jpg") for name in STYLES]
    heads = [(name, square(read_image(STYLES_DIR / f"{name}.jpg"))) for name in STYLES]
    rows: list[list[Cell]] = [[("", square(photographs()[0]) * 0 + 1), *heads]]
    for photo in photographs():
        made = [("", square(stylized(method, card, photo))) for card in cards]
        rows.append([("", square(photo)), *made])
    return rows


def of_wct(method: Method) -> Iterable[list[Cell]]:
    """α, and textures between two styles."""
    photo = photographs()[0]
    styles = [STYLES_DIR / f"{name}.jpg" for name in ("impasto", "stained-glass")]
    cards = [method.adapt(style, share=1.0) for style in styles]
    soft = [method.blend([method.neutral(like=cards[0]), cards[0]], [1 - a, a]) for a in SHARES]
    labels = [f"share {share:g}" for share in (0, *SHARES)]
    neutral = method.neutral(like=cards[0])
    made = [method.stylizer(card)(photo[None])[0] for card in (neutral, *soft)]
    yield [(name, square(one)) for name, one in zip(labels, made, strict=True)]
    mixed = [method.blend(cards, [1 - share, share]) for share in (0.0, 0.33, 0.67, 1.0)]
    textures = [method.texture(card, CELL_PX, CELL_PX) for card in mixed]
    names = ("impasto", "", "", "stained-glass")
    yield [(name, square(one)) for name, one in zip(names, textures, strict=True)]


def of_avatar_net(method: Method) -> Iterable[list[Cell]]:
    """Detail, and the size of patches."""
    photo, style = photographs()[0], STYLES_DIR / "impasto.jpg"
    options: dict[str, tuple[Any, ...]] = {
        "detail": (0.0, 0.25, 0.5, 1.0),
        "patch_size": (1, 3, 5, 9),
    }
    for option, values in options.items():
        cards = [method.adapt(style, **{option: value}) for value in values]
        made = [square(stylized(method, card, photo)) for card in cards]
        labels = [f"{option.replace('_', ' ')} {value:g}" for value in values]
        yield list(zip(labels, made, strict=True))


OPTIONS = {"wct": of_wct, "avatar_net": of_avatar_net}


def write(rows: Iterable[list[Cell]], target: Path) -> None:
    """Write rows of captioned pictures."""
    cells = list(rows)
    pictures = [[image for _, image in row] for row in cells]
    labels = [[name for name, _ in row] for row in cells]
    gesso.write_image(target, sheet(pictures, labels), quality=85)
    print(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", default=list(OPTIONS))
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    options = parser.parse_args()
    for name in options.methods:
        method, page = gesso.load(name), name.replace("_", "-")
        write(in_styles(method), options.out / f"{page}.jpg")
        write(OPTIONS[name](method), options.out / f"{page}-options.jpg")


if __name__ == "__main__":
    main()
