"""Turn two photographs into four drawn styles and lay the results out on one sheet.

Run ``make demo``, or ``python examples/demo.py --out demo``. Every picture is painted anew; the
style's card that is left in the folder paints any other photo without the painting.
"""

import argparse
import sys
import time
from pathlib import Path

import skimage
from contact_sheet import contact_sheet
from PIL import Image

import gesso
from gesso.cli.progress import showing, step_reporter
from gesso.disk.atomic import atomic_path

STYLES_DIR = Path(__file__).parent / "styles"
PHOTOS_DIR = Path(skimage.__file__).parent / "data"
PHOTOS = {"astronaut": PHOTOS_DIR / "astronaut.png", "cat": PHOTOS_DIR / "chelsea.png"}
STYLES = ("stained-glass", "impasto", "linocut", "watercolour")
SIZE_PX = 512


def stylized(session: gesso.Session, out: Path) -> list[list[Path]]:
    """Write every photograph in every style, and the styles' cards; the files, by row."""
    photos = {name: session.photo(path, SIZE_PX) for name, path in PHOTOS.items()}
    rows: list[list[Path]] = [[] for _ in photos]
    with showing(quiet=False) as show:
        for style in STYLES:
            card = session.card(STYLES_DIR / f"{style}.jpg")
            card.save(out / f"{style}.safetensors")
            for (name, photo), row in zip(photos.items(), rows, strict=True):
                row.append(out / f"{name}-{style}.jpg")
                report = step_reporter(show, f"{name}, {style}")
                gesso.write_image(row[-1], session.stylize(photo, [card], on_step=report).rgb)
    return rows


def write_sheet(rows: list[list[Path]], out: Path) -> Path:
    """Write the sheet of all pictures; its file."""
    photos = [(name, Image.open(path)) for name, path in PHOTOS.items()]
    styles = [(name, Image.open(STYLES_DIR / f"{name}.jpg")) for name in STYLES]
    results = [[Image.open(path) for path in row] for row in rows]
    sheet = contact_sheet("gesso: two photographs in four styles", photos, styles, results)
    path = out / "contact-sheet.jpg"
    with atomic_path(path) as unfinished:
        sheet.save(unfinished, quality=92)
    return path


def demo(out: Path) -> None:
    """Make all pictures in a folder, and say what was made."""
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    rows = stylized(gesso.Session(), out)
    seconds = time.perf_counter() - start
    sheet = write_sheet(rows, out)
    print(
        f"\nPainted {sum(map(len, rows))} pictures in {len(STYLES)} styles in {seconds:.0f} s.\n"
        f"Pictures and style cards: {out.resolve()}\n"
        f"All on one sheet: {sheet.resolve()}"
    )


def main() -> int:
    """Exit status 0; 2 for a folder that cannot be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder to write to")
    try:
        demo(parser.parse_args().out)
    except gesso.GessoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
