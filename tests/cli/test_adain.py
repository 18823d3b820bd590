"""AdaIN from the command line: train, adapt, stylize."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from command_line import Gesso, refused
from gesso.cli import run
from gesso.nn.checkpoint import load_file
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles


def training(files: TinyFiles, folder: Path, *more: object) -> list[object]:
    command: list[object] = ["train", "adain", "--contents", files.photos, "--styles", files.photos]
    command += ["-o", folder, "--encoder", files.encoder, "--skips", "relu2_1", "--batch", 2]
    command += ["--crop", 32, "--resize-max", 40, "--identity-weight", 2, "--schedule", "inverse"]
    return [*command, "--workers", 0, "--threads", 1, *more]


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
    assert (facts["kind"], facts["method"]) == ("weights", "adain")
    assert (facts["config"]["skips"], facts["trained"]["steps"]) == (["relu2_1"], 3)


def test_a_start_is_gone_on_from(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    more = training(files, tmp_path / "run", "--steps", 1, "--lr", 1e-9, "--start", weights)
    assert cli(*more)[0] == 0
    one, two = (load_file(p)[0] for p in (weights, tmp_path / "run/weights.safetensors"))
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)


def test_a_picture_is_stylized_and_its_card_cached(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    out = tmp_path / "out.png"
    options = ["--method", "adain", "--model", weights, "--encoder", files.encoder]
    command = ["stylize", files.photo, "-s", files.style, "-o", out, *options, "--style-size", 64]
    code, _, err = cli(*command)
    assert code == 0 and "adapted, one pass in " in err
    first = read_image(out)
    assert first.shape == read_image(files.photo).shape
    assert "taken from the cache" in cli(*command)[2]
    assert torch.equal(read_image(out), first)
    assert cli(*command, "--strength", 0.5)[0] == 0
    assert not torch.equal(read_image(out), first)
    refused(cli(*command, "--steps", 3), "--steps: method adain has no such option")


def test_a_card_needs_the_weights_and_the_encoder(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    card, out = tmp_path / "card.safetensors", tmp_path / "out.png"
    own = ["--model", weights, "--encoder", files.encoder]
    assert cli("adapt", files.style, "-o", card, "--method", "adain", *own)[0] == 0
    assert json.loads(cli("info", card, "--json")[1])["numbers"] == 2 * (10 + 6)
    stylize = ["stylize", files.photo, "--style", card, "-o", out]
    assert cli(*stylize, *own)[0] == 0
    refused(cli(*stylize, "--model", weights), "card.safetensors", "take no other")
    refused(
        cli(*stylize, *own[2:], "--model", files.decoder),
        "a card that needs the weights it was made with",
    )
    refused(cli(*stylize, *own[2:], "--model", files.hypernetwork), "meta_networks, not of adain")


def test_mistakes_are_one_line(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    refused(cli(*training(files, folder, "--level", "relu9_1")), "no level relu9_1")
    refused(cli(*training(files, folder, "--skips", "relu4_1")), "skip relu4_1")
    refused(cli(*training(files, folder, "--level", "relu4_3")), "relu4_3 is a projection")
    refused(cli(*training(files, folder, "--lr", 0)), "lr")
    refused(
        cli(*training(files, folder, "--content-weight", "nan")),
        "--content-weight: nan; allowed are numbers from 0",
    )
    nothing = ["--content-weight", 0, "--style-weight", 0, "--identity-weight", 0]
    refused(cli(*training(files, folder, *nothing)), "nothing to train for")
    adapt = ["adapt", files.style, "-o", tmp_path / "card.safetensors", "--size", 64]
    own = ["--method", "adain", "--model", files.decoder, "--encoder", files.encoder]
    refused(
        cli(*adapt, *own),
        "--content-size: method adain has no such option; allowed are --style-size",
    )
    assert os.listdir(tmp_path) == []


def test_a_run_goes_on_from_weights_that_lack_a_skip(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    more = ["--skips", "relu1_1,relu2_1", "--lr", 1e-9, "--steps", 1, "--start"]
    assert cli(*training(files, tmp_path / "run", *more, weights))[0] == 0
    before, _ = load_file(weights)
    after, header = load_file(tmp_path / "run" / "weights.safetensors")
    assert header["config"]["skips"] == ["relu1_1", "relu2_1"]
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)
    assert float(after["skips.relu1_1.weight"].abs().max()) < 1e-6
    assert float(after["scale_relu1_1"].min()) > 0 and not torch.all(after["scale_relu1_1"] == 1)
    other = ["--skips", "relu3_1", "--steps", 1, "--start"]  # relu2_1 would be lost
    code, _, err = cli(*training(files, tmp_path / "other", *other, weights))
    assert code == 2 and "weights.safetensors" in err and "relu2_1" in err
