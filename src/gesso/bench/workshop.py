"""What a benchmark's measurements are made of: adapting, making a picture, judging it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from gesso.bench import memory
from gesso.bench.contestants import Contestant
from gesso.bench.measures import SeenPhoto, Yardstick, seen_style
from gesso.bench.pictures import Gallery, Pair, Picture, make_folder
from gesso.bench.store import Row, Store, digest, machine_class
from gesso.bench.tasks import Task
from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.methods.base import AdaptStep
from gesso.nn.pictures import read_image

UNTOUCHED, STYLE_ITSELF = CONTROLS = ("untouched photo", "style itself")
SIZES = (256, 512)  # px, of the papers' tables


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        runs: of every method at every size, after a warm-up.
        slow_s: a method whose warm-up takes longer has that for its only run.
        memory_steps: at most so many steps while the peak memory is measured: 33 fill every
            cache of an adaptation.
        curve_pairs: pairs over which the loss against time is averaged.
    """

    runs: int = 5
    slow_s: float = 20.0
    memory_steps: int = 33
    curve_pairs: int = 1
    sizes: tuple[int, ...] = SIZES


OnStep = Callable[[AdaptStep], None]


class Workshop:
    """Where contestants take on styles, make pictures and have them judged: rows go to `store`,
    pictures and cards below `out`."""

    def __init__(
        self,
        out: Path,
        gallery: Gallery,
        contestants: Sequence[Contestant],
        judge: Encoder,
        plan: Plan,
        store: Store,
    ) -> None:
        self.out, self.gallery, self.contestants = out, gallery, contestants
        self.judge, self.plan, self.store = judge, plan, store
        self.on_step: OnStep | None = None
        self.memory_of = memory.in_own_process
        self.clock = time.perf_counter
        self._warm: dict[tuple[str, int], float] = {}
        self._seen_photo = lru_cache(maxsize=64)(self._see_photo)
        self._seen_style = lru_cache(maxsize=64)(self._see_style)
        self._card = lru_cache(maxsize=16)(self._load_card)

    def pairs(self, contestant: Contestant) -> list[Pair]:
        """Those it is judged on."""
        return self.gallery.pairs(contestant.entry.most_styles, contestant.entry.most_pairs)

    def picture_path(self, name: str, pair: Pair) -> Path:
        """Where the picture of a contestant, or of a control, lies."""
        if name in CONTROLS:
            return (pair.content if name == UNTOUCHED else pair.style).path
        return self.out / "pictures" / name / f"{pair.content.name}__{pair.style.name}.png"

    def adaptation(self, c: Contestant, style: Picture) -> Task:
        """Taking on a style; writes the card."""
        # On another machine, or with other threads, it takes another time.
        settings = {**c.settings, "style": style.sha256, "machine": machine_class()}
        path = self.out / "cards" / f"{c.name}-{style.name}-{digest(settings)}.safetensors"

        def run() -> Row:
            card, seconds = self.adapted(c, style)
            make_folder(path.parent)
            card.save(path, "float32")
            return {"seconds": seconds}

        return Task(
            f"adapt | {c.name} | {style.name}", settings, rough_cost(c, 512), run, file=path
        )

    def adapted(
        self, c: Contestant, style: Picture, steps: int | None = None
    ) -> tuple[StyleCard, float]:
        """The card and its seconds; files are read and loaded before."""
        image = style.read()
        began = self.clock()
        card = c.adapt(image, steps, self.on_step)
        return card, self.clock() - began

    def card(self, c: Contestant, style: Picture) -> StyleCard:
        """Adapted now if it was not before."""
        task = self.adaptation(c, style)
        if task.kept(self.store) is None:
            self.store.put(task.key, task.settings, task.run())
        assert task.file is not None
        return self._card(task.file)

    def _load_card(self, path: Path) -> StyleCard:
        return StyleCard.load(path)

    def stylized(self, c: Contestant, card: StyleCard, content: Tensor) -> tuple[Tensor, float]:
        """The picture of (3, H, W), and the seconds it took."""
        stylizer = c.stylizer(card)
        began = self.clock()
        picture: Tensor = stylizer(content.unsqueeze(0))
        return picture[0], self.clock() - began

    def judging(self, pair: Pair) -> dict[str, Any]:
        """What decides how a picture is judged."""
        files = [p.sha256 for p in (pair.content, pair.style, *pair.unrelated)]
        return {"judge": self.judge.identity, "files": files}

    def judged(self, pair: Pair, path: Path) -> Row:
        """The measures of a picture's file, computed from its 8-bit pixels."""
        yardstick = Yardstick.of(
            self.judge, self._seen_photo(pair.content, pair.unrelated), self._seen_style(pair.style)
        )
        image = read_image(path)
        return {**asdict(yardstick.judge(image)), "ssim": yardstick.similarity(image)}

    def _see_photo(self, content: Picture, unrelated: tuple[Picture, ...]) -> SeenPhoto:
        return SeenPhoto(self.judge, content.read(), [other.read() for other in unrelated])

    def _see_style(self, style: Picture) -> dict[str, Tensor]:
        return seen_style(self.judge, style.read())


def rough_cost(c: Contestant, size: int, steps: int | None = None, image: bool = False) -> float:
    """Seconds on two cores, to an order of magnitude: enough to tell the time left."""
    count = c.steps if steps is None else min(steps, c.steps or steps)
    if count is None:
        return 0.3
    if c.descends:
        return 0.2 * count * (size / 256) ** 2
    batch = int(c.settings["adapt"].get("batch", 1))
    return 0.1 if image else 0.15 * count * batch
