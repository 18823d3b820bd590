"""Methods and their options on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Gesso, refused
from gesso.cards.card import StyleCard
from tiny_files import TinyFiles


@pytest.mark.parametrize("command", ["stylize", "adapt"])
def test_options_a_method_does_not_know_are_refused(
    files: TinyFiles, cli: Gesso, tmp_path: Path, command: str
) -> None:
    inputs = [files.photo, "-s", files.style] if command == "stylize" else [files.style]
    out = tmp_path / ("out.png" if command == "stylize" else "out.safetensors")
    for options, words in [
        (["--init", "noise"], ("--init: method matching has no such option", "--alpha")),
        (["--method", "gatys", "--only-in"], ("--only-in: method gatys", "--optimizer, --coarse")),
        (
            ["--method", "johnson", "--objective", "metastyle"],
            ("--objective: metastyle is unknown; allowed are",),
        ),
        (
            ["--method", "gatys", "--optimizer", "sgd"],
            ("--optimizer: sgd is unknown; allowed are adam, lbfgs",),
        ),
        (["--method", "gatys", "--objective", "paper"], ("needs VGG-19 up to relu5_1",)),
        (["--method", "gatys", "--model", files.start], ("--model: ", "method gatys has none")),
        (["--method", "johnson", "--start", "none"], ("--start: none is no such file",)),
    ]:
        refused(cli(command, *inputs, "-o", out, "--encoder", files.encoder, *options), *words)
    assert not out.exists()


def test_gatys_from_the_command_line(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    options = ["--method", "gatys", "--encoder", files.encoder, "--steps", 2, "--style-size", 64]
    options += ["--init", "noise", "--seed", 3, "--optimizer", "lbfgs"]
    command = ["stylize", files.photo, "-s", files.style, *options, "-o"]
    assert cli(*command, tmp_path / "one.png")[0] == 0
    code, _, err = cli(*command, tmp_path / "two.png", "--strength", 0.8)
    assert code == 0 and "card taken from the cache" in err

    card = tmp_path / "card.safetensors"
    assert cli("adapt", files.style, *options, "--float32", "-o", card)[0] == 0
    command = ["stylize", files.photo, "-s", card, "-o", tmp_path / "three.png"]
    refused(cli(*command), str(card), "a card made with the encoder compact")
    refused(cli(*command, "--encoder", files.encoder, "--seed", 1), "--seed: of no use with")
    assert cli(*command, "--encoder", files.encoder)[0] == 0
    one = (tmp_path / "one.png").read_bytes()
    assert one == (tmp_path / "three.png").read_bytes()
    assert one != (tmp_path / "two.png").read_bytes()


def test_johnson_from_a_file_on_the_command_line(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    card = tmp_path / "card.safetensors"
    options = ["--method", "johnson", "--encoder", files.encoder, "--steps", 1, "--crop", 32]
    options += ["--batch", 1, "--style-size", 64, "--start", files.start]
    assert cli("adapt", files.style, *options, "-o", card)[0] == 0
    assert StyleCard.load(card).config["width"] == 4
    assert cli("stylize", files.photo, "-s", card, "-o", tmp_path / "out.png")[0] == 0
