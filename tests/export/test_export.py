"""What docs/export.md promises of an exported file, read as a stranger reads it: by onnxruntime,
numpy and Pillow."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import gesso
from gesso.cards.card import StyleCard
from gesso.cli import run
from gesso.disk.atomic import sha256_file
from gesso.methods.base import Method
from gesso.stylizers.stylizer import Stylizer
from tiny import grained, pictures, quick
from tiny_files import TinyFiles

SIZES = ((64, 48), (65, 51), (96, 80))  # height, width
OF_CARDS = ("metastyle", "johnson", "conditional_in", "meta_networks", "adain")
OF_METHODS = ("meta_networks", "adain")
DTYPES = {"float32": 1e-4, "float16": 2 / 255}  # and how near they come to torch
PLAIN = 2 / 255  # of flat, smooth and dark photos, which are stretched

Array = NDArray[Any]


class Stranger:
    """Runs one file by its contract."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self.facts = self.session.get_modelmeta().custom_metadata_map

    def run(self, **given: Array) -> dict[str, Array]:
        outputs = [output.name for output in self.session.get_outputs()]
        return dict(zip(outputs, self.session.run(None, given), strict=True))


def opened(path: Path) -> Array:
    """A picture's file as the contract wants it: (1, 3, H, W), RGB in [0, 1]."""
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB"), np.float32) / 255
    return rgb.transpose(2, 0, 1)[None]


def photos(folder: Path) -> list[Path]:
    """Photos of several sizes as files."""
    paths = []
    for height, width in SIZES:
        image = pictures(1, 96, seed=height)[0, :, :height, :width]
        image = grained((image - image.amin()) / (image.amax() - image.amin()))
        paths.append(folder / f"{height}.png")
        gesso.write_image(paths[-1], image)
    return paths


def painting(folder: Path) -> Path:
    """A style as a file."""
    image = pictures(1, 80, seed=3)[0, :, :, :72]
    gesso.write_image(folder / "style.png", grained((image - image.amin()) * 1.5))
    return folder / "style.png"


def plain_photos() -> list[Tensor]:
    """One is flat, one dark, one a gradient."""
    flat = torch.full((1, 3, 70, 90), 0.6)
    dark = grained(pictures(1, 80, seed=2)) * 0.15
    slope = torch.linspace(0, 1, 120).expand(1, 3, 64, 120)
    return [flat, dark, (slope * 255).round() / 255]


def card_of(method: Method, style: Path, folder: Path) -> tuple[StyleCard, Path]:
    card = method.adapt(style, [pictures(1, 66)[0]], **quick(method))
    card.save(folder / "card.safetensors")
    return card, folder / "card.safetensors"


def furthest(found: Array, stylizer: Stylizer, content: Array) -> float:
    return float(np.abs(found - stylizer(torch.from_numpy(content.copy())).numpy()).max())


