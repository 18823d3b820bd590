"""Presets: what they choose, and what goes before them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gesso.cards.card import StyleCard
from gesso.cli import run
from gesso.controls.options import ControlOptions
from gesso.errors import OptionError
from gesso.methods.registry import DEFAULT, about
from gesso.options import changed
from gesso.pipeline.presets import PRESETS, chosen
from tiny_files import TinyFiles


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_made_of_options_that_its_method_has(name: str) -> None:
    preset = PRESETS[name]
    changed(about(preset.method).options(), preset.options)
    changed(ControlOptions(), preset.controls)
    assert preset.summary and preset.in_words.startswith(preset.method)


def test_balanced_is_what_happens_without_a_preset(files: TinyFiles) -> None:
    assert chosen("balanced", None, [files.style], {}) == chosen(None, None, [files.style], {})
    assert PRESETS["balanced"].method == DEFAULT


def test_options_that_are_given_go_first(files: TinyFiles) -> None:
    found = chosen("best", None, [files.style], {"steps": 3})
    assert found.options["steps"] == 3
    assert found.options["fine_steps"] == PRESETS["best"].options["fine_steps"]


def test_a_preset_of_another_method_is_refused(files: TinyFiles, tmp_path: Path) -> None:
    card = tmp_path / "a.safetensors"
    StyleCard("adain", {"a": torch.ones(3)}).save(card)
    for method, style in (("gatys", files.style), (None, card)):
        with pytest.raises(OptionError, match="preset: draft is made of matching; the method is"):
            chosen("draft", method, [style], {})
    with pytest.raises(OptionError, match="preset: quick is unknown; allowed are draft, balanced"):
        chosen("quick", None, [files.style], {})


def test_the_command_line_names_them(
    files: TinyFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["methods"]) == 0
    assert all(name in capsys.readouterr().out for name in ("draft",))
    flags = ["--style", str(files.style), "--preset", "quick", "-o", str(tmp_path / "x.png")]
    assert run(["stylize", str(files.photo), *flags]) == 2
    assert "--preset: quick is unknown; allowed are draft" in capsys.readouterr().err
