"""Two processes under torchrun do what one process does with the same global batch.

In float64, so that a wrong average cannot hide behind rounding.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gesso.encoders.compact import CompactEncoder
from gesso.methods.meta_networks import method as meta
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.metastyle.start import Config
from gesso.nn.checkpoint import load_file, read_header
from gesso.training.loop import TrainConfig, TrainResult, train
from gesso.training.recipe import LossFn, Recipe

CHECKPOINT = "checkpoint.safetensors"
SIGTERM_AT = 4  # the step during which rank 1 alone is told to stop
STEPS_DONE = SIGTERM_AT + 2  # steps count from 0, and the next one spreads the news
KILLED_AT = 5  # the step during which rank 1 is killed, after a save at step 4


def images(step: int, stream: int) -> Tensor:
    generator = torch.Generator().manual_seed(10 * step + stream)
    return torch.rand(4, 3, 32, 32, generator=generator, dtype=torch.float64)


def share(batch: Tensor, rank: int, world: int) -> Tensor:
    return batch.chunk(world)[rank]


def say(line: str) -> None:
    """In one write, so that lines of two processes do not mix."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def denoiser() -> tuple[nn.Module, LossFn]:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 3, 3)).double()

    def loss_fn(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        clean = batch["styles"][..., 2:-2, 2:-2]
        if step == SIGTERM_AT and os.environ.get("RANK") == "1":
            signal.raise_signal(signal.SIGTERM)
        return {"mse": ((net(batch["styles"]) - clean) ** 2).mean()}

    return net, loss_fn


def short_lived() -> tuple[nn.Module, LossFn]:
    """A network in whose training rank 1 is killed where that is asked for."""
    net = nn.Conv2d(3, 3, 3).double()

    def loss_fn(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        if step == KILLED_AT and sys.argv[-1] == "kill" and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"mse": ((net(batch["styles"]) - batch["styles"][..., 1:-1, 1:-1]) ** 2).mean()}

    return net, loss_fn


def encoder() -> CompactEncoder:
    """Given, not trained: the same everywhere."""
    start = torch.get_rng_state()
    torch.manual_seed(0)
    found = CompactEncoder((4, 4, 8, 8), (1, 1, 1, 1), (4, 4, 8, 8))
    torch.set_rng_state(start)
    found.freeze()
    return found.double()


def metastyle() -> tuple[nn.Module, LossFn]:
    method = MetaStyle(encoder(), Config(width=4))
    return method.net.double(), method.losses


def meta_networks() -> tuple[nn.Module, LossFn]:
    method = meta.MetaNetworks(encoder(), meta.Config(width=4, hidden=4, statistics=48))
    return method.network.double(), method.losses


def run(
    job: Callable[[], tuple[nn.Module, LossFn]], out: Path, steps: int, seed: int
) -> TrainResult:
    """Train to `steps`, resuming if there is a run; `seed` is for the random weights."""

    def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        contents = {"contents_support": images(step, 0), "contents_query": images(step, 1)}
        contents |= {"contents": share(images(step, 3), rank, world)}
        return contents | {"styles": share(images(step, 2), rank, world)}

    def on_step(step: int, values: dict[str, float]) -> None:
        say(f"step {step} {values['total']!r} {values['grad_norm']!r}")

    torch.manual_seed(seed)
    net, losses = job()
    config = TrainConfig(steps=steps, lr=1e-2, ema=0.9, grad_clip=0.1, workers=0, save_every=2)
    resume = (out / CHECKPOINT).exists()
    recipe = Recipe(net, losses, make_batch)
    return train(recipe, config, out, resume=resume, on_step=on_step)


def torchrun(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    with subprocess.Popen(
        [*command, "--standalone", __file__, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as agent:
        try:
            output, errors = agent.communicate(timeout=400)
        finally:
            agent.terminate()  # it takes its workers with it, as killing it would not
    assert agent.returncode == code, errors
    return output


def assert_close(expected: Path, found: Path) -> None:
    a, b = (load_file(out / CHECKPOINT, kind="checkpoint")[0] for out in (expected, found))
    assert a.keys() == b.keys() and len(a) > 7
    for name in a.keys() - {"model.seen"}:  # the styles that rank 0 has seen
        torch.testing.assert_close(a[name], b[name], rtol=1e-6, atol=1e-12, msg=name)


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights, moments and average of a denoiser, of MetaStyle and of Meta Networks; the start is
    rank 0's; a run begun by one process goes on in two; a signal to one process stops both at the
    same step. A run of which one process was killed goes on from its last save."""
    run(denoiser, tmp_path / "two" / "denoiser", 2, seed=7)
    capsys.readouterr()
    torchrun(str(tmp_path / "two"), "kill", code=1)
    assert read_header(tmp_path / "two/killed" / CHECKPOINT)["counters"]["step"] == KILLED_AT - 1
    output = torchrun(str(tmp_path / "two"))
    run(denoiser, tmp_path / "one" / "denoiser", STEPS_DONE, seed=7)
    alone = [line.split() for line in capsys.readouterr().out.splitlines()]
    lines = [line.split() for line in output.splitlines() if line.startswith("step")]
    resumed, lines = lines[:4], lines[4:]
    assert [row[1] for row in resumed] == [str(i) for i in range(KILLED_AT, KILLED_AT + 4)]
    together = lines[: STEPS_DONE - 2]  # reported by rank 0 alone
    assert [row[1] for row in together] == [str(i) for i in range(3, STEPS_DONE + 1)]
    for ours, theirs in zip(alone[2:], together, strict=True):
        assert [float(v) for v in ours[2:]] == pytest.approx([float(v) for v in theirs[2:]], 1e-6)
    assert_close(tmp_path / "one" / "denoiser", tmp_path / "two" / "denoiser")
    assert output.count("exit code 143") == 2

    run(short_lived, tmp_path / "one" / "killed", KILLED_AT + 3, seed=0)
    assert_close(tmp_path / "one" / "killed", tmp_path / "two" / "killed")

    for job in (metastyle, meta_networks):
        one, two = tmp_path / "one" / job.__name__, tmp_path / "two" / job.__name__
        run(job, one, 3, seed=0)
        assert_close(one, two)
        assert read_header(two / CHECKPOINT)["counters"]["step"] == 3


if __name__ == "__main__":
    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    run(short_lived, folder / "killed", KILLED_AT + 3, seed=0)
    stopped = run(denoiser, folder / "denoiser", 1000, seed=rank)
    say(f"exit code {stopped.exit_code}")
    run(metastyle, folder / "metastyle", 3, seed=rank)
    run(meta_networks, folder / "meta_networks", 3, seed=rank)
