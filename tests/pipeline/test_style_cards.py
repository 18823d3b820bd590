"""What a cached card is known by, and the contents it is practised on."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import gesso
from gesso.encoders import encoder_identity, load_encoder
from gesso.encoders.download import PUBLISHED
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.base import Method
from gesso.nn.pictures import read_image
from gesso.pipeline import style_cards
from gesso.pipeline.style_cards import Contents, NoContents, digest, key, practice, settled
from tiny import pictures
from tiny_files import TinyFiles, save_start


def key_of(files: TinyFiles, method: Method | None = None, **changes: Any) -> str:
    """The key of a card with everything as usual but `changes`; options are given by name."""
    method = method or gesso.load("metastyle", weights=files.start, encoder=files.encoder)
    usual: dict[str, Any] = {
        "style": files.style,
        "encoder": files.encoder,
        "contents": Contents([files.photo]),
        "color": "style",
        "photo": None,
        "mask": None,
    }
    named = {name: changes.pop(name, value) for name, value in usual.items()}
    options = method.chosen(None, changes)
    return key(method, options, digest(named.pop("style")), **named)


# the key


@pytest.mark.parametrize(
    "options",
    [{"steps": 2}, {"lr": 0.5}, {"only_affine": True}, {"seed": 1}, {"crop": 32}, {"batch": 2}],
)
def test_every_option_changes_the_key(files: TinyFiles, options: dict[str, Any]) -> None:
    assert key_of(files, **options) != key_of(files)


def test_start_encoder_style_and_style_size_change_the_key(
    files: TinyFiles, tmp_path: Path
) -> None:
    save_start(tmp_path / "start.safetensors", seed=1)
    other = gesso.load("metastyle", weights=tmp_path / "start.safetensors", encoder=files.encoder)
    keys = {
        key_of(files),
        key_of(files, other),
        key_of(files, style=files.photo),
        key_of(files, style_size=65),
        key_of(files, encoder="vgg16"),
        key_of(files, encoder="vgg19"),
    }
    assert len(keys) == 6


def test_without_a_name_the_encoder_is_the_methods_own(files: TinyFiles) -> None:
    assert key_of(files, encoder=None) == key_of(files)


def test_the_style_is_known_by_its_bytes_not_its_name(files: TinyFiles, tmp_path: Path) -> None:
    copy = shutil.copy(files.style, tmp_path / "renamed.png")
    data = files.style.read_bytes()
    keys = {key_of(files, style=style) for style in (files.style, Path(copy), copy, data)}
    assert len(keys) == 1


def test_what_is_practised_on_is_part_of_the_key(files: TinyFiles, tmp_path: Path) -> None:
    folder = tmp_path / "contents"
    folder.mkdir()
    shutil.copy(files.photo, folder / "a.png")

    def with_folder(size: int | None = None) -> str:
        return key_of(files, contents=Contents.named(folder, size))

    keys = {
        key_of(files),
        key_of(files, contents=Contents([files.photo], 32)),
        key_of(files, contents=Contents([files.photos / "a.jpg"])),
        key_of(files, contents=None),
    }
    assert len(keys) == 4 and with_folder() in keys  # the photo, wherever it lies
    assert with_folder(32) in keys
    os.utime(folder / "a.png", (1e9, 1e9))
    assert with_folder() in keys
    shutil.copy(files.style, folder / "b.png")
    assert with_folder() not in keys
    bundled = key_of(files, contents=Contents.named("bundled"))
    assert bundled == key_of(files, contents=None)


def test_methods_that_do_not_practise_have_one_card_for_all_photos(files: TinyFiles) -> None:
    method = gesso.load("adain", weights=files.decoder, encoder=files.encoder)
    assert key_of(files, method) == key_of(files, method, contents=Contents([files.bad]))


def test_the_colours_a_style_takes_on_are_part_of_the_key(files: TinyFiles) -> None:
    one, other = pictures(2, 20)
    keys = {
        key_of(files, color=color, photo=photo)
        for color in ("style", "content", "luminance")
        for photo in (one, other)
    }
    assert len(keys) == 5  # in the style's own colours the photo's do not matter


def test_the_part_of_a_style_that_counts_is_part_of_the_key(files: TinyFiles) -> None:
    left, right = torch.zeros(4, 4), torch.zeros(4, 4)
    left[:, :2], right[:, 2:] = 1, 1
    keys = {key_of(files, mask=mask) for mask in (None, left, left.clone(), right)}
    assert len(keys) == 3


def test_the_encoder_is_identified_without_loading_it(
    tiny_weights: TinyFiles, tmp_path: Path
) -> None:
    files, foreign = tiny_weights, tmp_path / "plain.safetensors"
    assert encoder_identity(files.encoder) == load_encoder(files.encoder).identity
    from safetensors.torch import save_file as save_safetensors

    tensors = load_encoder(files.encoder).state_dict()
    save_safetensors({n: t.clone() for n, t in tensors.items()}, foreign)
    assert encoder_identity(foreign) == load_encoder(foreign).identity
    assert encoder_identity() == load_encoder().identity
    assert encoder_identity("vgg19") == PUBLISHED["vgg19"].sha256
    with pytest.raises(GessoError, match="vgg18: no such file; allowed: compact, vgg16, vgg19"):
        encoder_identity("vgg18")


def test_options_are_judged_before_anything_is_adapted(files: TinyFiles) -> None:
    with pytest.raises(GessoError, match="option colour: unknown"):
        key_of(files, colour=1)
    with pytest.raises(GessoError, match="steps: -1; allowed are"):
        key_of(files, steps=-1)


def test_a_picture_is_known_by_what_is_seen() -> None:
    picture = pictures(1, 12)[0]
    assert digest(picture) == digest(picture.numpy()) == digest(picture[None])
    assert digest(picture) == digest(picture.clone().requires_grad_())
    assert digest(picture) != digest(picture.flip(-1))
    assert digest(picture[:, :6]) != digest(picture[:, :, :6].reshape(3, 6, 12))
    indexed = Image.new("P", (4, 4))  # the same numbers in other colours
    indexed.putpalette([255, 0, 0])
    other = indexed.copy()
    other.putpalette([0, 0, 255])
    assert digest(indexed) != digest(other)


def test_a_file_object_can_be_read_again_once_it_is_settled(files: TinyFiles) -> None:
    data = files.style.read_bytes()
    assert settled(io.BytesIO(data)) == data
    assert settled(files.style) == files.style
    with pytest.raises(GessoError, match="is empty"):
        settled(io.BytesIO())


# what is practised on


def picture(path: Path, height: int, width: int) -> Path:
    write_image(path, pictures(1, max(height, width))[0, :, :height, :width])
    return path


def heights(contents: Contents) -> list[int]:
    return [image.shape[1] for image in contents.images() or []]


def test_photos_at_equal_distances_are_practised_on(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{i}.png", 70 + i, 70 + i) for i in range(6)]
    assert heights(Contents(paths, most=3)) == [70, 72, 74]
    assert heights(Contents(paths[:1], 80)) == [80]


def test_the_key_says_what_is_practised_on_where_a_photo_cannot_be_read(
    files: TinyFiles, tmp_path: Path
) -> None:
    paths = [picture(tmp_path / f"{i}.png", 70 + i, 70 + i) for i in range(6)]
    paths[2] = files.bad
    one = Contents(paths, most=3)
    assert heights(one) == [70, 74]
    before = one.identity()
    picture(paths[1], 90, 90)  # not one of the three
    other = Contents(paths, most=3)
    assert other.identity() == before and heights(other) == [70, 74]
    picture(paths[4], 90, 90)
    assert Contents(paths, most=3).identity() != before


def test_where_none_of_the_chosen_photos_can_be_read_others_serve(
    files: TinyFiles, tmp_path: Path
) -> None:
    good = picture(tmp_path / "a.png", 70, 70)
    assert heights(Contents([files.bad, good], most=1)) == [70]


def test_photos_of_which_none_can_be_read_are_all_named_in_order(files: TinyFiles) -> None:
    photos = [files.bad, files.folder / "missing.png"]
    with pytest.raises(NoContents) as caught:
        Contents(photos).images()
    assert list(caught.value.failures) == photos
    assert str(caught.value) == caught.value.failures[files.bad]
    with pytest.raises(NoContents, match="allowed are floating-point"):
        Contents([torch.rand(4, 8, 8).numpy()]).images()


def test_photos_too_small_to_practise_on_leave_it_to_the_bundled_ones(tmp_path: Path) -> None:
    small, large = picture(tmp_path / "s.png", 1, 90), picture(tmp_path / "l.png", 64, 90)
    assert Contents([small]).images() is None
    assert [i.shape for i in Contents([small, large]).images() or []] == [(3, 64, 90)]


def test_of_large_photos_the_middle_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_cards, "PRACTICE_PIXELS", 2 * 80 * 100)
    large = picture(tmp_path / "l.png", 160, 200)
    for image in Contents([large, large.with_name("x.png"), large], most=2).images() or []:
        assert torch.equal(image, read_image(large)[:, 40:120, 50:150])


def test_where_only_the_luminance_is_stylized_practice_is_grey(files: TinyFiles) -> None:
    (image,) = practice(Contents([files.photo]), "luminance") or []
    assert torch.equal(image[0], image[1]) and torch.equal(image[1], image[2])
    (image,) = practice(Contents([files.photo]), "content") or []
    assert not torch.equal(image[0], image[1])


def test_contents_by_name(files: TinyFiles, tmp_path: Path) -> None:
    assert heights(Contents.named(files.photos)) == [66, 66, 66]
    assert Contents.named("bundled").images() is None
    with pytest.raises(GessoError, match="holds no pictures"):
        Contents.named(tmp_path)
    with pytest.raises(GessoError, match="no such folder"):
        Contents.named(str(tmp_path / "none"))
