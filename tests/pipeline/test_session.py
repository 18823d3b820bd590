"""From files to pictures: the same, whatever was done before and by how many threads."""

from __future__ import annotations

import io
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import gesso
from gesso.cards.cache import CardCache
from gesso.cards.card import StyleCard
from gesso.controls.color import COLORS
from gesso.controls.controls import Controls
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.images.write import eight_bits, write_image
from gesso.methods.base import AdaptStep
from gesso.methods.metastyle.method import MetaStyle
from gesso.nn.checkpoint import save_file
from gesso.nn.pictures import read_image
from gesso.pipeline.plan import Job
from gesso.pipeline.session import Session
from gesso.pipeline.style_cards import Contents
from tiny import pictures, quick, tiny_encoder
from tiny_files import TinyFiles

pytestmark = pytest.mark.usefixtures("tiny_weights")


@pytest.fixture
def cache(tmp_path: Path) -> CardCache:
    return CardCache(tmp_path / "cards")


def opened(name: str = "metastyle", cache: CardCache | None = None, **more: Any) -> Session:
    """A session whose adaptations are quick: two steps."""
    method = gesso.load(name)
    return Session(name, method.chosen(None, quick(method, steps=2)), cache=cache, **more)


def picture(path: Path, seed: int, light: float = 1.0) -> Path:
    write_image(path, light * pictures(1, 68, seed=seed)[0, :, :66])
    return path


def seen(session: Session, photo: Any, *styles: Any, **controls: Any) -> NDArray[np.uint8]:
    """The pixels that are written."""
    found = session.stylize(photo, styles, Controls(**controls))
    return eight_bits(found.rgb, found.alpha)


def adaptations(session: Session, style: Any, photo: Any) -> int:
    """How often the session adapts to get this card."""
    steps: list[AdaptStep] = []
    session.card(style, contents=Contents([photo]), on_step=steps.append)
    return sum(now.step == now.steps for now in steps)


# the same picture


@pytest.mark.parametrize("name", gesso.list_methods())
def test_the_first_picture_is_the_second_and_that_of_any_other_session(
    name: str, files: TinyFiles, cache: CardCache
) -> None:
    session = opened(name, cache)
    first = seen(session, files.photo, files.style)
    assert len(cache.entries()) == 1
    assert np.array_equal(seen(session, files.photo, files.style), first)
    assert np.array_equal(seen(opened(name, cache), files.photo, files.style), first)
    assert np.array_equal(seen(opened(name), files.photo, files.style), first)
    assert len(cache.entries()) == 1


@pytest.mark.parametrize("color", COLORS)
def test_what_a_style_was_used_for_before_does_not_matter(
    color: str, files: TinyFiles, cache: CardCache, tmp_path: Path
) -> None:
    night = picture(tmp_path / "night.png", seed=20, light=0.1)
    session = opened(cache=cache)
    seen(session, night, files.style, color=color)
    alone = seen(opened(), files.photo, files.style, color=color)
    assert np.array_equal(seen(session, files.photo, files.style, color=color), alone)
    assert np.array_equal(seen(opened(cache=cache), files.photo, files.style, color=color), alone)


def test_eight_threads_make_the_pictures_that_one_makes(files: TinyFiles, tmp_path: Path) -> None:
    styles = [picture(tmp_path / f"style{i}.png", seed=30 + i) for i in range(3)]
    photos = [files.photo, files.photos / "a.jpg"]
    jobs = [(photo, style) for photo in photos for style in styles] * 4
    alone = opened()
    expected = {job: seen(alone, *job) for job in jobs[:6]}
    made: list[tuple[Any, bool]] = []
    shared = opened(on_card=lambda style, card, known: made.append((style, known)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda job: seen(shared, *job), jobs))
    for job, pixels in zip(jobs, found, strict=True):
        assert np.array_equal(pixels, expected[job])
    assert sorted(made) == sorted((style, False) for style in styles for _ in photos)


def test_photos_in_their_own_colours_do_not_depend_on_their_neighbours(files: TinyFiles) -> None:
    contents = pictures(2, 66, seed=9)
    for color in COLORS[1:]:
        stylizer = opened().stylizer([files.style], Controls(color=color))
        both = stylizer(contents)
        assert torch.equal(both[1:], stylizer(contents[1:]))


def test_a_batch_gives_the_pictures_of_its_photos(files: TinyFiles, tmp_path: Path) -> None:
    session = opened()
    stylizer = session.stylizer([files.style], contents=Contents([files.photo]))
    photos = [files.bad, files.photo, files.folder / "missing.png"]
    jobs = [Job(photo, tmp_path / f"{i}.png") for i, photo in enumerate(photos)]
    failures = session.run(jobs, stylizer)
    assert list(failures) == [photos[0], photos[2]]
    assert all(line.startswith(str(p)) and "\n" not in line for p, line in failures.items())
    assert not jobs[0].out.exists() and not jobs[2].out.exists()
    expected = seen(session, files.photo, files.style)
    assert np.array_equal(eight_bits(gesso.read_image(jobs[1].out)), expected)


