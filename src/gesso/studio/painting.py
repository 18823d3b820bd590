"""Jobs, done in a process apart by the very calls that the command line makes.

It keeps cards of styles in the cache that its environment names, the run's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls, mix
from gesso.images.arrays import as_numpy
from gesso.images.read import Photo, read_photo
from gesso.methods.registry import about
from gesso.nn.masks import read_mask
from gesso.options import changed
from gesso.pipeline.presets import chosen
from gesso.pipeline.session import Session
from gesso.pipeline.stylize import stylize
from gesso.reports import Draft, Progress, listening, watching
from gesso.studio.filming import clip
from gesso.studio.reading import write_preview
from gesso.studio.worker import Listener
from gesso.stylizers.progress import AdaptStep, OnStep

Task = dict[str, Any]

DRAFT = ".draft.webp"  # the newest picture on the way, beside what is made
DRAFT_PX = 640
DRAFT_SECONDS = 1.0


def picture(task: Task, listener: Listener) -> Task:
    """Stylize a photo; see `gesso.studio.jobs.stylize_task`. Raises GessoError as the command."""
    styles = [Path(style) for style in task["styles"]]
    with listening(_reporter(listener)), watching(drafts(task, listener)):
        stylize(
            Path(task["photo"]),
            styles,
            task["out"],
            method=task["method"],
            preset=task["preset"],
            size=task["size"],
            controls=_controls(task),
            style_masks=[None if mask is None else Path(mask) for mask in task["style_masks"]],
            quality=task["quality"],
            on_step=steps_of(listener, task.get("title", "painting")),
            **task["options"],
        )
    return _shown(task)


def card(task: Task, listener: Listener) -> Task:
    """Make the card of a style, as `gesso adapt` does."""
    style = Path(task["style"])
    ours = chosen(task["preset"], task["method"], [], task["options"])
    options = changed(about(ours.method).options(), ours.options)
    session = Session(ours.method, options, retouch=ours.retouch, defaults=ours.controls)
    mask = None if task["style_mask"] is None else Path(task["style_mask"])
    with listening(_reporter(listener)), watching(drafts(task, listener)):
        made = session.card(style, mask=mask, on_step=steps_of(listener, "adapting"))
    made.save(task["out"])
    return {}


def mixture(task: Task, listener: Listener) -> Task:
    """Mix cards, as `gesso mix` does."""
    mix([StyleCard.load(path) for path in task["cards"]], task["weights"]).save(task["out"])
    return {}


def _controls(task: Task) -> Controls:
    masks = [read_mask(path) for path in task["masks"]]
    return Controls(**task["controls"], masks=masks)


def steps_of(listener: Listener, title: str) -> OnStep:
    """An `on_step` that reports to the other process, and ends the task once it is unwanted."""

    def on_step(step: AdaptStep) -> None:
        losses = {name: float(f"{value:.4g}") for name, value in step.losses.items()}
        done, total = step.step, step.steps
        listener.say({"title": title, "done": done, "total": total, "losses": losses})

    return on_step


def _reporter(listener: Listener) -> Callable[[Progress], None]:
    def heard(progress: Progress) -> None:
        listener.say({"title": progress.title, "done": progress.done, "total": progress.total})

    return heard


def drafts(task: Task, listener: Listener) -> Callable[[Draft], None]:
    """What writes pictures on the way where the task's owner can see them: at most one a second,
    and so few that they take a twentieth of the time."""
    path, due = Path(task["out"]).with_name(DRAFT), time.monotonic()

    def watch(draft: Draft) -> None:
        nonlocal due
        listener.check()
        began = time.monotonic()
        if began < due:
            return
        rgb = np.asarray(as_numpy("draft", draft()).clip(0, 1), np.float32)
        rgb = rgb[0] if rgb.ndim == 4 else rgb
        if np.isfinite(rgb).all():
            write_preview(path, Photo(rgb), DRAFT_PX)
            listener.say({"preview": str(path)}, always=True)
        now = time.monotonic()
        due = now + max(DRAFT_SECONDS, 20 * (now - began))

    return watch


def _shown(task: Task) -> Task:
    """Size of a finished picture; what is shown of it is written."""
    made = read_photo(task["out"])
    write_preview(Path(task["preview"]), made)
    height, width = made.rgb.shape[1:]
    return {"width": width, "height": height}


TASKS: dict[str, Callable[[Task, Listener], Task]] = {
    "picture": picture,
    "card": card,
    "mixture": mixture,
    "clip": clip,
}
