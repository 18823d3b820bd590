"""Without torch: the same pictures, and one line where something needs it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gesso
from command_line import python, refused, without_torch
from gesso import assets
from gesso.cards.cache import CardCache
from gesso.controls.controls import Controls
from gesso.controls.options import ControlOptions
from gesso.environment import PRECISION
from gesso.errors import GessoError
from gesso.export.bundle import bundle
from gesso.export.export import Export
from gesso.images.read import read_photo
from gesso.images.write import write_image
from gesso.methods.registry import about
from gesso.options import changed
from gesso.pipeline.session import Session
from gesso.runtime.exported import exported_look
from gesso.runtime.looks import AnyStyle
from gesso.runtime.masks import read_mask
from gesso.runtime.painter import Painter
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
        found = light.look(styles, shares, ControlOptions(**how), 128)(picture)  # type: ignore[arg-type]
        cards = [method.adapt(style, style_size=128) for style in styles]
        stylizer = Controls(weights=shares, **how).stylizer(method, cards)  # type: ignore[arg-type]
        made = stylizer(torch.from_numpy(picture)[None])[0].numpy()
        assert np.abs(found - made).max() <= NEAR, (name, styles, how)


def halves() -> list[Any]:
    """Two masks that leave something to the photo, soft in between."""
    ramp = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(30, 0)
    left = (1 - ramp).clip(0, 0.9)
    right = (ramp - 0.3).clip(0, 1)
    right[:9] = 0
    return [left, right]


@pytest.mark.parametrize("name", METHODS)
def test_colours_are_the_photos_as_with_torch(name: str) -> None:
    method, light = gesso.load(name), AnyStyle(name)
    photo, dark = read_photo(PHOTOS[0], size=117).rgb, read_photo(PHOTOS[6], size=90).rgb * 0.2
    session = Session(method, of_none(name, style_size=128), cache=None)
    cases = (
        ([STYLES[3]], photo, {"color": "content"}),
        ([STYLES[3]], photo, {"color": "luminance"}),
        ([STYLES[1], STYLES[9]], photo, {"color": "content", "weights": [0.3, 0.7]}),
        ([STYLES[9]], np.float32(1) * dark, {"color": "content", "strength": 0.6}),
        ([STYLES[9]], photo, {"color": "luminance", "strength": 0.6, "stroke": 1.5}),
        ([pencil()], grey(photo), {"color": "content"}),
    )
    for styles, picture, how in cases:
        found = light.look(styles, how.get("weights"), ControlOptions(**how), 128)(picture)
        made = session.stylizer(styles, Controls(**how))(torch.from_numpy(picture)[None])[0].numpy()
        assert np.abs(found - made).max() <= NEAR, (name, styles, how)


@pytest.mark.parametrize("name", METHODS)
def test_regions_have_a_style_each_as_with_torch(name: str) -> None:
    method, light = gesso.load(name), AnyStyle(name)
    photo, large = read_photo(PHOTOS[0], size=117).rgb, read_photo(PHOTOS[6], size=420).rgb
    left, right = halves()
    cases = (
        (STYLES[3:5], photo, {"masks": [left]}),
        (STYLES[3:5], photo, {"masks": [left, right]}),
        (STYLES[3:5], photo, {"masks": [left, right], "feather": 9.0, "strength": 0.7}),
        (STYLES[5:8], photo, {"masks": [left, right], "stroke": 1.4, "feather": 200.0}),
        (STYLES[3:5], photo, {"masks": [left, right], "color": "content"}),
        (STYLES[3:5], photo, {"masks": [left, right], "color": "luminance"}),
        ([STYLES[8]], photo * np.float32(0.1), {"masks": [right], "color_share": 1.0}),
        (STYLES[7:9], photo * np.float32(0.15), {"masks": [left, right], "strength": 0.8}),
        (STYLES[3:5], large, {"masks": [left], "feather": 3.0}),
        (STYLES[3:5], photo, {"masks": [np.ones((5, 5), np.float32), 0 * left]}),
    )
    session = Session(method, of_none(name, style_size=128), cache=None)
    for styles, picture, how in cases:
        found = light.look(styles, None, ControlOptions(**how), 128)(picture)
        told = how | {"masks": [torch.from_numpy(mask) for mask in how["masks"]]}
        stylizer = session.stylizer(styles, Controls(**told))
        made = stylizer(torch.from_numpy(picture)[None])[0].numpy()
        assert np.abs(found - made).max() <= NEAR, (name, styles, how)
    with pytest.raises(GessoError, match="mask: 1 given, for 3 styles; allowed are 3, or 2"):
        light.look(STYLES[:3], None, ControlOptions(masks=[left]))


def test_masks_are_read_as_with_torch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = read_photo(PHOTOS[3], size=40).rgb
    hole = np.ones((1, *picture.shape[1:]), np.float32)
    hole[:, 5:9, 5:20] = 0
    write_image(tmp_path / "plain.png", picture)
    write_image(tmp_path / "clear.png", picture, alpha=hole)
    write_image(tmp_path / "cut.png", 0 * picture + np.float32(0.4), alpha=hole)
    for name in ("plain", "clear", "cut"):
        path = tmp_path / f"{name}.png"
        assert np.abs(read_mask(path) - gesso.read_mask(path).numpy()).max() < 1e-6
    write_image(tmp_path / "off.png", 0 * picture)
    assert not read_mask(tmp_path / "off.png").any() and "off everywhere" in caplog.text


def test_colours_and_masks_on_the_command_line(tmp_path: Path, own_cache: Path) -> None:
    out, mask = tmp_path / "out.png", tmp_path / "mask.png"
    write_image(mask, halves()[0][None].repeat(3, 0))
    words = ("stylize", PHOTOS[0], "-s", STYLES[3], "-s", STYLES[5], "-o", out, "--size", 90)
    more = ("--mask", mask, "--feather", 4, "--color", "content", "--method", "meta_networks")
    assert without_torch(*words, *more)[0] == 0
    controls = Controls(masks=[gesso.read_mask(mask)], feather=4.0, color="content")
    made = gesso.stylize(
        PHOTOS[0], STYLES[3:6:2], method="meta_networks", size=90, controls=controls, cache=False
    )
    assert np.abs(opened(out) - made.astype(int)).max() <= 2
    assert without_torch(*words, "--mask", mask, "--method", "adain")[0] == 0
    refused(without_torch(*words, "--mask", tmp_path / "no.png"), "no.png: no such file")
    few = (*words, *("--mask", mask) * 3)
    refused(without_torch(*few), "--mask: 3 given, for 2 styles; allowed are 2, or 1")


@pytest.mark.parametrize("name", METHODS)
def test_cards_of_torch_are_styles(tmp_path: Path, own_cache: Path, name: str) -> None:
    method, light = gesso.load(name), AnyStyle(name, CardCache(tmp_path / "cache"))
    photo = read_photo(PHOTOS[0], size=117).rgb
    kinds: list[dict[str, Any]] = [{}, {}]
    if name == "meta_networks":
        kinds += [{"kernels": True}, {"refine": 3, "batch": 1}]
    paths, cards = [], []
    for number, how in enumerate(kinds):
        cards.append(method.adapt(STYLES[3 + number], style_size=128, **how))
        paths.append(tmp_path / f"{number}.safetensors")
        cards[-1].save(paths[-1])
    cases: list[tuple[list[int], dict[str, Any]]] = [
        *(([number], {}) for number in range(len(kinds))),
        ([0, 1], {"weights": [0.25, 0.75]}),
        ([len(kinds) - 1], {"strength": 0.5}),
        ([0], {"color": "content"}),
        ([1], {"color": "luminance", "strength": 0.5}),
    ]
    for numbers, how in cases:
        look = light.look([paths[n] for n in numbers], how.get("weights"), ControlOptions(**how))
        made = Controls(**how).stylizer(method, [cards[n] for n in numbers])
        wanted = made(torch.from_numpy(photo)[None])[0].numpy()
        assert np.abs(look(photo) - wanted).max() <= NEAR, (name, numbers, how)
    out = tmp_path / "out.png"
    assert without_torch("stylize", PHOTOS[0], "-s", paths[0], "-o", out, "--size", 90)[0] == 0
    made = gesso.stylize(PHOTOS[0], cards[0], size=90)
    assert np.abs(opened(out) - made.astype(int)).max() <= 2
    pair = (paths[0], STYLES[9])
    shown = light.look(pair, None, None, 128)(photo)
    both = [cards[0], method.adapt(STYLES[9], style_size=128)]
    wanted = Controls().stylizer(method, both)(torch.from_numpy(photo)[None])[0].numpy()
    assert np.abs(shown - wanted).max() <= NEAR


PYTHON = """
import sys; sys.modules["torch"] = None
import gesso
photo, mask, card, wct, out = sys.argv[1:]
controls = gesso.Controls(masks=[gesso.read_mask(mask)], feather=4, color="luminance")
how = {"method": "meta_networks", "size": 80, "controls": controls, "strength": 0.8}
made = gesso.stylize(photo, ["impasto", "neon"], out, **how)
assert made.shape == (80, 80, 3)
seen = gesso.read_image(photo)
assert gesso.stylize(seen, [card, "neon"], controls=gesso.Controls(weights=[1, 2])).any()
for style, more in (
    (wct, {}), ([card, wct], {}), (card, {"method": "meta_networks"}), (card, {"preset": "best"}),
    (card, {"controls": gesso.Controls(polish=2)}),
):
    try:
        gesso.stylize(photo, style, **more)
    except gesso.GessoError as error:
        print(error)
