"""`gesso pipe`: bytes in, bytes out, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from clips import seen, write_clip
from command_line import Gesso, refused
from tiny_files import TinyFiles

WIDTH, HEIGHT = 80, 64


def piped(data: bytes, *arguments: object) -> tuple[int, bytes, str]:
    """The command in a process of its own: exit code, standard output, standard error."""
    command = [sys.executable, "-m", "gesso", "pipe", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def arguments(card: Path, files: TinyFiles) -> list[object]:
    return ["--size", f"{WIDTH}x{HEIGHT}", "-s", card, "--model", files.start, "--threads", 1]


def test_between_two_programs_frames_keep_their_number_and_order(
    card: Path, files: TinyFiles, tmp_path: Path
) -> None:
    """Both of which are PyAV here."""
    clip, out = write_clip(tmp_path / "in.mp4", 7, width=WIDTH, height=HEIGHT), tmp_path / "o.mkv"
    with av.open(str(clip)) as file:
        frames = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    data = b"".join(frame.tobytes() for frame in frames)
    code, made, err = piped(data, *arguments(card, files), "--strength", 0.001)
    assert code == 0 and len(made) == len(data), err
    assert err.count("\n") == 1 and "7 frames" in err
    with av.open(str(out), "w") as file:
        stream = file.add_stream("ffv1", rate=24, width=WIDTH, height=HEIGHT, pix_fmt="bgr0")
        for picture in np.frombuffer(made, np.uint8).reshape(-1, HEIGHT, WIDTH, 3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    pictures = seen(out).pictures
    assert len(pictures) == 7
    for before, after in zip(frames, pictures, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 4


def test_half_a_frame_is_one_line_and_those_before_it_are_there(
    card: Path, files: TinyFiles
) -> None:
    size = WIDTH * HEIGHT * 3
    code, made, err = piped(bytes(size + 10), *arguments(card, files), "-q")
    assert (code, len(made)) == (1, size)
    assert err == (
        f"standard input: ends after 10 of {size} bytes of frame 1; the size may be wrong\n"
    )


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (["-s", "neon"], "--size"),
        (["--size", "640", "-s", "neon"], "--size: '640'; allowed are width and height"),
        (["--size", "4x4"], "--style: none given"),
        (["--size", "4x4", "-s", "-"], "--style: -: standard input is where the frames"),
        (["--size", "4x4", "--key", "0=-"], "--style: -: standard input is where the frames"),
        (["--size", "4x4", "-s", "neon", "--key", "0=batik"], "--style: of no use with keys"),
        (["--size", "4x4", "-s", "neon", "--key", "0=2"], "--key: '0=2': a strength"),
        (["--size", "4x4", "-s", "neon", "--fps", "0"], "--fps: 0; allowed"),
    ],
)
def test_mistakes_are_one_line(cli: Gesso, words: list[str], trouble: str) -> None:
    refused(cli("pipe", *words), trouble)