# what is adapted to


def test_the_second_time_nothing_is_adapted_and_no_encoder_loaded(
    files: TinyFiles, cache: CardCache
) -> None:
    session = opened(cache=cache, vectors=False)
    card = session.card(files.style)
    assert card.provenance["style"] == "style.png"

    def unwanted() -> Encoder:
        raise AssertionError("the encoder was loaded")

    method = MetaStyle.load(unwanted)
    again = opened(cache=cache, vectors=False)
    again.method = method
    photo = gesso.read_image(files.photo)[None]
    expected = session.method.stylizer(card)(photo)
    assert torch.equal(method.stylizer(again.card(files.style))(photo), expected)


def test_without_polish_a_card_made_for_polish_serves(files: TinyFiles, cache: CardCache) -> None:
    assert adaptations(opened(cache=cache), files.style, files.photo) == 1
    bare = opened(cache=cache, vectors=False)
    assert adaptations(bare, files.style, files.photo) == 0
    alone = seen(opened(vectors=False), files.photo, files.style, polish=0)
    assert np.array_equal(seen(bare, files.photo, files.style, polish=0), alone)


def test_for_polish_a_card_made_without_is_completed(files: TinyFiles, cache: CardCache) -> None:
    assert adaptations(opened(cache=cache, vectors=False), files.style, files.photo) == 1
    assert adaptations(opened(cache=cache), files.style, files.photo) == 0
    alone = seen(opened(), files.photo, files.style)
    assert np.array_equal(seen(opened(cache=cache), files.photo, files.style), alone)
    known: list[bool] = []
    later = opened(cache=cache, on_card=lambda style, card, known_: known.append(known_))
    later.card(files.style, contents=Contents([files.photo]))
    assert known == [True] and len(cache.entries()) == 1  # what was completed is kept


def test_cached_cards_lapse_when_the_method_makes_others(
    files: TinyFiles, cache: CardCache
) -> None:
    method = gesso.load("metastyle")
    options = method.chosen(None, quick(method, steps=2))

    def count() -> int:
        return adaptations(Session(method, options, cache=cache), files.style, files.photo)

    assert [count(), count()] == [1, 0]
    method.about = replace(method.about, version=method.about.version + 1)  # type: ignore[misc]
    assert [count(), count()] == [1, 0]


def test_other_options_are_adapted_to_anew_and_both_kept(
    files: TinyFiles, cache: CardCache
) -> None:
    method = gesso.load("metastyle")
    for steps in (1, 0):
        options = method.chosen(None, quick(method, steps=steps))
        session = Session(method, options, cache=cache)
        assert [adaptations(session, files.style, files.photo) for _ in range(2)] == [1, 0]
    assert len(cache.entries()) == 2


def test_cards_are_not_shared_between_encoders(
    files: TinyFiles, cache: CardCache, tmp_path: Path
) -> None:
    save_file(
        tmp_path / "e.safetensors", tiny_encoder(5).state_dict(), {"kind": "encoder", "config": {}}
    )
    assert adaptations(opened(cache=cache), files.style, files.photo) == 1
    method = gesso.load("metastyle", encoder=tmp_path / "e.safetensors")
    other = Session(method, method.chosen(None, quick(method, steps=2)), cache=cache)
    assert adaptations(other, files.style, files.photo) == 1
    named = opened(cache=cache, encoder=tmp_path / "e.safetensors")
    assert adaptations(named, files.style, files.photo) == 0


def test_without_a_cache_a_session_still_adapts_once(files: TinyFiles) -> None:
    session = opened()
    assert [adaptations(session, files.style, files.photo) for _ in range(2)] == [1, 0]


