"""The commands as a user meets them: files in, files out, one line for every mistake."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from command_line import Gesso, python, refused
from gesso.cards.card import StyleCard
from gesso.encoders import load_encoder
from gesso.errors import GessoError
from gesso.losses.objectives import PAPER
from gesso.methods.metastyle import training as metastyle_training
from gesso.methods.metastyle.bilevel import InnerLoop
from gesso.methods.metastyle.method import Config
from gesso.nn.checkpoint import load_file
from gesso.nn.pictures import read_image
from gesso.training.config import TrainConfig, TrainResult
from tiny_files import TinyFiles, save_start

ROOT = Path(__file__).parents[2]
COMMANDS = ["stylize", "adapt", "mix", "grid", "texture", "invent", "train", "train metastyle"]
COMMANDS += ["train meta_networks", "train adain", "distill", "bench", "info", "cache", "methods"]


# help and version


def test_help_needs_neither_torch_nor_rich_nor_pillow() -> None:
    script = (
        "import sys; from gesso.cli import run\n"
        f"assert all(run([*c.split(), '--help']) == 0 for c in {['', *COMMANDS]!r})\n"
        "assert run(['--version']) == run(['cache']) == 0\n"
        "print({'torch', 'rich', 'PIL', 'numpy'} & sys.modules.keys())"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_without_a_command_the_commands_are_listed(cli: Gesso) -> None:
    code, out, err = cli()
    assert (code, err) == (0, "")
    assert "stylize" in out and "adapt" in out
    assert "fast" not in out.split("Commands:")[1]  # the originals' names are hidden


def test_the_module_runs_as_a_program() -> None:
    done = python("-m", "gesso", "--version")
    assert (done.returncode, done.stdout) == (0, f"gesso {gesso.__version__}\n")


def test_the_page_of_commands_is_up_to_date() -> None:
    module = runpy.run_path(str(ROOT / "docs/make_cli_page.py"))
    assert module["page"]() == (ROOT / "docs/cli.md").read_text(encoding="utf-8"), (
        "docs/cli.md is stale: run python docs/make_cli_page.py"
    )
    for command in COMMANDS:
        assert f"## gesso {command}\n" in module["page"]()


# mistakes


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("--colour", "--colour"),
        ("paint", "'paint': no such command"),
        ("stylize", "PHOTO"),
        ("stylize a.jpg -o b.png", "--style"),
        ("stylize a.jpg --style s.jpg", "--out"),
        ("stylize a.jpg --style s.jpg -o b.png --strength 2", "--strength"),
        ("stylize a.jpg --style s.jpg -o b.png --size 0", "--size"),
        ("stylize a.jpg --style s.jpg -o b.png --size big", "--size"),
        ("stylize a.jpg --style s.jpg -o b.png --quality 101", "--quality"),
        ("stylize a.jpg --style s.jpg -o b.gif", "b.gif"),
        ("stylize a.jpg --style s.jpg -o none/b.png", "none/b.png"),
        ("stylize a.jpg --style s.jpg -o b.png", "s.jpg"),
        ("adapt a.jpg -o a.png", "a.png"),
        ("adapt a.jpg -o none/a.safetensors", "none/a.safetensors"),
        ("adapt a.jpg -o a.safetensors --lr nan", "--lr"),
        ("train", "metastyle"),
        ("train metastyle --contents a --styles b", "--out"),
        ("train metastyle --contents a --styles b -o c --objective best", "--objective"),
        ("train metastyle --contents a --styles b -o c --device abacus", "abacus"),
        ("train metastyle --contents a --styles b -o c --lr 0", "lr"),
        ("distill --contents a --styles b -o c --teacher vgg18", "vgg18"),
        ("info none.safetensors", "none.safetensors"),
        ("cache empty", "'empty'"),
    ],
)
def test_mistakes_in_the_options_are_one_line(
    cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments == "train":  # click's own way to list what there is
        code, _, err = cli("train")
        assert code == 2 and word in err
        return
    refused(cli(*arguments.split()), word)
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        "stylize a.jpg --style s.jpg -o ''",
        "stylize a.jpg --style s.jpg --out=",
        "stylize a.jpg --style '' -o b.png",
        "stylize a.jpg --style s.jpg -o b.png --contents ''",
        "stylize a.jpg --style s.jpg -o b.png --mask=",
        "stylize '' --style s.jpg -o b.png",
        "adapt '' -o a.safetensors",
        "adapt a.jpg -o a.safetensors --model ''",
        "train metastyle --contents '' --styles b -o c",
        "train metastyle --contents a --styles b -o ''",
        "bench -o ''",
        "mix '' -o c.safetensors",
        "info ''",
    ],
)
def test_an_empty_path_is_no_working_folder(
    cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "s.jpg"):
        (tmp_path / name).touch()
    refused(cli(*shlex.split(arguments)), "empty; a value is needed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "s.jpg"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--method", "magic"], "method magic: unknown"),
        (["--encoder", "vgg18"], "encoder vgg18: no such file"),
        (["--model", "none.safetensors"], "none.safetensors"),
        (["--device", "abacus"], "device abacus: not available"),
        (["--device", "meta"], "device meta: not available"),
        (["--contents", "none"], "none: no such folder"),
    ],
)
def test_bad_files_and_names_in_options_are_one_line(
    files: TinyFiles, cli: Gesso, tmp_path: Path, options: list[str], word: str
) -> None:
    out = tmp_path / "out.png"
    refused(
        cli("stylize", files.photo, "-s", files.style, "-o", out, *files.options, *options), word
    )
    assert not out.exists()


def test_our_own_errors_ask_to_be_reported(
    files: TinyFiles, cli: Gesso, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("two\nlines")

    monkeypatch.setattr("gesso.methods.registry.load", broken)
    arguments = ["stylize", files.photo, "-s", files.style, "-o", files.folder / "x.png"]
    code, _, err = cli(*arguments)
    assert code == 70 and err.count("\n") == 1
    assert "please report it (TypeError: two lines)" in err and "GESSO_DEBUG" in err
    monkeypatch.setenv("GESSO_DEBUG", "1")
    with pytest.raises(TypeError):
        cli(*arguments)


# stylize


def test_stylize_adapts_once_and_then_takes_the_card_from_the_cache(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", files.style, *files.options, "-o"]
    code, out, err = cli(*command, tmp_path / "one.png")
    assert (code, out) == (0, "") and "adapted, 2 steps in" in err
    code, _, err = cli(*command, tmp_path / "two.png")
    assert code == 0 and "card taken from the cache" in err
    one = (tmp_path / "one.png").read_bytes()
    assert (tmp_path / "two.png").read_bytes() == one
    assert read_image(tmp_path / "one.png").shape == read_image(files.photo).shape
    code, _, err = cli(*command, tmp_path / "three.png", "--no-cache")
    assert "adapted, 2 steps in" in err
    assert (tmp_path / "three.png").read_bytes() == one
    code, _, err = cli(*command, tmp_path / "four.png", "--contents", files.photos, "--quiet")
    assert (code, err) == (0, "")
    assert (tmp_path / "four.png").read_bytes() != one


def test_a_folder_is_done_but_for_its_bad_files(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    results = tmp_path / "out"
    command = ["stylize", files.photos, "--style", card, "--model", files.start, "-o", results]
    code, _, err = cli(*command)
    assert code == 1
    lines = err.splitlines()
    assert lines[0] == f"{results}: 3 of 4 pictures written"
    assert lines[1].startswith(f"{files.bad}: damaged") and len(lines) == 2
    found = {p.relative_to(results).as_posix(): p for p in results.rglob("*") if p.is_file()}
    assert set(found) == {"a.jpg", "a.png", "sub/c.webp"}
    cli("stylize", files.photo, "--style", card, "--model", files.start, "-o", tmp_path / "a.png")
    assert found["a.png"].read_bytes() == (tmp_path / "a.png").read_bytes()

    found["a.png"].write_bytes(b"mine")
    found["a.jpg"].unlink()
    code, _, err = cli(*command, "--no-overwrite", "--quiet")
    assert code == 1 and err.splitlines() == lines[1:]
    assert found["a.png"].read_bytes() == b"mine" and found["a.jpg"].exists()


def test_entries_that_cannot_be_looked_at_are_named_and_the_rest_is_done(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    (photos / "good.png").write_bytes(files.photo.read_bytes())
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "nowhere.jpg").symlink_to("missing.jpg")
    os.mkfifo(photos / "pipe.jpg")
    command = ["stylize", photos, "--style", card, "--model", files.start, "-o", out]
    code, _, err = cli(*command)
    assert code == 1 and (out / "good.png").is_file()
    first, *lines = err.splitlines()
    assert first == f"{out}: 1 of 1 pictures written"
    names = ["loop.jpg", "nowhere.jpg", "pipe.jpg"]
    assert [line.partition(": ")[0] for line in lines] == [str(photos / name) for name in names]


def test_photos_of_one_name_are_reported_under_their_new_ones(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    photos = [tmp_path / year / "a.png" for year in ("2023", "2024")]
    for photo in photos:
        photo.parent.mkdir()
        photo.write_bytes(files.photo.read_bytes())
    command = ["stylize", *photos, "--style", card, "--model", files.start, "-o"]
    code, _, err = cli(*command, tmp_path / "out")
    new = [tmp_path / "out" / photo.relative_to(tmp_path) for photo in photos]
    assert code == 0 and all(path.is_file() for path in new)
    assert all(f"{old}: goes to {out}" in err for old, out in zip(photos, new, strict=True))
    refused(cli(*command, tmp_path / "x.png"), "x.png: names one file")


def test_verbose_says_where_the_seconds_went(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = ["stylize", files.photo, "-s", files.style, *files.options, "--no-cache", "-o"]
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        code, _, err = cli(*command, tmp_path / "out.png", "-v", "--threads", 1)
        torch.set_num_threads(before)
    last = err.splitlines()[-1]
    assert code == 0 and re.search(r"adapting \d+\.\d\d s, stylizing \d+\.\d\d s, 1 threads$", last)
    assert "threads" not in cli(*command, tmp_path / "out.png")[2]


def test_when_no_photo_can_be_read_each_is_named(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["--style", files.style, *files.options, "-o"]
    refused(cli("stylize", files.bad, *command, tmp_path / "out.png"), str(files.bad))
    missing = tmp_path / "missing.jpg"
    code, _, err = cli("stylize", missing, files.bad, *command, tmp_path / "out", "-q")
    assert code == 1
    assert [line.partition(": ")[0] for line in err.splitlines()] == [str(missing), str(files.bad)]


def test_a_bad_style_is_one_line_and_leaves_nothing(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    for style in (files.bad, tmp_path / "missing.jpg", files.start):
        result = cli("stylize", files.photos, "-s", style, *files.options, "-o", tmp_path / "out")
        refused(result, str(style))
    assert not (tmp_path / "out").exists()


def test_an_existing_output_is_replaced_unless_told_not_to_and_an_input_never(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    command = ["stylize", files.photo, "--style", card, "--model", files.start, "-o"]
    refused(cli(*command, out, "--no-overwrite"), str(out), "exists; --overwrite replaces it")
    assert out.read_bytes() == b"mine"
    assert cli(*command, out)[0] == 0 and read_image(out).shape == (3, 66, 68)
    before = files.photo.read_bytes()
    refused(cli(*command, files.photo), "is an input")
    assert files.photo.read_bytes() == before


def test_strength_and_size_reach_the_picture(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", card, "--model", files.start, "-o"]
    assert cli(*command, tmp_path / "0.png", "--strength", 0)[0] == 0
    assert torch.equal(read_image(tmp_path / "0.png"), read_image(files.photo))
    assert cli(*command, tmp_path / "s.png", "--size", 34)[0] == 0
    assert read_image(tmp_path / "s.png").shape == (3, 33, 34)


def test_options_of_an_adaptation_are_refused_with_a_card(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", card, "--model", files.start]
    command += ["-o", tmp_path / "out.png"]
    refused(cli(*command, "--steps", 5, "--lr", 0.1), "--steps, --lr", str(card))
    refused(cli(*command, "--method", "adain"), "--method adain", "a card of metastyle")


# methods and their options


@pytest.mark.parametrize("command", ["stylize", "adapt"])
def test_options_a_method_does_not_know_are_refused(
    files: TinyFiles, cli: Gesso, tmp_path: Path, command: str
) -> None:
    inputs = [files.photo, "-s", files.style] if command == "stylize" else [files.style]
    out = tmp_path / ("out.png" if command == "stylize" else "out.safetensors")
    for options, words in [
        (["--init", "noise"], ("--init: method metastyle has no such option", "--only-in")),
        (["--method", "gatys", "--only-in"], ("--only-in: method gatys", "--optimizer, --init")),
        (["--method", "johnson", "--objective", "paper"], ("--objective", "--start")),
        (["--method", "gatys", "--optimizer", "sgd"], ("optimizer sgd", "adam, lbfgs")),
        (["--method", "gatys", "--objective", "paper"], ("needs VGG-19 up to relu5_1",)),
        (["--method", "gatys", "--model", files.start], ("method gatys has none",)),
        (["--method", "johnson", "--start", "none"], ("start none: no such file",)),
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
    refused(cli(*command, "--encoder", files.encoder, "--steps", 1), "--steps: of no use with")
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


# adapt


def test_a_card_says_where_it_comes_from(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = ["adapt", files.style, *files.options, "--licence", "CC0", "--lr", 0.01, "-o"]
    code, out, err = cli(*command, tmp_path)
    assert (code, out) == (0, "")
    path = tmp_path / "style.safetensors"
    assert err.splitlines()[-1] == f"{path}: {path.stat().st_size / 1000:.0f} kB written"
    made = StyleCard.load(path)
    assert made.provenance["style"] == "style.png" and made.provenance["licence"] == "CC0"
    assert made.provenance["steps"] == 2 and made.thumbnail
    assert (made.settings["lr"], made.settings["affine_lr"]) == (0.01, 0.01)
    refused(cli(*command, path, "--no-overwrite"), "exists; --overwrite replaces it")
    assert cli(*command, path, "--float32", "-q") == (0, "", "")
    assert path.stat().st_size > 1.8 * (len(made.thumbnail) + 2 * 28467)


def test_a_card_of_instance_norms_alone_is_small_and_tied_to_its_start(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    path = tmp_path / "in.safetensors"
    assert cli("adapt", files.style, "-o", path, *files.options, "--only-in")[0] == 0
    assert path.stat().st_size < 4000  # 400 numbers at width 4
    command = ["stylize", files.photo, "--style", path, "-o", tmp_path / "out.png"]
    assert cli(*command, "--model", files.start)[0] == 0
    other = tmp_path / "other.safetensors"
    save_start(other, seed=1)
    refused(cli(*command, "--model", other), str(path), "another start")


def test_adapt_never_overwrites_the_weights_it_uses(files: TinyFiles, cli: Gesso) -> None:
    before = files.start.read_bytes()
    refused(cli("adapt", files.style, "-o", files.start, *files.options), "is an input")
    assert files.start.read_bytes() == before


def test_steps_of_zero_give_the_start_itself(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    options = [*files.options, "--steps", 0, "--contents", files.photos, "--size", 64]
    assert cli("adapt", files.style, "-o", path, "--float32", *options)[0] == 0
    method = gesso.load(weights=files.start, encoder=files.encoder)
    start = method.neutral().tensors
    assert all(torch.equal(t, start[n]) for n, t in StyleCard.load(path).tensors.items())


# the names of the original release


def test_the_originals_commands_work(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    fast = ["fast", "--content-dataset", files.photos, "--style-image", files.style]
    fast += ["--steps", 1, "--cuda", 0, "-o", tmp_path / "card.safetensors", "--model"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESSO_WEIGHTS", str(files.folder))
        assert cli(*fast, files.start)[0] == 0
        test = ["test", "--content-image", files.photo, "--model", tmp_path / "card.safetensors"]
        assert cli(*test, "--output-image", tmp_path / "out.png", "--cuda", 0)[0] == 0
    assert read_image(tmp_path / "out.png").shape == (3, 66, 68)


# training


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


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `gesso train metastyle` hands to the library; nothing is trained."""
    seen: dict[str, Any] = {"signal": None}

    def record(*arguments: Any, **options: Any) -> TrainResult:
        names = ("contents", "styles", "out", "config", "training", "batch")
        seen.update(zip(names, arguments, strict=True))
        seen.update(options)
        return TrainResult(1, 0, seen["signal"])

    monkeypatch.setattr(metastyle_training, "train_metastyle", record)
    return seen