@pytest.mark.parametrize("name", OF_CARDS)
def test_a_cards_network_makes_the_pictures_that_torch_makes(
    name: str, files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name not in OF_METHODS:  # whose tiny networks give what no picture has
        monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    method = gesso.load(name)
    card, file = card_of(method, painting(tmp_path), tmp_path)
    stylizer = method.stylizer(card)
    for dtype, most in DTYPES.items():
        assert run(["export", str(file), "-o", str(tmp_path / dtype), "--dtype", dtype, "-q"]) == 0
        (path,) = (tmp_path / dtype).iterdir()
        network = Stranger(path)
        for photo in map(opened, photos(tmp_path)):
            made = network.run(image=photo)
            assert made["picture"].shape == photo.shape and made["lacking"] == 0
            assert furthest(made["picture"], stylizer, photo) <= most
        for plain in plain_photos():
            made = network.run(image=plain.numpy())
            assert made["lacking"] > 0.5
            assert furthest(made["picture"], stylizer, plain.numpy()) <= PLAIN


@pytest.mark.parametrize("name", OF_METHODS)
def test_a_methods_two_networks_take_on_any_style_as_torch_does(name: str, tmp_path: Path) -> None:
    method, style = gesso.load(name), painting(tmp_path)
    card = method.adapt(style, exact=True, **quick(method, style_size=80))
    stylizer = method.stylizer(card)
    for dtype, most in DTYPES.items():
        out = tmp_path / dtype
        assert run(["export", name, "-o", str(out), "--dtype", dtype, "-q"]) == 0
        painter, network = Stranger(out / "style.onnx"), Stranger(out / "network.onnx")
        given = painter.run(style=opened(style))
        settings = json.loads(network.facts["gesso_settings"])
        given |= {key: np.array([value], np.float32) for key, value in settings.items()}
        given |= without_surroundings(network)
        for photo in map(opened, photos(tmp_path)):
            picture = network.run(image=photo, **given)["picture"]
            assert furthest(picture, stylizer, photo) <= most
        given |= surroundings(network, given)
        for plain in plain_photos():
            picture = network.run(image=plain.numpy(), **given)["picture"]
            assert furthest(picture, stylizer, plain.numpy()) <= PLAIN


def without_surroundings(network: Stranger) -> dict[str, Array]:
    shape = next(one.shape for one in network.session.get_inputs() if one.name == "moments")
    nothing = {"among": np.zeros(1), "light": np.full(1, 0.5), "moments": np.zeros(shape)}
    return {name: value.astype(np.float32) for name, value in nothing.items()}


def surroundings(network: Stranger, given: dict[str, Array]) -> dict[str, Array]:
    """As the contract describes it, of gesso's own ordinary pictures."""
    from gesso.stylizers.ordinary import ordinary_pictures

    made = network.run(image=ordinary_pictures().numpy(), **given)
    light = (np.array([0.299, 0.587, 0.114])[:, None, None] * made["picture"]).sum(1).mean()
    one = {"among": np.ones(1, np.float32), "light": np.full(1, light, np.float32)}
    return {**one, "moments": made["own_moments"]}


def test_alpha_leads_from_the_photo_to_the_style(tiny_weights: TinyFiles, tmp_path: Path) -> None:
    assert run(["export", "adain", "-o", str(tmp_path), "-q"]) == 0
    painter, network = Stranger(tmp_path / "style.onnx"), Stranger(tmp_path / "network.onnx")
    (photo, *_) = map(opened, photos(tmp_path))
    given = painter.run(style=opened(tiny_weights.style)) | without_surroundings(network)
    made = {
        alpha: network.run(image=photo, alpha=np.array([alpha], np.float32), **given)["picture"]
        for alpha in (0.0, 0.5, 1.0)
    }
    method = gesso.load("adain")
    neutral = method.stylizer(method.neutral(torch.from_numpy(photo[0])))
    assert furthest(made[0.0], neutral, photo) <= 1e-3
    assert np.abs(made[0.5] - made[0.0]).mean() < np.abs(made[1.0] - made[0.0]).mean()


def test_a_file_says_what_it_is_and_of_what_and_nothing_of_this_machine(
    tiny_weights: TinyFiles, tmp_path: Path
) -> None:
    method = gesso.load("meta_networks")
    _, file = card_of(method, tiny_weights.style, tmp_path)
    assert run(["export", str(file), "-o", str(tmp_path), "-q"]) == 0
    network = Stranger(tmp_path / "network.onnx")
    facts = network.facts
    assert facts["gesso_contract"] == "1" and facts["gesso_method"] == "meta_networks"
    assert facts["gesso_card_sha256"] == sha256_file(file)
    assert facts["gesso_weights_sha256"] == method.base
    assert facts["gesso_licence"].startswith("Apache-2.0")
    assert json.loads(facts["gesso_provenance"])["style"] == tiny_weights.style.name
    (image,) = network.session.get_inputs()
    assert (image.name, image.shape) == ("image", [1, 3, "height", "width"])
    data = (tmp_path / "network.onnx").read_bytes()
    assert str(tmp_path).encode() not in data and b"site-packages" not in data
    assert run(["export", str(file), "-o", str(tmp_path / "again"), "-q"]) == 0
    assert (tmp_path / "again" / "network.onnx").read_bytes() == data  # equal, and no temporary
    assert not list((tmp_path / "again").glob(".tmp*"))


def test_what_is_no_plain_network_is_refused_with_the_reason(
    tiny_weights: TinyFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, gatys = card_of(gesso.load("gatys"), tiny_weights.style, tmp_path)
    for arguments, words in (
        ([str(gatys)], "gatys optimises every picture"),
        (["metastyle"], "metastyle does not take on styles by one network"),
        (["nothing"], "nothing: no such card or method; allowed are a card's file, or one of"),
        (["adain", "--dtype", "int8"], "--dtype: int8: allowed are float32, float16"),
    ):
        assert run(["export", *arguments, "-o", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_onnx_the_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run(["export", "adain", "-o", str(tmp_path)]) == 2
    assert "pip install 'gesso[export]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", OF_METHODS)
def test_pictures_may_be_smaller_than_what_a_network_sees(name: str, tmp_path: Path) -> None:
    method = gesso.load(name)
    card, file = card_of(method, painting(tmp_path), tmp_path)
    assert run(["export", str(file), "-o", str(tmp_path), "-q"]) == 0
    network, stylizer = Stranger(tmp_path / "network.onnx"), method.stylizer(card)
    for height, width in ((3, 3), (5, 90), (31, 17)):
        photo = np.random.default_rng(0).random((1, 3, height, width), np.float32)
        assert furthest(network.run(image=photo)["picture"], stylizer, photo) <= 1e-3
