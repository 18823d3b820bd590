"""gesso files without torch: arrays come back bit for bit, in the library's own layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.disk.expected import Like
from gesso.disk.raw import Raw
from gesso.disk.tensors import read_file, read_foreign, read_header, write_file
from gesso.errors import GessoError

HEADER = {"kind": "weights"}
TYPES = ("float64", "float32", "float16", "int64", "int32", "uint8", "bool")


def arrays() -> dict[str, np.ndarray]:
    values = np.random.default_rng(0).integers(0, 2, (3, 4))
    found = {kind: values.astype(kind) for kind in TYPES}
    return found | {"scalar": np.float32(2.5).reshape(()), "empty": np.zeros((0, 3), np.float16)}


def test_arrays_come_back_in_any_order_of_memory_and_bytes(tmp_path: Path) -> None:
    given = arrays()
    turned = {name: a.astype(a.dtype.newbyteorder(">")).T.copy().T for name, a in given.items()}
    for name, written in (("a", given), ("b", turned)):
        write_file(tmp_path / name, written, HEADER)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found, header = read_file(tmp_path / "a", kind="weights")
    assert found.keys() == given.keys() and read_header(tmp_path / "a") == header
    for name, array in given.items():
        back = found[name].array()
        assert back.dtype == array.dtype and np.array_equal(back, array)
        back[...] = 0  # in memory of its own
    assert np.array_equal(read_file(tmp_path / "a")[0]["int64"].array(), given["int64"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.dictionaries(
        st.from_regex(r"[a-zA-Z_]{1,3}(\.[a-z0-9]{1,3})?", fullmatch=True),
        st.tuples(st.sampled_from([*TYPES, "bfloat16"]), st.lists(st.integers(0, 3), max_size=3)),
        max_size=8,
    ),
    note=st.text(max_size=8).filter(lambda text: text.isprintable() or "\n" in text),
)
def test_the_layout_is_that_of_the_library(
    tmp_path: Path, kinds: dict[str, tuple[str, list[int]]], note: str
) -> None:
    tensors = {
        n: torch.ones(shape, dtype=getattr(torch, kind)) for n, (kind, shape) in kinds.items()
    }
    written = {
        name: Raw("BF16", tuple(t.shape), t.view(torch.int16).numpy().tobytes())
        if t.dtype == torch.bfloat16
        else t.numpy()
        for name, t in tensors.items()
    }
    write_file(tmp_path / "a", written, HEADER | {"note": note})
    data = (tmp_path / "a").read_bytes()
    with safetensors.safe_open(tmp_path / "a", "np") as file:
        metadata = file.metadata()
    assert safetensors.torch.save(tensors, metadata) == data
    found = read_foreign(tmp_path / "a")
    assert all(np.array_equal(found[n].array(), t.float().numpy()) for n, t in tensors.items())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bfloat16_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    bits = np.float32([1.0, value]).view(np.uint32) >> 16
    bad = Raw("BF16", (2,), bits.astype("<u2").tobytes())
    with pytest.raises(GessoError, match="tensor a holds NaN or infinity"):
        write_file(tmp_path / "a", {"a": bad}, HEADER)
    largest = Raw("BF16", (1,), (0x7F7F).to_bytes(2, "little"))
    write_file(tmp_path / "a", {"a": largest}, HEADER)
    assert read_file(tmp_path / "a")[0]["a"].array()[0] > 3e38


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"a": np.zeros(2, np.complex64)}, "tensor a is of type complex64"),
        ({"a": np.zeros(2, np.uint16)}, "tensor a is of type uint16"),
        ({"a": np.array(["x"])}, "tensor a is of type <U1"),
        ({"a": np.array([None])}, "tensor a is of type object"),
        ({"a/b": np.zeros(2)}, "is not a tensor name"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, tensors: dict[str, Any], words: str
) -> None:
    with pytest.raises(GessoError, match=words):
        write_file(tmp_path / "a", tensors, HEADER)
    assert not list(tmp_path.iterdir())


def test_expected_shapes_and_kinds_of_numbers(tmp_path: Path) -> None:
    write_file(tmp_path / "a", {"a": np.zeros((2, 3)), "b": np.zeros(1, np.uint8)}, HEADER)
    fits = {"a": Like((2, 3), True, "float32"), "b": Like((1,))}
    assert read_file(tmp_path / "a", expected=fits)[0].keys() == fits.keys()
    for change, words in [
        ({"a": Like((3, 2))}, r"a is \[2, 3\], expected \[3, 2\]"),
        ({"b": Like((1,), True, "float32")}, "b is of type U8, expected float32"),
        ({"c": Like(())}, "c is missing"),
    ]:
        with pytest.raises(GessoError, match=words):
            read_file(tmp_path / "a", expected=fits | change)
