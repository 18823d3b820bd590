"""What a card's file says of itself to programs that know ModelSpec."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gesso.cards.packing import PlainCard, read_card, write_card
from gesso.disk.tensors import read_file, write_file
from gesso.images.write import thumbnail_bytes

ORIGIN = {"style": "waves.jpg", "created": "2026-11-28", "gesso": "0.1.0"}


def metadata(path: Path) -> dict[str, str]:
    """The file's metadata as the safetensors library reads it."""
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(path, "numpy") as file:
        return dict(file.metadata())


def card(numbers: int = 3, **changes: Any) -> PlainCard:
    fields: dict[str, Any] = {"method": "m", "tensors": {"a": np.zeros(numbers, np.float32)}}
    return PlainCard(**(fields | {"provenance": ORIGIN} | changes))


def test_a_card_has_the_keys_that_the_standard_asks_for(tmp_path: Path) -> None:
    write_card(tmp_path / "a", card(provenance=ORIGIN | {"licence": "CC0", "author": "Ada"}))
    found = metadata(tmp_path / "a")
    must = ("sai_model_spec", "architecture", "implementation", "title")
    values = [found[f"modelspec.{key}"] for key in must]
    assert values == ["1.0.1", "gesso-m-card", "gesso", "waves (m)"]
    known = [found[f"modelspec.{key}"] for key in ("date", "license", "author")]
    assert known == ["2026-11-28", "CC0", "Ada"]


def test_what_is_unknown_is_left_out(tmp_path: Path) -> None:
    write_card(tmp_path / "a", card(provenance={}))
    found = metadata(tmp_path / "a")
    assert not {"modelspec.date", "modelspec.license", "modelspec.author"} & found.keys()
    assert all(found.values())


def test_a_thumbnail_is_given_where_it_takes_at_most_a_hundredth_of_the_card(
    tmp_path: Path,
) -> None:
    picture = thumbnail_bytes(np.random.default_rng(0).random((3, 16, 16)), 16)
    least = 50 * len(picture)  # numbers of two bytes: the picture itself takes a hundredth
    for numbers, there in ((least, False), (2 * least, True)):
        write_card(tmp_path / "a", card(numbers, thumbnail=picture))
        text = metadata(tmp_path / "a").get("modelspec.thumbnail", "")
        assert text.startswith("data:image/webp;base64,") == there
        assert not there or base64.b64decode(text.partition(",")[2]) == picture


def test_cards_without_the_keys_are_read_as_before(tmp_path: Path) -> None:
    write_card(tmp_path / "a", card(5))
    write_file(tmp_path / "old", *read_file(tmp_path / "a"))
    assert metadata(tmp_path / "old").keys() == {"gesso"}
    one, other = read_card(tmp_path / "a"), read_card(tmp_path / "old")
    assert one.provenance == other.provenance and one.method == other.method
    assert np.array_equal(one.tensors["a"], other.tensors["a"])
