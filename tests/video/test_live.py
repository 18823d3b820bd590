from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from gesso.errors import GessoError
from gesso.video.frames import Frame, Look, Pixels
from gesso.video.live import Camera, Live, Newest, Wanted
from rendered_clips import Noisy, pan


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> str:
    """20 frames at 50 a second."""
    path = str(tmp_path_factory.mktemp("film") / "film.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 50, (128, 96))
    for frame in pan(20):
        writer.write(frame.rgb[..., ::-1].copy())
    writer.release()
    return path


def after(keys: str, styles: int = 3) -> Wanted:
    wanted = Wanted()
    for key in keys:
        wanted = wanted.pressed(key, styles)
    return wanted


def test_keys_go_through_the_styles_and_around() -> None:
    assert [after("n" * n).style for n in range(5)] == [0, 1, 2, 0, 1]
    assert after("p").style == 2


def test_strength_stays_between_nothing_and_all() -> None:
    assert after("---").strength == 70
    assert after("-" * 14).strength == 0
    assert after("-" * 14 + "+").strength == 10
    assert after("++").strength == 100


def test_a_style_is_mixed_with_the_next_in_quarters() -> None:
    assert after("m").shares(3) == [(0, 0.75), (1, 0.25)]
    assert after("ppmm", 3).shares(3) == [(1, 0.5), (2, 0.5)]
    assert after("pm", 3).shares(3) == [(2, 0.75), (0, 0.25)]
    assert after("mmmm").shares(3) == [(0, 1.0)]
    assert after("mn") == Wanted(style=1)  # the next style comes as it is
    assert after("m", styles=1) == Wanted()


def test_what_is_wanted_is_said_in_words() -> None:
    names = ["mosaic", "neon", "batik"]
    assert after("").described(names) == "mosaic, strength 100 %, steady"
    assert after("nm-t").described(names) == "neon 75% + batik 25%, strength 90 %"


def test_keys_without_a_meaning_change_nothing() -> None:
    assert after("xyz 1") == Wanted()


def test_of_what_nobody_takes_the_newest_is_kept() -> None:
    newest = Newest()
    for item in (1, 2, 3):
        newest.put(item)
    assert (newest.take(), newest.take(wait=False), newest.dropped) == (3, None, 2)
    newest.close()
    assert newest.take() is None


def test_a_file_is_a_camera_in_its_own_time(film: str) -> None:
    camera = Camera(film)
    time.sleep(0.1)  # as styles are adapted to before it is looked at
    began = time.monotonic()
    frames = list(iter(camera.read, None))
    assert len(frames) == 20 and time.monotonic() - began > 0.35
    assert np.abs(frames[7].rgb.astype(int) - pan(20)[7].rgb).mean() < 8


def test_frames_are_made_smaller_and_never_larger(film: str) -> None:
    shapes = [Camera(film, size).read() for size in (64, 500)]
    assert [f.rgb.shape for f in shapes if f is not None] == [(48, 64, 3), (96, 128, 3)]


def test_no_camera_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(GessoError, match="cannot be opened"):
        Camera(str(tmp_path / "none.avi"))


class Slow(Noisy):
    """Paints a frame in the time of five."""

    def __call__(self, frame: Frame) -> Pixels:
        time.sleep(0.1)
        return super().__call__(frame)


def test_late_frames_are_dropped_and_the_last_is_shown(film: str) -> None:
    live = Live(Camera(film), lambda wanted: Slow(), Wanted())
    live.start()
    shown = list(iter(live.pictures.take, None))
    live.stop()
    numbers = [frame.index for frame, _, _ in shown]
    assert numbers == sorted(set(numbers)) and numbers[-1] == 19
    assert len(numbers) < 12 and live.dropped >= 8 and live.dropped + live.shown == 20
    frame, picture, _ = shown[-1]
    assert np.array_equal(picture, Noisy()(frame))


def test_a_key_changes_the_next_picture(film: str) -> None:
    asked: list[Wanted] = []

    def looks(wanted: Wanted) -> Look:
        asked.append(wanted)
        return Slow()

    live = Live(Camera(film), looks, Wanted())
    live.start()
    live.pictures.take()
    live.wanted = live.wanted.pressed("n", 2)
    for _, _, wanted in iter(live.pictures.take, None):
        last = wanted
    live.stop()
    assert last == Wanted(style=1) and asked == [Wanted(), Wanted(style=1)]


def test_it_can_be_stopped_in_the_middle(film: str) -> None:
    live = Live(Camera(film), lambda wanted: Noisy(), Wanted())
    live.start()
    live.pictures.take()
    live.stop()
    assert live.shown < 20


def test_what_goes_wrong_is_raised(film: str) -> None:
    failed = Event()

    class Broken(Noisy):
        def __call__(self, frame: Frame) -> Pixels:
            failed.set()
            raise GessoError("frame 0: too large")

    live = Live(Camera(film), lambda wanted: Broken(), Wanted())
    live.start()
    assert live.pictures.take() is None and failed.wait(1)
    with pytest.raises(GessoError, match="too large"):
        live.stop()