def test_a_cache_that_cannot_be_written_costs_a_warning(
    files: TinyFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    session = opened(cache=CardCache(tmp_path / "file/cards"))
    with caplog.at_level(logging.WARNING):
        assert session.card(files.style).tensors
    assert "cannot be created" in caplog.text and "not cached" in caplog.text


def test_contents_of_ones_own_are_practised_on_for_every_photo(
    files: TinyFiles, tmp_path: Path
) -> None:
    session = opened(contents=Contents([files.photo]))
    assert adaptations(session, files.style, files.photo) == 1
    assert adaptations(session, files.style, files.photos / "a.jpg") == 0


# cards as styles


def test_cards_are_run_as_they_are(files: TinyFiles, tmp_path: Path) -> None:
    card = opened().card(files.style)
    card.save(tmp_path / "card.safetensors")
    expected = seen(opened(), files.photo, card)
    assert np.array_equal(seen(opened(), files.photo, tmp_path / "card.safetensors"), expected)
    mixed = opened().method.blend([card, card], [1, 1])
    pair = seen(opened(), files.photo, card, tmp_path / "card.safetensors")
    assert np.array_equal(pair, seen(opened(), files.photo, mixed))


def test_a_card_whose_file_changes_is_read_anew(files: TinyFiles, tmp_path: Path) -> None:
    session, path = opened(), tmp_path / "card.safetensors"
    for style in (files.style, files.photo):
        card = opened().card(style)
        card.save(path)
        assert np.array_equal(seen(session, files.photo, path), seen(opened(), files.photo, card))


def test_cards_that_cannot_be_run_are_refused_by_their_file(
    files: TinyFiles, tmp_path: Path
) -> None:
    path = tmp_path / "card.safetensors"
    for name, words in [
        ("adain", "a card of adain, the method is metastyle"),
        ("metastyle", "width"),
    ]:
        StyleCard(name, {"a": torch.ones(2)}).save(path)
        with pytest.raises(GessoError, match=rf"card\.safetensors: .*{words}") as caught:
            opened().card(path)
        assert "\n" not in str(caught.value)


# pictures that are no files


def test_a_file_object_is_read_once_and_used_for_every_photo(files: TinyFiles) -> None:
    session = opened()
    style = io.BytesIO(files.style.read_bytes())
    stylizer = session.stylizer([style], Controls(color="content"))
    contents = pictures(2, 66, seed=9)
    expected = session.stylizer([files.style], Controls(color="content"))(contents)
    assert torch.equal(stylizer(contents), expected)


def test_a_style_that_cannot_be_read_is_refused_before_any_photo(files: TinyFiles) -> None:
    for color in COLORS:
        with pytest.raises(GessoError, match=r"bad\.jpg"):
            opened().stylizer([files.bad], Controls(color=color))
    with pytest.raises(GessoError, match="weights: 3 numbers for 1 styles"):
        opened().stylizer([files.style], Controls(weights=[1, 2, 3]))


def test_a_renamed_style_is_the_same_style(
    files: TinyFiles, cache: CardCache, tmp_path: Path
) -> None:
    session = opened(cache=cache)
    assert adaptations(session, files.style, files.photo) == 1
    copy = shutil.copy(files.style, tmp_path / "renamed.png")
    assert adaptations(session, copy, files.photo) == 0
    assert adaptations(session, files.style.read_bytes(), files.photo) == 0


def test_exact_and_rounded_cards_are_kept_apart(files: TinyFiles, cache: CardCache) -> None:
    exact, rounded = (
        opened(cache=cache, exact=one).card(files.style).tensors for one in (True, False)
    )
    assert all(torch.equal(rounded[n], rounded[n].half().float()) for n in rounded)
    assert any(not torch.equal(exact[n], rounded[n]) for n in exact)
    again = opened(cache=cache, exact=True).card(files.style).tensors
    assert all(torch.equal(again[n], exact[n]) for n in exact)


def test_a_style_is_cached_with_each_of_its_parts(files: TinyFiles, cache: CardCache) -> None:
    left = torch.zeros(6, 6)
    left[:, :3] = 1
    write_image(cache.folder.parent / "left.png", left.expand(3, 6, 6))
    session = opened(cache=cache)
    cards = [
        session.card(files.style, mask=mask)
        for mask in (None, torch.ones(3, 3), left, cache.folder.parent / "left.png", 1 - left)
    ]
    assert cards[0] is cards[1] and cards[2] is cards[3]
    assert len(cache.entries()) == 3
    with pytest.raises(GessoError, match="style_mask: of no use with a style, a card"):
        session.card(cards[0], mask=left)
    with pytest.raises(GessoError, match="style_mask: 1 given, for 2 styles; one a style"):
        session.stylizer([files.style] * 2, style_masks=[left])


def test_a_part_of_a_style_takes_on_the_photos_colours_by_itself(files: TinyFiles) -> None:
    left = torch.zeros(6, 6)
    left[:, :3] = 1
    style, photo = (read_image(path) for path in (files.style, files.photo))
    mirrored = torch.cat([style[..., :33], style[..., :33].flip(-1)], -1)
    rows = []
    for given in (style, mirrored):
        session = opened()
        controls = gesso.Controls(color="content", polish=0)
        rows.append(session.stylizer([given], controls, style_masks=[left])(photo[None]))
    assert torch.equal(*rows)
