"""What `gesso bench` takes. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from gesso.options import Option

QUICK_MINUTES = 2.5  # --quick begins nothing new after that


@dataclass(frozen=True)
class Options:
    """How much is measured, of what, by which judge. None: a default, which may depend on
    `quick`.

    Attributes:
        names: the methods that take part; none: all.
        weights: method → file.
        changes: texts METHOD.OPTION=VALUE, see `gesso.bench.entries`.
    """

    contents: Annotated[Path | None, Option("Photos; default: a bundled set.", "DIR")] = None
    styles: Annotated[Path | None, Option("Styles; default: a bundled set.", "DIR")] = None
    max_contents: Annotated[
        int | None, Option("At most so many of them; default: 50 (quick: 3).", "N", least=2)
    ] = None
    max_styles: Annotated[
        int | None, Option("At most so many of them; default: 10 (quick: 2).", "N", least=1)
    ] = None
    size: Annotated[int, Option("Longer side of the photos judged.", "PX", least=64)] = 256
    judge: Annotated[
        str | None,
        Option(
            "What measures quality; default: VGG if it is in the cache, else compact.",
            "compact|vgg16|vgg19|FILE",
        ),
    ] = None
    encoder: Annotated[
        str, Option("What judges style and content while adapting.", "compact|vgg16|vgg19|FILE")
    ] = "compact"
    device: Annotated[str, Option("cpu, cuda, mps, …", "NAME")] = "cpu"
    runs: Annotated[
        int | None, Option("Timed runs of a method; default: 5 (quick: 3).", "N", least=1)
    ] = None
    large: Annotated[bool, Option("Make a picture of 12 megapixels, too; --quick makes none.")] = (
        True
    )
    quick: Annotated[bool, Option("A first impression: at most 3 minutes on two cores.")] = False
    minutes: Annotated[
        float | None,
        Option("Begin nothing new after this; default: no end (quick: 2.5).", "N", least=0),
    ] = None
    fresh: Annotated[bool, Option("Forget what was measured in the folder.")] = False
    names: Sequence[str] = ()
    weights: dict[str, Path] = field(default_factory=dict)
    changes: Sequence[str] = ()

    @property
    def most_minutes(self) -> float | None:
        """Minutes after which nothing new begins; None: no end."""
        return QUICK_MINUTES if self.quick and self.minutes is None else self.minutes
