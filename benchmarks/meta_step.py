"""Time and peak memory of one meta-training step, ours against a plain rendering (plain.py).

Every run is a process of its own; variants take turns, so that a machine that slows down slows all
of them, and speed-ups are ratios within one turn. Run again to continue after --minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median

import torch
from plain import PlainNet, PlainVGG, plain_step
from study import announce
from torch import Tensor, nn

from gesso.bench.memory import answer_of, peak_mib
from gesso.bench.store import Budget, Row, Store, machine_class, write_csv
from gesso.bench.table import markdown
from gesso.bench.tasks import Task, run_all
from gesso.encoders.vgg import VGG
from gesso.errors import GessoError
from gesso.losses.objectives import PAPER
from gesso.methods.metastyle.bilevel import InnerLoop, bilevel_losses
from gesso.nn import checkpoint
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.transfer import TransferNet
from gesso.stylizers.progress import OnStep
from gesso.training.malloc import keep_freed_memory

RESULTS = Path(__file__).parent / "results"
SCRATCH = Path("runs") / "benchmarks"
CHUNKS = {"all styles": 0, "style_chunk 2": 2, "style_chunk 1": 1}
CHECK_INNER_LR = 0.05  # large enough for the second-order term to be seen


def variants() -> list[str]:
    """`plain`, ours by the styles taken at a time, and ours in bfloat16 where that is native."""
    native = fast_dtype() == torch.bfloat16
    return ["plain", *CHUNKS, *(f"{name}, bf16" for name in CHUNKS if native)]


def twins(
    width: int, dtype: torch.dtype = torch.float32
) -> tuple[PlainNet, PlainVGG, nn.Module, VGG]:
    """Both renderings with the same random weights; VGG's keep the size of its features."""
    torch.manual_seed(0)
    net, ours = PlainNet(width).to(dtype), TransferNet(width).to(dtype)
    vgg = PlainVGG()
    for conv in vgg.convs:
        nn.init.kaiming_normal_(conv.weight)
        nn.init.uniform_(conv.bias, -0.1, 0.1)
    our_vgg = VGG("vgg16", caffe=False, deepest="relu4_3").to(dtype)
    _copy(net, ours)
    _copy(vgg.to(dtype), our_vgg)
    our_vgg.freeze()
    return net, vgg, ours, our_vgg


@torch.no_grad()
def _copy(source: nn.Module, target: nn.Module) -> None:
    for theirs, ours in zip(source.parameters(), target.parameters(), strict=True):
        ours.copy_(theirs)


