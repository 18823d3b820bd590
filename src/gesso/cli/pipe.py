"""`gesso pipe`: raw frames in, raw frames out."""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from typing import Annotated

from gesso.cli import options as opt
from gesso.cli.clip_options import Setup, frame_rate
from gesso.cli.console import complain, say
from gesso.cli.flags import OfControls, OfMethods
from gesso.cli.looks import Painters, Painting
from gesso.cli.progress import showing
from gesso.cli.standard import only_ours
from gesso.cli.tally import SOME_FAILED


def pipe(
    *,
    size: Annotated[str, opt.option("Width and height of the frames in px.", "WxH")],
    painting: Painting,
    fps: Annotated[
        str | None,
        opt.option("Frames a second, for the times of --key; default: 25.", "N|N/M"),
    ] = None,
    controls: OfControls,
    given: OfMethods,
    setup: Setup,
    cache: opt.Cache = True,
    running: opt.Running,
) -> int:
    """Paint raw frames from standard input to standard output, as programs hand them on.

    ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - | gesso pipe --size 640x360 -s neon | ffmpeg …

    A frame is 3 bytes a pixel (rgb24), row by row, with nothing between two of them. As many come
    out as go in, each as soon as it is painted. Styles are adapted to on --contents, or on the
    bundled ones.
    """
    from gesso.video.raw import Halved, raw_frames, sides, write_raw

    width, height = sides(size)
    painters = Painters(painting, controls, given, setup, cache, running)
    painters.refuse_stdin()
    rate = frame_rate(fps) or Fraction(25)
    with only_ours() as out:
        with showing(running.quiet) as show:
            look = painters.opened(show).look()
        frames = raw_frames(sys.stdin.buffer, width, height, rate)
        began, done = time.monotonic(), 0
        try:
            for frame in frames:
                write_raw(look(frame), out)
                done += 1
        except (Halved, BrokenPipeError) as error:
            closed = f"standard output: closed after {done} frames"
            complain(str(error) if isinstance(error, Halved) else closed)
            return SOME_FAILED
    speed = done / max(1e-9, time.monotonic() - began)
    say(f"standard output: {done} frames, {speed:.1f} a second", running.quiet)
    return 0
