"""Contestants take on styles, make pictures and have them judged; every row is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from gesso.bench.contestants import Contestant
from gesso.bench.measures import VERSION, SeenPhoto, SeenStyle, Yardstick
from gesso.bench.pictures import Gallery, Pair, Picture, file_name, make_folder
from gesso.bench.store import Row, Store, digest, machine_class
from gesso.bench.tasks import Task, turns
from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.images.write import write_image
from gesso.nn.pictures import read_image
from gesso.stylizers.progress import OnStep

UNTOUCHED, STYLE_ITSELF = CONTROLS = ("untouched photo", "style itself")
JUDGING_S = 0.6  # roughly, of a picture


class Workshop:
    """Where pictures are made and judged.

    Args:
        out: the folder that pictures and cards go to.
        judge: the encoder that measures.
        store: where rows go.
        needs_files: measure again where a picture or card is gone.
        clock: gives seconds.
    """

    def __init__(
        self,
        out: Path,
        gallery: Gallery,
        contestants: Sequence[Contestant],
        judge: Encoder,
        store: Store,
        *,
        needs_files: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.out, self.gallery, self.contestants = out, gallery, list(contestants)
        self.judge, self.store = judge, store
        self.needs_files, self.clock = needs_files, clock
        self._seen_photo = lru_cache(maxsize=64)(self._see_photo)
        self._seen_style = lru_cache(maxsize=16)(self._see_style)  # 20 MB each
        self._card = lru_cache(maxsize=16)(StyleCard.load)

    @property
    def reference(self) -> Contestant | None:
        """The first contestant that descends on the objective itself: objectives are given
        relative to its."""
        return next((c for c in self.contestants if c.about.descends), None)

    def pairs(self, contestant: Contestant) -> list[Pair]:
        """What a contestant is judged on."""
        return self.gallery.pairs(contestant.entry.most_styles, contestant.entry.most_pairs)

    def task(
        self,
        key: str,
        settings: dict[str, Any],
        cost: float,
        run: Callable[[OnStep | None], Row],
        file: Path,
    ) -> Task:
        """A task that writes a file."""
        return Task(key, settings, cost, run, file=file if self.needs_files else None)

    # Cards

    def adaptation(self, c: Contestant, pair: Pair) -> Task:
        """Taking on the pair's style; writes the card."""
        subject, settings, path = self._adapting(c, pair)

        def run(on_step: OnStep | None) -> Row:
            card, seconds = self.adapted(c, pair, on_step=on_step)
            make_folder(path.parent)
            card.save(path, "float32")
            return {"seconds": seconds}

        key = f"adapt | {c.name} | {subject}"
        return self.task(key, settings, c.style_seconds(), run, path)

    def _adapting(self, c: Contestant, pair: Pair) -> tuple[str, dict[str, Any], Path]:
        """What is adapted to, what decides the card and its seconds, and the card's file."""
        # On another machine, or with other threads, it takes another time.
        settings = {**c.settings, "style": pair.style.sha256, "machine": machine_class()}
        settings |= {"photo": pair.content.sha256} if c.on_photo else {}
        subject = pair.name if c.on_photo else pair.style.name
        name = file_name(f"{c.name}-{subject}-{digest(settings)}")
        return subject, settings, self.out / "cards" / f"{name}.safetensors"

    def adapted(
        self,
        c: Contestant,
        pair: Pair,
        steps: int | None = None,
        on_step: OnStep | None = None,
    ) -> tuple[StyleCard, float]:
        """The card and its seconds; files are read and loaded before."""
        style, photo = pair.style.read(), pair.content.read()
        began = self.clock()
        card = c.adapt(style, photo, steps, on_step)
        return card, self.clock() - began

    def card(self, c: Contestant, pair: Pair, on_step: OnStep | None = None) -> StyleCard:
        """Adapted now if it was not before."""
        task = self.adaptation(c, pair)
        path = self._adapting(c, pair)[2]
        if task.kept(self.store) is None or not path.is_file():
            self.store.put(task.key, task.settings, task.run(on_step))
        return self._card(path)

    # Pictures

    def picture_path(self, name: str, pair: Pair) -> Path:
        """Where the picture of a contestant, or of a control, lies."""
        if name in CONTROLS:
            return (pair.content if name == UNTOUCHED else pair.style).path
        return self.out / "pictures" / file_name(name) / f"{pair.file_name}.png"

    def stylized(self, c: Contestant, card: StyleCard, content: Tensor) -> tuple[Tensor, float]:
        """The picture of (3, H, W), and the seconds it took."""
        stylizer = c.stylizer(card)
        began = self.clock()
        picture = stylizer(content.unsqueeze(0))
        return picture[0], self.clock() - began

    def made(self, c: Contestant, pair: Pair, on_step: OnStep | None = None) -> float:
        """The seconds of the picture of a pair. One that is there is not made again, whatever it
        is judged by."""
        settings = {**c.settings, "files": [pair.content.sha256, pair.style.sha256]}
        key, path = f"made | {c.name} | {pair.name}", self.picture_path(c.name, pair)
        before = {**c.settings, **self.judging(pair)}
        del before["measures"]  # of results written before this row was
        row = self.store.get(key, settings) or self.store.get(_picture_key(c, pair), before)
        if row is None or not path.is_file():
            row = {"seconds": self.make(c, pair, on_step)}
        return float(self.store.put(key, settings, {"seconds": row["seconds"]})["seconds"])

    def make(self, c: Contestant, pair: Pair, on_step: OnStep | None = None) -> float:
        """Write the picture of a pair; returns its seconds."""
        card = self.card(c, pair, on_step)
        image, seconds = self.stylized(c, card, pair.content.read())
        path = self.picture_path(c.name, pair)
        make_folder(path.parent)
        write_image(path, image)
        return seconds

    def picture(self, c: Contestant, pair: Pair) -> Task:
        """Making a picture and judging it."""
        path = self.picture_path(c.name, pair)

        def run(on_step: OnStep | None) -> Row:
            seconds = self.made(c, pair, on_step)
            return {**self.judged(pair, path), "seconds": seconds}

        settings = {**c.settings, **self.judging(pair)}
        cost = JUDGING_S + c.picture_seconds(256)
        return self.task(_picture_key(c, pair), settings, cost, run, path)

    def control(self, name: str, pair: Pair) -> Task:
        """Judging what is not stylized at all: one end of the scale."""
        path = self.picture_path(name, pair)
        key = f"picture | {name} | {pair.name}"
        return Task(key, self.judging(pair), JUDGING_S, lambda _: self.judged(pair, path))

    def qualities(self) -> list[Task]:
        """All pictures, style by style, so that an interrupted benchmark has whole columns."""
        chosen = {c.name: {pair.name for pair in self.pairs(c)} for c in self.contestants}
        by_style: dict[str, list[Pair]] = {}
        for pair in self.gallery.pairs():
            by_style.setdefault(pair.style.name, []).append(pair)
        tasks = [self.control(name, pair) for name in CONTROLS for pair in self.gallery.pairs()]
        for turn, pairs in enumerate(by_style.values()):
            for c in turns(self.contestants, turn):
                for pair in pairs:
                    if pair.name in chosen[c.name]:
                        tasks += [self.adaptation(c, pair), self.picture(c, pair)]
        return tasks

    # What is known

    def picture_rows(self, name: str) -> dict[str, Row]:
        """The judged pictures of a contestant or control, by pair."""
        found = {c.name: c for c in self.contestants}.get(name)
        pairs = self.gallery.pairs() if found is None else self.pairs(found)
        tasks = (
            (pair.name, self.picture(found, pair) if found else self.control(name, pair))
            for pair in pairs
        )
        return {pair: row for pair, task in tasks if (row := task.kept(self.store))}

    def whole(self, c: Contestant, pair: Pair) -> Row | None:
        """The judged picture, with the seconds from the style to the picture."""
        adapted = self.adaptation(c, pair).kept(self.store)
        row = self.picture(c, pair).kept(self.store)
        if adapted is None or row is None:
            return None
        return {**row, "seconds": adapted["seconds"] + row["seconds"]}

    # Judging

    def judging(self, pair: Pair) -> dict[str, Any]:
        """What decides how a picture is judged."""
        files = [p.sha256 for p in (pair.content, pair.style, *pair.unrelated)]
        return {"judge": self.judge.identity, "files": files, "measures": VERSION}

    def judged(self, pair: Pair, path: Path) -> Row:
        """The measures of a picture's file, computed from its 8-bit pixels."""
        seen = self._seen_photo(pair.content, pair.unrelated), self._seen_style(pair.style)
        yardstick = Yardstick.of(self.judge, *seen)
        image = read_image(path)
        return {**asdict(yardstick.judge(image)), "ssim": yardstick.similarity(image)}

    def _see_photo(self, content: Picture, unrelated: tuple[Picture, ...]) -> SeenPhoto:
        return SeenPhoto(self.judge, content.read(), [other.read() for other in unrelated])

    def _see_style(self, style: Picture) -> SeenStyle:
        return SeenStyle(self.judge, style.read())


def _picture_key(c: Contestant, pair: Pair) -> str:
    return f"picture | {c.name} | {pair.name}"
