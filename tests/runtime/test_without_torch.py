"""Without torch: the same pictures, and one line where something needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gesso
from command_line import python, refused, without_torch
from gesso import assets
from gesso.cards.cache import CardCache
from gesso.controls.controls import Controls
from gesso.environment import PRECISION
from gesso.errors import GessoError
from gesso.export.bundle import bundle
from gesso.export.export import Export
from gesso.images.read import read_photo
from gesso.runtime.look import Look, Painting
from gesso.runtime.looks import AnyStyle, exported_look
from gesso.runtime.sessions import Network
from gesso.runtime.stylize import stylize

METHODS = ("meta_networks", "adain")
NEAR = 2 / 255
STYLES = sorted(assets.STYLES.glob("*.jpg"))
PHOTOS = sorted(assets.CONTENTS.glob("*.jpg"))


def on_white() -> Any:
    """Something that stands before white."""
    picture = np.ones((3, 120, 160), np.float32)
    inside = read_photo(PHOTOS[3], size=80).rgb[:, :60, :60]
    picture[:, 40 : 40 + inside.shape[1], 70 : 70 + inside.shape[2]] = inside
    return picture


@pytest.mark.parametrize("name", METHODS)
def test_pictures_are_those_that_torch_makes(name: str) -> None:
    method, light = gesso.load(name), AnyStyle(name)
    photo = read_photo(PHOTOS[0], size=117).rgb
    small = {"paint_size": 90, "color_share": 0.9}
    cases = (
        ([STYLES[3]], photo, {}),
        ([STYLES[1], STYLES[9]], photo, {}),
        ([STYLES[12]], read_photo(PHOTOS[6], size=200).rgb, {"paint_from": 100}),
        ([STYLES[7]], read_photo(PHOTOS[4], size=128).rgb, small),
        ([STYLES[5]], on_white(), {}),
        ([STYLES[6]], photo * np.float32(0.12), {}),
        ([pencil()], photo, {"ground": "painted"}),
        ([STYLES[3]], photo, {"strength": 0.6}),
        ([STYLES[6]], photo * np.float32(0.12), {"strength": 0.4}),
        ([STYLES[9]], photo, {"stroke": 1.5}),
        ([STYLES[9]], photo, {"stroke": 0.8, "strength": 0.7}),
        ([STYLES[5]], photo, {"strength": 0.0}),
    )
    for styles, picture, how in cases if name == "meta_networks" else [*cases[1:5], *cases[7:11]]:
        shares = [0.3, 0.7] if len(styles) > 1 else None
        found = light.look(styles, shares, Painting(**how), 128)(picture)  # type: ignore[arg-type]
        cards = [method.adapt(style, style_size=128) for style in styles]
        stylizer = Controls(weights=shares, **how).stylizer(method, cards)  # type: ignore[arg-type]
        made = stylizer(torch.from_numpy(picture)[None])[0].numpy()
        assert np.abs(found - made).max() <= NEAR, (name, styles, how)


@pytest.mark.parametrize("name", METHODS)
def test_in_bfloat16_they_differ_by_little(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = read_photo(PHOTOS[0], size=117).rgb
    found = AnyStyle(name).look([STYLES[3]], None, Painting(), 128)(photo)
    monkeypatch.setenv(PRECISION, "fast")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    method = gesso.load(name)
    card = method.adapt(STYLES[3], style_size=128)
    made = Controls().stylizer(method, [card])(torch.from_numpy(photo)[None])[0].numpy()
    apart = 255 * np.abs(found - made)
    assert apart.mean() <= 1 and np.percentile(apart, 99.9) <= 8


def pencil() -> Any:
    """A style of one faint tint."""
    rows = np.random.default_rng(0).random((1, 96, 128), np.float32)
    return np.concatenate([rows, rows, 0.96 * rows])


def test_the_command_writes_the_picture_that_it_writes_with_torch(
    tmp_path: Path, own_cache: Path
) -> None:
    style, photo, out = STYLES[3], PHOTOS[0], tmp_path / "out.png"
    code, _, err = without_torch("stylize", photo, "--style", style, "-o", out, "--size", 150)
    assert code == 0 and "painted by meta_networks" in err and "gesso[torch]" in err
    made = gesso.stylize(photo, style, method="meta_networks", size=150, cache=False)
    assert np.abs(opened(out) - made.astype(int)).max() <= 2
    again = stylize(photo, style, size=150)
    assert np.array_equal(again, opened(out))


def opened(path: Path) -> Any:
    return (read_photo(path).rgb.transpose(1, 2, 0) * 255).round().astype(int)


def test_what_needs_torch_says_so_in_one_line(tmp_path: Path) -> None:
    style, photo = STYLES[0], PHOTOS[0]
    line = "needs torch, which is not installed: pip install 'gesso[torch]'"
    onto = ("-o", tmp_path / "out.png")
    for words in (
        ("adapt", style, "-o", tmp_path / "card.safetensors"),
        ("train", "metastyle", "--contents", tmp_path, "--styles", tmp_path, *onto),
        ("stylize", photo, "--style", style, *onto, "--color", "content", "--preset", "draft"),
        ("styles", photo, *onto),
    ):
        refused(without_torch(*words), line)
    assert not list(tmp_path.iterdir())
    script = "import sys; sys.modules['torch'] = None; import gesso; gesso.load('adain')"
    assert line in python("-c", script).stderr.splitlines()[-1]


def test_the_engine_can_be_chosen_where_torch_is(tmp_path: Path, own_cache: Path) -> None:
    out = tmp_path / "out.png"
    words = ("stylize", PHOTOS[0], "--style", STYLES[3], "-o", out, "--size", 64)
    script = "import sys; from gesso.cli import run; code = run(sys.argv[1:]); "
    script += "sys.exit(code or 9 * ('torch' in sys.modules))"
    chosen = [str(word) for word in (*words, "--engine", "onnxruntime")]
    assert python("-c", script, *chosen).returncode == 0
    assert np.array_equal(opened(out), stylize(PHOTOS[0], STYLES[3], size=64))
    for more, line in (
        (["--engine", "onnxruntime", "--color", "content"], "--color: needs --engine torch"),
        (["--engine", "cuda"], "--engine: cuda is unknown; allowed are auto, fastest, torch, onnx"),
        (["--engine", "torch", "--style", str(tmp_path / "x.onnx")], "--engine: torch;"),
    ):
        done = python("-m", "gesso", *map(str, words), *more)
        refused((done.returncode, done.stdout, done.stderr), line)


def test_a_style_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, cache = read_photo(PHOTOS[2], size=64).rgb, CardCache(tmp_path)
    first = AnyStyle("adain", cache).look([STYLES[4]], style_size=64)(photo)
    (entry,) = cache.entries()
    assert (entry.style, entry.method) == (STYLES[4].name, "adain")
    known = AnyStyle("adain", cache)
    monkeypatch.setattr(AnyStyle, "_found", None)
    assert np.array_equal(known.look([STYLES[4]], style_size=64)(photo), first)
    with pytest.raises(TypeError):  # another size is another look
        known.look([STYLES[4]], style_size=65)


@pytest.mark.parametrize("name", METHODS)
def test_what_a_style_makes_of_ordinary_pictures_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    dark, cache = read_photo(PHOTOS[2], size=64).rgb * np.float32(0.1), CardCache(tmp_path)
    plain = AnyStyle(name).look([STYLES[4]], style_size=64)(dark)
    first = AnyStyle(name, cache).look([STYLES[4]], style_size=64)(dark)
    mixed = AnyStyle(name, cache).look(STYLES[4:6], style_size=64)
    assert mixed.ordinary is None and np.abs(mixed(dark) - first).max() > NEAR
    soft = AnyStyle(name, cache).look([STYLES[4]], painting=Painting(0.5), style_size=64)(dark)
    assert np.abs(soft - AnyStyle(name).look([STYLES[4]], None, Painting(0.5), 64)(dark)).max() == 0
    monkeypatch.setattr(Look, "_of_ordinary", None)
    known = AnyStyle(name, cache).look([STYLES[4]], style_size=64)
    assert np.array_equal(known(dark), first) and np.array_equal(first, plain)


def test_weights_that_sum_to_nothing_are_refused() -> None:
    with pytest.raises(GessoError, match="sum to 0"):
        AnyStyle("adain").look(STYLES[:2], [1.0, -1.0], style_size=64)


def test_an_exported_card_is_a_style_for_everybody(tmp_path: Path) -> None:
    method = gesso.load("meta_networks")
    card = method.adapt(STYLES[2])
    card.save(tmp_path / "card.safetensors")
    Export(tmp_path / "network").card(method, card, tmp_path / "card.safetensors")
    photo = read_photo(PHOTOS[5], size=130).rgb
    made = Controls().stylizer(method, card)(torch.from_numpy(photo)[None])[0].numpy()
    assert np.abs(exported_look(tmp_path / "network")(photo) - made).max() <= NEAR
    whole, half = (exported_look(tmp_path / "network", Painting(s))(photo) for s in (1.0, 0.5))
    assert np.std(half - photo) == pytest.approx(0.5 * np.std(whole - photo), rel=0.02)
    out = tmp_path / "out.png"
    words = ("stylize", PHOTOS[5], "--style", tmp_path / "network", "-o", out, "--size", 130)
    assert without_torch(*words)[0] == 0
    assert np.abs(opened(out) - (made.transpose(1, 2, 0) * 255).round()).max() <= 2
    refused(without_torch(*words, "--method", "adain"), "--method: of no use with")


def test_foreign_and_damaged_networks_are_refused_in_one_line(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    weight = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../etc/passwd")
    ends = [helper.make_tensor_value_info(n, 1, [4]) for n in ("image", "picture")]
    node = helper.make_node("Add", ["image", "w"], ["picture"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [weight])
    opset = [helper.make_opsetid("", 20)]
    hostile = helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
    own = helper.make_tensor("w", 1, [4], [1.0, 2.0, 3.0, 4.0])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [own])
    other = helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
    Export(tmp_path / "pair").method(gesso.load("adain"))
    plain = (tmp_path / "pair" / "style.onnx").read_bytes()
    for data, words in (
        (hostile, "its numbers are in another file, which is not read"),
        (other, "not a network that gesso export wrote"),
        (b"no graph", "not a network that can be run"),
        (plain[: len(plain) // 2], "not a network that can be run"),
        (plain, "a network for any style, not that of a card"),
    ):
        (tmp_path / "network.onnx").write_bytes(data)
        with pytest.raises(GessoError, match=words) as caught:
            exported_look(tmp_path / "network.onnx")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", METHODS)
def test_bundled_graphs_are_those_of_the_networks(name: str, tmp_path: Path) -> None:
    for path in bundle(gesso.load(name), tmp_path):
        assert path.read_bytes() == (assets.GRAPHS / path.name).read_bytes(), "recipes/graphs.py"


def test_weights_that_do_not_fit_a_graph_are_named() -> None:
    with pytest.raises(GessoError, match=r"adain\.style: weights that do not fit its graph \(a\)"):
        Network.bundled("adain.style", {"a": [3]}, {})
