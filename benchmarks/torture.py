"""Kill, stop and starve a training run again and again:

    python benchmarks/torture.py --minutes 10

Each round lets a small run go on and ends it at a random moment: by SIGKILL, by SIGTERM or SIGINT,
or with files that may not grow, so that every save fails. What must hold after each: the checkpoint
loads, weights and checkpoint are of finite numbers, at most one interval of saving is lost, a
signal's exit code is its own, a second run on the folder is refused, and no temporary is left in
the end. After the last round the run ends, and its checkpoint is that of a run that nobody
disturbed, bit for bit. `benchmarks/batch_torture.py` does the same to `gesso batch`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gesso.disk.tensors import read_header
from gesso.errors import GessoError
from gesso.nn.checkpoint import load_file
from gesso.training.config import TrainConfig
from gesso.training.loop import train
from gesso.training.recipe import Recipe
from gesso.training.state import CHECKPOINT, WEIGHTS, run_lock

EVERY = 5  # steps between saves
CONFIG = TrainConfig(steps=10**6, lr=1e-3, ema=0.9, workers=0, save_every=EVERY)
ENDINGS = ("kill", "full", "term", "int")
TOO_SMALL = 20_000  # bytes that a file may have when "the disk is full"


def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
    """Noise, drawn by the step."""
    return {"images": torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(step))}


def recipe() -> Recipe:
    """A denoiser of 15 kB, whose checkpoint has 60."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 12, 3), nn.Conv2d(12, 3, 1))

    def losses(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        images = batch["images"]
        found = net(images + 0.1 * torch.randn_like(images))
        return {"mse": ((found - images[..., 2:-2, 2:-2]) ** 2).mean()}

    return Recipe(net, losses, make_batch)


def run(out: Path, steps: int) -> int:
    """Train up to `steps`, going on where there is a checkpoint; the exit code."""
    torch.set_num_threads(1)
    resume = (out / CHECKPOINT).exists()
    result = train(
        recipe(), replace(CONFIG, steps=steps), out, resume=resume,
        on_step=lambda step, values: print(step, flush=True),
    )  # fmt: skip
    return result.exit_code


def started(out: Path, steps: int, full: bool = False) -> subprocess.Popen[str]:
    """A run in a process of its own; with `full` none of its files can hold a checkpoint."""
    command = [sys.executable, __file__, "--run", str(out), "--steps", str(steps)]
    if full:
        command += ["--full"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def torture(out: Path, minutes: float, least: int = 0, seed: int = 0) -> list[str]:
    """Rounds until the time is over, `least` of them at least; returns how each ended. Raises
    AssertionError where a promise is not kept."""
    pick, end = random.Random(seed), time.monotonic() + 60 * minutes
    done: list[str] = []
    while len(done) < least or time.monotonic() < end:
        ending = (
            ENDINGS[len(done)]
            if len(done) < len(ENDINGS)
            else pick.choice(("kill", "kill", *ENDINGS))
        )
        before = step_of(out)
        last, code, errors = one_round(out, ending, pick)
        done.append(ending)
        check(out, ending, before, last, code, errors)
        print(f"round {len(done)}: {ending} after step {last}, kept {step_of(out)}", flush=True)
    return done


def one_round(out: Path, ending: str, pick: random.Random) -> tuple[int, int, str]:
    """Let a run go on for some steps and end it; the last step seen, exit code, what it said."""
    with started(out, 10**6, ending == "full") as process:
        assert process.stdout is not None and process.stderr is not None
        goal, last = pick.randint(1, 4 * EVERY), 0
        for seen, line in enumerate(process.stdout):
            last = int(line)
            if seen == EVERY and ending == "kill":
                check_refused(out)
            if seen >= goal + EVERY:
                break
        time.sleep(pick.random() * 0.02)
        number = {"term": signal.SIGTERM, "int": signal.SIGINT}.get(ending, signal.SIGKILL)
        process.send_signal(number)
        rest = process.stdout.read().split()
        return int(rest[-1]) if rest else last, process.wait(), process.stderr.read()


def check(out: Path, ending: str, before: int, last: int, code: int, errors: str) -> None:
    """Raises AssertionError where a round breaks a promise."""
    kept = step_of(out)
    for name in (CHECKPOINT, WEIGHTS):
        tensors = load_file(out / name)[0] if (out / name).exists() else {}
        assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())
    if ending == "full":
        assert kept == before, (kept, before)
        assert "File too large" in errors and "training goes on" in errors, errors
    elif ending == "kill":
        assert kept >= last - EVERY - 1, (kept, last)
    else:
        assert code == {"term": 143, "int": 130}[ending], (code, errors)
        assert kept >= last, (kept, last)


def check_refused(out: Path) -> None:
    """A second run on the folder is refused in one line."""
    try:
        with run_lock(out):
            raise AssertionError("two runs hold one folder")
    except GessoError as error:
        assert "another training run" in str(error), error


def step_of(out: Path) -> int:
    """The step of the checkpoint; 0 where there is none."""
    path = out / CHECKPOINT
    return int(read_header(path)["counters"]["step"]) if path.exists() else 0


def finish(out: Path, whole: Path) -> int:
    """Let the run end, and compare it with one that nobody disturbed; returns its steps."""
    steps = step_of(out) + 3
    for folder in (out, whole):
        with started(folder, steps) as process:
            _, errors = process.communicate()
            assert process.returncode == 0, errors
    ours, theirs = (load_file(folder / CHECKPOINT)[0] for folder in (out, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    weights = read_header(out / WEIGHTS)["trained"]["steps"]
    assert weights == steps, (weights, steps)
    return steps


def main(arguments: list[str] | None = None) -> None:
    """Torture a run in a folder; or, with --run, be one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=len(ENDINGS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--run", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.run is not None:
        if given.full:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (TOO_SMALL, TOO_SMALL))
        sys.exit(run(given.run, given.steps))
    folder = given.folder or Path(tempfile.mkdtemp(prefix="gesso-torture-"))
    print(f"seed {given.seed}, in {folder}", flush=True)
    rounds = torture(folder / "run", given.minutes, given.rounds, given.seed)
    steps = finish(folder / "run", folder / "whole")
    print(f"{len(rounds)} rounds; {steps} steps, bit for bit those of one run")


if __name__ == "__main__":
    main()
