"""`gesso train` and `gesso distill`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from command_line import Gesso, refused
from gesso.errors import GessoError
from gesso.methods.metastyle import training as metastyle_training
from gesso.nn.checkpoint import load_file
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
    monkeypatch.setattr(
        metastyle_training, "train_metastyle", lambda *_, **__: TrainResult(1, 0, signal)
    )
    assert cli(*TRAIN)[0] == code


def test_library_errors_are_told_in_one_line(cli: Gesso, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise GessoError("c: another training run is using this folder")

    monkeypatch.setattr(metastyle_training, "train_metastyle", refuse)
    refused(cli(*TRAIN), "c: another training run is using this folder")
