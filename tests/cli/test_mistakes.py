"""A mistake of the user's is one line."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from command_line import Gesso, refused
from tiny_files import TinyFiles


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
        ("stylize a.jpg --style s.jpg -o b.png", "a.jpg: no such file"),
        ("adapt a.jpg -o a.png", "a.png"),
        ("adapt a.jpg -o none/a.safetensors", "none/a.safetensors"),
        ("adapt a.jpg -o a.safetensors --lr nan", "--lr"),
        ("train", "metastyle"),
        ("train metastyle --contents a --styles b", "--out"),
        ("train metastyle --contents a --styles b -o c --objective best", "--objective"),
        ("train metastyle --contents a --styles b -o c --device abacus", "abacus"),
        ("train metastyle --contents a --styles b -o c --lr 0", "lr"),
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

    monkeypatch.setattr("gesso.methods.base.Method.load", broken)
    arguments = ["stylize", files.photo, "-s", files.style, "-o", files.folder / "x.png"]
    code, _, err = cli(*arguments)
    assert code == 70 and err.count("\n") == 1
    assert "please report it (TypeError: two lines)" in err and "GESSO_DEBUG" in err
    monkeypatch.setenv("GESSO_DEBUG", "1")
    with pytest.raises(TypeError):
        cli(*arguments)
