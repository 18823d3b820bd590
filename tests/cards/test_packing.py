"""The card's file without torch: what it may hold, what rounding keeps, what is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gesso.cards.fields import MAX_TEXT, MAX_VALUES
from gesso.cards.numbers import PlainGrams
from gesso.cards.packing import PlainCard, narrowest, read_card, rounded, write_card
from gesso.disk.tensors import read_file, write_file
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def grams(scale: float = 1.0) -> PlainGrams:
    found = {}
    for n, level in enumerate(LEVELS, 3):
        square = noise(n, n, seed=n)
        found[level] = (square @ square.T * np.float32(scale)).astype(np.float32)
    return PlainGrams("ab" * 32, found)


def card(**changes: Any) -> PlainCard:
    fields: dict[str, Any] = {"method": "m", "tensors": {"a": noise(5, 7), "b": noise(3)}}
    return PlainCard(**(fields | changes))


def same(one: PlainCard, other: PlainCard) -> bool:
    assert one.grams is not None and other.grams is not None
    pairs = [(one.tensors[name], other.tensors[name]) for name in one.tensors]
    pairs += [(one.grams.matrices[k], other.grams.matrices[k]) for k in one.grams.matrices]
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e37, 0.0])
def test_rounding_is_what_saving_and_loading_does(tmp_path: Path, dtype: Any, scale: float) -> None:
    given = card(grams=grams(scale), config={"sizes": (1, 2)})
    write_card(tmp_path / "a", given, dtype)
    once = rounded(given, dtype)
    assert same(once, read_card(tmp_path / "a")) and same(once, rounded(once, dtype))
    assert once.config == read_card(tmp_path / "a").config == {"sizes": [1, 2]}
    assert same(given, once) == (dtype == "float32")  # float32 loses nothing, grams included
    write_card(tmp_path / "b", once, narrowest(once))
    assert narrowest(once) == dtype and same(once, read_card(tmp_path / "b"))


def test_a_card_of_more_than_256_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    most = 2**28
    about = json.dumps({"sha256": "0" * 64, "format": 1, "kind": "card"}, separators=(",", ":"))
    values = {"dtype": "U8", "shape": [most], "data_offsets": [0, most]}
    header = {"__metadata__": {"gesso": about}, "values": values}
    text = json.dumps(header, separators=(",", ":")).encode()
    with open(tmp_path / "a", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + most)
    with pytest.raises(GessoError, match=f"{8 + len(text) + most} bytes, allowed are {most}"):
        read_card(tmp_path / "a")


def test_a_card_beyond_float16_stays_in_float32(tmp_path: Path) -> None:
    wide = card(tensors={"a": np.float32([65_519.9, 0.1])}, grams=grams())
    assert rounded(wide).tensors["a"][0] == 65_504
    wide = card(tensors={"a": np.float32([65_520, 0.1])}, grams=grams())
    assert same(rounded(wide), wide) and narrowest(rounded(wide)) == "float32"
    with pytest.raises(GessoError, match="exceeds the range of float16; float32 can hold it"):
        write_card(tmp_path / "a", wide)
    with pytest.raises(GessoError, match="NaN"):
        rounded(card(tensors={"a": np.float32([np.nan])}))


def file_of(path: Path, **changes: Any) -> Path:
    header = {"kind": "card", "method": "m", "base": "", "config": {}, "settings": {}}
    header |= {"provenance": {}, "tensors": "a 2"}
    write_file(path, {"values": np.zeros(2, np.float32)}, header | changes)
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {"width": "16"}}, "width in its header is '16'; allowed are whole numbers"),
        ({"config": {"width": True}}, "width in its header is True; allowed are whole numbers"),
        ({"config": {"width": 1e308}}, "width in its header is 1e.308; allowed are numbers to"),
        ({"config": {"width": 10**400}}, "width in its header is 1000"),
        ({"config": {"width": 0}}, "allowed are whole numbers from 1 to 4096"),
        ({"config": {"width": None}}, "allowed are whole numbers from 1 to 4096"),
        ({"config": {"width": [16]}}, "allowed are whole numbers from 1 to 4096"),
        ({"settings": {"lr": -1e21}}, "lr in its header is -1e.21"),
        ({"settings": {str(n): 0 for n in range(MAX_VALUES + 1)}}, "more than 2000 values"),
        ({"provenance": {"blend": [{}] * (MAX_VALUES + 1)}}, "more than 2000 values"),
        ({"provenance": {"style": "x" * (MAX_TEXT + 1)}}, "style in its header has more than 2000"),
        ({"config": {"x" * (MAX_TEXT + 1): 1}}, "a key in its header has more than 2000"),
        ({"method": "x" * (MAX_TEXT + 1)}, "method in its header has more than 2000"),
        ({"base": "x" * (MAX_TEXT + 1)}, "base in its header has more than 2000"),
    ],
)
def test_header_fields_are_typed_counted_and_short(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = file_of(tmp_path / "a.safetensors", **changes)
    with pytest.raises(GessoError, match=words) as caught:
        read_card(path)
    assert len(str(caught.value)) < len(str(path)) + 160
    with pytest.raises(GessoError):  # and what could not be read is not written
        write_card(tmp_path / "b", card(**changes))
    assert not (tmp_path / "b").exists()


def test_a_header_at_its_limits_is_read_and_shown_in_short(tmp_path: Path) -> None:
    settings = {str(n): 0 for n in range(MAX_VALUES - 25)}
    more = {"note": "x" * MAX_TEXT, "list": list(range(21)), "\x1b[2J": "\x00\n"}
    path = file_of(tmp_path / "a", settings=settings, provenance=more, config={"width": 4096})
    summary = read_card(path).summary()
    assert len(summary["settings"]) == 101
    assert summary["settings"]["…"] == f"{MAX_VALUES - 125} more"
    origin = summary["provenance"]
    assert len(origin["note"]) == 200 and origin["list"][-1] == "… 1 more"
    assert all(text.isprintable() for text in map(str, [*origin, *origin.values()]))


@pytest.mark.parametrize(
    "levels",
    [
        {level: [2, 1e308] for level in LEVELS},
        {level: [2, 2.0**128] for level in LEVELS},
        {level: [2, 1e39] for level in LEVELS},
        {level: [2, "1"] for level in LEVELS},
        {level: [2, True] for level in LEVELS},
        {level: [2.0, 1] for level in LEVELS},
        {"relu1_2": [2, 1]},
        [],
    ],
)
def test_malformed_grams_are_refused(tmp_path: Path, levels: Any) -> None:
    path = tmp_path / "a"
    write_card(path, card(grams=grams()))
    stored, header = read_file(path)
    stored["grams"] = stored["grams"].__class__("F32", (12,), np.ones(12, np.float32).tobytes())
    write_file(path, stored, header | {"grams": {"encoder": "e", "levels": levels}})
    with pytest.raises(GessoError, match=r"describe its Gram matrices|beyond float32"):
        read_card(path)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint8])
def test_rows_of_other_types_are_refused(tmp_path: Path, dtype: Any) -> None:
    path = file_of(tmp_path / "a")
    write_file(path, {"values": np.zeros(2, dtype)}, read_file(path)[1])
    with pytest.raises(GessoError, match="no row of numbers in float16 or float32"):
        read_card(path)
