"""`gesso video`: a clip in a style."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import Source, make_card, open_session
from gesso.cli.clip_options import METHOD, Cut, Division, Setup
from gesso.cli.console import complain, say, threads_are_chosen
from gesso.cli.flags import Given, OfControls, OfMethods, fields_shown, values_of
from gesso.cli.progress import showing
from gesso.cli.tally import SOME_FAILED
from gesso.controls.options import ControlOptions
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.pipeline.styles import holds_card
from gesso.reports import OnProgress, stage

if TYPE_CHECKING:
    from gesso.pipeline.session import Session
    from gesso.video.frames import Look
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
    style: opt.StylesOrNone = None,
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
    weights: opt.Shares = None,
    mask: opt.Masks = None,
    style_mask: opt.StyleMasks = None,
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
    not polished unless --polish asks for it.
    """
    from gesso.video.targets import target

    wanted = target(out, cut.crf)
    if not cut.overwrite and out.exists():
        raise GessoError(f"{shown(out)}: exists; --overwrite replaces it")
    if division.join:
        return _join(clip, wanted, running)
    if len(clip) > 1:
        raise GessoError(f"{shown(clip[1])}: one clip at a time; several are parts, for --join")
    if not style:
        raise OptionError("style", "none given; at least one is needed")
    taken = cut.taken(running.pixels)
    found = values_of(fields_shown(ControlOptions), controls)
    found.setdefault("polish", 0)
    look = ControlOptions(**found, weights=opt.shares(weights), masks=mask or [])
    work = _Work(
        clip[0],
        style,
        wanted,
        taken,
        look,
        style_mask or [],
        given,
        setup,
        cache,
        running,
        division,
    )
    return work.do()


@dataclass(frozen=True)
class _Work:
    """What the command is to do: the values of its options."""

    path: Path
    named: list[str]
    target: Target
    taken: Taken
    look: ControlOptions
    style_masks: Sequence[Path]
    given: Given
    setup: Setup
    cache: bool
    running: opt.Running
    division: Division

    def do(self) -> int:
        """Make the clip, or a part of it; returns the exit code."""
        from gesso.pipeline.banks import bank_of
        from gesso.pipeline.plan import Job as Written
        from gesso.pipeline.plan import refuse_inputs
        from gesso.pipeline.sources import style_source
        from gesso.video.job import Job
        from gesso.video.opening import open_clip
        from gesso.video.parts import shard_of

        shard = shard_of(self.division.shard)
        bank = bank_of(self.setup.model)
        styles = [style_source(text, bank) for text in self.named]
        files = [style for style in styles if isinstance(style, Path)]
        inputs = [*files, *self.look.masks, *self.style_masks]
        refuse_inputs([Written(self.path, self.target.path)], inputs)
        clip = open_clip(self.path, self.taken)
        with showing(self.running.quiet) as show:
            look, identity = self._look(styles, clip, show)
            job = Job(clip, self.taken, self.target, identity, shard)
            began = time.monotonic()
            try:
                with stage("stylizing"):
                    frames = job.make(look, show, self.division.resume)
                speed = frames / (time.monotonic() - began)
                notes = [] if shard else job.finish()
            except KeyboardInterrupt as stop:
                stop.add_note(_left_by(job))
                raise
        out = job.parts.folder if shard else self.target.path
        done = f"part {self.division.shard} is there" if shard else "written"
        say(f"{shown(out)}: {done}, {frames} frames, {speed:.2g} a second", self.running.quiet)
        return _told(clip, notes)

    def _look(self, styles: list[Source], clip: Clip, show: OnProgress) -> tuple[Look, str]:
        """What makes the pictures, and what it is known by: here looks are wrapped in others."""
        from gesso.controls.controls import Controls
        from gesso.nn.masks import checked_style_masks, read_mask
        from gesso.nn.threads import ThreadWatch
        from gesso.pipeline.styles import check_for_photos
        from gesso.video.look import Stylized, identity, practice

        session = self._session(styles)
        check_for_photos(styles, session.options)
        masks = [read_mask(path, self.running.pixels) for path in self.look.masks]
        controls = Controls(**vars(self.look) | {"masks": masks}).completed(session.defaults)
        controls.check(len(styles))
        of_styles = checked_style_masks(self.style_masks, len(styles))
        practises = session.contents is None and session.method.practises(session.options)
        frames = practice(clip) if practises and not all(map(holds_card, styles)) else None
        cards = [
            make_card(session, style, show, frames, mask)
            for style, mask in zip(styles, of_styles, strict=True)
        ]
        # Of cards: the colours of styles would be matched to every frame's, and adapted to, anew.
        stylizer = session.stylizer(cards, controls)
        watch = None if threads_are_chosen() else ThreadWatch()
        return Stylized(stylizer, watch), identity(cards, controls)

    def _session(self, styles: list[Source]) -> Session:
        setup = self.setup
        if setup.method is None and setup.preset is None and not any(map(holds_card, styles)):
            setup = replace(setup, method=METHOD)
        return open_session(
            styles, setup, self.given, self.running,
            size=self.taken.size, use_cache=self.cache, vectors=bool(self.look.polish),
        )  # fmt: skip


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