TRAIN = ["train", "metastyle", "--contents", "a", "--styles", "b", "-o", "c"]


def test_the_defaults_are_the_papers(cli: Gesso, job: dict[str, Any]) -> None:
    assert cli(*TRAIN)[0] == 0
    assert job["config"] == Config(inner=InnerLoop(steps=1, lr=1e-5, lr_decay=2.5e-5))
    assert job["batch"] == metastyle_training.MetaBatch(contents=4, styles=4, crop=256)
    expected = TrainConfig(100_000, lr=1e-5, lr_decay=2.5e-5, sample_every=1000)
    assert job["training"] == expected and job["training"].schedule == "inverse"
    assert (job["encoder"], job["start"], job["resume"]) == ("compact", None, False)


def test_options_reach_the_library(cli: Gesso, job: dict[str, Any]) -> None:
    options = "--objective paper --style-weight 2e5 --width 32 --inner-steps 2 --inner-lr 0.1"
    options += " --first-order --style-chunk 2 --decay 0.5 --lr 0.2 --grad-clip 3 --warmup 7"
    options += " --seed 9 --save-every 11 --log-every 12 --workers 3 --encoder vgg16 --resume"
    options += " --start s.safetensors --log-dir logs --ema 0.5 --logarithm --before-weight 0.25"
    options += " --reptile 20 --evenness-weight 3"
    assert cli(*TRAIN, *options.split())[0] == 0
    objective = job["config"].objective
    assert (objective.relative, objective.style_weight) == (False, 2e5)
    assert (objective.content_level, objective.content_weight) == (PAPER.content_level, 1.0)
    assert job["config"].inner == InnerLoop(2, 0.1, 0.5, True, 2, True, 0.25)
    assert (job["config"].reptile, objective.evenness_weight) == (20, 3.0)
    training = job["training"]
    assert (training.lr, training.lr_decay, training.grad_clip, training.warmup) == (0.2, 0.5, 3, 7)
    assert (training.seed, training.save_every, training.log_every) == (9, 11, 12)
    assert training.ema == 0.5
    assert (training.workers, job["encoder"], job["resume"]) == (3, "vgg16", True)
    assert (job["start"], job["log_dir"]) == (Path("s.safetensors"), Path("logs"))
    refused(cli(*TRAIN, "--before-weight", -1), "before_weight")


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_training_stopped_by_a_signal_says_so(
    cli: Gesso, job: dict[str, Any], signal: int, code: int
) -> None:
    job["signal"] = signal
    assert cli(*TRAIN)[0] == code


def test_distill_hands_its_options_on(
    files: TinyFiles, cli: Gesso, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def record(*arguments: Any, **options: Any) -> TrainResult:
        seen.extend([*arguments, options])
        return TrainResult(1, 0, None)

    monkeypatch.setattr("gesso.distillation.distill.distill", record)
    command = ["distill", "--contents", "a", "--styles", "b", "-o", "c", "--steps", 5, "--real", 3]
    assert cli(*command, "--teacher", files.encoder, "--emitter", "n.safetensors")[0] == 0
    contents, styles, out, teacher, training, batch, options = seen
    assert (contents, styles, out) == (Path("a"), Path("b"), Path("c"))
    assert teacher.identity == load_encoder(files.encoder).identity
    assert (training.steps, training.optimizer, training.schedule) == (5, "adamw", "cosine")
    assert batch.real == 3 and options["emitter"] == Path("n.safetensors")


def test_library_errors_are_told_in_one_line(cli: Gesso, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise GessoError("c: another training run is using this folder")

    monkeypatch.setattr(metastyle_training, "train_metastyle", refuse)
    refused(cli(*TRAIN), "c: another training run is using this folder")
