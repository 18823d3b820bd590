"""The picture of docs/texture-networks.md: textures of drawn styles, and a photo in them.

`python docs/make_texture_networks_pictures.py CARDS [--out docs/pictures]`. CARDS is a folder of
cards that `gesso adapt STYLE --method texture_nets` wrote, each named as its bundled style.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

import gesso
from gesso import assets
from gesso.bench.measures import covering
from gesso.images.sheet import sheet
from gesso.methods.base import Method
from gesso.nn.pictures import read_image

HERE = Path(__file__).parent
PHOTO = assets.CONTENTS / "coffee.jpg"
CELL_PX = 224


def row(method: Method, path: Path) -> list[Tensor]:
    """Style, two textures and the photo, each (3, CELL_PX, CELL_PX)."""
    card = gesso.StyleCard.load(path)
    style = covering(read_image(assets.STYLES / f"{path.stem}.jpg"), CELL_PX, CELL_PX)
    textures = [method.texture(card, CELL_PX, CELL_PX, seed=seed) for seed in (1, 2)]
    photo = covering(read_image(PHOTO), CELL_PX, CELL_PX)
    return [style, *textures, method.stylizer(card)(photo[None])[0]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    method = gesso.load("texture_nets")
    paths = sorted(args.cards.glob("*.safetensors"))
    rows = [row(method, path) for path in paths]
    labels = [(path.stem, "texture, seed 1", "texture, seed 2", "a photo") for path in paths]
    gesso.write_image(args.out / "texture-networks.jpg", sheet(rows, labels), quality=88)


if __name__ == "__main__":
    main()
