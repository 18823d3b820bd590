"""Flags that are derived from what methods declare, and their help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gesso
from command_line import Gesso, python, refused, without_torch
from gesso.cards.card import StyleCard
from gesso.methods.registry import about
from gesso.options import declared
from tiny_files import TinyFiles

ADAPTING = ["stylize", "adapt", "grid", "texture"]


def sections(help: str) -> dict[str, list[str]]:
    """Heading → the flags below it, of a help page."""
    found: dict[str, list[str]] = {}
    for line in help.splitlines():
        if re.fullmatch(r"[A-Z][\w ]+:", line):
            found[line[:-1]] = []
        elif flags := re.match(r"  (-[^ ].*?)(  |$)", line):
            found[list(found)[-1]] += re.findall(r"--[\w-]+", flags[1])
    return found


@pytest.mark.parametrize("command", ADAPTING)
def test_every_declared_option_of_every_method_is_a_flag(cli: Gesso, command: str) -> None:
    flags = {flag for some in sections(cli(command, "--help")[1]).values() for flag in some}
    for name in gesso.list_methods():
        assert flags >= {one.flag for one in declared(about(name).options) if one.option.shown}


def test_a_dozen_options_come_first_and_the_others_in_groups(cli: Gesso) -> None:
    groups = sections(cli("stylize", "--help")[1])
    assert next(iter(groups)) == "Arguments"
    first = ["style", "out", "size", "strength", "color", "stroke", "weights"]
    first += ["alpha", "steps", "preset", "method", "help"]
    assert groups["Options"] == [f"--{name}" for name in first]
    assert groups["Only gatys"] == ["--optimizer", "--coarse", "--init"]
    output = ["quality", "keep-metadata", "overwrite", "no-overwrite", "format", "keep-settings"]
    assert groups["Output"] == [f"--{name}" for name in (*output, "json")]
    for flags in groups.values():
        assert len([flag for flag in flags if not flag.startswith("--no-")]) <= 12


def test_defaults_that_differ_are_listed(cli: Gesso) -> None:
    page = " ".join(cli("adapt", "--help")[1].split())
    others = "conditional_in: 100, gatys: 100, johnson: 2000, metastyle: 60, texture_nets: 500"
    assert f"Default: 40 ({others})." in page
    assert "Default: yes (johnson: no)." in page  # --decay
    assert "Seed of all random choices. Default: 0. [x>=0]" in page


def test_a_strangers_options_are_flags_of_every_command(
    cli: Gesso, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ADAPTING:
        assert "--tint" not in cli(command, "--help")[1]
    monkeypatch.setenv("GESSO_METHODS", "toy_method")
    for command in ADAPTING:
        assert sections(cli(command, "--help")[1])["Only toy"] == ["--tint"]


@pytest.mark.parametrize("command", ADAPTING)
def test_a_refusal_names_only_options_that_the_command_has(
    files: TinyFiles, cli: Gesso, tmp_path: Path, command: str
) -> None:
    photo = [files.photo, "-s", files.style, "-s", files.style]
    inputs = photo if command in ("stylize", "grid") else [files.style]
    out = tmp_path / ("out.safetensors" if command == "adapt" else "out.png")
    result = cli(command, *inputs, "-o", out, "--init", "noise")
    refused(result, "--init: method matching has no such option; allowed are --alpha")
    flags = {flag for some in sections(cli(command, "--help")[1]).values() for flag in some}
    assert set(re.findall(r"--[\w-]+", result[2])) <= flags


def test_senseless_options_are_refused_without_torch(
    files: TinyFiles, card: Path, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "-o", tmp_path / "out.png", "--style"]
    for options, words in [
        (["--init", "noise"], "--init: method matching has no such option"),
        (["--preset", "quick"], "--preset: quick is unknown; allowed are draft, balanced, best"),
        (["--method", "adain", "--steps", 3], "--steps: method adain has no such option"),
        (["--style-size", 3], "--style-size"),
        (["--steps", 3, "--lr", "nan"], "--lr: nan; allowed are numbers from 0"),
        (["--color", "blue"], "--color: blue is unknown; allowed are style, content, luminance"),
        (["--feather", 3], "--feather: of no use without masks"),
        (["--weights", "1,x"], "--weights: '1,x' is no list of numbers"),
    ]:
        refused(without_torch(*command, files.style, *options), words)
    refused(without_torch(*command, card, "--steps", 3), "--steps: of no use with", card.name)
    refused(without_torch(*command, card, "--method", "adain"), "a card of metastyle")


def test_a_lone_rate_sets_both(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    path = tmp_path / "card.safetensors"
    command = ["adapt", files.style, *files.options, "-o", path, "--lr", 0.01]
    for more, expected in ([], (0.01, 0.01)), (["--affine-lr", 0.02], (0.01, 0.02)):
        assert cli(*command, *more)[0] == 0
        settings = StyleCard.load(path).settings
        assert (settings["lr"], settings["affine_lr"]) == expected
    assert cli(*command, "--no-decay")[0] == 0
    assert StyleCard.load(path).settings["decay"] is False


def completed(words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("_GESSO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    return python("-m", "gesso").stdout.split()


def test_the_shell_completes_commands_flags_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("gesso styli", monkeypatch) == ["stylize"]
    assert completed("gesso stylize --ini", monkeypatch) == ["--init"]
    assert completed("gesso stylize --optimizer ", monkeypatch) == ["adam", "lbfgs"]
    assert completed("gesso adapt --method ga", monkeypatch) == ["gatys"]


def test_completion_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # there is none in CI
    done = python("-m", "gesso", "--install-completion", "bash")
    assert done.returncode == 0, done.stderr
    assert any("gesso" in path.name for path in tmp_path.rglob("*gesso*"))
