"""Builds the page: `python web/build.py SITE [PAGE]`, after `npm ci` in this folder.

SITE gets everything; PAGE the same without the weights, styles and contents, which the package has
already. Needs numpy, Pillow, ONNX Runtime and onnx; no torch.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from graphs import only_hidden, write_frames, write_graph
from numpy.typing import NDArray
from PIL import Image

from gesso import assets
from gesso.cards.packing import PlainCard, rounded, write_card
from gesso.disk.atomic import sha256_file
from gesso.disk.tensors import read_header
from gesso.images.read import read_image
from gesso.images.styles import bundled_styles
from gesso.images.write import write_image
from gesso.runtime.colors import Colors
from gesso.runtime.looks import AnyStyle
from gesso.runtime.painter import ORDINARY_PX
from gesso.runtime.sampling import bilinear
from gesso.runtime.seen import PALETTE
from gesso.runtime.sessions import Network
from gesso.version import __version__

HERE = Path(__file__).parent
ORT = HERE / "node_modules" / "onnxruntime-web" / "dist"
SOURCES = ("index.html", "page.css", "icon.svg", "page.webmanifest", "sw.js", "app", "paint")
RUNTIMES = (
    *("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    *("ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi.mjs", "ort-wasm-simd-threaded.jspi.wasm"),
)
METHODS = {"adain": "Rich", "meta_networks": "Bold"}
OURS = ("weights", "styles", "contents")  # what the package has outside the page
THUMBNAIL_PX = 144


def main(site: Path, page: Path | None = None) -> None:
    """Writes the site anew, and the page."""
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    for name in (*SOURCES, "studio"):
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, site / name)
        elif name != "studio":
            shutil.copy(HERE / name, site / name)
    (site / "ort").mkdir()
    for name in RUNTIMES:
        shutil.copy(ORT / name, site / "ort" / name)
    write_pictures(site)
    about = {name: write_method(site, name) for name in METHODS}
    write_files(site, about)
    if page is not None:
        shutil.rmtree(page, ignore_errors=True)
        shutil.copytree(site, page, ignore=lambda at, names: OURS if Path(at) == site else ())


def write_pictures(site: Path) -> None:
    """Styles and their thumbnails, contents, and what ordinary pictures look like."""
    shutil.copytree(assets.STYLES, site / "styles", ignore=shutil.ignore_patterns("*.md"))
    shutil.copytree(assets.CONTENTS, site / "contents", ignore=shutil.ignore_patterns("*.md"))
    (site / "thumbs").mkdir()
    for name, path in bundled_styles().items():
        with Image.open(path) as image:
            small = image.convert("RGB").resize((THUMBNAIL_PX,) * 2, Image.Resampling.LANCZOS)
        small.save(site / "thumbs" / f"{name}.webp", quality=78, method=6)
    some = [read_image(path) for path in sorted(assets.CONTENTS.glob("*.jpg"))]
    column = np.concatenate([bilinear(one, ORDINARY_PX, ORDINARY_PX) for one in some], 1)
    write_image(site / "ordinary.png", column)


def write_method(site: Path, name: str) -> dict[str, Any]:
    """The graphs of a method and the cards of the bundled styles; what the page has to know."""
    method = AnyStyle(name)
    style = onnx.load(assets.GRAPHS / f"{name}.style.onnx", load_external_data=False)
    network = onnx.load(assets.GRAPHS / f"{name}.network.onnx", load_external_data=False)
    about = {k: v for k, v in method.about.items() if k not in ("style", "network", "regions")}
    about |= {"title": METHODS[name], "base": method.weights.base}
    about["encoder"] = method.weights.trained_with
    if "statistics" in [one.name for one in style.graph.output]:
        levels = levels_of(name)
        widths = [method.about["network"][f"scale_{level}"][1] for level in levels]
        about |= {"levels": levels, "widths": widths, "config": {"level": levels[0]}}
    else:
        about |= {"groups": [one.name for one in style.graph.output], "config": hidden_config(name)}
        about["shapes"] = {i.name: shape(i) for i in network.graph.input}
        about["shapes"] = {n: about["shapes"][n] for n in about["groups"]}
        about["frames"] = write_frames(site, name, method, network, about["shapes"])
        only_hidden(style)
    about["moments"] = next(shape(i) for i in network.graph.input if i.name == "moments")
    write_cards(site / "cards" / name, method, style, about)
    for part, model in (("style", style), ("network", network)):
        about[part] = write_graph(site, f"{name}.{part}", model, name)
    return about


def shape(value: Any) -> list[int]:
    """The sides of a graph's input."""
    return [side.dim_value for side in value.type.tensor_type.shape.dim]


def levels_of(name: str) -> list[str]:
    """The levels whose statistics a card holds, as the graph has them one after the other."""
    config = read_header(assets.weights(name))["config"]
    return [config["objective"]["content_level"], *config["skips"]]


def hidden_config(name: str) -> dict[str, Any]:
    """What a card of a hidden vector says of its network."""
    config = read_header(assets.weights(name))["config"]
    return {key: config[key] for key in ("width", "hidden", "upsample")}


def write_cards(
    folder: Path, method: AnyStyle, style: onnx.ModelProto, about: dict[str, Any]
) -> None:
    """The cards of the bundled styles, as `gesso adapt` makes them."""
    folder.mkdir(parents=True)
    shapes = method.about["style"]
    names = [one.name for one in style.graph.initializer if one.name in shapes]
    numbers = {n: v.reshape(shapes[n]) for n, v in method.weights.of(names).items()}
    reader = Network(style.SerializeToString(), {n: np.float32(v) for n, v in numbers.items()})
    for name, path in bundled_styles().items():
        picture = read_image(path, size=about["style_size"])
        (found,) = reader.run({"style": picture[None]}).values()
        card = PlainCard(
            method.method,
            tensors_of(found, about),
            about["config"],
            {PALETTE: Colors.of(picture).numbers(), "style_size": about["style_size"]},
            about["base"],
            method.thumbnail(picture),
            {"style": path.name, "sha256": sha256_file(path), "gesso": __version__},
        )
        write_card(folder / f"{name}.safetensors", rounded(card))


def tensors_of(found: NDArray[Any], about: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """What the style's graph found, as a card names it."""
    if "levels" not in about:
        return {"hidden": found[0]}
    parts = np.split(found, np.cumsum(about["widths"])[:-1], 1)
    pairs = list(zip(about["levels"], parts, strict=True))
    means = {f"mean.{level}": part[0] for level, part in pairs}
    return means | {f"deviation.{level}": part[1] for level, part in pairs}


def write_files(site: Path, about: dict[str, Any]) -> None:
    """files.json: methods, styles, and every file with its size; the worker's version is a hash of
    all of them."""
    paths = sorted(p for p in site.rglob("*") if p.is_file())
    hashes = {p.relative_to(site).as_posix(): sha256_file(p) for p in paths}
    version = hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:16]
    known = {"gesso": __version__, "version": version, "methods": about}
    known["styles"] = list(bundled_styles())
    known["files"] = {name: (site / name).stat().st_size for name in hashes}
    (site / "files.json").write_text(json.dumps(known, separators=(",", ":")), encoding="utf-8")
    worker = site / "sw.js"
    worker.write_text(worker.read_text(encoding="utf-8").replace("VERSION", version), "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
