"""A method from outside goes through registry, session, cache, controls and command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import gesso
from gesso.cards.cache import CardCache
from gesso.cli import run
from gesso.controls.controls import Controls, mix
from gesso.errors import GessoError
from gesso.nn.pictures import read_image
from gesso.pipeline.session import Session
from tiny_files import TinyFiles


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    monkeypatch.setenv("GESSO_METHODS", "toy_method")


def test_it_is_listed_and_loaded_by_name(files: TinyFiles) -> None:
    assert "toy" in gesso.list_methods()
    method = gesso.load("toy", encoder=files.encoder)
    card = method.adapt(files.style, tint=0.25)
    photo = read_image(files.photo)[None]
    color = read_image(files.style, size=64).mean((1, 2)).half().float().reshape(3, 1, 1)
    torch.testing.assert_close(method.stylizer(card)(photo), torch.lerp(photo, color, 0.25))


def test_its_cards_are_cached_mixed_and_softened(files: TinyFiles) -> None:
    cache = CardCache()
    session = Session("toy", encoder=files.encoder, cache=cache)
    first = session.card(files.style)
    assert [entry.method for entry in cache.entries()] == ["toy"]
    again = Session("toy", encoder=files.encoder, cache=cache).card(files.style)
    assert torch.equal(again.tensors["color"], first.tensors["color"])
    assert mix([first, again]).method == "toy"
    photo = read_image(files.photo)[None]
    half = Controls(0.5).stylizer(session.method, first)(photo)
    full = Controls().stylizer(session.method, first)(photo)
    torch.testing.assert_close(half, torch.lerp(photo, full, 0.5), atol=1e-3, rtol=0)


def test_the_command_line_has_its_options(files: TinyFiles, tmp_path: Path) -> None:
    stylize = ["stylize", str(files.photo), "--style", str(files.style), "--method", "toy"]
    encoder = ["--encoder", str(files.encoder)]
    out = tmp_path / "out.png"
    assert run([*stylize, *encoder, "--tint", "0.75", "-o", str(out)]) == 0
    found = gesso.stylize(files.photo, files.style, method="toy", encoder=files.encoder, tint=0.75)
    assert torch.equal(
        read_image(out), torch.from_numpy(found.copy()).permute(2, 0, 1).float() / 255
    )


def test_its_options_are_checked(files: TinyFiles, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GessoError, match=r"tint: 2.*allowed are numbers from 0 to 1"):
        gesso.load("toy", encoder=files.encoder).adapt(files.style, tint=2.0)
    stylize = ["stylize", str(files.photo), "--style", str(files.style), "-o", "x.png"]
    assert run([*stylize, "--method", "toy", "--steps", "3"]) == 2
    assert "--steps: method toy has no such option; allowed are" in capsys.readouterr().err
