"""Encoders: what they compute, where their weights come from, and what is refused on the way."""

from __future__ import annotations

import functools
import hashlib
import http.client
import http.server
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso import assets
from gesso.cards.card import StyleCard
from gesso.disk.atomic import sha256_file
from gesso.disk.cache_dir import cache_dir, cache_folder
from gesso.encoders import download, load_encoder, sources, vgg
from gesso.encoders.compact import CompactEncoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.nn.checkpoint import load_file, save_file
from gesso.reports import Progress, listening
from tiny import WIDTHS, pictures, tiny_encoder

CONVOLUTIONS = {  # as numbered in torchvision's `features`
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
NARROW = (4, 6, 8, 10, 10)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG at a fraction of its widths."""
    monkeypatch.setattr(vgg, "WIDTHS", NARROW)


def caffe_weights(variant: str, deepest: str = "relu5_1") -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(len(variant) + ord(variant[-1]))
    return {
        name: torch.randn(shape, generator=generator) / (shape[1] * 3 if len(shape) > 1 else 1)
        for name, shape in vgg.tensor_shapes(variant, deepest).items()
    }


def torchvision_weights(variant: str) -> dict[str, Tensor]:
    """A whole state dict, all sixteen or so layers and a bit of the classifier."""
    weights = caffe_weights(variant, f"relu5_{BLOCKS[variant][4]}")
    names = [f"features.{i}.{part}" for i in CONVOLUTIONS[variant] for part in ("weight", "bias")]
    state = dict(zip(names, weights.values(), strict=True))
    return {**state, "classifier.0.weight": torch.randn(7, 5), "classifier.0.bias": torch.randn(7)}


def write(path: Path, tensors: dict[str, Tensor]) -> Path:
    """A safetensors file from elsewhere."""
    safetensors.torch.save_file(tensors, path)
    return path


def one_line(error: pytest.ExceptionInfo[GessoError]) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400
    return text


def plain_vgg(weights: dict[str, Tensor], x: Tensor, blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """Features from a normalised input, by torch's own operators."""
    features = {}
    for b, depth in enumerate(blocks, 1):
        x = F.max_pool2d(x, 2) if b > 1 else x
        for i in range(1, depth + 1):
            name = f"conv{b}_{i}"
            if f"{name}.weight" not in weights:
                return features
            x = F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1).relu()
            features[f"relu{b}_{i}"] = x
    return features


# --- what they compute


@pytest.mark.parametrize(
    ("variant", "deepest", "parameters"),
    [
        ("vgg16", "relu4_3", 7_635_264),
        ("vgg16", "relu5_3", 14_714_688),
        ("vgg19", "relu4_1", 3_505_728),
        ("vgg19", "relu5_4", 20_024_384),
    ],
)
def test_vgg_has_the_published_layers_and_parameters(
    variant: str, deepest: str, parameters: int
) -> None:
    with torch.device("meta"):
        encoder = vgg.VGG(variant, caffe=False, deepest=deepest)
    assert sum(p.numel() for p in encoder.parameters()) == parameters
    assert encoder.levels[-1] == deepest
    every = [f"relu{b}_{i}" for b, d in enumerate(BLOCKS[variant], 1) for i in range(1, d + 1)]
    assert list(encoder.levels) == every[: len(encoder.levels)]


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_torchvisions_names_of_the_layers(variant: str) -> None:
    names = [
        f"conv{b}_{i}.weight" for b, d in enumerate(BLOCKS[variant], 1) for i in range(1, d + 1)
    ]
    expected = [f"features.{i}.weight" for i in CONVOLUTIONS[variant]]
    assert list(vgg.file_names(variant, names, "torchvision").values()) == expected


