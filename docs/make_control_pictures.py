"""Make the pictures of docs/controls.md: `python docs/make_control_pictures.py`.

With the default method but where another is named, half an hour on a CPU. The photographs are
src/gesso/assets/contents, the styles are drawn by examples/draw_styles.py; all of them may be
passed on freely.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

import gesso
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.images.arrays import Pixels
from gesso.images.sheet import grid_weights, sheet
from gesso.images.write import write_image
from gesso.methods.base import Method
from gesso.nn.pictures import read_image, resize

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).with_name("pictures")
SIDE_PX = 400  # large enough for whole patches of the style
SMALL_PX = 256
QUALITY = 82
SHARED = (
    ("style_swap", "town", "impasto"),
    ("avatar_net", "cat-face", "stained-glass"),
    ("adain", "astronaut", "ukiyo-e"),
)

COARSE = (
    ("style_swap", "lake", "ukiyo-e"),
    ("adain", "town", "impasto"),
    ("conditional_in", "cat-face", "stained-glass"),
)


def photo(name: str, side: int = SIDE_PX) -> Tensor:
    """(3, h, w), the longer side `side`."""
    return read_image(ROOT / f"src/gesso/assets/contents/{name}.jpg", size=side)


def style(name: str) -> Tensor:
    """(3, H, W) at its own size."""
    return read_image(ROOT / f"examples/styles/{name}.jpg")


@cache
def method() -> Method:
    """The default method."""
    return gesso.load()


@cache
def card(name: str, style_size: int = 512) -> StyleCard:
    """A style's."""
    return method().adapt(style(name), style_size=style_size)


def stylized(content: Tensor, cards: list[StyleCard], controls: Controls) -> Tensor:
    """(3, h, w) of a photo."""
    return controls.stylizer(method(), cards)(content.unsqueeze(0))[0]


def boxed(image: Tensor, like: Tensor) -> Tensor:
    """The whole picture within the size of another, in the middle of white."""
    height, width = like.shape[1:]
    scale = min(height / image.shape[1], width / image.shape[2])
    small = resize(image, round(max(image.shape[1:]) * scale))[:, :height, :width]
    box = torch.ones_like(like)
    top, left = (height - small.shape[1]) // 2, (width - small.shape[2]) // 2
    box[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return box


def strength() -> Pixels:
    content, cards = photo("cat"), [card("stained-glass")]
    shares = (0, 0.25, 0.5, 0.75, 1)
    cells = [stylized(content, cards, Controls(strength=share)) for share in shares]
    return sheet([cells], [[f"--strength {share}" for share in shares]])


def grid() -> Pixels:
    """The corners of a square of four styles; small, since there are 15."""
    names = ("stained-glass", "watercolour", "linocut", "pointillism")
    content, cards = photo("cat", 200), [card(name) for name in names]
    shares = grid_weights(4, 5, 3)
    return sheet([[stylized(content, cards, Controls(weights=w)) for w in row] for row in shares])


def color() -> Pixels:
    """The style's colours, and both ways to keep the photo's."""
    content, own = photo("coffee"), style("ukiyo-e")
    session = gesso.Session(method())
    words = ("style", "content", "luminance")
    cells = [content, boxed(own, content)]
    for word in words:
        made = session.stylize(content, [own], Controls(color=word))
        cells.append(torch.from_numpy(made.rgb))
    return sheet([cells], [["photo", "style", *(f"--color {word}" for word in words)]])


def color_share() -> Pixels:
    """Three methods whose colours go to the style's: not at all, half and all the way."""
    shares, rows, labels = (0.0, 0.5, 1.0), [], []
    for name, content, painting in SHARED:
        known, seen, own = gesso.load(name), photo(content, SMALL_PX), style(painting)
        kept = known.adapt(own)
        made = [Controls(color_share=s).stylizer(known, kept)(seen[None])[0] for s in shares]
        rows.append([boxed(one, photo("town", SMALL_PX)) for one in (seen, own, *made)])
        labels.append([name, painting, *(f"--color-share {share:g}" for share in shares)])
    return sheet(rows, labels)


def coarse_to_fine() -> Pixels:
    """Three methods at once, and from smaller copies on."""
    rows, labels = [], []
    for name, content, painting in COARSE:
        known, seen, own = gesso.load(name), photo(content, 512), style(painting)
        kept = known.look_up(painting) if known.names else known.adapt(own)
        made = [
            Controls(paint_from=px).stylizer(known, kept)(seen[None])[0] for px in (0, 256, 128)
        ]
        rows.append([boxed(one, photo("town", 320)) for one in (seen, own, *made)])
        labels.append([name, painting, *(f"--paint-from {px}" for px in (0, 256, 128))])
    return sheet(rows, labels)


def mask() -> Pixels:
    content, names = photo("astronaut"), ("stained-glass", "impasto")
    shape = disc(*content.shape[1:])
    cards = [card(name) for name in names]
    both = Controls(masks=[shape], feather=8)
    one = Controls(masks=[1 - shape], feather=8)
    cells = [content, shape.expand_as(content), stylized(content, cards, both)]
    cells.append(stylized(content, cards[1:], one))
    words = ["photo", "mask", "two styles, one --mask", "one style, the mask's negative"]
    return sheet([cells], [words])


def disc(height: int, width: int) -> Tensor:
    """A mask (H, W): an ellipse about where the astronaut is."""
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    return (((x + 0.1) / 0.62) ** 2 + ((y - 0.1) / 0.95) ** 2 < 1).float()


def polish() -> Pixels:
    """MetaStyle's picture, and after 8 and 30 steps of polish."""
    content, known = photo("lake", SMALL_PX), gesso.load("metastyle")
    made = known.adapt(style("impasto"), [content])
    stylizers = [Controls(polish=steps).stylizer(known, made) for steps in (0, 8, 30)]
    cells = [stylizer(content[None])[0] for stylizer in stylizers]
    return sheet([[content, *cells]], [["photo", "only the network", "8 steps", "30 steps"]])


def stroke() -> Pixels:
    content, sizes = photo("town"), (0.5, 1, 2)
    cells = [stylized(content, [card("impasto")], Controls(stroke=size)) for size in sizes]
    words = ["style", *(f"--stroke {size}" for size in sizes)]
    return sheet([[boxed(style("impasto"), content), *cells]], [words])


PICTURES = {
    f.__name__.replace("_", "-"): f
    for f in (strength, grid, color, color_share, coarse_to_fine, mask, polish, stroke)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)}; default: all")
    for name in parser.parse_args().names or PICTURES:
        path = OUT / f"{name}.jpg"
        write_image(path, PICTURES[name](), quality=QUALITY)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
