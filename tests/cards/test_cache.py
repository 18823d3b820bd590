"""Cards adapted before: what the key depends on, and what becomes of damaged files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from gesso.cards.cache import CardCache, card_key
from gesso.cards.card import StyleCard, provenance
from gesso.disk.tensors import read_file

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def cache(tmp_path: Path) -> CardCache:
    return CardCache(tmp_path / "cards")


def a_card(value: float = 1 / 3) -> StyleCard:
    origin = provenance("painting.jpg", steps=7)
    return StyleCard("metastyle", {"norm.gamma": torch.full((64,), value)}, provenance=origin)


# the store


def test_a_card_comes_back_with_the_very_same_numbers(cache: CardCache) -> None:
    assert cache.get(KEY) is None
    card = a_card()
    cache.put(KEY, card)
    found = cache.get(KEY)
    assert found is not None and torch.equal(
        found.tensors["norm.gamma"], card.tensors["norm.gamma"]
    )
    assert cache.get(OTHER) is None


@pytest.mark.parametrize("grid", ["float16", "float32"])
def test_nothing_is_lost_and_half_the_bytes_where_that_does(cache: CardCache, grid: Any) -> None:
    card = a_card().rounded(grid)
    cache.put(KEY, card)
    found = cache.get(KEY)
    assert found is not None
    assert torch.equal(found.tensors["norm.gamma"], card.tensors["norm.gamma"])
    stored = read_file(cache.entries()[0].path)[0]["values"]
    assert stored.dtype == {"float16": "F16", "float32": "F32"}[grid]


@pytest.mark.parametrize("damage", [b"", b"no card", None])
def test_a_damaged_card_is_dropped(cache: CardCache, damage: bytes | None) -> None:
    cache.put(KEY, a_card())
    path = cache.folder / f"{KEY}.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)
    assert cache.get(KEY) is None
    assert not path.exists()


def test_the_list_says_what_is_there_the_last_used_first(cache: CardCache) -> None:
    for key in (KEY, OTHER):
        cache.put(key, a_card())
    (cache.folder / f"{'c' * 64}.safetensors").write_bytes(b"damaged")
    for age, path in enumerate(sorted(cache.folder.iterdir())):
        os.utime(path, (1e9 - age, 1e9 - age))
    cache.get(OTHER)
    entries = cache.entries()
    assert [entry.path.name[0] for entry in entries] == ["b", "a", "c"]
    assert (entries[0].style, entries[0].method, entries[0].steps) == (
        "painting.jpg",
        "metastyle",
        7,
    )
    assert entries[0].bytes == entries[0].path.stat().st_size
    assert (entries[2].style, entries[2].steps) == ("", None)


def test_clearing_removes_cards_and_nothing_else(cache: CardCache) -> None:
    for key in (KEY, OTHER):
        cache.put(key, a_card())
    mine = cache.folder / "mine.safetensors"
    mine.write_bytes(b"my own")
    assert cache.clear() == 2
    assert list(cache.folder.iterdir()) == [mine]
    assert cache.entries() == [] and cache.clear() == 0


def test_an_empty_cache_needs_no_folder(tmp_path: Path) -> None:
    cache = CardCache(tmp_path / "none")
    assert cache.entries() == [] and cache.clear() == 0 and cache.get(KEY) is None
    assert not cache.folder.exists()


def test_beyond_the_limit_the_cards_unused_longest_go(cache: CardCache) -> None:
    keys = [letter * 64 for letter in "abcd"]
    for age, key in enumerate(keys[:3]):
        cache.put(key, a_card())
        os.utime(cache.folder / f"{key}.safetensors", (1e9 + age, 1e9 + age))
    size = cache.entries()[0].bytes
    cache.get(keys[0])  # the oldest has just been used
    cache.max_bytes = 2 * size
    cache.put(keys[3], a_card())
    assert {entry.path.stem for entry in cache.entries()} == {keys[0], keys[3]}
    cache.max_bytes = 1
    cache.put(keys[1], a_card())
    assert [entry.path.stem for entry in cache.entries()] == [keys[1]]


def test_what_killed_writers_left_is_swept(cache: CardCache) -> None:
    cache.folder.mkdir()
    stale = cache.folder / f".tmp-{'0' * 16}-{KEY}.safetensors"
    stale.write_bytes(b"half a card")
    os.utime(stale, (1e9, 1e9))
    cache.put(KEY, a_card())
    assert not stale.exists()


def test_the_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "elsewhere"))
    cache = CardCache()
    cache.put(KEY, a_card())
    assert [path.parent for path in (e.path for e in cache.entries())] == [
        tmp_path / "elsewhere/cards"
    ]


# the key


def test_the_key_depends_on_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (KEY, "metastyle", OTHER, {"steps": 1, "lr": 0.1})
    keys = {card_key(*parts)}
    assert card_key(KEY, "metastyle", OTHER, {"lr": 0.1, "steps": 1}) in keys
    for place, other in enumerate((OTHER, "adain", KEY, {"steps": 2, "lr": 0.1})):
        changed = [*parts]
        changed[place] = other
        keys.add(card_key(*changed))  # type: ignore[arg-type]
    monkeypatch.setattr("gesso.cards.cache.__version__", "next")
    keys.add(card_key(*parts))
    assert len(keys) == 6


def test_dates_in_the_list_are_of_the_last_use(cache: CardCache) -> None:
    cache.put(KEY, a_card())
    os.utime(cache.folder / f"{KEY}.safetensors", (1e9, 1e9))
    assert cache.entries()[0].used == 1e9
    before = time.time() - 1
    cache.get(KEY)
    assert cache.entries()[0].used >= before
