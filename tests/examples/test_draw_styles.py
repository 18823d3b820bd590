"""The pictures that ship: drawn styles and small contents."""

import importlib
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

ROOT = Path(__file__).parents[2]
EXAMPLES, STYLES = ROOT / "examples", ROOT / "examples" / "styles"
BUNDLED = ROOT / "src" / "gesso" / "assets" / "styles"
CONTENTS = ROOT / "src" / "gesso" / "assets" / "contents"
sys.path.insert(0, str(EXAMPLES))
draw_styles = importlib.import_module("draw_styles")
brush = importlib.import_module("drawing.brush")
cells = importlib.import_module("drawing.cells")
sheets = importlib.import_module("contact_sheet")
canvas = importlib.import_module("drawing.canvas")
render = importlib.import_module("drawing.render")
stages = importlib.import_module("drawing.stages")

# The others lay thousands of strokes or tiles one by one; their tools are tested below.
QUICK = sorted(set(draw_styles.STYLES) - {"impasto", "cubism", "mosaic"})
QUICK += sorted(
    set(draw_styles.BUNDLED) - {"fresco", "gouache", "pastel", "wheatfield", "charcoal"}
)


@pytest.mark.parametrize("name", QUICK)
def test_the_same_seed_draws_the_same_pixels(name: str) -> None:
    first, again = draw_styles.draw(name, 64), draw_styles.draw(name, 64)
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert first.std() > 20  # a picture, not a flat sheet


def test_another_seed_draws_other_pixels() -> None:
    assert not np.array_equal(draw_styles.draw("linocut", 64), draw_styles.draw("linocut", 64, 8))


def _stroked(seed: int) -> NDArray[np.float32]:
    tool = brush.Brush(np.zeros((48, 48, 3), np.float32), np.random.default_rng(seed))
    xs, ys = brush.follow(np.zeros((48, 48), np.float32), np.float32([0.5]), np.float32([0.5]), 0.5)
    tool.stroke(xs[0], ys[0], 0.2, np.float32([1, 0.5, 0]), np.float32([1, 0.5, 0]))
    return tool.color


def test_a_stroke_covers_its_path_and_nothing_else() -> None:
    painted = _stroked(1)[..., 0] > 0.5
    rows, columns = np.nonzero(painted)
    assert painted[24, 20:30].all()
    assert rows.min() >= 24 - 6 and rows.max() <= 24 + 6
    assert columns.min() >= 12 - 6 and columns.max() <= 36 + 6
    assert np.array_equal(_stroked(1), _stroked(1))


def test_tiles_lie_along_the_flow_and_share_the_picture_evenly() -> None:
    angle = np.full((64, 64), 0.3, np.float32)
    tiles = cells.Tesserae(angle, np.zeros((64, 64), bool), 100, np.random.default_rng(2), 4)
    x, y = canvas.coordinates(200)
    owner, reach = tiles.assign(np.stack([x.ravel(), y.ravel()], 1))
    area = np.bincount(owner, minlength=100)
    assert area.min() > 0 and area.std() < 0.3 * area.mean()
    assert np.quantile(reach, 0.9) < 0.075  # half a tile's side is 0.05


def _palette(picture: Image.Image) -> NDArray[np.float64]:
    lab = rgb2lab(np.asarray(picture.convert("RGB").resize((128, 128)))).reshape(-1, 3)
    histogram = np.histogramdd(lab, (8, 10, 10), ((0, 100), (-70, 70), (-70, 70)))[0]
    return np.asarray(histogram / histogram.sum())


def test_committed_styles_are_complete_small_and_of_different_palettes() -> None:
    files = sorted(STYLES.iterdir())
    assert [file.stem for file in files] == sorted(draw_styles.STYLES)
    palettes = {}
    for file in files:
        assert file.stat().st_size < 250_000
        with Image.open(file) as picture:
            assert picture.size == (704, 704)
            palettes[file.stem] = _palette(picture)
    _differ(palettes)


def test_the_packages_styles_are_complete_small_and_of_different_palettes() -> None:
    files = sorted(BUNDLED.glob("*.jpg"))
    names = [*draw_styles.STYLES, *draw_styles.BUNDLED]
    assert [file.stem for file in files] == sorted(names) and len(files) == 32
    assert sum(file.stat().st_size for file in files) < 2_000_000
    palettes = {}
    for file in files:
        with Image.open(file) as picture:
            assert picture.size == (512, 512) and picture.mode == "RGB"
            palettes[file.stem] = _palette(picture)
    _differ(palettes)


def _differ(palettes: dict[str, NDArray[np.float64]]) -> None:
    for (a, first), (b, second) in itertools.combinations(palettes.items(), 2):
        shared = np.minimum(first, second).sum()
        assert shared < 0.5, f"{a} and {b} share {shared:.0%} of their colours"


def test_a_committed_style_is_what_the_script_draws() -> None:
    drawn = draw_styles.draw("linocut", 704).astype(np.float64)
    with Image.open(STYLES / "linocut.jpg") as picture:
        assert np.abs(np.asarray(picture, np.float64) - drawn).mean() < 8
    drawn = draw_styles.draw("bauhaus", 512).astype(np.float64)
    with Image.open(BUNDLED / "bauhaus.jpg") as picture:
        assert np.abs(np.asarray(picture, np.float64) - drawn).mean() < 8


def test_encoding_gives_up_quality_to_keep_the_limit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    large, small = draw_styles.encode(noise, 10**6), draw_styles.encode(noise, 14_000)
    assert len(small) <= 14_000 < len(large)


def test_contents_are_small_and_their_licences_named() -> None:
    files = sorted(CONTENTS.glob("*.jpg"))
    licences = (CONTENTS / "LICENCES.md").read_text(encoding="utf-8")
    assert 8 <= len(files) <= 14 and sum(file.stat().st_size for file in files) < 350_000
    for file in files:
        assert f"`{file.name}`" in licences
        with Image.open(file) as picture:
            assert picture.mode == "RGB" and 256 <= min(picture.size) <= 320


def test_a_rendering_shows_lit_and_shaded_surfaces() -> None:
    picture = render.render(stages.still_life(), 32, 24, samples=1)
    assert picture.shape == (24, 32, 3) and np.isfinite(picture).all()
    assert picture.min() >= 0 and picture.max() <= 1
    assert np.ptp(picture.mean(2)) > 0.5


def test_a_contact_sheet_places_every_result_under_its_style() -> None:
    red, blue = Image.new("RGB", (40, 20), "red"), Image.new("RGB", (30, 30), "blue")
    made = [[Image.new("RGB", (40, 20), color) for color in ("lime", "yellow")]]
    sheet = sheets.contact_sheet("t", [("p", red)], [("a", blue), ("b", blue)], made, cell=100)
    pixels = np.asarray(sheet)
    centre = {}
    for color in ("red", "lime", "yellow", "blue"):
        same = (pixels == np.asarray(Image.new("RGB", (1, 1), color))[0, 0]).all(2)
        centre[color] = np.argwhere(same).mean(0)
        assert same.sum() == (2 * 60 * 60 if color == "blue" else 100 * 50)
    assert centre["red"][1] < centre["lime"][1] < centre["yellow"][1]
    assert centre["red"][0] == centre["lime"][0] > centre["blue"][0]
