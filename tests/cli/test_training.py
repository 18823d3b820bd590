"""`gesso train` and `gesso distill`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from command_line import Gesso, refused
from gesso.distillation.training_options import Training as Distillation
from gesso.methods.registry import about
from gesso.nn.checkpoint import load_file
from gesso.options import declared
from gesso.training.config import TrainResult
from tiny_files import TinyFiles


def training(files: TinyFiles, folder: Path) -> list[Any]:
    """A small run into the folder; the number of steps is left to add."""
    command = ["train", "metastyle", "--contents", files.photos, "--styles", files.photos]
    command += ["-o", folder, "--encoder", files.encoder, "--width", 4, "--crop", 32]
    command += ["--style-crop", 32, "--resize-max", 40, "--content-batch", 1, "--style-batch", 2]
    command += ["--workers", 0, "--sample-every", 1, "--lr", 1e-3, "--threads", 1, "--steps"]
    return command


def test_training_by_reptile_goes_on_bit_for_bit(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    at_once, in_two = (training(files, tmp_path / name) for name in ("once", "two"))
    assert cli(*at_once, 2, "--reptile", 2)[0] == 0
    assert cli(*in_two, 1, "--reptile", 2)[0] == 0
    assert cli(*in_two, 2, "--reptile", 2, "--resume")[0] == 0
    start, again = (tmp_path / name / "weights.safetensors" for name in ("once", "two"))
    tensors, header = load_file(start)
    assert header["config"]["reptile"] == 2
    for name, tensor in load_file(again)[0].items():
        assert torch.equal(tensor, tensors[name]), name


def test_a_start_is_trained_resumed_and_used(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = training(files, folder)
    assert cli(*command, 1)[0] == 0
    refused(cli(*command, 2), str(folder), "--resume")
    code, _, err = cli(*command, 2, "--resume")
    assert code == 0 and err.count("bad.jpg") <= 2
    facts = json.loads(cli("info", folder / "weights.safetensors", "--json")[1])
    assert (facts["kind"], facts["trained"]["steps"]) == ("start", 2)
    assert (
        json.loads(cli("info", folder / "checkpoint.safetensors", "--json")[1])["kind"]
        == "checkpoint"
    )
    assert len(list((folder / "samples").iterdir())) == 2
    weights = ["--model", folder / "weights.safetensors"]
    card = tmp_path / "card.safetensors"
    assert cli("adapt", files.style, "-o", card, *files.options, *weights)[0] == 0


TRAIN = ["train", "metastyle", "--contents", "a", "--styles", "b", "-o", "c"]


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_training_stopped_by_a_signal_says_so(
    cli: Gesso, monkeypatch: pytest.MonkeyPatch, signal: int, code: int
) -> None:
    stopped = TrainResult(7, 0, signal)
    monkeypatch.setattr("gesso.methods.training.train", lambda *_, **__: stopped)
    assert cli(*TRAIN) == (code, "", "c: stopped and saved after 7 steps; --resume goes on\n")


def test_library_errors_are_one_line(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = training(files, tmp_path / "run")
    assert cli(*command, 1)[0] == 0
    refused(cli(*command, 2, "--resume", "--seed", 5), str(tmp_path / "run"), "seed")


@pytest.mark.parametrize("name", ["adain", "avatar_net", "meta_networks", "metastyle", "wct"])
def test_every_declared_option_of_a_training_is_a_flag(cli: Gesso, name: str) -> None:
    training = about(name).training
    assert training is not None
    page = cli("train", name, "--help")[1]
    for one in declared(training):
        assert (f" {one.flag} " in page) == one.option.shown, one.flag


def test_a_trainings_own_settings_are_shown_as_flags(cli: Gesso) -> None:
    page = " ".join(cli("train", "meta_networks", "--help")[1].split())
    assert "--width 32 --content-batch 8 --style-batch 1 --repeats 20 --schedule inverse" in page
    assert "`" not in page


def test_a_strangers_training_is_a_command(cli: Gesso, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gesso.cli.train.about", lambda name: replace(about(name), training=about("adain").training)
    )
    monkeypatch.setenv("GESSO_METHODS", "toy_method")
    assert "--level" in cli("train", "toy", "--help")[1]
    assert "Train Toy (a stranger, 2026)." in cli("train", "--help")[1]


def test_the_compact_encoder_is_distilled(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    page = cli("distill", "--help")[1]
    assert all(f" {one.flag} " in page for one in declared(Distillation) if one.option.shown)
    command = ["distill", "--contents", files.photos, "--styles", files.photos, "-o", tmp_path]
    refused(cli(*command, "--teacher", "vgg18"), "vgg18")
    refused(cli(*command, "--gram-weight", -1), "--gram-weight: -1.0; allowed are numbers from 0")
