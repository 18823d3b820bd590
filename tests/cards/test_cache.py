"""Cards adapted before: what the key depends on, and what becomes of damaged files."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from gesso.cards.cache import CardCache, card_key
from gesso.cards.card import StyleCard, provenance
from gesso.encoders import encoder_identity, load_encoder
from gesso.encoders.base import Encoder
from gesso.encoders.download import PUBLISHED
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.metastyle.method import MetaStyle
from gesso.nn.pictures import read_image
from gesso.pipeline import style_cards as adaptation
from gesso.pipeline.style_cards import (
    Adaptation,
    NoContents,
    Practice,
    cached_card,
    folder_practice,
    is_card,
)
from tiny import pictures
from tiny_files import TinyFiles, save_start

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def cache(tmp_path: Path) -> CardCache:
    return CardCache(tmp_path / "cards")


def a_card(value: float = 1 / 3) -> StyleCard:
    origin = provenance("painting.jpg", steps=7)
    return StyleCard("metastyle", {"norm.gamma": torch.full((64,), value)}, provenance=origin)


def load(files: TinyFiles, weights: Path | None = None) -> MetaStyle:
    method = gesso.load(weights=weights or files.start, encoder=files.encoder)
    assert isinstance(method, MetaStyle)
    return method


def adaptation_of(files: TinyFiles, **changes: Any) -> Adaptation:
    fields: dict[str, Any] = {
        "encoder": files.encoder,
        "practice": Practice([files.photo]),
        "given": False,
        "style_size": 64,
        "options": {"steps": 1},
    }
    return Adaptation(**(fields | changes))


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
    monkeypatch.setattr(gesso, "__version__", "next")
    keys.add(card_key(*parts))
    assert len(keys) == 6


@pytest.mark.parametrize(
    "options",
    [{"steps": 2}, {"lr": 0.5}, {"only_affine": True}, {"seed": 1}, {"crop": 32}, {"batch": 2}],
)
def test_every_setting_changes_the_key(files: TinyFiles, options: dict[str, Any]) -> None:
    method = load(files)
    key = adaptation_of(files, options={}).key(method, files.style)
    assert adaptation_of(files, options=options).key(method, files.style) != key


def test_start_encoder_style_and_style_size_change_the_key(
    files: TinyFiles, tmp_path: Path
) -> None:
    save_start(tmp_path / "start.safetensors", seed=1)
    base = adaptation_of(files)
    keys = {
        base.key(load(files), files.style),
        base.key(load(files, tmp_path / "start.safetensors"), files.style),
        base.key(load(files), files.photo),
        adaptation_of(files, style_size=65).key(load(files), files.style),
        adaptation_of(files, encoder="vgg16").key(load(files), files.style),
        adaptation_of(files, encoder="vgg19").key(load(files), files.style),
    }
    assert len(keys) == 6


def test_the_style_is_known_by_its_bytes_not_its_name(files: TinyFiles, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.png"
    shutil.copy(files.style, copy)
    method, base = load(files), adaptation_of(files)
    assert base.key(method, copy) == base.key(method, files.style)


def test_ones_own_photos_are_no_part_of_the_key_but_contents_are(
    files: TinyFiles, tmp_path: Path
) -> None:
    method = load(files)
    own = [Practice([files.photo]), Practice([files.photos / "a.jpg"], 32)]
    assert len({adaptation_of(files, practice=p).key(method, files.style) for p in own}) == 1
    folder = tmp_path / "contents"
    folder.mkdir()
    shutil.copy(files.photo, folder / "a.png")

    def key(size: int | None) -> str:
        practice = folder_practice(folder, size)
        return adaptation_of(files, practice=practice, given=True).key(method, files.style)

    keys = {adaptation_of(files).key(method, files.style), key(None), key(48)}
    os.utime(folder / "a.png", (1e9, 1e9))
    keys.add(key(None))
    shutil.copy(files.style, folder / "b.png")
    keys.add(key(None))
    assert len(keys) == 5


def test_the_encoder_is_identified_without_loading_it(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encoder_identity(files.encoder) == load_encoder(files.encoder).identity
    foreign = tmp_path / "plain.safetensors"
    from safetensors.torch import save_file

    save_file({n: t.clone() for n, t in load_encoder(files.encoder).state_dict().items()}, foreign)
    assert encoder_identity(foreign) == load_encoder(foreign).identity
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    assert encoder_identity() == load_encoder().identity
    assert encoder_identity("vgg19") == PUBLISHED["vgg19"].sha256
    with pytest.raises(GessoError, match="vgg18: no such file; allowed: compact, vgg16, vgg19"):
        encoder_identity("vgg18")


# together


def test_the_second_time_nothing_is_adapted_and_no_encoder_loaded(
    files: TinyFiles, cache: CardCache
) -> None:
    card, known = cached_card(load(files), files.style, adaptation_of(files), cache)
    assert not known and card.provenance["style"] == "style.png"

    def unwanted() -> Encoder:
        raise AssertionError("the encoder was loaded")

    method = MetaStyle.load(unwanted, files.start)
    again, known = cached_card(method, files.style, adaptation_of(files), cache)
    assert known
    photo = read_image(files.photo).unsqueeze(0)
    assert torch.equal(method.stylizer(again)(photo), method.stylizer(card)(photo))
    assert torch.equal(method.stylizer(card)(photo), load(files).stylizer(card)(photo))


def test_other_settings_are_adapted_anew_and_both_kept(files: TinyFiles, cache: CardCache) -> None:
    method = load(files)
    for options in ({"steps": 1}, {"steps": 0}):
        adapted = adaptation_of(files, options=options)
        assert [cached_card(method, files.style, adapted, cache)[1] for _ in range(2)] == [
            False,
            True,
        ]
    assert len(cache.entries()) == 2


def test_without_a_cache_every_time_is_the_first(files: TinyFiles) -> None:
    method, base = load(files), adaptation_of(files)
    cards = [cached_card(method, files.style, base, None) for _ in range(2)]
    assert [known for _, known in cards] == [False, False]
    one, other = (card.tensors for card, _ in cards)
    assert all(torch.equal(one[name], other[name]) for name in one)  # the seed decides


def test_a_cache_that_cannot_be_written_costs_a_warning(
    files: TinyFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = CardCache(tmp_path / "file/cards")
    with caplog.at_level(logging.WARNING):
        card, known = cached_card(load(files), files.style, adaptation_of(files), cache)
    assert card.tensors and not known
    assert "cannot be created" in caplog.text and "not cached" in caplog.text


def test_options_are_judged_before_anything_is_adapted(files: TinyFiles, cache: CardCache) -> None:
    with pytest.raises(GessoError, match="option colour: unknown"):
        adaptation_of(files, options={"colour": 1}).key(load(files), files.style)
    with pytest.raises(GessoError, match="steps -1"):
        adaptation_of(files, options={"steps": -1}).key(load(files), files.style)


# what is practised on


def picture(path: Path, height: int, width: int) -> Path:
    write_image(path, pictures(1, max(height, width))[0, :, :height, :width])
    return path


def test_practice_takes_photos_at_equal_distances_and_passes_over_bad_ones(
    files: TinyFiles, tmp_path: Path
) -> None:
    paths = [picture(tmp_path / f"{i}.png", 70 + i, 70 + i) for i in range(6)]
    assert [i.shape[1] for i in Practice(paths, most=3).images() or []] == [70, 72, 74]
    paths[2] = files.bad
    assert [i.shape[1] for i in Practice(paths, most=3).images() or []] == [70, 74, 71]
    assert [i.shape[1] for i in Practice(paths[:1], 80).images() or []] == [80]


def test_practice_of_unreadable_photos_names_them_all_in_order(files: TinyFiles) -> None:
    photos = [files.bad, files.folder / "missing.png"]
    with pytest.raises(NoContents) as caught:
        Practice(photos).images()
    assert list(caught.value.failures) == photos
    assert str(caught.value) == caught.value.failures[files.bad]


def test_photos_too_small_to_practise_on_leave_it_to_the_bundled_ones(tmp_path: Path) -> None:
    small, large = picture(tmp_path / "s.png", 1, 90), picture(tmp_path / "l.png", 64, 90)
    assert Practice([small]).images() is None
    assert [i.shape for i in Practice([small, large]).images() or []] == [(3, 64, 90)]


def test_of_large_photos_the_middle_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "PRACTICE_PIXELS", 2 * 80 * 100)
    large = picture(tmp_path / "l.png", 160, 200)
    for image in Practice([large, large.with_name("x.png"), large], most=2).images() or []:
        assert torch.equal(image, read_image(large)[:, 40:120, 50:150])


def test_contents_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GessoError, match="holds no pictures"):
        folder_practice(tmp_path, None)
    with pytest.raises(GessoError, match="no such folder"):
        folder_practice(tmp_path / "none", None)


def test_a_card_is_told_from_a_picture_by_its_bytes(files: TinyFiles, tmp_path: Path) -> None:
    a_card().save(tmp_path / "card.safetensors")
    shutil.copy(tmp_path / "card.safetensors", tmp_path / "card.png")
    shutil.copy(files.style, tmp_path / "style.safetensors")
    found = {p.name: is_card(p) for p in tmp_path.iterdir()}
    assert found == {"card.safetensors": True, "card.png": True, "style.safetensors": False}
    assert not is_card(files.bad)
    (tmp_path / "text.txt").write_text("hello", encoding="utf-8")
    assert not is_card(tmp_path / "text.txt")
    with pytest.raises(GessoError, match="nothing: cannot be read"):
        is_card(tmp_path / "nothing")


def test_dates_in_the_list_are_of_the_last_use(cache: CardCache) -> None:
    cache.put(KEY, a_card())
    os.utime(cache.folder / f"{KEY}.safetensors", (1e9, 1e9))
    assert cache.entries()[0].used == 1e9
    before = time.time() - 1
    cache.get(KEY)
    assert cache.entries()[0].used >= before