"""


def test_python_has_controls_masks_and_cards(tmp_path: Path, own_cache: Path) -> None:
    mask, card, wct, out = (
        tmp_path / n for n in ("m.png", "a.safetensors", "w.safetensors", "o.png")
    )
    write_image(mask, halves()[0][None].repeat(3, 0))
    made = gesso.load("adain").adapt(STYLES[3], style_size=64)
    made.save(card)
    replace(made, method="wct").save(wct)
    done = python("-c", PYTHON, *map(str, (PHOTOS[0], mask, card, wct, out)))
    needs = "needs torch, which is not installed: pip install 'gesso[torch]'"
    lines = done.stdout.splitlines()
    assert lines[0] == f"style: a card of wct {needs}", (lines, done.stderr)
    assert "w.safetensors: a card of wct, but" in lines[1]
    assert lines[2].startswith("method: meta_networks, but")
    assert lines[3:] == [f"preset: {needs}", f"polish: {needs}"]
    how = {"masks": [gesso.read_mask(mask)], "feather": 4, "color": "luminance", "strength": 0.8}
    wanted = gesso.stylize(
        PHOTOS[0], ["impasto", "neon"], method="meta_networks", size=80, cache=False,
        controls=Controls(**how),
    )  # fmt: skip
    assert np.abs(opened(out) - wanted.astype(int)).max() <= 2


def test_cards_that_cannot_be_run_are_refused_in_one_line(tmp_path: Path, own_cache: Path) -> None:
    method = gesso.load("meta_networks")
    card = method.adapt(STYLES[3], style_size=64)
    path, out = tmp_path / "card.safetensors", tmp_path / "out.png"
    words = ("stylize", PHOTOS[0], "-s", path, "-o", out)
    for change, line in (
        ({"base": "0" * 64}, "card.safetensors: a card that needs the weights it was made with"),
        ({"tensors": {"hidden": torch.ones(13)}}, "card.safetensors: "),
        ({"tensors": {"kernels.down1": torch.ones(3)}}, "cannot run"),
        ({"tensors": {}}, "card.safetensors: "),
        ({"method": "wct"}, "card.safetensors: a card of wct needs torch, which is not installed"),
    ):
        replace(card, **change).save(path)
        refused(without_torch(*words), line)
    card.save(path)
    refused(without_torch(*words, "--method", "adain"), "--method: adain, but")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    refused(without_torch(*words), "card.safetensors: ")
    assert not out.exists()


def grey(photo: Any) -> Any:
    return photo[:1].repeat(3, 0)


def of_none(name: str, **changes: Any) -> Any:
    """A method's options with these changes."""
    return changed(about(name).options(), changes)


