"""`gesso video`: a clip in a style."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.clip_options import Cut, Division, Setup, check_report
from gesso.cli.console import complain, say
from gesso.cli.flags import OfControls, OfMethods
from gesso.cli.looks import Painters, Painting
from gesso.cli.progress import showing
from gesso.cli.tally import SOME_FAILED
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.reports import stage

if TYPE_CHECKING:
    from gesso.video.job import Job
    from gesso.video.source import Source as Clip
    from gesso.video.source import Taken
    from gesso.video.targets import Target


def video(
    clip: Annotated[
        list[Path],
        typer.Argument(
            metavar="CLIP...",
            help="A video, an animated GIF, WebP or PNG, or a folder of frames; with --join "
            "folders of parts.",
        ),
    ],
    *,
    painting: Painting,
    out: Annotated[
        Path,
        opt.option(
            "What to write: .mp4, .mov, .mkv (H.264), .webm (VP9), .gif, .webp, .png, or a folder "
            "for frames.",
            "OUT",
            "-o --out",
        ),
    ],
    cut: Cut,
    division: Division,
    controls: OfControls,
    report: Annotated[
        Path | None,
        opt.option(
            "Measure how much the result flickers, and write the figures (.json).",
            "FILE",
            under=opt.OUTPUT,
        ),
    ] = None,
    given: OfMethods,
    setup: Setup,
    cache: opt.Cache = True,
    running: opt.Running,
) -> int:
    """Turn a clip into the style of a picture: every frame, in time, with its sound.

    One card is made for the clip, on up to eight frames spread over it, and cached. The result has
    every frame at its time, all sound and subtitles unchanged where the format can hold them, and
    its name only once it is complete. Frames come upright and with square pixels.

    The default method is a network, which takes half a minute to take on a style, and then a third
    of a second a frame at 512 px; meta_networks and adain need no such half minute. Pictures are
    not polished unless --polish asks for it. They follow what they show, so that strokes stay where
    they are (--no-steady paints every frame by itself), and --key changes style and strength along
    the clip.
    """
    from gesso.video.targets import target

    wanted = target(out, cut.crf)
    if not cut.overwrite and out.exists():
        raise GessoError(f"{shown(out)}: exists; --overwrite replaces it")
    if division.join:
        return _join(clip, wanted, running)
    if len(clip) > 1:
        raise GessoError(f"{shown(clip[1])}: one clip at a time; several are parts, for --join")
    painters = Painters(painting, controls, given, setup, cache, running, cut.size)
    if report is not None:
        check_report(report, [out, *clip])
    return _Work(clip[0], wanted, cut.taken(running.pixels), painters, division, report).do()


@dataclass(frozen=True)
class _Work:
    """What the command is to do: the values of its options."""

    path: Path
    target: Target
    taken: Taken
    painters: Painters
    division: Division
    report: Path | None

    def do(self) -> int:
        """Make the clip, or a part of it; returns the exit code."""
        from gesso.pipeline.plan import Job as Written
        from gesso.pipeline.plan import refuse_inputs
        from gesso.video.job import Job
        from gesso.video.opening import open_clip
        from gesso.video.parts import shard_of

        shard, quiet = shard_of(self.division.shard), self.painters.running.quiet
        refuse_inputs([Written(self.path, self.target.path)], self.painters.inputs())
        clip = open_clip(self.path, self.taken)
        with showing(quiet) as show:
            painter = self.painters.opened(show, clip)
            measured = painter.measured() if self.report else None
            look = measured or painter.look()
            job = Job(clip, self.taken, self.target, painter.identity, shard)
            began = time.monotonic()
            try:
                with stage("stylizing"):
                    frames = job.make(look, show, self.division.resume, painter.beside)
                speed = frames / (time.monotonic() - began)
                notes = [] if shard else job.finish()
            except KeyboardInterrupt as stop:
                stop.add_note(_left_by(job))
                raise
        out = job.parts.folder if shard else self.target.path
        done = f"part {self.division.shard} is there" if shard else "written"
        say(f"{shown(out)}: {done}, {frames} frames, {speed:.2g} a second", quiet)
        if measured is not None and self.report is not None:
            measured.write(self.report)
            say(measured.line(), quiet)
        return _told(clip, notes)


def _join(paths: list[Path], wanted: Target, running: opt.Running) -> int:
    from gesso.pipeline.plan import Job as Written
    from gesso.pipeline.plan import refuse_inputs
    from gesso.video.job import join

    refuse_inputs([Written(path, wanted.path) for path in paths])
    clip, notes = join(paths, wanted)
    say(f"{shown(wanted.path)}: written", running.quiet)
    return _told(clip, notes)


def _told(clip: Clip, notes: list[str]) -> int:
    """Say what of a clip was not kept; the exit code."""
    for note in [*clip.notes, *notes]:
        complain(f"{shown(clip.path)}: {note}")
    if clip.damage is None:
        return 0
    complain(f"{shown(clip.path)}: {clip.damage}; all frames that can be shown are there")
    return SOME_FAILED


def _left_by(job: Job) -> str:
    """What an interrupted job has left."""
    try:
        shorter = job.shorter()
    except GessoError as error:
        return str(error)
    if shorter is None:
        return "nothing done yet"
    return f"{shown(shorter)} has what was done; --resume goes on"