@pytest.mark.parametrize("size", [(32, 32), (40, 33), (17, 51)])
def test_feature_maps_halve_at_each_pooling(narrow: None, size: tuple[int, int]) -> None:
    height, width = size
    image = torch.rand(2, 3, *size)
    for encoder in (vgg.VGG("vgg16", caffe=False), tiny_encoder()):
        features = encoder(image)
        assert tuple(features) == encoder.levels
        for level, f in features.items():
            block = int(level[4]) - 1
            assert f.shape == (2, NARROW[block], height >> block, width >> block)


def test_the_compact_encoder_is_the_size_it_says() -> None:
    with torch.device("meta"):
        encoder = CompactEncoder()
    assert encoder.levels == LEVELS
    assert sum(p.numel() for p in encoder.parameters()) == 1_996_912
    assert [conv.out_channels for conv in encoder.heads] == [16, 64, 128, 256]


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_torchvision_vgg_takes_rgb_with_imagenets_mean_and_deviation(
    narrow: None, variant: str
) -> None:
    weights = caffe_weights(variant)
    encoder = vgg.from_tensors(variant, weights, "torchvision")
    image = pictures(1, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    expected = plain_vgg(weights, x, BLOCKS[variant])
    features = encoder(image)
    assert set(features) == set(expected)
    for level, f in features.items():
        torch.testing.assert_close(f, expected[level], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_caffe_vgg_takes_bgr_up_to_255_less_the_mean(narrow: None, variant: str) -> None:
    weights = caffe_weights(variant)
    encoder = vgg.from_tensors(variant, weights, "caffe")
    image = pictures(1, 32)
    bgr = image[:, [2, 1, 0]] * 255 - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    expected = plain_vgg(weights, bgr, BLOCKS[variant])
    for level, f in encoder(image).items():
        torch.testing.assert_close(f, expected[level], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", ["compact", "vgg"])
def test_asked_for_some_levels_it_gives_those_and_stops_there(narrow: None, kind: str) -> None:
    encoder = tiny_encoder() if kind == "compact" else vgg.VGG("vgg16", caffe=False).freeze()
    image = torch.rand(1, 3, 32, 32)
    everything = encoder(image)
    some = encoder(image, ["relu3_3", "relu1_2"])
    assert set(some) == {"relu1_2", "relu3_3"}
    assert all(torch.equal(f, everything[level]) for level, f in some.items())
    assert encoder(torch.rand(1, 3, 3, 5), ["relu2_2"])  # too small for deeper levels
    with pytest.raises(GessoError, match="no level relu9_9, relu9_9x; it has relu1_") as error:
        encoder(image, ["relu1_2", "relu9_9x", "relu9_9"])
    assert one_line(error).startswith(f"encoder {encoder.name}: ")


def test_gradients_reach_the_picture_but_not_a_frozen_encoder() -> None:
    encoder = tiny_encoder()
    image = pictures(1, 16).requires_grad_()
    encoder(image)["relu4_3"].square().sum().backward()
    assert image.grad is not None and float(image.grad.abs().max()) > 0
    assert all(p.grad is None and not p.requires_grad for p in encoder.parameters())
    assert not encoder.training


# --- the compact encoder's files


def test_a_compact_encoder_is_rebuilt_from_the_shapes_of_its_weights(tmp_path: Path) -> None:
    original = CompactEncoder((3, 4, 5, 6), (1, 2, 1, 2), (2, 3, 4, 5)).freeze()
    path = tmp_path / "student.safetensors"
    sha256 = save_file(path, original.state_dict(), {"kind": "encoder"})
    encoder = load_encoder(path)
    image = pictures(1, 16)
    for level, f in encoder(image).items():
        assert torch.equal(f, original(image)[level])
    assert encoder.identity == sha256
    assert not any(p.requires_grad for p in encoder.parameters())


def test_a_plain_file_with_gaps_in_its_numbers_is_the_same_encoder(tmp_path: Path) -> None:
    original = CompactEncoder(WIDTHS, (2, 1, 1, 3), WIDTHS).freeze()
    gaps = {name: re.sub(r"(blocks\.\d)\.(\d)", renumbered, name) for name in original.state_dict()}
    tensors = {gaps[name]: value.half() for name, value in original.state_dict().items()}
    path = write(tmp_path / "student.safetensors", {**tensors, "pca.0.energy": torch.ones(1)})
    encoder = load_encoder(path)
    assert encoder.identity == sha256_file(path)
    for name, value in encoder.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, original.state_dict()[name].half().float())


def renumbered(match: re.Match[str]) -> str:
    """blocks.1.2 → blocks.1.14: two-digit numbers sort after one-digit ones only as numbers."""
    return f"{match[1]}.{7 * int(match[2])}"


def drop(name: str) -> Any:
    return lambda tensors: tensors.pop(name)


def swap(name: str, *shape: int) -> Any:
    return lambda tensors: tensors.update({name: torch.zeros(shape)})


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (drop("heads.2.weight"), "heads.2.weight is missing"),
        (drop("heads.0.bias"), "heads.0.bias is missing"),
        (drop("blocks.1.0.weight"), "blocks.1.0.weight is missing"),
        (drop("blocks.1.0.bias"), "blocks.1.0.bias is missing"),
        (swap("blocks.2.0.weight", 8, 6, 5, 5), r"blocks.2.0.weight is \[8, 6, 5, 5\], expected"),
        (swap("blocks.3.0.weight", 10, 7, 3, 3), r"\[10, 7, 3, 3\], expected \[10, 8, 3, 3\]"),
        (swap("heads.1.bias", 60_000_000), r"heads.1.bias is \[60000000\], expected \[6\]"),
        (swap("blocks.0.0.weight"), r"blocks.0.0.weight is \[\], expected"),
    ],
)
def test_what_is_no_compact_encoder_is_refused_in_one_line(
    tmp_path: Path, spoil: Any, complaint: str
) -> None:
    tensors = {name: t.clone() for name, t in tiny_encoder().state_dict().items()}
    spoil(tensors)
    if "heads.1.bias" in tensors and tensors["heads.1.bias"].numel() > 1000:
        tensors["heads.1.bias"] = tensors["heads.1.bias"].bool()  # a smaller file
    path = write(tmp_path / "odd.safetensors", tensors)
    with pytest.raises(GessoError, match=complaint) as error:
        load_encoder(path)
    assert one_line(error).startswith(f"{path}: not a compact encoder: ")


