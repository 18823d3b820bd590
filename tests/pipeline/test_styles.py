"""What a style is, and whose card."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from gesso.cards.card import StyleCard
from gesso.errors import GessoError, OptionError
from gesso.pipeline.styles import holds_card, is_card, method_of_cards
from tiny_files import TinyFiles


def saved(path: Path, method: str = "gatys") -> Path:
    StyleCard(method, {"a": torch.ones(3)}).save(path)
    return path


def test_a_card_is_known_from_a_picture_by_its_bytes(files: TinyFiles, tmp_path: Path) -> None:
    saved(tmp_path / "card.safetensors")
    shutil.copy(tmp_path / "card.safetensors", tmp_path / "card.png")
    shutil.copy(files.style, tmp_path / "style.safetensors")
    found = {p.name: is_card(p) for p in tmp_path.iterdir()}
    assert found == {"card.safetensors": True, "card.png": True, "style.safetensors": False}
    assert not is_card(files.bad)
    (tmp_path / "text.txt").write_text("hello", encoding="utf-8")
    assert not is_card(tmp_path / "text.txt")
    with pytest.raises(GessoError, match="nothing: cannot be read"):
        is_card(tmp_path / "nothing")


def test_pictures_that_are_no_files_are_no_cards(files: TinyFiles) -> None:
    pictures = [torch.rand(3, 8, 8), torch.rand(3, 8, 8).numpy(), files.style.read_bytes()]
    assert not any(map(holds_card, pictures))
    assert holds_card(StyleCard("gatys", {}))


def test_cards_say_which_method_runs_them(files: TinyFiles, tmp_path: Path) -> None:
    card = saved(tmp_path / "a.safetensors")
    assert method_of_cards([files.style], None) == "matching"
    assert method_of_cards([files.style, str(card)], None) == "gatys"
    assert method_of_cards([StyleCard("adain", {})], "adain") == "adain"
    assert method_of_cards([files.style], "adain") == "adain"


def test_cards_of_another_method_are_refused_by_name(files: TinyFiles, tmp_path: Path) -> None:
    card = saved(tmp_path / "a.safetensors")
    with pytest.raises(OptionError, match=r"method: adain, but .*a\.safetensors is a card of gat"):
        method_of_cards([card], "adain")
    other = saved(tmp_path / "b.safetensors", "johnson")
    with pytest.raises(GessoError, match=r"b\.safetensors: a card of johnson, but .*a\.safetens"):
        method_of_cards([card, other], None)
