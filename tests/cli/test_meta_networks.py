"""Meta Networks from the command line: train, adapt, stylize, texture, invent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from command_line import Gesso, refused
from gesso.cards.card import StyleCard
from gesso.cli import run
from gesso.nn.checkpoint import load_file
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles


def training(files: TinyFiles, folder: Path, *more: object) -> list[object]:
    command: list[object] = ["train", "meta_networks", "--contents", files.photos]
    command += ["--styles", files.photos, "-o", folder, "--encoder", files.encoder, "--width", 4]
    command += ["--hidden", 6, "--crop", 32, "--style-crop", 32, "--resize-max", 40]
    command += ["--style-batch", 2, "--workers", 0, "--threads", 1, "--schedule", "inverse"]
    return [*command, *more]


@pytest.fixture(scope="module")
def weights(files: TinyFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert run([str(a) for a in training(files, folder, "--steps", 3, "--repeats", 2)]) == 0
    return folder / "weights.safetensors"


@pytest.fixture
def options(files: TinyFiles, weights: Path) -> list[object]:
    method = ["--method", "meta_networks", "--model", weights, "--encoder", files.encoder]
    return [*method, "--style-size", 64]


def test_a_run_that_is_resumed_equals_one_that_was_not_stopped(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path
) -> None:
    part = training(files, tmp_path / "run", "--repeats", 2, "--sample-every", 1)
    assert cli(*part, "--steps", 1)[0] == 0
    assert cli(*part, "--steps", 3, "--resume")[0] == 0
    one, two = (load_file(p)[0] for p in (weights, tmp_path / "run/weights.safetensors"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert len(list((tmp_path / "run/samples").iterdir())) == 3
    facts = json.loads(cli("info", weights, "--json")[1])
    assert (facts["kind"], facts["method"]) == ("weights", "meta_networks")
    assert (facts["config"]["width"], facts["trained"]["steps"]) == (4, 3)


def test_a_picture_is_stylized_and_its_card_cached(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[object]
) -> None:
    out = tmp_path / "out.png"
    command = ["stylize", files.photo, "-s", files.style, "-o", out, *options]
    code, _, err = cli(*command)
    assert code == 0 and "adapted, one pass in " in err
    first = read_image(out)
    assert first.shape == read_image(files.photo).shape
    assert "taken from the cache" in cli(*command)[2]
    assert torch.equal(read_image(out), first)
    assert "meta_networks" in cli("cache")[1]
    assert cli(*command, "--strength", 0.5)[0] == 0
    assert not torch.equal(read_image(out), first)
    assert "adapted, 2 steps" in cli(*command, "--refine", 2, "--seed", 1)[2]


def test_photos_that_cannot_be_read_do_not_keep_a_card_from_being_made(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[object]
) -> None:
    out = tmp_path / "out"
    code, _, err = cli("stylize", files.photos, "-s", files.style, "-o", out, *options)
    assert code == 1 and err.count("bad.jpg") == 1
    assert len([p for p in out.rglob("*") if p.is_file()]) == 3


def test_cards_of_both_kinds(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[object], weights: Path
) -> None:
    small, whole = tmp_path / "small.safetensors", tmp_path / "whole.safetensors"
    adapt = ["adapt", files.style, "--float32", *options, "-o"]
    assert cli(*adapt, small)[0] == 0 and cli(*adapt, whole, "--kernels")[0] == 0
    facts = json.loads(cli("info", small, "--json")[1])
    assert (facts["method"], facts["tensors"], facts["numbers"]) == ("meta_networks", 1, 84)
    stylize = ["stylize", files.photo, "-o", tmp_path / "out.png", "--style"]
    assert cli(*stylize, small, "--model", weights)[0] == 0
    with_it = read_image(tmp_path / "out.png")
    assert cli(*stylize, whole)[0] == 0  # needs no weights
    assert torch.equal(read_image(tmp_path / "out.png"), with_it)
    refused(cli(*stylize, small), "small.safetensors", "needs the weights it was made with")
    refused(cli(*stylize, small, "--model", files.start), "metastyle.safetensors", "expected")
    refused(cli(*stylize, small, "--model", weights, "--refine", 3), "--refine")


def test_texture_of_a_picture_and_of_a_card(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[object], weights: Path
) -> None:
    one, two, other = (tmp_path / f"{name}.png" for name in "abc")
    assert cli("texture", files.style, "-o", one, "--size", 50, *options)[0] == 0
    card = tmp_path / "card.safetensors"
    assert cli("adapt", files.style, "-o", card, *options)[0] == 0
    same = ["texture", card, "--size", 50, "--model", weights, "-o"]
    assert cli(*same, two)[0] == 0 and cli(*same, other, "--seed", 1)[0] == 0
    assert read_image(one).shape == (3, 50, 50)
    assert torch.equal(read_image(one), read_image(two))
    assert not torch.equal(read_image(one), read_image(other))
    refused(cli("texture", files.style, "-o", files.style, *options), "never overwritten")
    refused(cli("texture", tmp_path / "no.png", "-o", one, *options), "no.png")


def test_styles_are_invented(files: TinyFiles, cli: Gesso, tmp_path: Path, weights: Path) -> None:
    command = ["invent", "-o", tmp_path / "new", "--model", weights, "--count", 2]
    assert cli(*command, "--seed", 5)[0] == 0
    paths = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in paths] == [f"invented-5-{i}.safetensors" for i in (1, 2)]
    a, b = (StyleCard.load(path).tensors["hidden"] for path in paths)
    assert not torch.equal(a, b)
    out = tmp_path / "out.png"
    assert cli("stylize", files.photo, "-s", paths[0], "-o", out, "--model", weights)[0] == 0
    refused(cli(*command, "--seed", 5, "--no-overwrite"), "exists")
    assert cli(*command, "--uniform")[0] == 0
    (tmp_path / "file").touch()
    refused(cli("invent", "-o", tmp_path / "file", "--model", weights), "file")
    refused(cli("invent", "-o", tmp_path, "--model", files.start), "metastyle.safetensors")


def test_mistakes_are_one_line(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[object]
) -> None:
    card = tmp_path / "card.safetensors"
    adapt = ["adapt", files.style, "-o", card]
    refused(cli(*adapt, *options, "--steps", 5), "--steps: method meta_networks has no such option")
    refused(cli(*adapt, *options, "--refine", -1), "--refine")
    refused(cli(*adapt, *options, "--encoder", "compact"), "were trained with")
    refused(
        cli(*adapt, "--model", files.start, "--method", "meta_networks"), "metastyle.safetensors"
    )
    told = "--refine: method metastyle has no such option"
    refused(cli(*adapt, "--refine", 3, *files.options[:4]), told)
    run_folder = tmp_path / "run"
    refused(cli(*training(files, run_folder, "--hidden", 0)), "--hidden")
    refused(cli(*training(files, run_folder, "--upsample", "magic")), "--upsample")
    refused(cli(*training(files, run_folder, "--lr", 0)), "lr")
    assert not card.exists() and os.listdir(tmp_path) == []
