"""From the options of `gesso bench` to what is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gesso.bench import memory
from gesso.bench.bench import Bench, Plan
from gesso.bench.contestants import Absent, Contestant, enter
from gesso.bench.entries import entries
from gesso.bench.options import Options
from gesso.bench.pictures import gather, make_folder
from gesso.bench.store import Store
from gesso.disk.cache_dir import cache_dir
from gesso.encoders import check_encoder, load_encoder
from gesso.encoders.levels import DEPTHS
from gesso.errors import GessoError, OptionError


def default_judge() -> str:
    """VGG-19 or VGG-16 if their weights are in the cache, else the compact encoder."""
    from gesso.encoders.download import PUBLISHED

    for variant in sorted(DEPTHS, reverse=True):
        name = Path(PUBLISHED[variant].file_name).with_suffix(".safetensors")
        if (cache_dir() / "encoders" / name).is_file():
            return variant
    return "compact"


def set_up(out: Path, options: Options) -> tuple[Bench, list[Absent]]:
    """A bench in the folder `out` with everything loaded and every picture scaled, nothing
    measured yet.

    Raises:
        GessoError: an option, a picture, weights or an encoder that cannot be used; no method
            that can take part.
    """
    source = options.judge or default_judge()
    listed, absent = entries(options, source)
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
    store = Store(out / "results.json", fresh=options.fresh)
    make_folder(out)  # nothing is written before all that can be wrong was looked at
    quick = options.quick
    gallery = gather(
        options.contents,
        options.styles,
        out,
        size=options.size,
        most_contents=options.max_contents or (3 if quick else 50),
        most_styles=options.max_styles or (2 if quick else 10),
    )
    measure, runs = memory.in_own_process, options.runs
    plan = Plan(runs or 3, slow_s=2.0, memory_steps=3) if quick else Plan(runs or 5)
    if quick or not options.large:
        plan = replace(plan, large_s=0.0)
    bench = Bench(out, gallery, present, judge, store, plan=plan, memory_of=measure)
    return bench, absent
