"""One picture from every door: the command line and Python, with a cold and a warm cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from command_line import Gesso
from gesso.images.write import write_image
from tiny_files import TinyFiles

MADE: dict[str, Any] = {"method": "metastyle", "steps": 2, "style_size": 64}
DOORS = """
import sys, gesso
from gesso.cli import run
photo, style, start, encoder, out = sys.argv[1:]
made = ["--method", "metastyle", "--model", start, "--encoder", encoder, "--steps", "2"]
made += ["--style-size", "64"]
command = ["stylize", photo, "--style", style, "--quiet", *made, "-o"]
for name in ("cold", "warm"):
    assert run([*command, f"{out}/{name}.png"]) == 0
assert run([*command, f"{out}/without.png", "--no-cache"]) == 0
gesso.stylize(
    photo, style, f"{out}/python.png", method="metastyle", weights=start, encoder=encoder,
    steps=2, style_size=64,
)
"""


@pytest.mark.parametrize("isa", ["AVX2", "AVX512_CORE", "AVX512_CORE_BF16", "DEFAULT"])
def test_whatever_the_processor_can_do(files: TinyFiles, tmp_path: Path, isa: str) -> None:
    arguments = [files.photo, files.style, files.start, files.encoder, tmp_path]
    own = {"ONEDNN_MAX_CPU_ISA": isa, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", DOORS, *map(str, arguments)],
        env=os.environ | own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    doors = ("cold", "warm", "without", "python")
    assert len({(tmp_path / f"{door}.png").read_bytes() for door in doors}) == 1


@pytest.mark.parametrize(
    ("flags", "controls", "more"),
    [
        ([], {}, {}),
        (["--strength", 0.7, "--color", "luminance"], {"strength": 0.7, "color": "luminance"}, {}),
        (["--color", "content", "--polish", 2], {"color": "content", "polish": 2}, {}),
        (["--size", 40, "--only-in"], {}, {"size": 40, "only_affine": True}),
        (["--polish", 0, "--lr", 0.01], {"polish": 0}, {"lr": 0.01}),
    ],
)
def test_whatever_the_options_are(
    files: TinyFiles,
    cli: Gesso,
    tmp_path: Path,
    flags: list[object],
    controls: dict[str, Any],
    more: dict[str, Any],
) -> None:
    outs = [tmp_path / f"{name}.png" for name in ("command", "python", "again")]
    command = ["stylize", files.photo, "-s", files.style, *files.options, *flags, "-o"]
    assert cli(*command, outs[0])[0] == 0
    gesso.stylize(
        files.photo,
        files.style,
        outs[1],
        weights=files.start,
        encoder=files.encoder,
        controls=gesso.Controls(**controls),
        **MADE | more,
    )
    assert cli(*command, outs[2])[0] == 0
    assert len({out.read_bytes() for out in outs}) == 1


def test_parts_of_two_styles_in_two_regions(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    outs = [tmp_path / f"{name}.png" for name in ("command", "python", "whole")]
    left, top = tmp_path / "left.png", tmp_path / "top.png"
    mask = torch.zeros(3, 8, 8)
    mask[..., :4] = 1
    write_image(left, mask)
    write_image(top, mask.mT)
    command = ["stylize", files.photo, "-s", files.style, "-s", files.photo, *files.options]
    parts = ["--style-mask", left, "--style-mask", top]
    assert cli(*command, "--mask", top, *parts, "-o", outs[0])[0] == 0
    assert cli(*command, "--mask", top, "-o", outs[2])[0] == 0
    gesso.stylize(
        files.photo,
        [files.style, files.photo],
        outs[1],
        weights=files.start,
        encoder=files.encoder,
        controls=gesso.Controls(masks=[gesso.read_mask(top)]),
        style_masks=[left, gesso.read_mask(top)],
        **MADE,
    )
    pictures = [out.read_bytes() for out in outs]
    assert pictures[0] == pictures[1] != pictures[2]


def test_two_styles_in_their_shares(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    outs = [tmp_path / f"{name}.jpg" for name in ("command", "python")]
    command = ["stylize", files.photo, "-s", card, "-s", files.style, *files.options]
    assert cli(*command, "--weights", "3,1", "--quality", 80, "-o", outs[0])[0] == 0
    gesso.stylize(
        str(files.photo),
        [card, files.style],
        outs[1],
        weights=files.start,
        encoder=files.encoder,
        controls=gesso.Controls(weights=[3, 1]),
        quality=80,
        **MADE,
    )
    assert outs[0].read_bytes() == outs[1].read_bytes()
