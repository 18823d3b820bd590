"""`gesso texture` with a method that makes textures in its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

import gesso
from command_line import Gesso, refused
from gesso.errors import GessoError
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles


def test_textures_are_reproducible_varied_and_tile(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    card = tmp_path / "card.safetensors"
    quick = ["--steps", 1, "--crop", 32, "--scales", 3, "--style-size", 64]
    method = ["--method", "texture_nets", "--encoder", files.encoder]
    assert cli("adapt", files.style, "-o", card, *method, *quick)[0] == 0
    one, same, other = (tmp_path / f"{name}.png" for name in "abc")
    texture = ["texture", card, "--size", 50, "-o"]
    assert cli(*texture, one)[0] == 0 and cli(*texture, same)[0] == 0
    assert cli(*texture, other, "--seed", 1)[0] == 0
    assert read_image(one).shape == (3, 50, 50)
    assert one.read_bytes() == same.read_bytes() != other.read_bytes()
    tiles = ["texture", card, "--tileable", "-o", tmp_path / "t.png"]
    assert cli(*tiles, "--size", 48)[0] == 0
    refused(cli(*tiles, "--size", 50), "--size: 50 × 50 px; textures that tile have multiples of 4")

    stylize = ["stylize", files.photo, "-s", card, "-o"]
    assert cli(*stylize, one)[0] == 0 and cli(*stylize, same)[0] == 0
    assert cli(*stylize, other, "--noise-seed", 1)[0] == 0
    assert one.read_bytes() == same.read_bytes() != other.read_bytes()


def test_what_learns_textures_only_is_not_trained_for_a_photo(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    options = ["--method", "texture_nets", "--encoder", files.encoder, "--purpose", "textures"]
    stylize = ["stylize", files.photo, "-s", files.style, "-o", tmp_path / "out.png"]
    refused(cli(*stylize, *options), "--purpose: textures: stylizes no photo; allowed are both")
    given = {"method": "texture_nets", "encoder": files.encoder, "purpose": "textures"}
    with pytest.raises(GessoError, match=r"^purpose: textures: stylizes no photo"):
        gesso.stylize(files.photo, files.style, **given)


def test_methods_whose_textures_do_not_tile_say_so(
    files: TinyFiles, cli: Gesso, card: Path, tmp_path: Path
) -> None:
    texture = ["texture", card, "--tileable", "-o", tmp_path / "t.png", "--model", files.start]
    refused(cli(*texture), "--tileable: textures of method metastyle do not tile")
