"""The house: rooms import only from lower floors, and the lower floors need no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gesso

ROOT = Path(gesso.__file__).parent
FLOORS = (
    {"errors", "environment", "version", "options", "reports", "assets"},
    {"disk"},
    {"images"},
    {"graphs"},
    {"nn"},
    {"encoders"},
    {"losses", "cards"},
    {"fitting", "training", "stylizers"},
    {"methods", "distillation"},
    {"controls"},
    {"pipeline"},
    {"video"},
    {"runtime"},
    {"export"},
    {"bench"},
    {"studio"},
    {"cli"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
NO_TORCH = (
    "disk/",
    "images/",
    "graphs/",
    "runtime/",
    "options.py",
    "errors.py",
    "version.py",
    "assets/",
)
NO_TORCH += tuple(f"cards/{name}.py" for name in ("packing", "fields", "numbers", "cache"))
METHODS = {path.name for path in (ROOT / "methods").iterdir() if (path / "__init__.py").is_file()}
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}


def imports(path: Path, nested: bool = True) -> Iterator[str]:
    """Dotted names that a module imports; without `nested` only those run when it is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree) if nested else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (nested or id(node) not in typing):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("gesso.") else ""


@pytest.mark.parametrize("module", [name for name in MODULES if "/" in name])
def test_rooms_import_only_from_lower_floors(module: str) -> None:
    room = module.split("/")[0]
    for imported in imports(MODULES[module]):
        other = room_of(imported)
        if other in FLOOR and other != room:
            assert FLOOR[other] < FLOOR[room], f"{module} imports {imported}"


@pytest.mark.parametrize("module", [n for n in MODULES if n.split("/")[0] in FLOOR])
def test_below_the_methods_none_of_them_is_named(module: str) -> None:
    if FLOOR[module.split("/")[0]] < FLOOR["methods"]:
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not texts & METHODS


@pytest.mark.parametrize("module", [n for n in MODULES if n.startswith(NO_TORCH) or "/about" in n])
def test_lower_floors_import_no_torch(module: str) -> None:
    heavy = ("torch", "gesso.nn", "gesso.losses", "gesso.cards.card", "gesso.cards.grams")
    assert not [n for n in imports(MODULES[module], nested=False) if n.startswith(heavy)]


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from pathlib import Path
import numpy as np
from gesso.cards.cache import CardCache
from gesso.cards.packing import PlainCard, read_card, write_card
from gesso.disk.tensors import read_file, read_header
from gesso.images.folders import list_images
from gesso.images.read import read_photo
from gesso.images.sheet import sheet
from gesso.images.write import thumbnail_bytes, write_image
from gesso.options import declared

folder = Path(sys.argv[1])
image = np.random.default_rng(0).random((3, 9, 12))
for name in ("a.png", "b.jpg", "c.webp", "d.avif", "e.heic", "f.tif"):
    write_image(folder / name, image)
assert [read_photo(path, size=6).rgb.shape for path in list_images(folder)] == [(3, 4, 6)] * 6
assert sheet([[image, image]]).shape == (3, 9, 28)
key = "a" * 64
(folder / "cards").mkdir()
path = folder / "cards" / f"{key}.safetensors"
origin = {"style": "waves.jpg", "steps": 3}
card = PlainCard("m", {"a": image}, thumbnail=thumbnail_bytes(image), provenance=origin)
write_card(path, card)
assert read_card(path).summary()["numbers"] == 324
assert read_header(path)["method"] == "m" and "values" in read_file(path)[0]
cache = CardCache(folder / "cards")
assert [entry.style for entry in cache.entries()] == ["waves.jpg"] and cache.clear() == 1
"""


def test_pictures_headers_cards_and_the_cache_need_no_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
