"""`gesso styles`, and the names of bundled styles in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gesso
from command_line import Gesso, refused, without_torch
from gesso.images.sheet import GAP_PX, LABEL_PX
from tiny_files import TinyFiles


def test_the_names_are_listed_without_torch() -> None:
    code, out, _ = without_torch("styles")
    assert code == 0 and out.split() == sorted(gesso.list_styles())


def test_a_sheet_shows_the_styles_or_a_photo_in_all_of_them(
    files: TinyFiles, cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = dict(list(gesso.list_styles().items())[:3])
    monkeypatch.setattr("gesso.cli.styles.bundled_styles", lambda: some)
    sheets = [tmp_path / f"{name}.png" for name in ("styles", "photo")]
    shape = ("--size", 32, "--columns", 2)
    assert cli("styles", "-o", sheets[0], *shape)[0] == 0
    assert cli("styles", files.photo, "-o", sheets[1], *shape, *files.options)[0] == 0
    seen = [np.asarray(Image.open(sheet).convert("RGB")) for sheet in sheets]
    step = 32 + GAP_PX
    for picture in seen:
        assert picture.shape[1] == 32 + step
        assert (picture[-LABEL_PX - 32 :, step:] == 255).all()  # the fourth place stays empty
    assert seen[0].shape[0] == 2 * (32 + LABEL_PX) + GAP_PX
    wanted = gesso.read_image(next(iter(some.values())), size=32).permute(1, 2, 0).numpy() * 255
    assert np.abs(seen[0][:32, :32] - wanted).max() < 1
    first, second = seen[1][:28, :32], seen[1][:28, step : step + 32]
    assert (first != second).any()
    refused(cli("styles", files.photo), "--out: missing")
    refused(cli("styles", "-o", sheets[0], "--no-overwrite"), "exists; --overwrite replaces it")


def test_names_go_wherever_a_style_goes_in_python(
    tiny_weights: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, options = gesso.list_styles()["impasto"], {"steps": 1, "style_size": 64}
    method = gesso.load("metastyle")
    cards = [method.adapt(style, **options) for style in ("impasto", "Impasto", path)]
    assert all(
        (card.tensors["out.weight"] == cards[0].tensors["out.weight"]).all() for card in cards
    )
    assert cards[0].provenance["style"] == "impasto.jpg" and cards[0].provenance["sha256"]
    photo = tiny_weights.photo
    how = {"method": "metastyle", "cache": False, **options}
    one, other = (gesso.stylize(photo, style, **how) for style in ("impasto", path))
    assert (one == other).all()
    session = gesso.Session(method, method.chosen(None, options))
    named = session.stylizer(["impasto", "mosaic"])(gesso.read_image(photo)[None])
    assert named.shape[1] == 3
    own = Path("impasto")
    own.write_bytes(tiny_weights.style.read_bytes())
    assert (gesso.stylize(photo, "impasto", **how) != one).any()  # a file of the user's comes first
    for call in (method.adapt, lambda name: gesso.stylize(photo, name, **how), session.card):
        with pytest.raises(gesso.GessoError, match=r"style: nonesuch: no such file, nor a bundled"):
            call("nonesuch")
