"""What a worker of `gesso batch` does with a photo."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gesso.cli import options as opt
from gesso.cli.cards import open_session
from gesso.cli.light import Light, is_light
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.read import Photo
from gesso.pipeline.files import files_at

if TYPE_CHECKING:
    from gesso.cli.batch import Command

Paint = Callable[[Photo, str], Photo]
UNREAD = {"sha256": "", "bytes": -1, "mtime_ns": -1}  # as no photo is: it is tried again


class Painter:
    """Photos in the styles of a command; weights are loaded once, a style when it is first wanted.

    Raises:
        GessoError: options or weights that cannot be used.
    """

    def __init__(self, command: Command) -> None:
        from gesso.pipeline.photos import Pictures

        self.command, writing = command, command.writing
        self.pictures = Pictures(
            command.size, command.running.pixels, writing.quality, writing.keep_metadata
        )
        self._looks: dict[int, Paint | GessoError] = {}
        self._kept = ExitStack()
        self._kept.enter_context(opt.decoding(command.running.decode_timeout))
        make = self._without_torch if is_light(command.styles, command.engine) else self._by_torch
        self._make = make()

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one job; returns what the manifest is to say of it."""
        photo, out, start = request["photo"], request["out"], time.perf_counter()
        known = UNREAD
        try:
            source, known = files_at(photo).source(photo)
            found = self.pictures.read(source)
        except GessoError as error:
            return {"state": "failed", "reason": str(error), **known, "seconds": _since(start)}
        try:
            picture = self._look(request["style"])(found, shown(photo))
            with files_at(out).saving(out) as target:
                self.pictures.save(picture, target)
        except GessoError as error:  # of the style, of memory or of the disk, not of the photo
            return {"state": "failed", "reason": str(error), **UNREAD, "seconds": _since(start)}
        except Exception as error:
            reason = f"{shown(photo)}: unexpected error, please report it ({error!r})"
            return {"state": "failed", "reason": reason[:300], **UNREAD, "seconds": _since(start)}
        return {"state": "done", **known, "seconds": _since(start)}

    def close(self) -> None:
        """End the processes that decode."""
        self._kept.close()

    def _look(self, number: int) -> Paint:
        """A style's look; one that cannot be made fails at every photo."""
        if number not in self._looks:
            try:
                self._looks[number] = self._make(number)
            except GessoError as error:
                self._looks[number] = error
        look = self._looks[number]
        if isinstance(look, GessoError):
            raise GessoError(str(look))
        return look

    def _by_torch(self) -> Callable[[int], Paint]:
        from gesso.controls.controls import Controls
        from gesso.pipeline.photos import finished
        from gesso.pipeline.style_cards import Contents

        command = self.command
        controls = Controls(**vars(command.look))
        session = open_session(
            command.styles, command.setup, command.given, replace(command.running, quiet=True),
            size=command.size, use_cache=command.cache,
            vectors=None if controls.polish is None else controls.polish > 0,
        )  # fmt: skip
        bundled = Contents([], bundled=True)

        def make(number: int) -> Paint:
            styles = [command.styles[number]]
            stylizer = session.stylizer(styles, controls, contents=bundled)
            return lambda photo, name: finished(photo, stylizer, name)

        return make

    def _without_torch(self) -> Callable[[int], Paint]:
        command = self.command
        light = Light(
            command.styles, command.look, command.setup, command.given, [], True, command.cache
        )

        def make(number: int) -> Paint:
            look = light.look([command.styles[number]])
            return lambda photo, name: replace(photo, rgb=look(photo.rgb))

        return make


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 4)
