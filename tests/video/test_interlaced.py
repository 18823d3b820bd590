from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from gesso.video.opening import open_clip

HEIGHT, WIDTH = 64, 96


def test_an_interlaced_picture_shows_one_moment(tmp_path: Path) -> None:
    """A bar that moves from one half of the lines to the other has straight sides."""
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "1", "x264-params": "tff=1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(4):
            rgb = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
            rgb[::2, 20 + 8 * number : 40 + 8 * number] = 220
            rgb[1::2, 26 + 8 * number : 46 + 8 * number] = 220
            file.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        file.mux(stream.encode())
    clip = open_clip(path)
    frames = list(clip.frames())
    assert clip.notes == ["interlaced: one of the two moments in each picture is kept"]
    assert len(frames) == 4
    for number, frame in enumerate(frames):
        assert frame.rgb.shape == (HEIGHT, WIDTH, 3)
        lines = frame.rgb[4:-4].astype(int).mean(-1)
        assert np.abs(np.diff(lines, axis=0)).max() < 16
        assert lines[:, 30 + 8 * number].min() > 190 and lines[:, 44 + 8 * number].max() < 100
