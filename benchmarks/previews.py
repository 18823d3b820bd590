"""Whether quick methods rank styles as the final pictures do: a photo in some styles.

    python benchmarks/previews.py --photo photo.jpg -o runs/previews \\
        --preview draft --preview adain [--style impasto …] [--weights NAME=FILE]

A preview is good when it is more like the final picture of its own style than like those of other
styles. Likeness is measured twice, without a network: by the colours that lie in the same places,
24 px across, and by the sliced Wasserstein distance of pixel patches over a pyramid. Printed for
each method: for how many styles its own final picture is the nearest one, and the mean rank of the
right one (1 is best; of ten 5.5 is chance). Final pictures are kept
in the folder, as `gesso stylize` makes them; a sheet shows all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

import gesso
from gesso import assets
from gesso.bench.patches import sliced_distances, slices
from gesso.bench.pictures import make_folder
from gesso.errors import GessoError
from gesso.images.sheet import sheet
from gesso.methods.base import Method
from gesso.nn.pictures import read_image, resize
from gesso.pipeline.presets import PRESETS, Preset

STYLES = (
    *("batik", "cubism", "fresco", "impasto", "marbled"),
    *("pointillism", "stained-glass", "ukiyo-e", "watercolour", "wheatfield"),
)

AFAR_PX = 24  # longer side at which the places of colours are compared

Distance = Callable[[Tensor, Tensor], float]
Measure = Callable[[list[Tensor]], Distance]
"""Takes all pictures that will be compared, and returns what compares two of them."""


def by_patches(pictures: list[Tensor]) -> Distance:
    """How unlike two pictures' patches are, wherever they lie."""
    known = {id(picture): slices(picture) for picture in pictures}
    return lambda a, b: sum(sliced_distances(known[id(a)], known[id(b)]))


def by_places(pictures: list[Tensor]) -> Distance:
    """How far two pictures' colours are from each other in the same places, seen from afar."""
    known = {id(picture): resize(picture, AFAR_PX) for picture in pictures}
    return lambda a, b: float((known[id(a)] - known[id(b)]).square().mean())


def ranks(previews: list[Tensor], finals: list[Tensor], measure: Measure) -> list[int]:
    """For each preview (3, h, w) the place of its own final picture among all, by likeness: 1 where
    none is more like it."""
    distance, found = measure([*previews, *finals]), []
    for number, preview in enumerate(previews):
        far = [distance(preview, final) for final in finals]
        found.append(1 + sum(one < far[number] for one in far))
    return found


def pictures(
    method: Method, options: Mapping[str, Any], photo: Tensor, styles: list[str], folder: Path
) -> list[Tensor]:
    """The photo in all styles, read from the folder where they are there."""
    made = []
    for style in styles:
        path = folder / f"{style}.png"
        if not path.is_file():
            card = method.adapt(style, **options)
            gesso.write_image(path, gesso.Controls().stylizer(method, card)(photo[None])[0])
        made.append(read_image(path))
    return made


def compare(args: argparse.Namespace) -> None:
    """Make what is missing, print the table, and write the sheet."""
    photo, weights = read_image(args.photo, size=args.size), dict(map(_named, args.weights))
    columns = {}
    for name in [args.final, *args.preview]:
        preset = PRESETS.get(name, Preset(name, ""))
        method = gesso.load(preset.method, weights=weights.get(name))
        folder = args.out / name / Path(args.photo).stem / (method.base[:12] or "none")
        make_folder(folder)
        columns[name] = pictures(method, preset.options, photo, args.style, folder)
    print("| method | by places: nearest, mean rank | by patches: nearest, mean rank |")
    print("| --- | --- | --- |")
    for name in args.preview:
        cells = [
            _cell(ranks(columns[name], columns[args.final], m)) for m in (by_places, by_patches)
        ]
        print(f"| {name} | {cells[0]} | {cells[1]} |")
    rows = [list(row) for row in columns.values()]
    gesso.write_image(args.out / "previews.png", sheet(rows))


def _cell(found: list[int]) -> str:
    nearest = sum(rank == 1 for rank in found)
    return f"{nearest} of {len(found)}, {sum(found) / len(found):.1f}"


def _named(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not equals:
        raise GessoError(f"--weights: {text}: expected METHOD=FILE")
    return name, file


def main(argv: list[str] | None = None) -> int:
    """Exit status 0; 2 for a wrong option or file."""
    kind = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=kind)
    p.add_argument("--photo", default=assets.CONTENTS / "town.jpg", help="default: a bundled one")
    p.add_argument("--style", nargs="+", default=list(STYLES), help="default: ten bundled ones")
    p.add_argument("--preview", action="append", default=[], metavar="METHOD|PRESET")
    p.add_argument("--final", default="matching", metavar="METHOD", help="default: matching")
    p.add_argument("--weights", action="append", default=[], metavar="METHOD=FILE")
    p.add_argument("--size", type=int, default=192, help="longer side, px (192)")
    p.add_argument("-o", "--out", type=Path, default=Path("runs") / "previews")
    try:
        compare(p.parse_args(argv))
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