def test_a_damaged_gesso_file_is_not_read_as_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "student.safetensors"
    save_file(path, tiny_encoder().state_dict(), {"kind": "encoder"})
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(GessoError, match="file damaged"):
        load_encoder(path)


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    card = tmp_path / "card.safetensors"
    StyleCard("metastyle", {"down.0.norm.gamma": torch.ones(4)}, {}).save(card)
    weights = tmp_path / "compact-weights.safetensors"
    save_file(weights, tiny_encoder().state_dict(), {"kind": "weights"})
    picture = tmp_path / "photo.safetensors"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    nan = {name: t.clone() for name, t in tiny_encoder().state_dict().items()}
    nan["heads.0.bias"][0] = torch.nan
    for path, complaint in [
        (card, "expected a file of kind encoder, found a style card of metastyle"),
        (weights, "expected a file of kind encoder, found weights"),
        (picture, "a PNG picture"),
        (write(tmp_path / "other.safetensors", {"fc.weight": torch.ones(2)}), "such as fc.weight"),
        (write(tmp_path / "nan.safetensors", nan), "heads.0.bias holds NaN"),
        (tmp_path / "absent.safetensors", "no such file; allowed: compact, vgg16, vgg19 or a file"),
        (tmp_path, "no such file"),
    ]:
        with pytest.raises(GessoError, match=complaint) as error:
            load_encoder(path)
        assert str(path) in one_line(error)