def pictures(
    styles: int, contents: int, size: int, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Smooth random pictures, as a training batch."""
    generator = torch.Generator().manual_seed(1)
    counts = {"contents_support": contents, "contents_query": contents, "styles": styles}
    coarse = {k: torch.rand(n, 3, 8, 8, generator=generator) for k, n in counts.items()}
    return {
        k: nn.functional.interpolate(c.to(dtype), (size, size), mode="bicubic").clamp(0, 1)
        for k, c in coarse.items()
    }


def our_step(
    net: nn.Module, vgg: VGG, batch: dict[str, Tensor], loop: InnerLoop, dtype: torch.dtype | None
) -> None:
    """One iteration; leaves the meta-gradient in .grad."""
    with compute_in(dtype) if dtype else nullcontext():
        terms = bilevel_losses(net, vgg, PAPER, batch, loop)
        torch.stack([v for k, v in terms.items() if not k.startswith("_")]).sum().backward()


def gradient(net: nn.Module) -> Tensor:
    """All gradients in one row."""
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def difference(a: Tensor, b: Tensor) -> float:
    """‖a − b‖ / ‖b‖."""
    return float((a.double() - b.double()).norm() / b.double().norm())


def exactness(size: int = 32) -> Row:
    """Both gradients in float64 at a small size, where rounding hides nothing."""
    net, vgg, ours, our_vgg = twins(8, torch.float64)
    batch = pictures(2, 2, size, torch.float64)
    plain_step(net, vgg, batch, CHECK_INNER_LR)
    exact = gradient(net)
    row: Row = {"styles x contents x px": f"2 x 2 x {size}", "inner lr": CHECK_INNER_LR}
    for name, first_order, chunk in (
        ("all styles", False, 0),
        ("style_chunk 1", False, 1),
        ("first order", True, 0),
    ):
        ours.zero_grad()
        our_step(ours, our_vgg, batch, InnerLoop(1, CHECK_INNER_LR, 0.0, first_order, chunk), None)
        row[name] = difference(gradient(ours), exact)
    return row


def measure(variant: str, args: argparse.Namespace) -> Row:
    """In a process of its own: seconds and memory of one step, its gradient into a file."""
    net, vgg, ours, our_vgg = twins(args.width)
    batch = pictures(args.styles, args.contents, args.size)
    dtype = torch.bfloat16 if variant.endswith("bf16") else None
    loop = InnerLoop(1, args.inner_lr, style_chunk=CHUNKS.get(variant.split(",")[0], 0))
    trained = net if variant == "plain" else ours
    if variant != "plain":
        keep_freed_memory()  # as `gesso train` does
    baseline = peak_mib()

    def step(pictures: dict[str, Tensor]) -> None:
        if variant == "plain":
            plain_step(net, vgg, pictures, args.inner_lr)
        else:
            our_step(ours, our_vgg, pictures, loop, dtype)

    step(batch)  # libraries choose and compile their kernels, by the shape
    trained.zero_grad()
    began, cpu_began = time.perf_counter(), time.process_time()
    step(batch)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    row: Row = {"seconds": seconds, "cpu_seconds": cpu_seconds}
    row |= {"peak_mib": peak_mib(), "baseline_mib": baseline}
    checkpoint.save_file(args.gradient, {"gradient": gradient(trained)}, {"kind": "gradient"})
    return row


def in_own_process(variant: str, args: argparse.Namespace, gradient: Path) -> Row:
    """Run `measure` in a new Python and read its row."""
    numbers = ("styles", "contents", "size", "width", "inner_lr")
    options = [f"--{n.replace('_', '-')}={getattr(args, n)}" for n in numbers]
    command = [sys.executable, __file__, *options, f"--worker={variant}", f"--gradient={gradient}"]
    return answer_of(command, f"{variant}: its process failed (out of memory?)")


def run(args: argparse.Namespace, store: Store, settings: Row) -> bool:
    """Measure what is missing; returns whether everything is there."""
    args.scratch.mkdir(parents=True, exist_ok=True)
    reference = args.scratch / f"{store.path.stem}.gradient.safetensors"

    def compared(variant: str, target: Path, on_step: OnStep | None) -> Row:
        row = in_own_process(variant, args, target)
        grads = [checkpoint.load_file(f, kind="gradient")[0] for f in (target, reference)]
        return {**row, "difference": difference(grads[0]["gradient"], grads[1]["gradient"])}

    tasks = []
    for turn in range(args.runs):
        for variant in variants():
            plain = variant == "plain"
            target = reference if plain else reference.with_stem("ours")
            measured, file = partial(compared, variant, target), reference if plain else None
            tasks.append(Task(f"{turn}/{variant}", settings, 1.0, measured, file=file))
    return run_all(tasks, store, Budget(args.minutes), announce)


def summary(store: Store, settings: Row, runs: int) -> list[Row]:
    """One row a variant: medians, and ratios within each turn."""
    table = []
    for variant in variants():
        pairs = [
            (store.get(f"{t}/plain", settings), store.get(f"{t}/{variant}", settings))
            for t in range(runs)
        ]
        both = [(p, o) for p, o in pairs if p and o]
        if not both:
            continue
        speed = [p["seconds"] / o["seconds"] for p, o in both]
        added = [[r["peak_mib"] - r["baseline_mib"] for r in pair] for pair in both]
        table.append(
            {
                "variant": variant,
                "runs": len(both),
                "seconds": median(o["seconds"] for _, o in both),
                "CPU seconds": median(o["cpu_seconds"] for _, o in both),
                "times as fast as plain": median(speed),
                "lowest": min(speed),
                "highest": max(speed),
                "peak memory above baseline, MiB": median(a[1] for a in added),
                "of plain's": median(a[1] / a[0] for a in added),
                "baseline, MiB": median(o["baseline_mib"] for _, o in both),
                "gradient differs from plain's by": median(o["difference"] for _, o in both),
            }
        )
    return table


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--styles", type=int, default=4, help="styles an iteration")
    p.add_argument(
        "--contents", type=int, default=4, help="contents in the support, and in the query"
    )
    p.add_argument("--size", type=int, default=256, help="px, a multiple of 8")
    p.add_argument("--width", type=int, default=32, help="of the transfer network")
    p.add_argument("--inner-lr", type=float, default=1e-5)
    p.add_argument("--runs", type=int, default=3, help="turns of all variants")
    p.add_argument("--minutes", type=float, help="start nothing new after this long")
    p.add_argument("--fresh", action="store_true", help="forget earlier runs")
    p.add_argument("--results", type=Path, default=RESULTS)
    p.add_argument("--scratch", type=Path, default=SCRATCH, help="for gradients to compare")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    p.add_argument("--gradient", type=Path, help=argparse.SUPPRESS)
    return p


def main(argv: list[str] | None = None) -> int:
    """Exit status 0; 2 for a failed run, 3 if --minutes were over before all was measured."""
    args = parser().parse_args(argv)
    if args.worker:
        print(json.dumps(measure(args.worker, args)))
        return 0
    name = f"meta-step-{machine_class()}-{args.styles}x{args.contents}-{args.size}px"
    settings = {"width": args.width, "inner_lr": args.inner_lr, "torch": torch.__version__}
    try:
        store = Store(args.results / f"{name}.json", fresh=args.fresh)
        done = run(args, store, settings)
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2
    table = summary(store, settings, args.runs)
    print(f"\n{markdown(table)}\n\nRelative difference from plain's gradient in float64:\n")
    print(markdown([exactness()]))
    write_csv(args.results / f"{name}.csv", table)
    if not done:
        print("not all runs are measured yet: run again to continue", file=sys.stderr)
    return 0 if done else 3


if __name__ == "__main__":
    sys.exit(main())
