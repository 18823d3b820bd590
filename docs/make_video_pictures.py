"""Make the moving picture and the figures of docs/video.md: `python docs/make_video_pictures.py`.

With the bundled weights, some minutes on a CPU. The clip is rendered: a camera that swings over
src/gesso/assets/contents/town.jpg, itself rendered for gesso, in a style that was drawn for it.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from gesso.assets import CONTENTS, STYLES
from gesso.controls.controls import Controls
from gesso.images.read import read_photo
from gesso.images.write import eight_bits
from gesso.methods.registry import load
from gesso.video.frames import Frame, Look, Pixels
from gesso.video.look import Stylized
from gesso.video.report import CLIP, RESULT, Measured
from gesso.video.steady import Steady

STYLE, WEIGHT = "wheatfield", 3.0
FRAMES, RATE = 20, 12
WIDTH, HEIGHT = 176, 132
GAP_PX, COLORS = 4, 128
PAGE = Path(__file__).parent / "video.md"
OUT = PAGE.parent / "pictures" / "video.gif"
MARK = "<!-- docs/make_video_pictures.py -->"


def clip() -> list[Frame]:
    """A swing to the side and back, and a little nearer and back."""
    source = eight_bits(read_photo(CONTENTS / "town.jpg", size=400).rgb)
    frames = []
    for number in range(FRAMES):
        turn = 2 * math.pi * number / FRAMES
        scale = 1 + 0.06 * (1 - math.cos(turn))
        x, y = 110 - 20 * math.cos(turn), 70 + 5 * math.sin(turn)
        matrix = np.array([[1 / scale, 0, x], [0, 1 / scale, y]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(source, matrix, (WIDTH, HEIGHT), flags=flags)
        frames.append(Frame(np.asarray(seen, np.uint8), Fraction(number, RATE), number))
    return frames


def looks(frames: list[Frame]) -> dict[str, Look]:
    """Frame by frame; steady; and steady with a network that adapted against flicker."""
    method, style = load("metastyle"), STYLES / f"{STYLE}.jpg"
    contents = [frame.rgb for frame in frames[:: FRAMES // 4]]
    plain, calm = (
        Stylized(Controls(polish=0).stylizer(method, method.adapt(style, contents, steady=weight)))
        for weight in (0.0, WEIGHT)
    )
    return {"frame by frame": plain, "steady": Steady(plain), "adapted, too": Steady(calm)}


def main() -> None:
    frames = clip()
    rows, columns = [], [[frame.rgb for frame in frames]]
    for name, look in looks(frames).items():
        measured = Measured(look)
        columns.append([measured(frame) for frame in frames])
        errors = measured.flicker.errors
        if not rows:
            rows.append(("the clip itself", errors[CLIP]))
        rows.append((name, errors[RESULT]))
    del columns[2]  # of three panels the last one is the default
    gap = np.full((HEIGHT, GAP_PX, 3), 255, np.uint8)
    shown = zip(*columns, strict=True)
    write_gif([np.hstack([one, gap, other, gap, last]) for one, other, last in shown])
    table = ["| warping error × 10⁴ | from frame to frame | over a shot |", "| --- | --- | --- |"]
    for name, found in rows:
        table.append(f"| {name} | {1e4 * found.short.value:.1f} | {1e4 * found.long.value:.1f} |")
    between = "\n".join([MARK, "", *table, "", MARK])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(f"{MARK}.*{MARK}", between, text, flags=re.S), encoding="utf-8")


def write_gif(pictures: list[Pixels]) -> None:
    """One palette for all, and no dithering, which would flicker by itself."""
    some = Image.fromarray(np.vstack(pictures[:: FRAMES // 4]))
    palette = some.quantize(COLORS, dither=Image.Dither.NONE)
    made = [
        Image.fromarray(p).quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures
    ]
    made[0].save(OUT, save_all=True, append_images=made[1:], duration=1000 // RATE, loop=0)


if __name__ == "__main__":
    main()
