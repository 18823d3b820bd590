"""Make the small photographs and renderings that ship in ``gesso/assets/contents``.

They are what a network is adapted on when the user gives no photographs of their own.
Run ``python examples/make_contents.py --out src/gesso/assets/contents`` (about two minutes).
"""

import argparse
import io
from pathlib import Path

import skimage.data
from drawing import stages
from drawing.render import render
from PIL import Image

from gesso.disk.atomic import atomic_write

QUALITY = 88

# name: (picture of skimage.data, crop as (left, top, right, bottom) or None, shorter side)
PHOTOGRAPHS: dict[str, tuple[str, tuple[int, int, int, int] | None, int]] = {
    "astronaut": ("astronaut", None, 272),
    "astronaut-face": ("astronaut", (110, 0, 366, 256), 256),
    "cat": ("chelsea", None, 264),
    "cat-face": ("chelsea", (70, 20, 330, 280), 256),
    "coffee": ("coffee", None, 264),
    "coffee-cup": ("coffee", (160, 60, 480, 380), 256),
    "rocket": ("rocket", None, 264),
    "rocket-launch": ("rocket", (190, 130, 450, 427), 256),
    "photographer": ("camera", None, 256),
}
RENDERINGS = {
    "still-life": stages.still_life,
    "town": stages.town,
    "lake": stages.lake,
    "walker": stages.walker,
}


def photograph(source: str, crop: tuple[int, int, int, int] | None, shorter: int) -> Image.Image:
    image = Image.fromarray(getattr(skimage.data, source)()).convert("RGB")
    if crop:
        image = image.crop(crop)
    scale = shorter / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def rendering(name: str) -> Image.Image:
    pixels = render(RENDERINGS[name](), 352, 264, samples=2)
    return Image.fromarray((pixels * 255 + 0.5).astype("uint8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the pictures to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name in (*PHOTOGRAPHS, *RENDERINGS):
        image = rendering(name) if name in RENDERINGS else photograph(*PHOTOGRAPHS[name])
        data = io.BytesIO()
        image.save(data, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        atomic_write(out / f"{name}.jpg", data.getvalue())
        print(f"{name}.jpg {image.width}×{image.height}, {len(data.getvalue()) / 1024:.0f} KB")


if __name__ == "__main__":
    main()
