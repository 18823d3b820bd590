"""Folders of frames and animated pictures, in and out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from clips import Inverted, Same, picture, seen, write_clip
from gesso.errors import GessoError
from gesso.reports import Progress
from gesso.video.frames import Look
from gesso.video.job import Job
from gesso.video.opening import open_clip
from gesso.video.pictures import in_natural_order
from gesso.video.source import Source, Taken
from gesso.video.targets import target

LASTS = [120, 40, 250, 90]  # milliseconds


def quiet(progress: Progress) -> None:
    pass


def made(clip: Path, out: Path, taken: Taken | None = None, look: Look | None = None) -> Source:
    source = open_clip(clip, taken)
    job = Job(source, taken or Taken(), target(out), "")
    job.make(look or Same(), quiet)
    job.finish()
    return source


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(picture(number)).save(folder / f"frame{number}.png")
    return folder


def write_animation(path: Path, loop: int = 3, clear: bool = False) -> Path:
    images = [Image.fromarray(picture(7 * number)) for number in range(len(LASTS))]
    if clear:
        for number, image in enumerate(images):
            image.putalpha(Image.new("L", image.size, 255))
            image.paste((0, 0, 0, 0), (0, number, 20, 20))
    how = {"lossless": True} if path.suffix == ".webp" else {}
    images[0].save(path, save_all=True, append_images=images[1:], duration=LASTS, loop=loop, **how)
    return path


def animated(path: Path) -> tuple[list[Image.Image], list[float], int]:
    """Pictures, durations in milliseconds and the rounds of an animation."""
    images, lasts = [], []
    with Image.open(path) as file:
        for image in ImageSequence.Iterator(file):
            image.load()
            lasts.append(image.info["duration"])
            images.append(image.convert("RGBA"))
        return images, lasts, file.info["loop"]


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["f10.png", "f2.png", "f1.png", "f02.png", "a.png"]
    found = [path.name for path in in_natural_order([Path(name) for name in names])]
    assert found == ["a.png", "f1.png", "f02.png", "f2.png", "f10.png"]


def test_a_folder_becomes_a_folder_of_the_same_names(frames: Path, tmp_path: Path) -> None:
    made(frames, tmp_path / "out")
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == sorted(path.name for path in frames.iterdir())
    for path in written:
        np.testing.assert_array_equal(
            np.asarray(Image.open(path)), np.asarray(Image.open(frames / path.name))
        )


def test_a_folder_becomes_a_clip_at_its_rate_in_natural_order(frames: Path, tmp_path: Path) -> None:
    made(frames, tmp_path / "out.mp4", Taken(rate=Fraction(30_000, 1001)))
    after = seen(tmp_path / "out.mp4")
    assert len(after.times) == 12
    for number, time in enumerate(after.times):
        assert abs(time - Fraction(1001 * number, 30_000)) <= after.tick
    assert [p[0, 40, 0] for p in after.pictures] == sorted(p[0, 40, 0] for p in after.pictures)


def test_a_clip_becomes_a_folder_of_numbers(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", 5)
    made(clip, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        f"00000{n}.png" for n in range(5)
    ]
    before = [frame.rgb for frame in open_clip(clip).frames()]
    for number, rgb in enumerate(before):
        np.testing.assert_array_equal(
            np.asarray(Image.open(tmp_path / "out" / f"00000{number}.png")), rgb
        )


def test_frames_of_other_sizes_are_scaled_to_the_first(frames: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(3, 96, 64)).save(frames / "frame3.png")
    made(frames, tmp_path / "out")
    with Image.open(tmp_path / "out" / "frame3.png") as image:
        assert image.size == (48, 32)


def test_frames_that_cannot_be_read_are_left_out(frames: Path, tmp_path: Path) -> None:
    (frames / "frame3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (frames / "frame5.png").write_bytes(b"none")
    source = made(frames, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 10
    assert source.damage is not None and "frame3.png" in source.damage
    assert "and 1 more" in source.damage


@pytest.mark.parametrize("before", ["gif", "webp", "png"])
@pytest.mark.parametrize("after", ["gif", "webp", "png"])
def test_animations_keep_their_durations_and_rounds(
    before: str, after: str, tmp_path: Path
) -> None:
    clip = write_animation(tmp_path / f"in.{before}")
    out = tmp_path / f"out.{after}"
    made(clip, out, look=Inverted(memory=0))
    images, lasts, loop = animated(out)
    assert lasts == LASTS and loop == 3
    shown = np.asarray(images[2])[20, 35, 1:3].astype(int)
    assert np.abs(shown - (255 - picture(14)[20, 35, 1:])).max() <= 24


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animations_keep_what_is_transparent(suffix: str, tmp_path: Path) -> None:
    clip = write_animation(tmp_path / f"in.{suffix}", clear=True)
    made(clip, tmp_path / f"out.{suffix}")
    for one, other in zip(animated(clip)[0], animated(tmp_path / f"out.{suffix}")[0], strict=True):
        clear = np.asarray(one)[..., 3] == 0
        np.testing.assert_array_equal(np.asarray(other)[..., 3] == 0, clear)
        assert clear.any()


def test_an_animation_becomes_a_clip_with_its_times(tmp_path: Path) -> None:
    made(write_animation(tmp_path / "in.gif"), tmp_path / "out.mp4")
    after = seen(tmp_path / "out.mp4")
    starts = [Fraction(sum(LASTS[:n]), 1000) for n in range(len(LASTS))]
    assert len(after.times) == len(starts)
    for one, other in zip(starts, after.times, strict=True):
        assert abs(one - other) <= after.tick


def test_a_clip_becomes_an_animation_of_the_same_length(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", 24)
    made(clip, tmp_path / "out.gif")
    images, lasts, loop = animated(tmp_path / "out.gif")
    assert len(images) == 24 and sum(lasts) == 1000 and loop == 0


def test_a_part_of_an_animation(tmp_path: Path) -> None:
    clip = write_animation(tmp_path / "in.gif")
    made(clip, tmp_path / "out.gif", Taken(start=Fraction(1, 10), end=Fraction(4, 10)))
    assert animated(tmp_path / "out.gif")[1] == LASTS[1:3]


def test_one_picture_is_no_clip(tmp_path: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "one.png")
    with pytest.raises(GessoError, match="one picture and no clip"):
        open_clip(tmp_path / "one.png")
