"""From what a request says to the steps of a job: names and numbers are looked up and checked here,
so that most mistakes are answered at once. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gesso.controls.options import ControlOptions
from gesso.errors import OptionError
from gesso.images.resize import target_size
from gesso.images.styles import bundled_styles
from gesso.methods.registry import about, methods
from gesso.options import changed
from gesso.pipeline.presets import chosen
from gesso.pipeline.styles import check_for_photos
from gesso.studio.jobs import Job, Step
from gesso.studio.library import Library, checked_name
from gesso.studio.limits import Limits
from gesso.studio.refusals import UNUSABLE, Refused, unknown
from gesso.studio.store import Entry, Store
from gesso.studio.words import (
    Adaptation,
    Film,
    Grid,
    Look,
    Mixture,
    Picture,
    Style,
    offered,
)


@dataclass(frozen=True)
class Made:
    """Makes jobs of requests of one session.

    Attributes:
        store: where pictures are.
        library: where cards are.
        limits: of pictures that are asked for.
        session: whose the pictures are.
    """

    store: Store
    library: Library
    limits: Limits
    session: str

    def picture(self, words: Picture) -> Job:
        """The job of a photo in styles. Raises GessoError for what makes no sense."""
        photo = self._photo(words.photo, words.size)
        styles = [self._style(style) for style in words.styles]
        masks = [self._photo(key) for key in words.masks]
        of_styles = [None if key is None else self._photo(key) for key in words.style_masks]
        look = self._checked(words, [path for path, _ in styles])
        self._check_counts(words, len(styles))
        task = look | {
            "masks": [str(mask.path) for mask in masks],
            "style_masks": [None if mask is None else str(mask.path) for mask in of_styles],
        }
        step = self._painted(words, task, photo, styles)
        used = [entry for _, entry in styles] + of_styles
        inputs = [photo, *masks, *(entry for entry in used if entry is not None)]
        return Job(self.session, "picture", [step], inputs)

    def grid(self, words: Grid) -> Job:
        """The job of photos × styles. Raises GessoError for what makes no sense."""
        photos = [self._photo(key, words.size) for key in words.photos]
        styles = [self._style(style) for style in words.styles]
        steps = []
        for path, entry in styles:
            task = self._checked(words, [path]) | {"masks": [], "style_masks": []}
            steps += [self._painted(words, task, photo, [(path, entry)]) for photo in photos]
        inputs = [*photos, *(entry for _, entry in styles if entry is not None)]
        return Job(self.session, "grid", steps, inputs)

    def film(self, words: Film) -> Job:
        """The job of a clip in styles. Raises GessoError for what makes no sense."""
        source = self.store.get(self.session, words.clip)
        if "frames" not in source.facts:
            raise Refused(UNUSABLE, f"{source.name}: a picture; allowed is a clip (api/clips)")
        self._check_size(source, words.size)
        styles = [self._style(style) for style in words.styles]
        task = self._checked(words, [path for path, _ in styles])
        _check_weights(words, len(styles))
        name = _named(source, [path for path, _ in styles])
        made = self.store.new(self.session, name, f".{words.format}")
        more = {
            "do": "clip",
            "clip": str(source.path),
            "styles": [str(path) for path, _ in styles],
            "out": str(made.path),
            "pixels": self.limits.max_pixels,
            "steady": words.steady,
            "start": words.start,
            "end": words.end,
            "size": words.size,
        }
        inputs = [source, *(entry for _, entry in styles if entry is not None)]
        return Job(self.session, "clip", [Step(task | more, made)], inputs)

    def card(self, words: Adaptation) -> Job:
        """The job of a style's card. Raises GessoError for what makes no sense."""
        path, entry = self._style(words.style)
        if words.style.card is not None:
            raise Refused(UNUSABLE, "style: a card, which is adapted already")
        mask = None if words.style_mask is None else self._photo(words.style_mask)
        _chosen(words.method, words.preset, [], words.options)
        name = checked_name(words.name)
        made = self.store.new(self.session, "card", ".safetensors")
        task = {
            "do": "card",
            "style": str(path),
            "style_mask": None if mask is None else str(mask.path),
            "method": words.method,
            "preset": words.preset,
            "options": dict(words.options),
            "out": str(made.path),
        }
        inputs = [one for one in (entry, mask) if one is not None]
        return Job(self.session, "card", [self._into_library(task, made, name)], inputs)

    def mixture(self, words: Mixture) -> Job:
        """The job of a mixed card. Raises GessoError for what makes no sense."""
        cards = [self.library.file(name) for name in words.cards]
        name = checked_name(words.name)
        made = self.store.new(self.session, "card", ".safetensors")
        task = {
            "do": "mixture",
            "cards": [str(path) for path in cards],
            "weights": list(words.cards.values()),
            "out": str(made.path),
        }
        return Job(self.session, "mixture", [self._into_library(task, made, name)])

    def _into_library(self, task: dict[str, Any], made: Entry, name: str) -> Step:
        def keep() -> dict[str, Any]:
            try:
                return {"card": self.library.put(name, made.path)}
            finally:
                self.store.drop(made)

        return Step(task, made, keep)

    def _painted(
        self,
        words: Picture | Grid,
        task: dict[str, Any],
        photo: Entry,
        styles: Sequence[tuple[Path, Entry | None]],
    ) -> Step:
        name = _named(photo, [path for path, _ in styles])
        made = self.store.new(self.session, name, f".{words.format}")
        more = {
            "do": "picture",
            "title": name,
            "photo": str(photo.path),
            "styles": [str(path) for path, _ in styles],
            "quality": words.quality,
            "size": words.size,
            "out": str(made.path),
            "preview": str(made.preview),
        }
        return Step(task | more, made)

    def _photo(self, key: str, size: int | None = None) -> Entry:
        entry = self.store.get(self.session, key)
        if "frames" in entry.facts:
            raise Refused(UNUSABLE, f"{entry.name}: a clip; allowed is a picture")
        self._check_size(entry, size)
        return entry

    def _check_size(self, entry: Entry, size: int | None) -> None:
        """Raises Refused for a picture that would be too large."""
        if "width" in entry.facts:
            width, height = target_size((entry.facts["width"], entry.facts["height"]), size)
            if width * height > self.limits.max_pixels:
                text = f"{width} × {height} px, over the limit of {self.limits.max_pixels} pixels"
                raise Refused(UNUSABLE, f"size: {text}")

    def _style(self, style: Style) -> tuple[Path, Entry | None]:
        """The file of a style, and its entry where it was sent."""
        if style.bundled is not None:
            known = bundled_styles()
            if style.bundled not in known:
                raise unknown("bundled style")
            return known[style.bundled], None
        if style.card is not None:
            return self.library.file(style.card), None
        assert style.picture is not None
        entry = self._photo(style.picture)
        return entry.path, entry

    def _checked(self, words: Look, styles: list[Path]) -> dict[str, Any]:
        """The part of a task that says how pictures look. Raises OptionError, as the command."""
        check_for_photos(styles, _chosen(words.method, words.preset, styles, words.options))
        controls = words.given_controls()
        # Whether weights go with masks and the like is looked at with as many masks as there are.
        ControlOptions(**controls, masks=getattr(words, "masks", ()))
        return {
            "method": words.method,
            "preset": words.preset,
            "options": dict(words.options),
            "controls": controls,
        }

    def _check_counts(self, words: Picture, styles: int) -> None:
        _check_weights(words, styles)
        for what, count, allowed in (
            ("masks", len(words.masks), (0, styles - 1, styles)),
            ("style_masks", len(words.style_masks), (0, styles)),
        ):
            if count not in allowed:
                shown = " or ".join(map(str, sorted({*allowed})))
                raise OptionError(what, f"{count} for {styles} styles; allowed are {shown}")


def _named(photo: Entry, styles: Sequence[Path]) -> str:
    """A name for what is made of a photo or clip in styles."""
    ends = "-".join(path.stem for path in styles[:3])
    return f"{Path(photo.name).stem[:40]}-{ends[:36]}"


def _check_weights(words: Look, styles: int) -> None:
    weights = words.controls.weights
    if weights is not None and len(weights) != styles:
        raise OptionError("weights", f"{len(weights)} for {styles} styles; allowed are {styles}")


def _chosen(
    method: str | None, preset: str | None, styles: list[Path], given: Mapping[str, Any]
) -> Any:
    """The method's options, checked. Raises GessoError for an unknown method or option, a
    value out of range, or an option that is a file's name."""
    if method is not None and method not in methods():
        raise OptionError("method", f"{method}: unknown; allowed are {', '.join(methods())}")
    ours = chosen(preset, method, styles, given)
    known = {one.name for one in offered(about(ours.method).options)}
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise OptionError(f"option {name}", f"not one of those here, which are {allowed}")
    return changed(about(ours.method).options(), ours.options)
