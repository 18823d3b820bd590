"""A method that gesso does not know goes through `gesso bench` like its own."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from gesso.cli import run as gesso
from gesso.images.write import write_image
from tiny import pictures
from tiny_files import TinyFiles

SEPIA = '''
"""Mixes a photo with the mean colour of a style."""

from dataclasses import dataclass
from typing import Annotated

from gesso.methods.about import About, Needs
from gesso.methods.adapted import Adapted
from gesso.methods.base import Method
from gesso.options import Option
from gesso.stylizers.stylizer import Stylizer


@dataclass(frozen=True)
class Options:
    share: Annotated[float, Option("Share of the colour.", "SHARE", least=0, most=1)] = 0.5
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 64


ABOUT = About("sepia", "Sepia (nobody, 1880)", "mixes", Options, Needs(("relu1_2",)), styles="∞")


class Sepia(Method):
    about = ABOUT

    def _adapt(self, style, contents, options, on_step):
        mean = style.at(options.style_size).mean((1, 2))
        return Adapted({"mean": mean}, {"share": options.share})

    def _stylizer(self, card):
        colour = card.tensors["mean"].view(1, 3, 1, 1)

        def run(contents, on_step):
            return contents.lerp(colour, card.config["share"])

        return Stylizer(run, why_none="is a formula")
'''


@pytest.fixture
def command(
    files: TinyFiles, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """`gesso bench` of a method in a folder of a stranger's, on two photos and a style."""
    (tmp_path / "sepia_for_gesso.py").write_text(SEPIA)
    monkeypatch.syspath_prepend(tmp_path)
    others = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), others])))
    monkeypatch.setenv("GESSO_METHODS", "sepia_for_gesso")
    for folder, count, height in (("photos", 2, 64), ("styles", 1, 16)):
        (tmp_path / folder).mkdir()
        for i, picture in enumerate(pictures(count, 64, seed=count)):
            write_image(tmp_path / folder / f"{folder[0]}{i}.png", picture[:, :height])
    folders = [f"--contents={tmp_path / 'photos'}", f"--styles={tmp_path / 'styles'}"]
    encoders = [f"--encoder={files.encoder}", f"--judge={files.encoder}"]
    limits = ["--size=64", "--runs=1", "--threads=1", "--method=sepia"]
    return ["bench", f"--out={tmp_path / 'out'}", *folders, *encoders, *limits]


def test_a_strangers_method_is_measured_like_any_other(command: list[str], tmp_path: Path) -> None:
    assert gesso([*command, "--set=sepia.share=0.25"]) == 0
    with open(tmp_path / "out" / "results.csv", newline="", encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if row["method"] == "sepia")
    assert all(float(row[f"seconds_{what}"]) > 0 for what in ("style", "256", "512"))
    assert float(row["peak_mib"]) > 50  # measured in a process of its own
    assert row["pairs"] == "2" and 0 < float(row["gap_percent"]) < 100
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert {"adapt | sepia | s0", "picture | sepia | p0 × s0"} <= rows.keys()
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("p0 × s0, sepia") == 2  # its title and its alternative text


def test_a_strangers_options_are_checked_by_name(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gesso([*command, "--set=sepia.share=2"]) == 2
    assert gesso([*command, "--set=sepia.tone=warm"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "--set sepia.share: 2; allowed are numbers from 0 to 1",
        "--set sepia.tone: unknown; allowed are share, style_size, color_share, paint_from, "
        "paint_size, ground, most_styles, most_pairs",
    ]
