"""gesso files: every flipped byte noticed, nothing executed, nothing half-written."""

from __future__ import annotations

import ast
import base64
import errno
import hashlib
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

import gesso
from gesso.cards.card import StyleCard
from gesso.disk.atomic import sha256_file
from gesso.disk.tensors import read_file
from gesso.errors import GessoError
from gesso.nn import checkpoint
from gesso.nn.checkpoint import (
    load_file,
    load_foreign,
    load_verified_pth,
    read_header,
    save_file,
)

HEADER = {"kind": "weights", "method": "metastyle", "config": {"width": 16}}


def sample(width: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "up.0.conv.weight": torch.randn(width, 3, 3, 3, generator=generator),
        "up.0.norm.gamma": torch.randn(width, generator=generator).half(),
        "up.0.norm.beta": torch.randn(width, generator=generator).bfloat16(),
        "rng": torch.arange(40, dtype=torch.uint8),
        "step": torch.tensor(7),
    }


def raw(header: str | bytes, data: bytes = b"") -> bytes:
    """A safetensors file with this very header."""
    encoded = header.encode() if isinstance(header, str) else header
    return len(encoded).to_bytes(8, "little") + encoded + data


def entry(shape: Any, begin: int, end: int, dtype: str = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def sealed(header: dict[str, Any] | str, tensors: dict[str, Tensor]) -> bytes:
    """A gesso file made as docs/file-formats.md says, by other code than gesso's."""
    rest = header if isinstance(header, str) else json.dumps(header)
    text = '{"sha256":"' + "0" * 64 + '",' + rest[1:]
    blob = safetensors.torch.save(tensors, metadata={"gesso": text})
    digest = hashlib.sha256(blob).hexdigest().encode()
    return blob.replace(b"0" * 64, digest, 1)


def refusal(function: Callable[..., Any], *args: Any, **options: Any) -> str:
    """The one line with which a call refuses."""
    with pytest.raises(GessoError) as caught:
        function(*args, **options)
    message = str(caught.value)
    assert message.isprintable()
    return message


# What is written comes back


def test_every_type_shape_and_memory_order_comes_back(tmp_path: Path) -> None:
    dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
    dtypes += [torch.int64, torch.int32, torch.uint8, torch.bool]
    tensors = {str(d).split(".")[1]: torch.tensor([[0, 1, 1], [1, 0, 1]]).to(d) for d in dtypes}
    shared = torch.randn(8, 6)
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    tensors |= {"transposed": shared.t(), "part": shared[2:4, ::2], "whole": shared}
    tensors["rng"] = torch.get_rng_state()
    digest = save_file(tmp_path / "a.safetensors", tensors, HEADER | {"naïve": 'q"\\ ☂'})
    loaded, header = load_file(tmp_path / "a.safetensors", kind="weights", expected=tensors)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)
    assert header == HEADER | {"naïve": 'q"\\ ☂', "format": 1, "sha256": digest}
    assert read_header(tmp_path / "a.safetensors") == header


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    tensors = sample()
    save_file(tmp_path / "a", tensors, {"kind": "x", "b": 1, "a": {"d": 1, "c": 2}})
    turned = dict(reversed(tensors.items()))
    turned["up.0.conv.weight"] = turned["up.0.conv.weight"].to(memory_format=torch.channels_last)
    save_file(tmp_path / "b", turned, {"a": {"c": 2, "d": 1}, "b": 1, "kind": "x"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_library_reads_our_files_and_we_read_the_documented_format(tmp_path: Path) -> None:
    tensors = sample()
    digest = save_file(tmp_path / "a.safetensors", tensors, HEADER)
    theirs = safetensors.torch.load_file(tmp_path / "a.safetensors")
    assert all(torch.equal(theirs[name], tensor) for name, tensor in tensors.items())
    data = (tmp_path / "a.safetensors").read_bytes()
    assert hashlib.sha256(data.replace(digest.encode(), b"0" * 64, 1)).hexdigest() == digest
    (tmp_path / "b.safetensors").write_bytes(sealed({"kind": "x", "format": 1}, tensors))
    assert load_file(tmp_path / "b.safetensors")[0].keys() == tensors.keys()


# A file as gesso 0.1.0 wrote it; it has to load for ever.
FIRST_FORMAT = (
    "OAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJnZXNzbyI6IntcInNoYTI1NlwiOlwiMDc3MjBkODQyYWYxZDEzYzY2Yj"
    "g3Y2ZlMzNlNDgwODdiOGNmZmJkZDQ2MmJlYmE0OWYzOGY0MDhlODgxYzk1OFwiLFwiY29uZmlnXCI6e1wid2lkdGhc"
    "IjoxNn0sXCJmb3JtYXRcIjoxLFwia2luZFwiOlwid2VpZ2h0c1wiLFwibWV0aG9kXCI6XCJtZXRhc3R5bGVcIn0ifS"
    "wic3RlcCI6eyJkdHlwZSI6Ikk2NCIsInNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbMCw4XX0sImdhbW1hIjp7ImR0"
    "eXBlIjoiRjE2Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbOCwxNF19fSAgICAHAAAAAAAAAAA4AL0AQg=="
)


def test_files_of_every_format_ever_written_load(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(base64.b64decode(FIRST_FORMAT))
    tensors, header = load_file(tmp_path / "a", kind="weights")
    assert header["method"] == "metastyle"
    assert tensors["gamma"].tolist() == [0.5, -1.25, 3.0]
    assert tensors["step"].item() == 7
    save_file(tmp_path / "b", tensors, header)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


# What is damaged is noticed


@pytest.mark.parametrize("with_expectation", [False, True])
def test_a_flipped_bit_in_any_byte_is_noticed(tmp_path: Path, with_expectation: bool) -> None:
    tensors = sample()
    path = tmp_path / "a.safetensors"
    save_file(path, tensors, HEADER)
    data = path.read_bytes()
    chance = random.Random(1)
    options = {"kind": "weights", "expected": tensors} if with_expectation else {}
    for place in range(0, len(data), 4 if with_expectation else 1):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        assert "damaged" in refusal(load_file, path, **options), place
        if with_expectation:
            assert "damaged" in refusal(read_header, path), place


def test_a_cut_or_longer_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(path, sample(), HEADER)
    data = path.read_bytes()
    for size in range(0, len(data), 3):
        path.write_bytes(data[:size])
        assert re.search("damaged|empty", refusal(load_file, path)), size
    path.write_bytes(data + b"\0")
    assert "damaged" in refusal(load_file, path)


def test_numbers_that_are_not_finite_are_neither_written_nor_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(path, sample(), HEADER)
    before = path.read_bytes()
    for value in (float("nan"), float("inf"), float("-inf")):
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            bad = sample() | {"gamma": torch.tensor([1.0, value], dtype=dtype)}
            assert "gamma holds NaN or infinity" in refusal(save_file, path, bad, HEADER)
            foreign = tmp_path / "b.safetensors"
            foreign.write_bytes(sealed({"kind": "x", "format": 1}, bad))
            assert "gamma holds NaN or infinity" in refusal(load_file, foreign)
            assert "gamma holds NaN or infinity" in refusal(load_foreign, foreign)
            assert load_foreign(foreign, ["step"])["step"].item() == 7
    refusal(save_file, path, sample(), HEADER | {"loss": float("nan")})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("tensors", "header", "words"),
    [
        ({"../a": torch.zeros(1)}, HEADER, "is not a tensor name"),
        ({"__metadata__": torch.zeros(1)}, HEADER, "is not a tensor name"),
        ({"a": torch.zeros(1, dtype=torch.complex64)}, HEADER, "a is of type torch.complex64"),
        ({"a": torch.eye(2).to_sparse()}, HEADER, "torch.sparse_coo"),
        ({}, {"method": "metastyle"}, "lacks a kind"),
        ({}, HEADER | {"note": "x" * 1_000_000}, "allowed are 1000000"),
        ({}, HEADER | {"note": "\ud800"}, "surrogates"),
        ({}, HEADER | {"1": 0, 1: 1}, "'<' not supported|twice"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, tensors: dict[str, Tensor], header: dict[str, Any], words: str
) -> None:
    with pytest.raises((GessoError, TypeError), match=words):
        save_file(tmp_path / "a", tensors, header)
    assert not list(tmp_path.iterdir())


# What does not fit is told in one line


def test_the_wrong_network_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(path, {f"{i}.weight": torch.zeros(32, 3) for i in range(200)}, HEADER)
    wanted = {f"{i}.weight": (16, 3) for i in range(58)}
    message = refusal(
        load_file, path, kind="weights", expected=wanted, what="a metastyle start of width 32"
    )
    assert message == (
        f"{path}: expected a metastyle start of width 32 (58 tensors), found weights of metastyle "
        "of width 16 (200 tensors); 200 differ, the first: 0.weight is [32, 3], expected [16, 3]"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rng": None}, "1 differ, the first: rng is not expected"),
        ({"more": (3,)}, "1 differ, the first: more is missing"),
        ({"step": (1,)}, r"step is \[\], expected \[1\]"),
        ({"step": torch.tensor(0.5)}, "step is of type I64, expected torch.float32"),
        ({"up.0.norm.gamma": torch.zeros(4, dtype=torch.int32)}, "gamma is of type F16"),
    ],
)
def test_each_difference_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file(path, sample(), HEADER)
    expected = {k: v for k, v in (sample() | change).items() if v is not None}
    assert re.search(words, refusal(load_file, path, expected=expected))


def test_other_kinds_newer_formats_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(path, sample(), HEADER)
    words = "expected a training checkpoint, found weights of metastyle of width 16 (5 tensors)"
    assert words in refusal(load_file, path, kind="checkpoint")
    assert "allowed are 100" in refusal(read_file, path, max_bytes=100)
    path.write_bytes(sealed({"kind": "x", "format": 2}, {}))
    assert "newer gesso" in refusal(load_file, path)
    path.write_bytes(sealed({"format": 1}, {}))
    assert "lacks format or kind" in refusal(load_file, path)
    safetensors.torch.save_file(sample(), path)
    assert "without gesso's header" in refusal(load_file, path)


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"\xff\xd8\xff\xe0", "JPEG picture"),
        (b"RIFF\x10\0\0\0WEBP", "WebP picture"),
        (b"PK\x03\x04", "zip archive"),
        (pickle.dumps({"a": 1}), "Python pickle"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!doctype html>", "web page"),
        (b"plain text, at some length", "not a safetensors file"),
    ],
)
def test_other_formats_are_called_by_their_name(tmp_path: Path, start: bytes, word: str) -> None:
    path = tmp_path / "a.safetensors"
    for padding in (b"", b"\0" * 500):
        path.write_bytes(start + padding)
        for reader in (load_file, read_header, load_foreign, StyleCard.load):
            assert word in refusal(reader, path)


# What is hostile is refused before anything is allocated

TABLES = {
    "overlaps": {"a": entry([4], 0, 4), "b": entry([6], 2, 8)},
    "hole": {"a": entry([3], 0, 3), "b": entry([3], 5, 8)},
    "hole before it": {"a": entry([3], 5, 8)},
    "data missing": {"a": entry([40], 0, 40)},
    "data left over": {"a": entry([4], 0, 4)},
    "range and shape differ": {"a": entry([9], 0, 8)},
    "backwards": {"a": entry([0], 8, 0)},
    "negative": {"a": entry([-8], 0, 8)},
    "true as a number": {"a": entry([True, 8], 0, 8)},
    "fraction": {"a": entry([8.0], 0, 8)},
    "shape overflow": {"a": entry([2**62, 2**62, 0], 0, 0), "b": entry([8], 0, 8)},
    "giant": {"a": entry([100_000, 100_000], 0, 10**10)},
    "nine dimensions": {"a": entry([1] * 8 + [8], 0, 8)},
    "type we do not use": {"a": entry([8], 0, 8, "F8_E4M3")},
    "type that is no text": {"a": entry([8], 0, 8, ["U8"])},  # type: ignore[arg-type]
    "three offsets": {"a": entry([8], 0, 8) | {"data_offsets": [0, 8, 8]}},
    "unknown key": {"a": entry([8], 0, 8) | {"more": 1}},
    "missing key": {"a": {"dtype": "U8", "shape": [8]}},
    "entry that is no object": {"a": [8]},
    "path as a name": {"../../etc/passwd": entry([8], 0, 8)},
    "slash in a name": {"a/b": entry([8], 0, 8)},
    "empty name": {"": entry([8], 0, 8)},
    "control character in a name": {"a\nb": entry([8], 0, 8)},
    "letter that looks like another": {"\u0430": entry([8], 0, 8)},
    "name of 201": {"a" * 201: entry([8], 0, 8)},
    "metadata that is no text": {"__metadata__": {"a": 1}, "a": entry([8], 0, 8)},
    "metadata that is a list": {"__metadata__": ["a"], "a": entry([8], 0, 8)},
}
GOOD = json.dumps(entry([8], 0, 8))
HEADERS = {
    "duplicate key": f'{{"a":{GOOD},"a":{GOOD}}}',
    "duplicate key within": '{"a":{"dtype":"U8","shape":[9],"shape":[8],"data_offsets":[0,8]}}',
    "leading space": f' {{"a":{GOOD}}}',
    "bytes after the object": f'{{"a":{GOOD}}} x',
    "zero byte": f'{{"a":{GOOD}}}\0',
    "not JSON": '{"a":' + "x" * 50,
    "NaN": '{"a":NaN}',
    "number beyond float": '{"a":1e999}',
    "number of 5,000 digits": '{"a":' + "9" * 5000 + "}",
    "lone surrogate": '{"__metadata__":{"a":"\\ud800"},"b":' + GOOD + "}",
    "not UTF-8": b'{"\xff":' + GOOD.encode() + b"}",
    "UTF-16": f'{{"a":{GOOD}}}'.encode("utf-16-le"),
    "deep lists": '{"a":' + "[" * 900_000,
    "deep lists of few parts": '{"a":' + "[" * 70_000 + "]" * 70_000 + "}",
    "deep objects of few parts": '{"a":' * 70_000,
    "deep objects": '{"a":' * 190_000,
    "closed deep lists": '{"a":' + "[" * 400_000 + "]" * 400_000 + "}",
    "wide lists": '{"a":[' + "[]," * 330_000 + "[]]}",
    "wide numbers": '{"a":[' + "0," * 490_000 + "0]}",
    "texts": '{"a":[' + '"",' * 330_000 + "0]}",
    "quotes": '{"' + '\\"' * 490_000,
    "10,001 tensors": json.dumps({f"t{i}": entry([0], 0, 0) for i in range(10_001)}),
    "header of 2 MB": "{" + " " * 2_000_000 + "}",
}
HOSTILE = {name: raw(json.dumps(table), b"\0" * 8) for name, table in TABLES.items()}
HOSTILE |= {name: raw(header, b"\0" * 8) for name, header in HEADERS.items()}
HOSTILE["length beyond the file"] = (900_000).to_bytes(8, "little") + b"{}" + b" " * 100
HOSTILE["length of 2⁶⁴ - 1"] = b"\xff" * 8 + b"{}" + b" " * 100


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_headers_are_refused_quickly(tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(HOSTILE[case])
    for reader in (load_foreign, load_file):
        start = time.process_time()
        message = refusal(reader, path)
        assert case in message or case not in ("overlaps", "hole", "hole before it")
        assert time.process_time() - start < 0.5
        assert str(path) in message
        assert "damaged" in message
        assert len(message) < len(str(path)) + 200


def test_refusing_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with open(path, "wb") as file:  # 95 MB of header, 1 GB of file, on disk a few kB
        file.write((95_000_000).to_bytes(8, "little") + b'{"a":')
        file.truncate(10**9)
    cases = [HOSTILE[name] for name in ("wide lists", "deep objects", "10,001 tensors")]
    tracemalloc.start()
    try:
        refusal(load_foreign, path)
        assert tracemalloc.get_traced_memory()[1] < 2**21
        for data in cases:
            path.write_bytes(data)
            tracemalloc.reset_peak()
            refusal(load_foreign, path)
            assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "header",
    [
        '{"kind":"x","format":1,"kind":"y"}',
        '{"kind":"x","format":1,"sha256":"' + "1" * 64 + '"}',
        '{"kind":"x","format":1,"loss":NaN}',
        '{"kind":"x","format":1,"deep":' + "[" * 20 + "]" * 20 + "}",
        '{"kind":"x","format":true}',
        '{"kind":["x"],"format":1}',
        '{"kind":"x","format":1}}',
    ],
)
def test_hostile_gesso_headers_are_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(sealed(header, sample()))
    assert "damaged" in refusal(load_file, path)


def test_texts_of_a_file_cannot_garble_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    nasty = "\x1b[2J\n" + "x" * 5000
    header = {"kind": nasty, "method": nasty, "config": {"width": 10**500}}
    save_file(path, {"a" * 200: torch.zeros(1)}, header)
    message = refusal(load_file, path, kind="card", expected={"b": (1,)})
    assert len(message) < len(str(path)) + 200


# Foreign weights


def test_foreign_weights_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "vgg.safetensors"
    safetensors.torch.save_file(sample(), path, metadata={"convention": "Caffe"})
    part = load_foreign(path, ["step", "up.0.norm.gamma"])
    assert list(part) == ["step", "up.0.norm.gamma"]
    assert torch.equal(part["up.0.norm.gamma"], sample()["up.0.norm.gamma"])
    assert load_foreign(path).keys() == sample().keys()
    message = refusal(load_foreign, path, ["step", "conv1_1.weight", "conv1_1.bias"])
    assert "3 tensors, 2 of them missing, the first: conv1_1.weight" in message


def test_foreign_tensors_outlive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "vgg.safetensors"
    safetensors.torch.save_file(sample(), path)
    tensors = load_foreign(path)
    with open(path, "r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in sample().items())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_published_state_dict_is_read_by_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    path = tmp_path / "vgg.pth"
    torch.save(sample(), path, _use_new_zipfile_serialization=zipped)
    digest = sha256_file(path)
    tensors = load_verified_pth(path, digest, ["up.0.norm.gamma", "step"])
    assert tensors["up.0.norm.gamma"].dtype == tensors["step"].dtype == torch.float32
    assert torch.equal(tensors["up.0.norm.gamma"], sample()["up.0.norm.gamma"].float())
    assert "1 of them missing" in refusal(load_verified_pth, path, digest, ["features.0.bias"])

    def opened(*args: object, **options: object) -> None:
        pytest.fail("opened a file with the wrong hash")

    monkeypatch.setattr(torch, "load", opened)
    assert "not opened" in refusal(load_verified_pth, path, "0" * 64, ["step"])
    path.write_bytes(path.read_bytes() + b"\0")
    assert "not opened" in refusal(load_verified_pth, path, digest, ["step"])


# Nothing is executed

EVENTS: list[str] = []
WATCHING = [False]


def watch(event: str, args: tuple[Any, ...]) -> None:
    if WATCHING[0] and event.split(".")[0] in ("os", "subprocess", "exec", "socket", "shutil"):
        harmless = event in ("os.listdir", "os.scandir")
        if not harmless:
            EVENTS.append(event)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is imported at the first file of a kind is there: to import is to execute."""
    path = tmp_path_factory.mktemp("good") / "a.pth"
    torch.save({"step": torch.tensor(7.0)}, path)
    load_verified_pth(path, sha256_file(path), ["step"])


@pytest.fixture
def audit(imported: None) -> Iterator[list[str]]:
    if not EVENTS and not getattr(watch, "installed", False):
        sys.addaudithook(watch)
        watch.installed = True  # type: ignore[attr-defined]
    EVENTS.clear()
    yield EVENTS
    WATCHING[0] = False


class Payload:
    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.parts = (function, args)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.parts


def hostile_pickles(marker: Path) -> Iterator[bytes]:
    payloads = [
        Payload(os.system, f"touch {marker}"),
        Payload(exec, f"open({str(marker)!r}, 'w')"),
        Payload(eval, f"open({str(marker)!r}, 'w')"),
        Payload(subprocess.Popen, ["touch", str(marker)]),
        Payload(os.mkdir, str(marker)),
    ]
    for payload in payloads:
        for protocol in range(6):
            yield pickle.dumps({"weight": payload}, protocol)
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            memory = io.BytesIO()
            with zipfile.ZipFile(memory, "w", compression) as archive:
                archive.writestr("archive/data.pkl", pickle.dumps(payload, 2))
                archive.writestr("archive/version", "3\n")
            yield memory.getvalue()
        yield raw('{"a":' + GOOD + "}", pickle.dumps(payload))  # after a plausible header


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth", "a.pkl", "card.safetensors"])
def test_pickles_run_nothing_whatever_their_name(
    tmp_path: Path, audit: list[str], name: str
) -> None:
    path, marker = tmp_path / name, tmp_path / "ran"
    for data in hostile_pickles(marker):
        path.write_bytes(data)
        digest = sha256_file(path)
        WATCHING[0] = True
        for reader in (load_file, read_header, load_foreign, StyleCard.load):
            refusal(reader, path)
        refusal(load_verified_pth, path, digest, ["weight"])  # even with the right hash
        WATCHING[0] = False
    assert audit == []
    assert not marker.exists()
    pickle.loads(pickle.dumps(Payload(os.mkdir, str(marker))))  # the payloads do work
    assert marker.exists()


def pickle_hazards(source: str) -> list[str]:
    """Calls and imports by which a file could run code, and where; plain syntax, no guessing."""
    banned = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    calls = {
        *("torch.load", "torch.save", "torch.jit.load", "torch.package", "torch.hub"),
        *("load_state_dict_from_url", "np.load", "numpy.load", "pickle_module"),
    }
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module or ""]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        elif isinstance(node, ast.keyword):
            value = ast.unparse(node.value)
            unsafe = {"weights_only=False", "weights_only=None", "allow_pickle=True"}
            found += [f"{value}"] if f"{node.arg}={value}" in unsafe else []
            names = [node.arg or ""]
        hits = [n for n in names if n in calls or n.split(".")[0] in banned]
        found += [f"{hit} at line {getattr(node, 'lineno', 0)}" for hit in hits]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "import torch; torch.load('a')",
        "from torch import load",
        "import torch; torch.load('a', weights_only=False)",
        "read = __import__('torch').load; read('a', weights_only=False)",
        "import torch; torch.jit.load('a')",
        "from torch.jit import load",
        "import numpy as np; np.load('a', allow_pickle=True)",
        "import torch; torch.package.PackageImporter('a')",
        "import torch; torch.hub.load('a', 'b')",
    ],
)
def test_the_search_for_pickles_finds_them(source: str) -> None:
    assert pickle_hazards(source)


def test_the_source_reads_no_pickle_but_in_one_verified_place() -> None:
    folder = Path(gesso.__file__).parent
    hazards = {
        f"{path.relative_to(folder)}": found
        for path in sorted(folder.rglob("*.py"))
        if (found := pickle_hazards(path.read_text(encoding="utf-8")))
    }
    assert list(hazards) == ["nn/checkpoint.py"]
    assert len(hazards["nn/checkpoint.py"]) == 1
    assert hazards["nn/checkpoint.py"][0].startswith("torch.load at line ")
    tree = ast.parse(Path(checkpoint.__file__).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    text = ast.unparse(functions["load_verified_pth"])
    assert text.index("sha256_file(path)") < text.index("raise") < text.index("torch.load(path")
    assert "weights_only=True" in text


# Whatever stops a save, the last file stays


@pytest.mark.parametrize("name", ["open", "close", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_save_that_fails_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    path = tmp_path / "a.safetensors"
    real: Callable[..., Any] = getattr(os, name)
    for nth in range(1, 12):
        save_file(path, {"step": torch.tensor(0)}, HEADER)
        calls = [0]

        def fails(*args: Any, nth: int = nth, calls: list[int] = calls, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == nth:
                raise OSError(code, os.strerror(code))
            return real(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fails)
            try:
                save_file(path, {"step": torch.tensor(1)}, HEADER)
            except GessoError as error:
                assert "cannot be written" in str(error)
        step = load_file(path)[0]["step"].item()
        assert step == 1 or calls[0] >= nth
        save_file(path, {"step": torch.tensor(2)}, HEADER)  # the next interval succeeds
        assert load_file(path)[0]["step"].item() == 2
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
        if calls[0] < nth:
            return
    pytest.fail(f"{name} is called without end")


KILLED = """
import os, random, signal, sys, time
import torch
from gesso.nn.checkpoint import load_file, save_file
from gesso.disk.atomic import sweep_stale

torch.set_num_threads(1)
folder, path = sys.argv[1], sys.argv[1] + "/a.safetensors"
tensors = {str(i): torch.full((10_000,), float(i)) for i in range(20)}
save = lambda step: save_file(path, tensors | {"step": torch.tensor(step)}, {"kind": "checkpoint"})
save(0)

def killed_at(name, nth, late):
    real, calls = getattr(os, name), [0]
    def call(*args, **options):
        calls[0] += 1
        if calls[0] == nth and not late: os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **options)
        if calls[0] == nth: os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(os, name, call)
    save(1)

def saves_for_ever():
    step = 0
    while True: save(step := step + 1)

calls = [("open", 1), ("open", 2), ("open", 3), ("fsync", 1), ("fsync", 2), ("replace", 1)]
aimed = [(*call, late) for call in calls for late in (False, True)]
chance = random.Random(0)
for round_ in range(len(aimed) + 12):
    child = os.fork()
    if child == 0:
        try: killed_at(*aimed[round_]) if round_ < len(aimed) else saves_for_ever()
        finally: os._exit(0)
    if round_ >= len(aimed):
        time.sleep(chance.uniform(0.005, 0.05)); os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded, _ = load_file(path, kind="checkpoint")
    assert len(loaded) == 21 and float(loaded["19"][-1]) == 19.0
left = len(os.listdir(folder)) - 1
swept = len(sweep_stale(folder, older_than=-1))
assert os.listdir(folder) == ["a.safetensors"], os.listdir(folder)
print(left, swept)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_save_leaves_a_loadable_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    left, swept = map(int, done.stdout.split())
    assert left == swept > 0  # some were killed within a save, or this has shown nothing
