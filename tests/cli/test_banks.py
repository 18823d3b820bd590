"""The styles of a user's own bank, by name: in Python, and on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gesso
from command_line import Gesso, refused, without_torch
from gesso.cards.card import StyleCard
from gesso.errors import GessoError, OptionError
from gesso.nn.checkpoint import save_file
from gesso.pipeline.banks import bank_of
from tiny_files import TinyFiles, save_bank

OWN = ("sea", "impasto")  # the second is called as a bundled one is


@pytest.fixture
def bank(tiny_weights: TinyFiles, tmp_path: Path) -> Path:
    path = tmp_path / "own.safetensors"
    save_bank(path, dict(zip(OWN, (tiny_weights.style, tiny_weights.photo), strict=True)))
    return path


def test_a_style_of_an_own_bank_is_painted_in_by_its_name(
    bank: Path, tiny_weights: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    by_file = {"sea": tiny_weights.style, "impasto": tiny_weights.photo}
    out = tmp_path / "out.png"
    for name, file in by_file.items():
        how: Any = {"weights": bank, "cache": False}
        made = gesso.stylize(tiny_weights.photo, name, **how)  # the bank says which method
        same = gesso.stylize(tiny_weights.photo, file, method="conditional_in", **how)
        assert (made == same).all()
        assert cli("stylize", tiny_weights.photo, "-s", name, "--model", bank, "-o", out)[0] == 0
        assert (np.asarray(Image.open(out)) == made).all()


def test_a_session_finds_the_names_of_its_own_weights(bank: Path, tiny_weights: TinyFiles) -> None:
    method = gesso.load("conditional_in", weights=bank)
    sessions = (gesso.Session("conditional_in", weights=bank), gesso.Session(method))
    for session in sessions:
        card = session.card("Sea")
        row = method.look_up("sea")
        assert all(torch.equal(value, row.tensors[n]) for n, value in card.tensors.items())
        with pytest.raises(OptionError, match=r"seas: no such file, nor.*names are sea \("):
            session.card("seas")
        with pytest.raises(OptionError, match="style_mask: of no use"):
            session.card("sea", mask=tiny_weights.photo)
    with pytest.raises(OptionError, match="hold no styles by name"):
        gesso.load("metastyle").look_up("sea")


def test_other_commands_take_the_names_too(
    bank: Path, tiny_weights: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    model, card = ("--model", bank), tmp_path / "sea.safetensors"
    assert cli("adapt", "sea", *model, "-o", tmp_path)[0] == 0
    assert StyleCard.load(card).provenance["style"] == "sea"
    refused(cli("adapt", "sea", "impasto", *model, "-o", tmp_path), "sea: a style by its name")
    refused(
        cli("stylize", tiny_weights.photo, "-s", "sea", *model, "--steps", 3, "-o", tmp_path),
        "--steps: of no use with sea",
    )
    sheet = tmp_path / "sheet.png"
    small = ("--size", 32)
    assert cli("styles", tiny_weights.photo, *model, *small, "-o", sheet)[0] == 0
    with Image.open(sheet) as picture:
        assert picture.height < 2 * 40  # two styles in one row, not 32
    refused(cli("styles", *model, "-o", sheet), "own.safetensors: holds no pictures")


def test_the_names_are_listed_without_torch(bank: Path) -> None:
    assert without_torch("styles", "--model", str(bank))[1].split() == list(OWN)
    out = without_torch("info", str(bank))[1]
    assert "2 styles" in out and "sea, impasto" in out


def test_other_files_are_no_banks(tiny_weights: TinyFiles, tmp_path: Path) -> None:
    empty = tmp_path / "empty.safetensors"
    tensors = {"a": torch.zeros(1)}
    configs: tuple[Any, ...] = (None, [], {}, {"styles": "sea"}, {"styles": [1]}, {"styles": []})
    for config in configs:
        save_file(empty, tensors, {"kind": "bank", "method": "conditional_in", "config": config})
        assert bank_of(empty) is None, config
    files = (tiny_weights.start, tiny_weights.photo, tmp_path, tmp_path / "lost", None)
    assert all(bank_of(file) is None for file in files)
    with pytest.raises(GessoError, match="lost"):
        gesso.stylize(tiny_weights.photo, "batik", weights=tmp_path / "lost", method="adain")
