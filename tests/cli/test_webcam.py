"""`gesso webcam`: its window, on a virtual display where one can be had, and its mistakes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from clips import write_clip
from command_line import Gesso, refused
from gesso.errors import GessoError
from gesso.video.frames import Frame, Pixels
from gesso.video.live import Live, Wanted
from rendered_clips import Noisy, pan
from tiny_files import TinyFiles

tkinter = pytest.importorskip("tkinter")


class Film:
    """A camera that sees so many frames."""

    def __init__(self, count: int) -> None:
        self.coming = islice(cycle(pan(3)), count)

    def read(self) -> Frame | None:
        time.sleep(0.01)
        return next(self.coming, None)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The name of a display; one for all tests, since Tk does not get over the end of its own."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("no virtual display (Xvfb) here")
    read, write = os.pipe()
    command = [program, "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    running = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with open(read) as told:
        yield f":{told.readline().strip()}"
    running.terminate()
    running.wait()


@pytest.fixture
def display(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", server)


def test_pictures_are_shown_and_keys_do_what_they_should(display: None) -> None:
    from gesso.video.window import Window

    saved: list[Pixels] = []

    def save(picture: Pixels) -> str:
        saved.append(picture)
        return "saved"

    live = Live(Film(3000), lambda wanted: Noisy(), Wanted())  # type: ignore[arg-type]
    window = Window(live, ["mosaic", "neon"], save)
    titles: list[str] = []

    def press() -> None:
        if not live.shown or not window.root.title().startswith("mosaic"):
            window.root.after(20, press)
            return
        for key in ("n", "minus", "s"):
            window.root.event_generate("<Key>", keysym=key)
        window.root.after(200, leave)

    def leave() -> None:
        titles.append(window.root.title())
        window.root.event_generate("<Key>", keysym="q")

    window.root.after(20, press)
    window.root.focus_force()
    window.run()
    assert live.wanted == Wanted(style=1, strength=90)
    assert titles[0].startswith("neon, strength 90 %, steady") and titles[0].endswith("saved")
    assert len(saved) == 1 and saved[0].shape == (96, 128, 3) and saved[0].dtype == np.uint8


def test_a_window_closes_when_no_more_frames_come(display: None) -> None:
    from gesso.video.window import Window

    live = Live(Film(3), lambda wanted: Noisy(), Wanted())  # type: ignore[arg-type]
    Window(live, ["mosaic"], lambda picture: "").run()
    assert 1 <= live.shown <= 3


def test_no_display_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from gesso.video.window import Window

    monkeypatch.delenv("DISPLAY", raising=False)
    live = Live(Film(1), lambda wanted: Noisy(), Wanted())  # type: ignore[arg-type]
    with pytest.raises(GessoError, match="webcam: no display"):
        Window(live, ["mosaic"], lambda picture: "")


@pytest.fixture
def given(card: Path, files: TinyFiles, tmp_path: Path) -> list[object]:
    film = write_clip(tmp_path / "film.mp4", 6, width=80, height=64)
    return ["--camera", film, "-s", card, "--model", files.start, "--saved", tmp_path]


def test_a_file_is_shown_as_a_camera_is(display: None, cli: Gesso, given: list[object]) -> None:
    code, out, err = cli("webcam", *given)
    assert (code, out) == (0, "") and "frames shown" in err and err.count("\n") == 1


def test_no_camera_is_one_line(cli: Gesso, given: list[object], tmp_path: Path) -> None:
    refused(cli("webcam", *given, "--camera", tmp_path / "none.mp4"), "none.mp4: cannot be opened")


@pytest.mark.parametrize(
    ("module", "words"),
    [("cv2", "OpenCV, which is missing; pip install 'gesso[video]'"), ("tkinter", "tkinter")],
)
def test_what_is_missing_is_one_line(
    cli: Gesso, given: list[object], monkeypatch: pytest.MonkeyPatch, module: str, words: str
) -> None:
    for name in ("window", "live", "flow", "steady"):
        monkeypatch.delitem(sys.modules, f"gesso.video.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    refused(cli("webcam", *given), words)
