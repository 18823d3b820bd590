"""Clips that are sent and made: the command line's, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gesso.cli import run
from gesso.methods.registry import about
from gesso.options import declared
from gesso.studio.filming import words_of
from studio_client import Client
from tiny_files import TinyFiles

pytest.importorskip("av")
pytest.importorskip("cv2")


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """A clip of three frames."""
    path = tmp_path / "moving.webp"
    frames = [Image.radial_gradient("L").resize((40, 32)).rotate(30 * n) for n in range(3)]
    first, *others = [frame.convert("RGB") for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=40, lossless=True)
    return path


def test_a_clip_is_the_command_lines_byte_for_byte(
    client: Client, files: TinyFiles, moving: Path, tmp_path: Path, own_cache: Path
) -> None:
    words = {
        "clip": client.send(moving, "clips"),
        "styles": [{"picture": client.send(files.style)}],
        "method": "adain",
        "format": "gif",
        "controls": {"strength": 0.75},
    }
    made = client.made("clip", words)
    out = tmp_path / "out.gif"
    command = ["video", moving, "--style", files.style, "--method", "adain", "--strength", 0.75]
    assert run([str(word) for word in [*command, "-o", out, "-q"]]) == 0
    assert client.get(f"api/pictures/{made['id']}/file").body == out.read_bytes()
    assert made["name"] == "moving-style.gif"


def test_a_photo_is_no_clip_and_mistakes_are_answered_at_once(
    client: Client, files: TinyFiles, moving: Path
) -> None:
    words = {"clip": client.send(files.photo), "styles": [{"bundled": "neon"}]}
    assert "a picture" in client.ask("POST", "api/jobs/clip", words).error
    words["clip"] = client.send(moving, "clips")
    for more in (
        {"start": "-1"},
        {"start": "1;x"},
        {"format": "exe"},
        {"controls": {"weights": [1, 2]}},
    ):
        assert client.ask("POST", "api/jobs/clip", words | more).status == 422


def test_every_word_is_one_of_the_commands_own(tmp_path: Path) -> None:
    task = {
        "clip": "a.mp4",
        "out": "b.mp4",
        "pixels": 9,
        "styles": [str(tmp_path / "s.jpg")],
        "method": "metastyle",
        "preset": None,
        "size": 64,
        "start": "1:30",
        "end": None,
        "steady": False,
        "controls": {"weights": [0.5, -0.5], "color": "content"},
        "options": {"steps": 3, "only_affine": True},
    }
    words = words_of(task)
    flags = {one.name: one.flag for one in declared(about("metastyle").options)}
    assert words[:4] == ["video", "a.mp4", "-o", "b.mp4"]
    assert words[5:] == [
        f"--style={tmp_path / 's.jpg'}",
        "--method=metastyle",
        "--size=64",
        "--start=1:30",
        "--no-steady",
        "--weights=0.5,-0.5",
        "--color=content",
        "--steps=3",
        flags["only_affine"],
    ]
