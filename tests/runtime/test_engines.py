"""One network by every engine: the same picture, and the one that is done first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gesso
from command_line import python, refused
from gesso import assets
from gesso.bench.engines import HEADS, measured, table
from gesso.cli import run
from gesso.cli.engines import WRITTEN_S, megapixels, quickest
from gesso.controls.controls import Controls
from gesso.errors import OptionError
from gesso.export import engines
from gesso.export.engines import Through
from gesso.graphs.graph import Graph
from gesso.images.read import read_image, read_photo
from gesso.nn.transfer import TransferNet
from gesso.runtime.looks import AnyStyle
from gesso.runtime.onnx_bytes import ends_of, facts_of, with_weights
from gesso.runtime.sessions import Network
from gesso.stylizers.stylizer import Stylizer, of_network

NEAR = 2 / 255
PHOTOS = sorted(assets.CONTENTS.glob("*.jpg"))
STYLE = sorted(assets.STYLES.glob("*.jpg"))[3]


def photo(size: int, number: int = 0) -> torch.Tensor:
    return torch.from_numpy(read_image(PHOTOS[number], size=size))[None]


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    assert one.shape == other.shape and one.dtype == other.dtype
    return float((one - other).abs().max())


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_network_of_torch_makes_the_same_pictures(engine: str) -> None:
    pytest.importorskip(engine)
    torch.manual_seed(0)
    stylizer = of_network(TransferNet(4))
    other = Through(engine)(stylizer)
    assert other.network is stylizer.network
    both = torch.cat([photo(61), photo(61).flip(2)])
    for contents in (photo(47), both, photo(80, 4) * 0.1, torch.full((1, 3, 33, 21), 0.5)):
        assert apart(other(contents), stylizer(contents)) <= NEAR


@pytest.mark.parametrize("name", ["meta_networks", "adain"])
def test_openvino_makes_the_pictures_of_onnxruntime(name: str) -> None:
    pytest.importorskip("openvino")
    pictures = [read_photo(PHOTOS[0], size=117).rgb, read_photo(PHOTOS[4], size=90).rgb * 0.1]
    looks = [AnyStyle(name, None, engine).look([STYLE], style_size=96) for engine in engines_()]
    for picture in map(np.float32, pictures):
        one, other = (look(picture) for look in looks)
        assert np.abs(one - other).max() <= NEAR


def engines_() -> tuple[str, str]:
    return "onnxruntime", "openvino"


def test_openvino_sends_no_word_to_its_makers() -> None:
    pytest.importorskip("openvino")
    script = "import sys; from gesso.runtime.engines import module_of; module_of('openvino'); "
    script += "sys.exit(sum('telemetry.' in name for name in sys.modules if 'ovc' not in name))"
    assert python("-c", script).returncode == 0


@pytest.mark.slow
def test_a_compiled_network_makes_the_same_pictures_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "BACKEND", "eager")  # traced as for all others
    stylizer = of_network(TransferNet(4))
    other = Through("compile")(stylizer)
    for contents in (photo(61), photo(90), photo(50) * 0.1):
        assert apart(other(contents), stylizer(contents)) <= NEAR


def test_what_is_no_network_stays_with_torch() -> None:
    swaps = Stylizer(lambda contents, on_step: contents, why_none="optimises every picture")
    unknown = Stylizer(lambda contents, on_step: contents, torch.nn.Identity())
    for stylizer, engine, words in (
        (swaps, "onnxruntime", "onnxruntime: no network to compute: the method optimises every"),
        (unknown, "onnxruntime", "nobody wrote Identity down as a graph; only torch"),
        (unknown, "compile", "Identity is computed in tiles; only torch"),
    ):
        assert Through(engine, where_possible=True)(stylizer) is stylizer
        with pytest.raises(OptionError, match=words):
            Through(engine)(stylizer)


def test_an_engine_that_is_not_there_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("gesso.runtime.engines.is_installed", lambda name: name == "onnxruntime")
    monkeypatch.setattr("gesso.export.engines.is_installed", lambda name: False)
    words = ["stylize", str(PHOTOS[0]), "-s", "impasto", "-o", str(tmp_path / "x.png"), "--engine"]
    assert run([*words, "openvino"]) == 2
    line = "--engine: openvino is not installed: pip install 'gesso[openvino]'\n"
    assert capsys.readouterr().err == line
    with pytest.raises(OptionError, match=r"needs onnx .* pip install 'gesso\[export\]'"):
        Through("onnxruntime")


def test_the_engine_that_is_done_first_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("torch", "onnxruntime", "openvino")
    monkeypatch.setattr("gesso.runtime.engines.is_installed", lambda name: True)
    assert quickest(megapixels(1, 512), names) == "onnxruntime"
    assert quickest(megapixels(500, 1024), names) == "torch"
    assert quickest(megapixels(500, 1024), names, "adain") == "openvino"
    assert quickest(megapixels(1, 256), names, "adain", WRITTEN_S) == "torch"
    assert quickest(megapixels(500, 1024), names, "adain", WRITTEN_S) == "openvino"
    monkeypatch.setattr("gesso.runtime.engines.is_installed", lambda name: name == "onnxruntime")
    assert quickest(megapixels(500, 1024), names) == "onnxruntime"
    assert megapixels(2, 1000) == 1.5


def test_one_picture_of_a_method_of_one_pass_is_made_without_torch(
    tmp_path: Path, own_cache: Path
) -> None:
    script = "import sys; from gesso.cli import run; code = run(sys.argv[1:]); "
    script += "sys.exit(code or 9 * ('torch' in sys.modules))"
    out = tmp_path / "out.png"
    words = ["stylize", str(PHOTOS[0]), "-s", str(STYLE), "-o", str(out), "--size", "64"]
    words += ["--method", "meta_networks", "--engine", "fastest"]
    assert python("-c", script, *words).returncode == 0
    made = gesso.stylize(PHOTOS[0], STYLE, method="meta_networks", size=64)
    found = (read_photo(out).rgb.transpose(1, 2, 0) * 255).round()
    assert np.abs(found - made).max() <= 2
    done = python("-m", "gesso", *words, "--polish", "1", "--json")
    assert done.returncode == 0 and '"engine": "torch ' in done.stdout
    done = python("-m", "gesso", *words, "--engine", "compile", "--style", str(tmp_path / "x.onnx"))
    refused((done.returncode, done.stdout, done.stderr), "--engine: compile; ", "OpenVINO")


def test_a_method_of_torch_takes_another_engine(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    method = gesso.load("metastyle")
    card = method.neutral()
    plain = Controls(paint_from=40).stylizer(method, card)(photo(90))
    method.engine = Through("openvino")
    assert 0 < apart(Controls(paint_from=40).stylizer(method, card)(photo(90)), plain) <= NEAR


def test_numbers_are_put_into_a_graph_without_any_package() -> None:
    g = Graph()
    x = g.input("image", [1, "wide"])
    rows = np.arange(300, dtype=np.float32).reshape(1, 300)
    g.output(g.op("Mul", x, g.weight("rows", rows)), "picture", [1, None])
    outside = g.model({"gesso_part": "ä"}, lambda name: True).SerializeToString()
    whole = with_weights(outside, {"rows": rows})
    assert ends_of(whole) == (["image"], ["picture"])
    assert facts_of(whole) == {"gesso_part": "ä"}
    made = Network(whole).run({"image": np.full((1, 300), 2.0)})
    assert np.array_equal(made["picture"], 2 * rows)
    for damaged in (outside[:-3], b"\xff" * 20, b"\x0b\x00"):
        with pytest.raises(ValueError):
            with_weights(damaged, {})


def test_a_table_of_engines_has_a_row_for_each(own_cache: Path) -> None:
    found = list(measured(["meta_networks"], ["onnxruntime", "none"], 1, lambda *_: None))
    for row in found:
        assert len(row) == len(HEADS)
    (first, second) = found
    assert first[:3] == ["meta_networks", "onnxruntime", "–"]
    assert all(float(text) > 0 for text in first[3:6])
    assert second[2].startswith("– (") and "none" in second[2]
    assert table(found).count("\n") == 3
