"""Turn two photographs into four drawn styles and lay the results out on one sheet.

Run ``make demo``, or ``python examples/demo.py --out demo``. The network adapts to each style once,
in seconds; the card it leaves in the folder stylizes any further picture at once.
"""

import argparse
import sys
import time
from pathlib import Path

import skimage
from contact_sheet import contact_sheet
from PIL import Image
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor

import gesso
from gesso.controls.polish import keep_grams
from gesso.disk.atomic import atomic_path
from gesso.methods.base import AdaptStep, Method

STYLES_DIR = Path(__file__).parent / "styles"
PHOTOS_DIR = Path(skimage.__file__).parent / "data"
PHOTOS = {"astronaut": "astronaut.png", "cat": "chelsea.png"}
STYLES = ("stained-glass", "impasto", "linocut", "watercolour")
SIZE_PX = 512


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )


def adapt_all(method: Method, photos: list[Tensor], out: Path) -> dict[str, gesso.StyleCard]:
    """Adapt to every style on the photographs themselves; cards are saved beside the pictures."""
    cards = {}
    with _progress() as progress:
        for name in STYLES:
            task = progress.add_task(f"adapting to {name}", total=None)

            def report(step: AdaptStep, task: TaskID = task) -> None:
                progress.update(task, completed=step.step, total=step.steps)

            card = method.adapt(STYLES_DIR / f"{name}.jpg", contents=photos, on_step=report)
            keep_grams(card, method, STYLES_DIR / f"{name}.jpg")  # for polish
            card.save(out / f"{name}.safetensors")
            cards[name] = card
    return cards


def stylize_all(
    method: Method, cards: dict[str, gesso.StyleCard], photos: dict[str, Tensor], out: Path
) -> list[list[Path]]:
    """Write every photograph in every style, polished as by `gesso stylize`; the files, by row."""
    controls = gesso.Controls(polish=method.polish)
    stylizers = {name: controls.stylizer(method, card) for name, card in cards.items()}
    rows = []
    for photo, content in photos.items():
        row = []
        for style, stylizer in stylizers.items():
            path = out / f"{photo}-{style}.jpg"
            gesso.write_image(path, stylizer(content[None])[0])
            row.append(path)
        rows.append(row)
    return rows


def write_sheet(rows: list[list[Path]], out: Path) -> Path:
    photos = [(name, Image.open(PHOTOS_DIR / file)) for name, file in PHOTOS.items()]
    styles = [(name, Image.open(STYLES_DIR / f"{name}.jpg")) for name in STYLES]
    results = [[Image.open(path) for path in row] for row in rows]
    sheet = contact_sheet("gesso: two photographs in four styles", photos, styles, results)
    path = out / "contact-sheet.jpg"
    with atomic_path(path) as unfinished:
        sheet.save(unfinished, quality=92)
    return path


def demo(out: Path) -> None:
    console = Console()
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    method = gesso.load("metastyle")
    photos = {
        name: gesso.read_image(PHOTOS_DIR / file, size=SIZE_PX) for name, file in PHOTOS.items()
    }
    cards = adapt_all(method, list(photos.values()), out)
    adapted = time.perf_counter()
    rows = stylize_all(method, cards, photos, out)
    stylized = time.perf_counter()
    sheet = write_sheet(rows, out)
    count = sum(map(len, rows))
    console.print(
        f"\nAdapted to {len(cards)} styles in {adapted - start:.0f} s, "
        f"then stylized and polished {count} pictures in {stylized - adapted:.1f} s."
    )
    console.print(f"Pictures and style cards: {out.resolve()}", soft_wrap=True)
    console.print(f"All on one sheet: {sheet.resolve()}", soft_wrap=True)


def main() -> int:
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
