"""`gesso adapt`, and the names of the original release."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import gesso
from command_line import Gesso, refused
from gesso.cards.card import StyleCard
from gesso.images.write import write_image
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles, save_start


def test_a_card_says_where_it_comes_from(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = ["adapt", files.style, *files.options, "--licence", "CC0", "--lr", 0.01]
    command += ["--author", "Me", "-o"]
    code, out, err = cli(*command, tmp_path)
    assert (code, out) == (0, "")
    path = tmp_path / "style.safetensors"
    assert err.splitlines()[-1] == f"{path}: {path.stat().st_size / 1000:.0f} kB written"
    made = StyleCard.load(path)
    assert made.provenance["style"] == "style.png" and made.provenance["licence"] == "CC0"
    assert made.provenance["author"] == "Me"
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
    refused(cli(*command, "--model", other), str(path), "needs the weights it was made with")


def test_adapt_never_overwrites_the_weights_it_uses(files: TinyFiles, cli: Gesso) -> None:
    before = files.start.read_bytes()
    refused(cli("adapt", files.style, "-o", files.start, *files.options), "is an input")
    assert files.start.read_bytes() == before


def test_a_card_of_a_part_of_a_style(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    mask, path = tmp_path / "mask.png", tmp_path / "part.safetensors"
    image = torch.zeros(3, 8, 8)
    image[..., :4] = 1
    write_image(mask, image)
    command = ["adapt", files.style, *files.options, "--style-mask", mask, "-o"]
    assert cli(*command, path)[0] == 0
    method = gesso.load("metastyle", weights=files.start, encoder=files.encoder)
    card = method.adapt(files.style, steps=2, style_size=64, style_mask=image[0])
    assert all(torch.equal(t, card.tensors[n]) for n, t in StyleCard.load(path).tensors.items())
    refused(cli(*command, tmp_path, "--style-mask", mask), "--style-mask: 2 given, for 1 style")
    refused(cli(*command, mask), "a card's name ends in")
    many = ["adapt", files.style, files.photo, "-o", tmp_path, *files.options]
    refused(cli(*many, "--style-mask", mask), "--style-mask: needs one style")
    stylize = ["stylize", files.photo, "-o", tmp_path / "out.png", "--style-mask", mask]
    refused(cli(*stylize, "-s", path), "--style-mask: of no use with", "a card")
    folder = [*files.options, "-o", tmp_path, "-s", files.photos, "--style-mask", mask]
    refused(cli("stylize", files.photo, *folder), "--style-mask: of no use with", "a folder")
    write_image(mask, torch.zeros(3, 8, 8))
    refused(cli(*stylize, "-s", files.style, *files.options), "--style-mask:", "off everywhere")


def test_steps_of_zero_give_the_start_itself(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    options = [*files.options, "--steps", 0, "--contents", files.photos, "--size", 64]
    assert cli("adapt", files.style, "-o", path, "--float32", *options)[0] == 0
    method = gesso.load("metastyle", weights=files.start, encoder=files.encoder)
    start = method.neutral().tensors
    assert all(torch.equal(t, start[n]) for n, t in StyleCard.load(path).tensors.items())


def test_the_originals_commands_work(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    fast = ["fast", "--content-dataset", files.photos, "--style-image", files.style]
    fast += ["--steps", 1, "--cuda", 0, "-o", tmp_path / "card.safetensors", "--model"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESSO_WEIGHTS", str(files.folder))
        assert cli(*fast, files.start)[0] == 0
        test = ["test", "--content-image", files.photo, "--model", tmp_path / "card.safetensors"]
        assert cli(*test, "--output-image", tmp_path / "out.png", "--cuda", 0)[0] == 0
    assert read_image(tmp_path / "out.png").shape == (3, 66, 68)


def test_many_cards_at_once(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    one, two, out = tmp_path / "one.png", tmp_path / "two.png", tmp_path / "cards"
    for path in (one, two):
        path.write_bytes(files.style.read_bytes())
    command = ["adapt", one, two, files.bad, "-o", out, *files.options]
    code, _, err = cli(*command)
    assert code == 1 and f"{out}: 2 of 3 cards written" in err
    assert err.splitlines()[-1].startswith(f"{files.bad}: ")
    names = ["one.safetensors", "two.safetensors"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert StyleCard.load(out / names[0]).provenance["style"] == "one.png"
    (out / names[0]).write_bytes(b"mine")
    (out / names[1]).unlink()
    assert cli(*command, "--no-overwrite")[0] == 1
    assert (out / names[0]).read_bytes() == b"mine" and (out / names[1]).exists()
    refused(cli("adapt", one, two, "-o", tmp_path / "c.safetensors"), "names one file")
    refused(cli("adapt", one, "-", "-o", out), "standard input")


def test_a_folder_of_styles_becomes_one_of_cards(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["adapt", files.photos, "-o", tmp_path, *files.options, "--only-in", "--float32"]
    code, _, err = cli(*command, "-q")
    assert code == 1 and len(err.splitlines()) == 1 and "bad.jpg" in err
    cards = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.safetensors")}
    assert "sub/c.safetensors" in cards and len(cards) == 3


def test_a_card_is_not_adapted_to_again(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    refused(cli("adapt", card, "-o", tmp_path / "b.safetensors"), str(card), "adapted already")
    assert not (tmp_path / "b.safetensors").exists()
