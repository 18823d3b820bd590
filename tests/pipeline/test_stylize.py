"""`gesso.stylize`: one line from a picture to a picture, the one that the command line writes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import gesso
from gesso.cards.cache import CardCache
from gesso.cli import run
from gesso.errors import GessoError, OptionError
from gesso.images.write import write_image
from gesso.pipeline.presets import PRESETS
from gesso.stylizers.progress import AdaptStep
from tiny import grained, pictures
from tiny_files import TinyFiles

pytestmark = pytest.mark.usefixtures("tiny_weights", "own_cache")

QUICK: dict[str, Any] = {"method": "metastyle", "steps": 2, "style_size": 64, "crop": 48}
FLAGS = ["--method", "metastyle", "--steps", "2", "--style-size", "64", "--crop", "48"]
PAINT: dict[str, Any] = {
    "steps": 2,
    "fine_steps": 1,
    "half_steps": 0,
    "final_steps": 1,
    "style_size": 64,
}
PAINT_FLAGS = ["--steps", "2", "--fine-steps", "1", "--half-steps", "0", "--final-steps", "1"]
PAINT_FLAGS += ["--style-size", "64"]


def stylized(photo: Any, style: Any, out: Path | None = None, **more: Any) -> NDArray[np.uint8]:
    return gesso.stylize(photo, style, out, **(QUICK | more))


def written(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def test_a_picture_may_be_given_in_every_form(files: TinyFiles, tmp_path: Path) -> None:
    painting = tmp_path / "style.png"
    write_image(painting, pictures(1, 64)[0])  # needs no scaling, which torch does its own way
    expected = stylized(files.photo, painting)
    assert expected.dtype == np.uint8 and expected.shape == (66, 68, 3)
    assert not np.array_equal(expected, written(files.photo))

    def forms(path: Path) -> list[Any]:
        tensor, pillow = gesso.read_image(path), Image.open(path)
        numbers = [tensor, tensor.numpy(), np.asarray(pillow), pillow]
        return [str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), *numbers]

    for photo, style in zip(forms(files.photo), forms(painting), strict=True):
        assert np.array_equal(stylized(photo, style), expected)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], {}),
        (["--polish", "0", "--size", "40"], {"size": 40, "controls": gesso.Controls(polish=0)}),
        (["--strength", "0.4"], {"controls": gesso.Controls(strength=0.4)}),
        (["--color", "content"], {"controls": gesso.Controls(color="content")}),
        (["--paint-size", "64"], {"controls": gesso.Controls(paint_size=64)}),
        (["--ground", "painted"], {"controls": gesso.Controls(ground="painted")}),
        (["--no-cache", "--polish", "2"], {"cache": False, "controls": gesso.Controls(polish=2)}),
    ],
)
def test_the_command_line_writes_the_very_same_file(
    files: TinyFiles, tmp_path: Path, flags: list[str], words: dict[str, Any]
) -> None:
    outs = [tmp_path / "command.png", tmp_path / "python.png"]
    command = ["stylize", str(files.photo), "--style", str(files.style), "-o", str(outs[0])]
    assert run([*command, *FLAGS, *flags]) == 0
    found = stylized(files.photo, files.style, outs[1], **words)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert np.array_equal(written(outs[1]), found)


@pytest.mark.parametrize("preset", ["draft", "balanced", "best"])
def test_the_command_line_writes_the_very_same_file_by_default(
    files: TinyFiles, tmp_path: Path, preset: str
) -> None:
    outs = [tmp_path / "command.png", tmp_path / "python.png"]
    command = ["stylize", str(files.photo), "--style", str(files.style), "-o", str(outs[0])]
    assert run([*command, *PAINT_FLAGS, "--preset", preset]) == 0
    gesso.stylize(files.photo, files.style, outs[1], preset=preset, **PAINT)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_control_that_is_said_goes_before_the_presets(
    tiny_weights: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "photo.png"
    write_image(photo, grained(pictures(1, 128, seed=6))[0])
    draft = replace(PRESETS["draft"], controls={"paint_size": 64})
    monkeypatch.setitem(PRESETS, "draft", draft)
    how: dict[str, Any] = {**PAINT, "preset": "draft"}
    look = gesso.Controls(paint_size=64)
    small, large = (gesso.stylize(photo, tiny_weights.style, **h) for h in (how, PAINT))
    assert np.array_equal(small, gesso.stylize(photo, tiny_weights.style, controls=look, **PAINT))
    said = gesso.Controls(paint_size=128)
    assert np.array_equal(gesso.stylize(photo, tiny_weights.style, controls=said, **how), large)
    assert not np.array_equal(small, large)
    for flags, expected in (([], small), (["--paint-size", "128"], large)):
        out = tmp_path / "out.png"
        command = ["stylize", str(photo), "--style", str(tiny_weights.style), "-o", str(out)]
        assert run([*command, *PAINT_FLAGS, "--preset", "draft", *flags]) == 0
        assert np.array_equal(written(out), expected)


def test_a_card_is_run_with_other_options_of_pictures(files: TinyFiles, tmp_path: Path) -> None:
    card = tmp_path / "card.safetensors"
    assert run(["adapt", str(files.style), "-o", str(card), *PAINT_FLAGS]) == 0
    for words in ({}, {"lr": 0.05}):
        expected = gesso.stylize(files.photo, files.style, **(PAINT | words))
        assert np.array_equal(gesso.stylize(files.photo, card, **words), expected)
    out = tmp_path / "out.png"
    flags = ["--style", str(card), "--lr", "0.05", "-o", str(out)]
    assert run(["stylize", str(files.photo), *flags]) == 0
    assert np.array_equal(written(out), expected)
    with pytest.raises(OptionError, match="style_size: of no use with a card"):
        gesso.stylize(files.photo, card, style_size=96)


def test_one_cached_card_serves_all_presets(files: TinyFiles) -> None:
    found = [
        gesso.stylize(files.photo, files.style, preset=preset, **PAINT | {"lr": lr})
        for preset, lr in (("balanced", 0.01), ("best", 0.05))
    ]
    assert len(CardCache().entries()) == 1
    again = gesso.stylize(files.photo, files.style, **PAINT | {"lr": 0.05}, cache=False)
    assert not np.array_equal(found[0], found[1]) and np.array_equal(found[1], again)


def test_the_cache_is_shared_with_the_command_line(files: TinyFiles, tmp_path: Path) -> None:
    out = ["-o", str(tmp_path / "a.png")]
    assert run(["stylize", str(files.photo), "--style", str(files.style), *out, *FLAGS]) == 0
    assert len(CardCache().entries()) == 1
    steps: list[AdaptStep] = []
    stylized(files.photo, files.style, on_step=steps.append, controls=gesso.Controls(polish=0))
    assert not steps and len(CardCache().entries()) == 1
    stylized(files.photo, files.style, cache=False, on_step=steps.append)
    assert steps and len(CardCache().entries()) == 1


def test_transparency_is_kept(tmp_path: Path, files: TinyFiles) -> None:
    alpha = torch.linspace(0, 1, 70 * 70).reshape(1, 70, 70)
    write_image(tmp_path / "cut.png", pictures(1, 70)[0], alpha=alpha)
    found = stylized(tmp_path / "cut.png", files.style, tmp_path / "out.png")
    assert found.shape == (70, 70, 4)
    assert np.array_equal(found[..., 3], written(tmp_path / "cut.png")[..., 3])
    assert np.array_equal(written(tmp_path / "out.png"), found)


def test_styles_and_cards_are_mixed(files: TinyFiles, tmp_path: Path) -> None:
    method = gesso.load("adain")
    card = method.adapt(files.style)
    card.save(tmp_path / "card.safetensors")
    mixed = gesso.mix([card, method.adapt(files.photo)], [0.6, 0.4])
    weights = gesso.Controls(weights=[0.6, 0.4])
    found = gesso.stylize(
        files.photo, [tmp_path / "card.safetensors", files.photo], method="adain", controls=weights
    )
    expected = gesso.stylize(files.photo, mixed)  # the card says which method
    assert int(np.abs(found.astype(int) - expected).max()) <= 1


def test_bundled_contents_make_one_card_for_all_photos(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "bundled.jpg", pictures(1, 66)[0])
    monkeypatch.setattr("gesso.assets.CONTENTS", tmp_path)
    for photo in (files.photo, files.photos / "a.jpg"):
        stylized(photo, files.style, contents="bundled")
    assert len(CardCache().entries()) == 1
    stylized(files.photo, files.style, contents=files.photos)
    assert len(CardCache().entries()) == 2


def test_a_picture_of_no_file_can_be_written_anywhere(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = gesso.read_image(files.photo)
    for _ in range(2):  # the second time it is replaced
        found = stylized(photo, files.style, Path("picture.png"))
    assert np.array_equal(written(Path("picture.png")), found)
    Path("picture").mkdir()
    stylized(photo, files.style, Path("picture"))
    assert [path.name for path in Path("picture").iterdir()] == ["picture.png"]


def test_mistakes_are_one_line_before_any_work(files: TinyFiles, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    mistakes: list[tuple[Any, Any, Any, dict[str, Any], str]] = [
        (files.photo, files.style, files.style, {}, "is an input, which is never overwritten"),
        (files.photo, files.style, tmp_path / "x.gif", {}, "no picture format for '.gif'"),
        (files.photo, files.style, None, {"colour": "blue"}, "option colour: unknown"),
        (files.photo, files.style, None, {"method": "wtc"}, "method wtc: unknown; allowed are"),
        (files.photo, files.style, None, {"steps": "many"}, "steps: many; allowed are whole"),
        (files.photo, files.style, None, {"size": 0}, "size: 0"),
        (files.bad, files.style, out, {}, r"bad\.jpg"),
        (files.photo, files.bad, out, {}, r"bad\.jpg"),
        (torch.rand(4, 8, 8), files.style, out, {}, "image: float32 of shape"),
        (files.photo, [], out, {}, "style"),
        (3, files.style, None, {}, "int"),
    ]
    for photo, style, target, words, trouble in mistakes:
        with pytest.raises(GessoError, match=trouble) as caught:
            stylized(photo, style, target, **words)
        assert "\n" not in str(caught.value)
    assert not out.exists() and CardCache().entries() == []
    with pytest.raises(OptionError, match=r"method: gatys, but .* a card of adain"):
        gesso.stylize(files.photo, gesso.load("adain").adapt(files.style), method="gatys")