def test_the_bundled_encoder_is_the_default() -> None:
    encoder = load_encoder()
    assert encoder.name == "compact" and encoder.levels == LEVELS
    tensors, header = load_file(assets.weights("compact"), kind="encoder")
    assert encoder.identity == header["sha256"]
    weights = {n: t for n, t in tensors.items() if n.startswith(("blocks.", "heads."))}
    assert {t.dtype for t in weights.values()} == {torch.float16}
    assert sum(t.numel() for t in weights.values()) == 1_996_912
    features = encoder(pictures(2, 64))
    assert [f.shape[1] for f in features.values()] == [16, 64, 128, 256]
    for f in features.values():  # on its training pictures the mean square is 1
        assert 0.02 < float(f.square().mean()) < 20


# --- VGG's files


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_a_caffe_file_is_known_by_its_layers(narrow: None, variant: str, tmp_path: Path) -> None:
    weights = caffe_weights(variant)
    stored = {n: t.half() if n.endswith("weight") else t for n, t in weights.items()}
    path = write(tmp_path / "vgg.safetensors", stored)
    encoder = load_encoder(path, "relu4_1")
    assert (encoder.name, encoder.levels[-1]) == (variant, "relu4_1")
    assert encoder.identity == sha256_file(path)
    assert not any(p.requires_grad for p in encoder.parameters())
    rounded = {n: t.float() for n, t in stored.items()}
    expected = vgg.from_tensors(variant, rounded, "caffe", deepest="relu4_1")
    image = pictures(1, 32)
    for level, f in encoder(image).items():
        assert torch.equal(f, expected(image)[level])


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_so_is_a_file_with_torchvisions_names(narrow: None, variant: str, tmp_path: Path) -> None:
    path = write(tmp_path / "vgg.safetensors", torchvision_weights(variant))
    encoder = load_encoder(path, "relu5_3")
    assert (encoder.name, encoder.levels[-1]) == (variant, "relu5_3")
    weights = caffe_weights(variant, f"relu5_{BLOCKS[variant][4]}")
    expected = vgg.from_tensors(variant, weights, "torchvision", deepest="relu5_3")
    image = pictures(1, 32)
    for level, f in encoder(image).items():
        assert torch.equal(f, expected(image)[level])


