"""Style swap from the command line: train, adapt, stylize both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from command_line import Gesso, refused
from gesso.cli import run
from gesso.nn.checkpoint import load_file
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles


def training(files: TinyFiles, folder: Path, *more: object) -> list[object]:
    command: list[object] = ["train", "style_swap", "--contents", files.photos]
    command += ["--styles", files.photos, "-o", folder, "--encoder", files.encoder, "--batch", 1]
    command += ["--crop", 64, "--resize-max", 66, "--identity-weight", 2, "--depth", 2]
    return [*command, "--schedule", "inverse", "--workers", 0, "--threads", 1, *more]


@pytest.fixture(scope="module")
def weights(files: TinyFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert run([str(a) for a in training(files, folder, "--steps", 3)]) == 0
    return folder / "weights.safetensors"


def test_a_run_that_is_resumed_equals_one_that_was_not_stopped(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    part = training(files, tmp_path / "run", "--sample-every", 1)
    assert cli(*part, "--steps", 1)[0] == 0
    assert cli(*part, "--steps", 3, "--resume")[0] == 0
    one, two = (load_file(p)[0] for p in (weights, tmp_path / "run/weights.safetensors"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert len(list((tmp_path / "run/samples").iterdir())) == 3
    facts = json.loads(cli("info", weights, "--json")[1])
    assert (facts["kind"], facts["method"]) == ("weights", "style_swap")


def test_nothing_to_train_for_is_refused(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    none = training(files, tmp_path, "--steps", 1, "--feature-weight", 0, "--identity-weight", 0)
    refused(cli(*none), "weights of features, identity and match are 0")


def test_pictures_come_from_the_network_or_from_a_descent(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    command = ["stylize", files.photo, "--style", files.style, "--method", "style_swap"]
    command += ["--model", weights, "--encoder", files.encoder]
    ways = [
        [],
        ["--inverse", "content", "--descent", "1"],
        ["--patch-size", "5"],
        ["--alpha", "0.5"],
    ]
    found = []
    for number, way in enumerate(ways):
        assert cli(*command, *way, "-o", tmp_path / f"{number}.png")[0] == 0
        found.append(read_image(tmp_path / f"{number}.png"))
    assert all(not torch.equal(found[0], other) for other in found[1:])


def test_a_kept_card_is_run_with_other_patches(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    known = ["--method", "style_swap", "--model", weights, "--encoder", files.encoder]
    card = tmp_path / "card.safetensors"
    assert cli("adapt", files.style, *known, "-o", card)[0] == 0
    outs = [tmp_path / f"{name}.png" for name in ("usual", "few", "at_once")]
    few = ["--patches", 9]
    assert cli("stylize", files.photo, "--style", card, *known, "-o", outs[0])[0] == 0
    assert cli("stylize", files.photo, "--style", card, *known, *few, "-o", outs[1])[0] == 0
    assert cli("stylize", files.photo, "--style", files.style, *known, *few, "-o", outs[2])[0] == 0
    usual, later, at_once = (read_image(out) for out in outs)
    assert torch.equal(later, at_once) and not torch.equal(usual, later)
