"""From the options of `gesso bench` to what is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gesso.bench import memory
from gesso.bench.bench import Bench, Plan
from gesso.bench.contestants import Absent, Contestant, enter
from gesso.bench.entries import Wishes
from gesso.bench.pictures import gather, make_folder
from gesso.bench.store import Store
from gesso.disk.cache_dir import cache_dir
from gesso.encoders import check_encoder, load_encoder
from gesso.encoders.levels import DEPTHS
from gesso.errors import GessoError, OptionError

QUICK_MINUTES = 2.5  # --quick begins nothing new after that


@dataclass(frozen=True)
class Options:
    """The options of the command; None: the default, which may depend on `quick`."""

    out: Path
    contents: Path | None = None
    styles: Path | None = None
    most_contents: int | None = None
    most_styles: int | None = None
    size: int = 256
    names: list[str] = field(default_factory=list)
    weights: dict[str, Path] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    judge: str | None = None
    encoder: str = "compact"
    runs: int | None = None
    quick: bool = False
    device: str = "cpu"
    fresh: bool = False

    def plan(self) -> Plan:
        """How much is measured."""
        if self.quick:
            return Plan(self.runs or 3, slow_s=2.0, memory_steps=3)
        return Plan(self.runs or 5)


def default_judge() -> str:
    """VGG-19 or VGG-16 if their weights are in the cache, else the compact encoder."""
    from gesso.encoders.download import PUBLISHED

    for variant in sorted(DEPTHS, reverse=True):
        name = Path(PUBLISHED[variant].file_name).with_suffix(".safetensors")
        if (cache_dir() / "encoders" / name).is_file():
            return variant
    return "compact"


def set_up(options: Options) -> tuple[Bench, list[Absent]]:
    """A bench with everything loaded and every picture scaled, nothing measured yet.

    Raises:
        GessoError: an option, a picture, weights or an encoder that cannot be used; no method
            that can take part.
    """
    source = options.judge or default_judge()
    wishes = Wishes(
        options.names,
        options.weights,
        options.changes,
        encoder=options.encoder,
        judge=source,
        device=options.device,
        quick=options.quick,
    )
    listed, absent = wishes.entries()
    for option, encoder in (("judge", source), ("encoder", options.encoder)):
        try:
            check_encoder(encoder)
        except GessoError as error:
            raise OptionError(option, str(error)) from None
    judge = load_encoder(source, "relu4_3")
    found = [enter(entry, judge) for entry in listed]
    present = [one for one in found if isinstance(one, Contestant)]
    absent += [one for one in found if isinstance(one, Absent)]
    if not present:
        reasons = "; ".join(f"{a.name}: {a.reason}" for a in absent)
        raise GessoError(f"no method can take part: {reasons}")
    store = Store(options.out / "results.json", fresh=options.fresh)
    make_folder(options.out)  # nothing is written before all that can be wrong was looked at
    quick = options.quick
    gallery = gather(
        options.contents,
        options.styles,
        options.out,
        size=options.size,
        most_contents=options.most_contents or (3 if quick else 50),
        most_styles=options.most_styles or (2 if quick else 10),
    )
    measure, plan = memory.in_own_process, options.plan()
    bench = Bench(options.out, gallery, present, judge, store, plan=plan, memory_of=measure)
    return bench, absent