def test_only_the_layers_asked_for_are_read(
    narrow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[set[str]] = []
    load_foreign = sources.checkpoint.load_foreign

    def spy(path: Path, names: Any = None) -> dict[str, Tensor]:
        tensors = load_foreign(path, names)
        read.append(set(tensors))
        return tensors

    monkeypatch.setattr(sources.checkpoint, "load_foreign", spy)
    load_encoder(write(tmp_path / "v.safetensors", torchvision_weights("vgg16")), "relu2_2")
    wanted = {f"features.{i}.{part}" for i in (0, 2, 5, 7) for part in ("weight", "bias")}
    assert read == [wanted]


@pytest.mark.parametrize(
    ("weights", "deepest", "complaint"),
    [
        (caffe_weights, "relu5_2", "not vgg19 up to relu5_2: conv5_2.weight is missing"),
        (caffe_weights, "relu6_1", "no level relu6_1; it has relu1_1, relu1_2"),
        (torchvision_weights, "conv1_1x", "no level conv1_1x"),
    ],
)
def test_a_level_that_is_not_there_is_named(
    narrow: None, tmp_path: Path, weights: Any, deepest: str, complaint: str
) -> None:
    path = write(tmp_path / "vgg.safetensors", weights("vgg19"))
    with pytest.raises(GessoError, match=complaint) as error:
        load_encoder(path, deepest)
    one_line(error)


def test_vgg_of_other_shapes_is_refused_in_one_line(tmp_path: Path) -> None:
    shapes = vgg.tensor_shapes("vgg16", "relu1_2")
    narrow = {
        name: torch.zeros([n // 2 if n == 64 else n for n in s]) for name, s in shapes.items()
    }
    path = write(tmp_path / "caffe.safetensors", narrow)
    with pytest.raises(
        GessoError, match=r"conv1_1.weight is \[32, 3, 3, 3\], expected \[64"
    ) as error:
        load_encoder(path, "relu1_2")
    assert one_line(error).startswith(f"{path}: not vgg16 up to relu1_2: ")
    normed = {"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}
    normed |= {"features.1.weight": torch.zeros(64), "features.3.weight": torch.zeros(64, 64, 3, 3)}
    path = write(tmp_path / "vgg16_bn.safetensors", normed)
    with pytest.raises(GessoError, match=r"features\.2\.weight is missing") as error:
        load_encoder(path, "relu1_2")
    one_line(error)


# --- torchvision's published weights


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of our own."""
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one body, or goes wrong in the way the server was told to."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.requests.append((self.path, self.headers["User-Agent"]))
        if server.trouble == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        cut = len(server.body) // 2 if server.trouble == "interrupted" else None
        self.wfile.write(server.body[:cut])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # closing it waits for them, so that no socket stays open


@pytest.fixture
def server(
    narrow: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A web server on this machine that publishes a small VGG-16, and the world's view of it."""
    original = tmp_path / "original.pth"
    torch.save(torchvision_weights("vgg16"), original)
    with Server(("127.0.0.1", 0), Handler) as web:
        web.body, web.requests, web.trouble = original.read_bytes(), [], ""  # type: ignore[attr-defined]
        publish(web, monkeypatch)
        thread = threading.Thread(target=functools.partial(web.serve_forever, 0.01))
        thread.start()
        yield web
        web.shutdown()
        thread.join()


def publish(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published = download.Published(
        f"http://127.0.0.1:{web.server_address[1]}/models/vgg16-tiny.pth",
        hashlib.sha256(web.body).hexdigest(),
        len(web.body),
    )
    monkeypatch.setitem(download.PUBLISHED, "vgg16", published)


def test_the_published_files_are_torchvisions() -> None:
    assert {name: p.url for name, p in download.PUBLISHED.items()} == {
        "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
        "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    }
    for published in download.PUBLISHED.values():  # torch's file names carry 8 digits of the hash
        assert published.file_name.endswith(f"-{published.sha256[:8]}.pth")
        assert re.fullmatch(r"[0-9a-f]{64}", published.sha256)
        assert published.size > 500_000_000


def test_it_is_downloaded_once_and_kept_small(server: Any, cache: Path) -> None:
    encoder = load_encoder("vgg16", "relu4_3")
    assert (encoder.name, encoder.levels[-1]) == ("vgg16", "relu4_3")
    assert encoder.identity == hashlib.sha256(server.body).hexdigest()
    assert server.requests == [("/models/vgg16-tiny.pth", "gesso")]
    (kept,) = cache.iterdir()
    assert kept.name == "vgg16-tiny.safetensors"
    tensors, header = load_file(kept, kind="encoder")
    assert header["source"]["sha256"] == encoder.identity
    layers = CONVOLUTIONS["vgg16"][:11]  # up to conv5_1
    assert set(tensors) == {f"features.{i}.{p}" for i in layers for p in ("weight", "bias")}
    again = load_encoder("vgg16", "relu5_1")
    assert len(server.requests) == 1 and again.identity == encoder.identity
    expected = vgg.from_tensors("vgg16", caffe_weights("vgg16", "relu5_3"), "torchvision")
    image = pictures(1, 32)
    for level, f in again(image).items():
        assert torch.equal(f, expected(image)[level])
    assert torch.equal(load_encoder(kept)(image)["relu4_3"], again(image)["relu4_3"])


def test_a_download_reports_how_far_it_is(server: Any, cache: Path) -> None:
    seen: list[Progress] = []
    with listening(seen.append):
        load_encoder("vgg16")
    assert seen[0].done == 0 and seen[-1].done == seen[-1].total == len(server.body) / 1e6
    assert {(p.title, p.unit) for p in seen} == {("downloading vgg16, once", "MB")}


def test_a_file_url_works_too(
    server: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = replace(download.PUBLISHED["vgg16"], url=(tmp_path / "original.pth").as_uri())
    monkeypatch.setitem(download.PUBLISHED, "vgg16", local)
    assert load_encoder("vgg16").identity == local.sha256
    assert server.requests == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("missing", "cannot be downloaded: Not Found"),
        ("interrupted", r"cannot be downloaded: (\d+ of \d+ bytes came|IncompleteRead)"),
        ("changed", "its SHA-256 is [0-9a-f]{12}…, expected [0-9a-f]{12}…"),
        ("longer", r"it is larger than \d+ bytes"),
        ("empty", "nothing came"),
    ],
)
def test_a_download_that_goes_wrong_leaves_nothing_and_says_what_to_do(
    server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, reason: str
) -> None:
    server.trouble = trouble
    if trouble == "changed":
        server.body = server.body[:-1] + bytes([server.body[-1] ^ 1])
    if trouble == "longer":
        server.body += b"\0"
    if trouble == "empty":
        server.body = b""
    with pytest.raises(GessoError, match=reason) as error:
        load_encoder("vgg16")
    text = one_line(error)
    assert text.startswith("encoder vgg16: http://127.0.0.1:")
    assert text.endswith("give the file as the encoder, or use the encoder compact")
    assert list(cache.iterdir()) == []


def test_offline_it_says_what_to_do(
    narrow: None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/models/vgg19-dcbb9e9d.pth"
    monkeypatch.setitem(download.PUBLISHED, "vgg19", replace(download.PUBLISHED["vgg19"], url=url))
    with pytest.raises(GessoError, match="refused") as error:
        load_encoder("vgg19")
    assert one_line(error).startswith(f"encoder vgg19: {url} cannot be downloaded: ")
    assert "give the file as the encoder" in str(error.value)
    assert list(cache.iterdir()) == []


class Broken:
    """A response that gives a little and then raises."""

    def __init__(self, error: BaseException) -> None:
        self.reads: list[bytes | BaseException] = [b"x" * 1000, error]

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        part = self.reads.pop(0)
        if isinstance(part, BaseException):
            raise part
        return part


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (KeyboardInterrupt("^C"), KeyboardInterrupt, "C"),
        (TimeoutError("timed out"), GessoError, "cannot be downloaded: timed out; download it"),
        (ConnectionResetError(104, "Connection reset by peer"), GessoError, "reset by peer; down"),
        (http.client.IncompleteRead(b"x"), GessoError, "cannot be downloaded: IncompleteRead"),
    ],
)
def test_a_transfer_that_breaks_off_leaves_nothing(
    cache: Path, error: BaseException, expected: type[BaseException], message: str
) -> None:
    asked: list[tuple[str, float]] = []

    def opener(request: Any, timeout: float) -> Broken:
        asked.append((request.full_url, timeout))
        return Broken(error)

    published = download.PUBLISHED["vgg16"]
    target = cache_folder("encoders") / published.file_name
    with pytest.raises(expected, match=message):
        download.download("vgg16", published, target, opener=opener)
    assert asked == [(published.url, download.TIMEOUT_S)]
    assert list(cache.iterdir()) == []


def test_a_server_that_never_ends_is_left(cache: Path) -> None:
    class Endless(Broken):
        pieces = 0

        def read(self, size: int) -> bytes:
            self.pieces += 1
            assert self.pieces < 9
            return bytes(size)

    published = download.Published("https://there/a.pth", "0" * 64, 3 * download.PIECE_BYTES)
    with pytest.raises(GessoError, match="it is larger than 3145728 bytes"):
        target = cache_folder("encoders") / "a.pth"
        opener = lambda request, timeout: Endless(OSError())  # noqa: E731
        download.download("vgg16", published, target, opener=opener)
    assert list(cache.iterdir()) == []


def test_a_full_disk_is_told_as_such(server: Any, tmp_path: Path) -> None:
    def no_space(progress: Progress) -> None:
        raise OSError(28, "No space left on device")

    full = pytest.raises(GessoError, match="cannot be written: No space left")
    with full as error, listening(no_space):
        download.download("vgg16", download.PUBLISHED["vgg16"], tmp_path / "v.pth")
    one_line(error)


def test_what_was_downloaded_but_not_yet_converted_is_not_downloaded_again(
    server: Any, cache: Path
) -> None:
    (cache_folder("encoders") / "vgg16-tiny.pth").write_bytes(server.body)
    load_encoder("vgg16")
    assert server.requests == []
    assert [p.name for p in cache.iterdir()] == ["vgg16-tiny.safetensors"]


def test_unless_it_went_bad_on_the_disk(server: Any, cache: Path) -> None:
    (cache_folder("encoders") / "vgg16-tiny.pth").write_bytes(server.body[:-9])
    with pytest.raises(GessoError, match="not opened") as error:
        load_encoder("vgg16")
    one_line(error)
    load_encoder("vgg16")  # the bad file is gone, so it is fetched
    assert len(server.requests) == 1


def test_a_damaged_cache_says_how_to_mend_it(server: Any, cache: Path) -> None:
    load_encoder("vgg16")
    (kept,) = cache.iterdir()
    data = bytearray(kept.read_bytes())
    data[-1] ^= 4
    kept.write_bytes(data)
    with pytest.raises(GessoError, match=r"damaged.*delete the file and it is downloaded") as error:
        load_encoder("vgg16")
    assert str(kept) in one_line(error)
    kept.unlink()
    load_encoder("vgg16")
    assert len(server.requests) == 2


def test_deeper_than_the_cache_is_refused_before_downloading(server: Any) -> None:
    for deepest, complaint in (
        ("relu5_2", "levels up to relu5_1"),
        ("relu7_1", "no level relu7_1"),
    ):
        with pytest.raises(GessoError, match=complaint) as error:
            load_encoder("vgg16", deepest)
        one_line(error)
    assert server.requests == []


def test_the_published_file_can_be_given_by_hand(server: Any, cache: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tmp_path / "original.pth", "relu5_2")
    assert (encoder.name, encoder.levels[-1]) == ("vgg16", "relu5_2")
    image = pictures(1, 32)
    assert torch.equal(
        encoder(image)["relu5_1"], load_encoder("vgg16", "relu5_1")(image)["relu5_1"]
    )
    assert encoder.identity == load_encoder("vgg16").identity


@pytest.mark.parametrize("suffix", [".pth", ".PT"])
def test_no_other_pickle_is_opened(server: Any, tmp_path: Path, suffix: str) -> None:
    other = tmp_path / f"mine{suffix}"
    torch.save(torchvision_weights("vgg19"), other)
    with pytest.raises(GessoError, match="not opened: SHA-256") as error:
        load_encoder(other)
    assert "vgg16-tiny.pth and vgg19-dcbb9e9d.pth" in one_line(error)
    renamed = other.rename(tmp_path / "mine.safetensors")
    with pytest.raises(GessoError, match="pickle, which gesso does not open"):
        load_encoder(renamed)


# --- the cache's place


def test_the_cache_is_where_the_user_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("GESSO_CACHE", raising=False)
    assert cache_dir() == tmp_path / "home" / ".cache" / "gesso"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the specification
    assert cache_dir() == tmp_path / "home" / ".cache" / "gesso"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "gesso"
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()
    assert cache_folder("encoders").is_dir()


def test_a_cache_that_cannot_be_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESSO_CACHE", "here")
    with pytest.raises(GessoError, match="GESSO_CACHE='here': expected an absolute path"):
        cache_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "file"))
    with pytest.raises(GessoError, match="cannot be created") as error:
        cache_folder("encoders")
    assert str(tmp_path / "file") in one_line(error)