@pytest.mark.parametrize("name", METHODS)
def test_in_bfloat16_they_differ_by_little(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = read_photo(PHOTOS[0], size=117).rgb
    found = AnyStyle(name).look([STYLES[3]], None, None, 128)(photo)
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
    words = ("stylize", photo, "--style", style, "-o", out, "--size", 150)
    code, _, err = without_torch(*words, "--method", "meta_networks")
    assert code == 0 and "painted by" not in err
    made = gesso.stylize(photo, style, method="meta_networks", size=150, cache=False)
    assert np.abs(opened(out) - made.astype(int)).max() <= 2
    again = stylize(photo, style, method="meta_networks", size=150)
    assert np.array_equal(again, opened(out))


@pytest.mark.parametrize("style", ["papercut", "impasto", "pencil"])
def test_a_painted_png_is_about_as_small_as_pillow_has_it(style: str) -> None:
    painted = stylize(PHOTOS[0], style, method="meta_networks", size=200)
    usual, own = BytesIO(), BytesIO()
    Image.fromarray(painted).save(usual, "PNG")
    write_image(own, painted, format="png")
    assert len(own.getvalue()) <= 1.03 * len(usual.getvalue())


def opened(path: Path) -> Any:
    return (read_photo(path).rgb.transpose(1, 2, 0) * 255).round().astype(int)


def test_what_needs_torch_says_so_in_one_line(tmp_path: Path) -> None:
    style, photo = STYLES[0], PHOTOS[0]
    line = "needs torch, which is not installed: pip install 'gesso[torch]'"
    onto = ("-o", tmp_path / "out.png")
    for words in (
        ("adapt", style, "-o", tmp_path / "card.safetensors"),
        ("train", "metastyle", "--contents", tmp_path, "--styles", tmp_path, *onto),
        ("stylize", photo, "--style", style, *onto, "--color", "content", "--preset", "best"),
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
        (["--engine", "onnxruntime", "--polish", "3"], "--polish: needs --engine torch"),
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
    assert mixed.painters[0].ordinary is None and np.abs(mixed(dark) - first).max() > NEAR
    soft = AnyStyle(name, cache).look([STYLES[4]], controls=ControlOptions(0.5), style_size=64)(
        dark
    )
    assert (
        np.abs(soft - AnyStyle(name).look([STYLES[4]], None, ControlOptions(0.5), 64)(dark)).max()
        == 0
    )
    monkeypatch.setattr(Painter, "_of_ordinary", None)
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
    whole, half = (
        exported_look(tmp_path / "network", ControlOptions(s))(photo) for s in (1.0, 0.5)
    )
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


@pytest.mark.parametrize("name", (*METHODS, "matching"))
def test_bundled_graphs_are_those_of_the_networks(name: str, tmp_path: Path) -> None:
    for path in bundle(gesso.load(name), tmp_path):
        assert path.read_bytes() == (assets.GRAPHS / path.name).read_bytes(), "recipes/graphs.py"


def test_weights_that_do_not_fit_a_graph_are_named() -> None:
    with pytest.raises(GessoError, match=r"adain\.style: weights that do not fit its graph \(a\)"):
        Network.bundled("adain.style", {"a": [3]}, {})
