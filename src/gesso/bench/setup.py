"""From the options of `gesso bench` to what is measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gesso.bench.bench import Bench
from gesso.bench.contestants import YARDSTICK, Absent, Contestant, Entry, enter, entries
from gesso.bench.pictures import gather, make_folder
from gesso.bench.store import Store
from gesso.bench.workshop import Plan
from gesso.disk.cache_dir import cache_dir
from gesso.encoders import check_encoder, load_encoder
from gesso.encoders.base import Encoder
from gesso.encoders.levels import DEPTHS
from gesso.errors import GessoError
from gesso.methods.registry import methods

JOHNSON = "johnson"
QUICK_MINUTES = 2.5  # --quick begins nothing new after that


@dataclass(frozen=True)
class Options:
    """Those of the command; None: the default, which depends on `quick`."""

    out: Path
    contents: Path | None = None
    styles: Path | None = None
    most_contents: int | None = None
    most_styles: int | None = None
    size: int = 256
    names: list[str] = field(default_factory=list)
    weights: dict[str, Path] = field(default_factory=dict)
    judge: str | None = None
    encoder: str = "compact"
    gatys_steps: int | None = None
    gatys_pairs: int | None = None
    johnson_steps: int | None = None
    johnson_styles: int | None = None
    runs: int | None = None
    quick: bool = False
    device: str = "cpu"
    fresh: bool = False

    def chosen(self) -> list[str]:
        """The methods asked for. Raises GessoError for an unknown one."""
        known = methods()
        for name in self.names:
            if name not in known:
                raise GessoError(f"--method {name}: unknown; allowed are {', '.join(known)}")
        return list(dict.fromkeys(self.names)) or known

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
    """Everything loaded and every picture scaled, nothing measured yet.

    Raises:
        GessoError: an option, a picture, weights or an encoder that cannot be used; no method
            that can take part.
    """
    names, source = options.chosen(), options.judge or default_judge()
    for encoder, flag in ((source, "--judge"), (options.encoder, "--encoder")):
        try:
            check_encoder(encoder)
        except GessoError as error:
            raise GessoError(f"{flag}: {error}") from None
    judge = load_encoder(source, "relu4_3")
    listed = _entries(options, names, source)
    quick = options.quick
    present, absent = _tried(listed, judge, options)
    store = Store(options.out / "results.json", fresh=options.fresh)
    make_folder(options.out)  # nothing is written before all that can be wrong was looked at
    gallery = gather(
        options.contents,
        options.styles,
        options.out,
        size=options.size,
        most_contents=options.most_contents or (3 if quick else 50),
        most_styles=options.most_styles or (2 if quick else 10),
    )
    return Bench(options.out, gallery, present, judge, options.plan(), store), absent


def _entries(options: Options, names: list[str], judge: str) -> list[Entry]:
    quick = options.quick
    steps = {
        YARDSTICK: options.gatys_steps or (20 if quick else 500),
        JOHNSON: options.johnson_steps or (20 if quick else 2000),
    }
    limits: dict[str, tuple[int | None, int | None]] = {
        YARDSTICK: (None, options.gatys_pairs or (2 if quick else 10)),
        JOHNSON: (options.johnson_styles or 1, None),
    }
    listed = entries(
        names,
        options.weights,
        steps,
        lambda name: limits.get(name, (None, None)),
        encoder=options.encoder,
        judge=judge,
        device=options.device,
    )
    return [_noted(entry) for entry in listed]


def _noted(entry: Entry) -> Entry:
    """With what a reader has to know: fewer steps than the reference's, or the paper's."""
    paper = {YARDSTICK: 500, JOHNSON: 40_000}.get(entry.name)
    if paper is None or entry.steps is None or entry.steps >= paper:
        return entry
    told = f"not {paper:,}"
    return replace(entry, note=told)


def _tried(
    listed: list[Entry], judge: Encoder, options: Options
) -> tuple[list[Contestant], list[Absent]]:
    present: list[Contestant] = []
    absent: list[Absent] = []
    for entry in listed:
        if options.quick and entry.name == JOHNSON and JOHNSON not in options.names:
            absent.append(Absent(JOHNSON, "too slow for --quick"))
            continue
        found = enter(entry, judge)
        if isinstance(found, Absent):
            absent.append(found)
        else:
            present.append(found)
    if not present:
        told = "; ".join(f"{a.name}: {a.reason}" for a in absent)
        raise GessoError(f"no method can take part: {told}")
    return present, absent
