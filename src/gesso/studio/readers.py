"""What strangers send is read in processes apart: pictures by `gesso.images.apart`, clips by one of
our own. Cards hold nothing but checked numbers, and are read here. Needs no torch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from gesso.cards.packing import narrowest, read_card, write_card
from gesso.errors import GessoError
from gesso.images.apart import Decoders
from gesso.images.facts import Facts
from gesso.images.read import Photo, received
from gesso.images.source import Source, problem
from gesso.studio.apart import Apart
from gesso.studio.limits import Limits
from gesso.studio.reading import PREVIEW_PX, write_preview
from gesso.studio.refusals import BUSY, Refused

COUNT = 2
MOST_WAITING = 8
THUMBNAIL_PX = 256


class Readers:
    """Reads files within limits; several threads may ask at one time.

    Args:
        limits: of size and time.
        folder: where the process that reads clips works.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.limits = limits
        self.threads = ThreadPoolExecutor(COUNT, "reading")
        self._decoders = Decoders(limits.decode_timeout, COUNT)
        self._clips = Apart("gesso.studio.worker", ["reading"], folder, {})
        self._one_clip = Lock()
        self._asked = 0
        self._count = Lock()

    def enter(self) -> None:
        """Count a file that is to be read. Raises Refused where so many are that it would only
        wait."""
        with self._count:
            if self._asked >= COUNT + MOST_WAITING:
                raise Refused(BUSY, "too many files are being read; try again", retry_after=2)
            self._asked += 1

    def leave(self) -> None:
        """Count a file that was read."""
        with self._count:
            self._asked -= 1

    def picture(self, path: Path, preview: Path) -> dict[str, Any]:
        """Size, kind and transparency of a picture; its preview is written. Raises GessoError for
        one that cannot be read, or is several."""
        limits = {"max_pixels": self.limits.max_pixels, "max_bytes": self.limits.picture_bytes}
        facts = Facts(**_plain(self._decoders.ask("facts", path, **limits)[0]))
        if facts.pictures > 1:
            allowed = "allowed is 1 (an animation is a clip)"
            raise problem(path, f"holds {facts.pictures} pictures; {allowed}")
        small = min(PREVIEW_PX, max(facts.width, facts.height))
        photo = self._photo(path, small, limits)
        write_preview(preview, photo)
        known = {name: value for name, value in asdict(facts).items() if name != "pictures"}
        return known | {"alpha": photo.alpha is not None}

    def clip(self, path: Path, preview: Path) -> dict[str, Any]:
        """Size, frames and seconds of a clip; a preview is written. Raises GessoError for one that
        cannot be read, or has too many frames."""
        limits = {"pixels": self.limits.max_pixels, "frames": self.limits.max_frames}
        task = {"do": "clip", "path": str(path), "preview": str(preview), **limits}
        with self._one_clip:
            return self._clips.ask(task, self.limits.decode_timeout)

    def card(self, path: Path, preview: Path, out: Path | None = None) -> dict[str, Any]:
        """What a card says of itself; its thumbnail is written as a picture of ours, and the card
        anew to `out`. Raises GessoError for a file that is no card."""
        found = read_card(path)
        if out is not None:
            write_card(out, found, narrowest(found))
            out.chmod(0o600)
        has_thumbnail = False
        if found.thumbnail:
            with suppress(GessoError):
                photo = self._photo(found.thumbnail, None, {"max_pixels": 1_000_000})
                write_preview(preview, photo, THUMBNAIL_PX)
                has_thumbnail = True
        style = found.provenance.get("style")
        return {
            "method": found.method,
            "style": style if isinstance(style, str) else "",
            "thumbnail": has_thumbnail,
            "mixed": bool(found.provenance.get("blend")),
            "vectors": found.vectors is not None,
        }

    def _photo(self, source: Source, size: int | None, limits: dict[str, int]) -> Photo:
        return received(*self._decoders.ask("photo", source, size=size, frame=None, **limits)).photo

    def close(self) -> None:
        """End the processes."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self._decoders.close()
        self._clips.close()


def _plain(head: dict[str, Any]) -> dict[str, Any]:
    return {name: head[name] for name in Facts.__dataclass_fields__}
