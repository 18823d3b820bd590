"""The trainer's promises: exact resume, whole checkpoints, clean stops, NaN kept out."""

from __future__ import annotations

import functools
import itertools
import json
import logging
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gesso.training.state
from gesso.disk.tensors import read_header
from gesso.errors import GessoError, OptionError
from gesso.nn.checkpoint import load_file, save_file
from gesso.reports import Progress, listening
from gesso.training.log import read_log
from gesso.training.loop import TrainConfig, TrainResult, train
from gesso.training.recipe import Recipe

CONFIG = TrainConfig(steps=12, lr=1e-2, lr_decay=0.1, ema=0.9, grad_clip=0.5, workers=0)
CHECKPOINT, WEIGHTS = "checkpoint.safetensors", "weights.safetensors"


def network() -> nn.Sequential:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3))
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
    images = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(step))
    share = 4 // world
    return {"images": images[rank * share : (rank + 1) * share]}


class Toy:
    """Denoising with random numbers from all three generators; NaN at the steps in `bad`."""

    def __init__(self, bad: tuple[int, ...] = (), value: float = math.nan) -> None:
        self.net, self.bad, self.value = network(), bad, value

    def loss(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        images = batch["images"]
        noise = torch.randn_like(images) * (random.random() + float(np.random.rand())) * 0.1
        loss = ((self.net(images + noise) - images[..., 2:-2, 2:-2]) ** 2).mean()
        if step in self.bad:
            loss = loss * self.value
        return {"mse": loss, "_brightest": images.max()}

    def train(self, out: Path, config: TrainConfig = CONFIG, **options: Any) -> TrainResult:
        parts = ("header", "settings", "sample", "constants")
        given = {name: options.pop(name) for name in parts if name in options}
        return train(Recipe(self.net, self.loss, make_batch, **given), config, out, **options)


def checkpoint(out: Path) -> dict[str, Tensor]:
    return load_file(out / CHECKPOINT, kind="checkpoint")[0]


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_it_learns_and_writes_what_it_says(tmp_path: Path) -> None:
    toy, seen = Toy(), []
    reports: list[Progress] = []
    with listening(reports.append):
        result = toy.train(
            tmp_path / "new" / "run",
            replace(CONFIG, steps=60, ema=0.0, log_every=20),
            header={"kind": "weights", "method": "toy"},
            on_step=lambda step, values: seen.append((step, values)),
        )
    assert [(r.done, r.total) for r in reports] == [(step, 60) for step in range(1, 61)]
    assert "mse" in reports[0].note
    assert result == TrainResult(60, 0) and result.exit_code == 0
    assert [step for step, _ in seen] == list(range(1, 61))
    assert seen[-1][1]["mse"] < 0.5 * seen[0][1]["mse"]
    assert seen[0][1]["total"] == seen[0][1]["mse"]  # "_brightest" is logged, not minimised
    weights, header = load_file(tmp_path / "new" / "run" / WEIGHTS, kind="weights")
    assert_equal(weights, dict(toy.net.state_dict()))
    assert header["method"] == "toy" and header["trained"]["steps"] == 60
    rows = read_log(tmp_path / "new" / "run" / "log.jsonl")
    assert [row["step"] for row in rows] == [20, 40, 60]
    mean = sum(values["mse"] for _, values in seen[20:40]) / 20
    assert rows[1]["mse"] == pytest.approx(mean, rel=1e-12)
    assert rows[1]["images_per_second"] > 0 and rows[1]["memory_mb"] > 0


def test_first_update_is_adams(tmp_path: Path) -> None:
    """Against torch's own loop: same gradients, same update, same weights."""
    toy, plain = Toy(), Toy()
    toy.train(tmp_path, TrainConfig(steps=1, lr=1e-2, workers=0))
    optimizer = torch.optim.Adam(plain.net.parameters(), lr=1e-2)
    words = np.random.SeedSequence([0, 0, 0]).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.manual_seed(int(words[2]))
    plain.loss(make_batch(0), 0)["mse"].backward()
    optimizer.step()
    assert_equal(dict(toy.net.state_dict()), dict(plain.net.state_dict()))


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_is_bit_for_bit(tmp_path: Path, workers: int) -> None:
    config = replace(CONFIG, workers=workers, log_every=5)
    whole, first, second = Toy(bad=(3,)), Toy(bad=(3,)), Toy(bad=(3,))
    whole.train(tmp_path / "whole", config)
    ends = [torch.get_rng_state(), np.random.get_state()[1], random.getstate()]
    first.train(tmp_path / "parts", replace(config, steps=7))
    torch.rand(3), random.random()  # what happens in between makes no difference
    second.train(tmp_path / "parts", config, resume=True)
    assert_equal(checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts"))
    assert_equal(dict(whole.net.state_dict()), dict(second.net.state_dict()))
    assert torch.equal(ends[0], torch.get_rng_state())
    assert np.array_equal(ends[1], np.random.get_state()[1]) and ends[2] == random.getstate()
    headers = [read_header(tmp_path / run / CHECKPOINT) for run in ("whole", "parts")]
    assert headers[0]["counters"] == headers[1]["counters"]
    assert headers[0]["counters"] == {"step": 12, "updates": 11, "skipped": 1, "bad_in_a_row": 0}
    weights = [(tmp_path / run / WEIGHTS).read_bytes() for run in ("whole", "parts")]
    assert weights[0] == weights[1]


def in_process(
    code: str, *arguments: str, errors: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """A process with one thread that runs `code` and can import this file."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


def alone(test: Callable[..., None]) -> Callable[..., None]:
    """The test in a process of its own, since it sends itself signals: one that is not answered
    ends that process and is reported, instead of ending those of other tests."""

    @functools.wraps(test)
    def started(tmp_path: Path, **numbers: int) -> None:
        code = (
            "import sys, pathlib, test_loop\n"
            f"test = test_loop.{test.__name__}.__wrapped__\n"
            "test(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))"
        )
        given = [str(tmp_path), *(str(int(number)) for number in numbers.values())]
        with in_process(code, *given, errors=subprocess.PIPE) as process:
            said = process.communicate()[1]
        assert process.returncode == 0, f"ended with {process.returncode}\n{said}"

    return started


@alone
def test_resume_at_every_step_gives_the_same_log(tmp_path: Path) -> None:
    """Also the row that was being averaged when the run stopped."""
    config = replace(CONFIG, steps=9, log_every=4)
    Toy().train(tmp_path / "whole", config)
    for step in range(1, 9):
        out = tmp_path / str(step)
        stopped_by_signal(out, config, step)
        Toy().train(out, config, resume=True)
        rows = [read_log(run / "log.jsonl") for run in (tmp_path / "whole", out)]
        for row in itertools.chain(*rows):
            del row["images_per_second"], row["memory_mb"]
        assert rows[0] == rows[1]


def stopped_by_signal(out: Path, config: TrainConfig, step: int, **options: Any) -> TrainResult:
    def on_step(done: int, values: dict[str, float]) -> None:
        if done == step:
            signal.raise_signal(signal.SIGTERM)

    return Toy().train(out, config, on_step=on_step, **options)


def test_rows_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    Toy().train(tmp_path, replace(CONFIG, steps=4, log_every=2))
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 6, "mse": 1.0}\n{"step": 8, "ms')  # killed later, mid-line
    Toy().train(tmp_path, replace(CONFIG, steps=8, log_every=2), resume=True)
    assert [row["step"] for row in read_log(tmp_path / "log.jsonl")] == [2, 4, 6, 8]
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert all(math.isfinite(json.loads(line)["mse"]) for line in lines)


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    Toy().train(tmp_path, replace(CONFIG, steps=2))
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(GessoError, match=r"^resume: .* holds a training run; resume it"):
        Toy().train(tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    with pytest.raises(GessoError, match="nothing to resume"):
        Toy().train(tmp_path / "other", resume=True)
    assert not (tmp_path / "other" / CHECKPOINT).exists()


def test_resume_under_another_configuration_is_refused(tmp_path: Path) -> None:
    Toy().train(tmp_path, replace(CONFIG, steps=2), settings={"crop": 12, "sizes": (1, 2)})
    for changed, settings, field in [
        (replace(CONFIG, lr=0.5), {"crop": 12, "sizes": (1, 2)}, "lr = 0.5"),
        (replace(CONFIG, ema=0.0), {"crop": 12, "sizes": (1, 2)}, "ema = 0.0"),
        (CONFIG, {"crop": 16, "sizes": (1, 2)}, "crop = 16"),
        (CONFIG, {"crop": 12}, "sizes = None"),
    ]:
        with pytest.raises(GessoError, match=f"cannot resume with {field}.*started with"):
            Toy().train(tmp_path, changed, settings=settings, resume=True)
    free = replace(CONFIG, steps=3, save_every=7, log_every=3, workers=1)
    settings = {"crop": 12, "sizes": (1, 2)}
    assert Toy().train(tmp_path, free, settings=settings, resume=True).step == 3


def test_settings_that_an_older_gesso_did_not_save_are_not_compared(tmp_path: Path) -> None:
    Toy().train(tmp_path, replace(CONFIG, steps=2), settings={"crop": 12})
    now = {"crop": 12, "photos": "a hash"}
    assert Toy().train(tmp_path, CONFIG, settings=now, resume=True).step == 12


def test_another_network_is_refused_in_one_line(tmp_path: Path) -> None:
    Toy().train(tmp_path, replace(CONFIG, steps=1))
    toy = Toy()
    toy.net = nn.Sequential(nn.Conv2d(3, 5, 3), *toy.net[1:])
    with pytest.raises(GessoError, match=r"is \[4, 3, 3, 3\], expected \[5") as caught:
        toy.train(tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_second_run_on_one_folder_is_refused(tmp_path: Path) -> None:
    def on_step(step: int, values: dict[str, float]) -> None:
        with pytest.raises(GessoError, match="another training run is using this folder"):
            Toy().train(tmp_path, resume=True)

    assert Toy().train(tmp_path, replace(CONFIG, steps=1), on_step=on_step).step == 1
    assert Toy().train(tmp_path, replace(CONFIG, steps=2), resume=True).step == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_is_skipped_and_counted(tmp_path: Path, value: float) -> None:
    toy = Toy(bad=(2, 3, 7), value=value)
    assert toy.train(tmp_path) == TrainResult(12, 3)
    assert all(t.isfinite().all() for t in checkpoint(tmp_path).values())
    rows = read_log(tmp_path / "log.jsonl")
    assert all(math.isfinite(v) for row in rows for v in row.values())


def test_ten_nan_in_a_row_stop_and_the_good_checkpoint_stays(tmp_path: Path) -> None:
    toy = Toy(bad=tuple(range(6, 40)))
    with pytest.raises(GessoError, match=r"stopped at step 16.* 10 times in a row.*of step 5 is"):
        toy.train(tmp_path, replace(CONFIG, steps=40, save_every=5, max_bad_steps=10))
    good = Toy()
    good.train(tmp_path / "good", replace(CONFIG, steps=5))
    assert_equal(checkpoint(tmp_path), checkpoint(tmp_path / "good"))


def test_weights_that_overflow_are_never_saved(tmp_path: Path, caplog: Any) -> None:
    """Finite gradients, infinite weights: the save is refused, then the losses are NaN."""
    toy = Toy()

    def on_step(step: int, values: dict[str, float]) -> None:
        if step == 3:
            toy.net[0].weight.data[0] = math.inf

    config = replace(CONFIG, steps=40, save_every=1, max_bad_steps=4)
    with caplog.at_level(logging.WARNING), pytest.raises(GessoError, match="of step 2 is kept"):
        toy.train(tmp_path, config, on_step=on_step)
    assert "holds NaN or infinity; training goes on" in caplog.text
    assert read_header(tmp_path / CHECKPOINT)["counters"]["step"] == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@alone
def test_a_signal_finishes_the_step_saves_and_returns(
    tmp_path: Path, number: int, code: int
) -> None:
    toy, handlers = Toy(), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    loss = toy.loss

    def interrupted(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        if step == 4:
            signal.raise_signal(number)
        return loss(batch, step)

    toy.loss = interrupted  # type: ignore[method-assign]
    result = toy.train(tmp_path)
    assert result.exit_code == code and result.step in (5, 6)
    assert read_header(tmp_path / CHECKPOINT)["counters"]["step"] == result.step
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers
    Toy().train(tmp_path, resume=True)
    Toy().train(tmp_path / "whole")
    assert_equal(checkpoint(tmp_path), checkpoint(tmp_path / "whole"))


@alone
def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    toy = Toy()

    def twice(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    toy.loss = twice  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        toy.train(tmp_path)
    assert read_header(tmp_path / CHECKPOINT)["counters"]["step"] == 0


@alone
def test_after_one_signal_the_next_has_its_usual_effect(tmp_path: Path) -> None:
    toy, found = Toy(), []
    usual = toy.loss

    def once(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        if found:
            return usual(batch, step)
        signal.raise_signal(signal.SIGTERM)
        found.extend(map(signal.getsignal, (signal.SIGTERM, signal.SIGINT)))
        return usual(batch, step)

    toy.loss = once  # type: ignore[method-assign]
    assert toy.train(tmp_path).exit_code == 143
    assert found == [signal.SIG_DFL, signal.default_int_handler]


SCRIPT = """
import sys
from pathlib import Path
from test_loop import CONFIG, Toy, replace
config = replace(CONFIG, steps=10**6, save_every=3)
Toy().train(Path(sys.argv[1]), config, on_step=lambda step, values: print(step, flush=True))
"""


def test_kill_9_leaves_a_checkpoint_that_resumes_exactly(tmp_path: Path) -> None:
    with in_process(SCRIPT, str(tmp_path)) as process:
        assert process.stdout is not None
        steps = (int(line) for line in process.stdout)
        last = next((step for step in steps if step >= 20 + random.randrange(9)), 0)
        process.kill()
    kept = read_header(tmp_path / CHECKPOINT)["counters"]["step"]
    assert last >= 20 and kept >= last - 3 and kept % 3 == 0
    config = replace(CONFIG, steps=kept + 4, save_every=3)
    Toy().train(tmp_path, config, resume=True)
    Toy().train(tmp_path / "whole", config)
    assert_equal(checkpoint(tmp_path), checkpoint(tmp_path / "whole"))


def test_a_failed_save_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    real, calls = gesso.training.state.save_file, itertools.count()

    def sometimes(*arguments: Any) -> str:
        if 2 <= next(calls) < 5:
            raise GessoError("run: cannot be written: No space left on device")
        return real(*arguments)

    monkeypatch.setattr(gesso.training.state, "save_file", sometimes)
    with caplog.at_level(logging.WARNING):
        result = Toy().train(tmp_path, replace(CONFIG, save_every=2))
    assert result.step == 12 and caplog.text.count("No space left on device; training goes on") == 3
    assert read_header(tmp_path / CHECKPOINT)["counters"]["step"] == 12


def test_saving_by_the_clock(tmp_path: Path) -> None:
    saved = []

    def on_step(step: int, values: dict[str, float]) -> None:
        saved.append(read_header(tmp_path / CHECKPOINT)["counters"]["step"])

    Toy().train(tmp_path, replace(CONFIG, save_minutes=0.0), on_step=on_step)
    assert saved == list(range(12))


@pytest.mark.parametrize("spare", [-1, 0])
def test_a_disk_without_room_for_all_that_two_saves_write_is_found_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    Toy().train(tmp_path / "measured", replace(CONFIG, steps=1))
    files = [load_file(tmp_path / "measured" / name)[0] for name in (CHECKPOINT, WEIGHTS)]
    needed = sum(t.numel() * t.element_size() for tensors in files for t in tensors.values())
    usage = type("Usage", (), {"free": 2 * needed + spare})
    monkeypatch.setattr(gesso.training.state.shutil, "disk_usage", lambda path: usage)
    if spare < 0:
        with pytest.raises(GessoError, match="too little room"):
            Toy().train(tmp_path / "run")
    else:
        Toy().train(tmp_path / "run", replace(CONFIG, steps=1))


def test_temporaries_of_killed_runs_are_swept_and_fresh_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    names = [CHECKPOINT, WEIGHTS, "log.jsonl", "samples/step-0000005.png"]
    left = [(tmp_path / name).with_name(f".tmp-{i:016x}-x") for i, name in enumerate(names)]
    for path in left:
        path.write_bytes(b"half")
        os.utime(path, (1e9, 1e9))
    fresh = tmp_path / f".tmp-{9:016x}-{WEIGHTS}"
    fresh.write_bytes(b"of a writer at work")
    Toy().train(tmp_path, replace(CONFIG, steps=1))
    assert [path.name for path in left if path.exists()] == [] and fresh.exists()


@pytest.mark.parametrize("more_steps", [0, 3])
@pytest.mark.parametrize("harm", ["another step's", "missing", "damaged", "no weights"])
def test_weights_of_another_step_than_the_checkpoint_are_written_anew(
    tmp_path: Path, harm: str, more_steps: int
) -> None:
    """As a kill between the two files of a save leaves them, and whatever else became of them."""
    weights = tmp_path / "run" / WEIGHTS
    Toy().train(tmp_path / "run", replace(CONFIG, steps=2))
    before = weights.read_bytes()
    Toy().train(tmp_path / "run", replace(CONFIG, steps=4), resume=True)
    if harm == "missing":
        weights.unlink()
    elif harm == "no weights":
        save_file(weights, {"mean": torch.zeros(1)}, {"kind": "card"})
    else:
        weights.write_bytes(before if harm == "another step's" else before[:-1])
    config = replace(CONFIG, steps=4 + more_steps)
    seen: list[int] = []

    def on_step(step: int, values: dict[str, float]) -> None:
        seen.append(read_header(weights)["trained"]["steps"])

    Toy().train(tmp_path / "run", config, resume=True, on_step=on_step)
    Toy().train(tmp_path / "whole", config)
    assert weights.read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert seen == [4] * more_steps


def test_constants_are_saved_with_the_weights_from_the_first_save_on(tmp_path: Path) -> None:
    constants = {"basis": torch.eye(3)}
    saved: list[dict[str, Tensor]] = []
    Toy().train(
        tmp_path,
        replace(CONFIG, steps=1),
        constants=constants,
        on_step=lambda *_: saved.append(load_file(tmp_path / WEIGHTS)[0]),
    )
    final = load_file(tmp_path / WEIGHTS)[0]
    assert all(torch.equal(found["basis"], torch.eye(3)) for found in (*saved, final))


def test_moving_average_is_what_users_get(tmp_path: Path) -> None:
    toy, track = Toy(), []
    track.append(toy.net[0].weight.detach().clone())
    toy.train(
        tmp_path,
        replace(CONFIG, steps=5),
        on_step=lambda *_: track.append(toy.net[0].weight.detach().clone()),
    )
    average = track[0]
    for weights in track[1:]:
        average = 0.9 * average + 0.1 * weights
    found = load_file(tmp_path / WEIGHTS)[0]
    assert torch.allclose(found["0.weight"], average, atol=1e-6)
    assert not torch.allclose(found["0.weight"], track[-1], atol=1e-6)
    assert torch.equal(found["1.running_mean"], toy.net[1].running_mean)


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    toy = Toy()
    toy.net[0].requires_grad_(False)
    before = toy.net[0].weight.clone()
    toy.train(tmp_path, replace(CONFIG, weight_decay=0.1, optimizer="adamw"))
    assert torch.equal(toy.net[0].weight, before)
    toy.net.requires_grad_(False)
    with pytest.raises(GessoError, match="nothing to train"):
        toy.train(tmp_path / "none")


def test_gradients_are_clipped_by_their_global_norm(tmp_path: Path) -> None:
    toy, norms = Toy(), []
    before = [p.detach().clone() for p in toy.net.parameters()]

    def on_step(step: int, values: dict[str, float]) -> None:
        grads = [p.grad.flatten() for p in toy.net.parameters() if p.grad is not None]
        norms.append((values["grad_norm"], torch.cat(grads).norm().item()))

    toy.train(tmp_path, replace(CONFIG, steps=3, grad_clip=0.01), on_step=on_step)
    assert all(whole > 0.01 for whole, _ in norms)
    assert all(clipped == pytest.approx(0.01, rel=1e-4) for _, clipped in norms)
    assert any(not torch.equal(a, b) for a, b in zip(before, toy.net.parameters(), strict=True))


def test_learning_rate_schedules() -> None:
    paper = TrainConfig(steps=100_000, lr=1e-5, lr_decay=2.5e-5)
    assert paper.lr_at(0) == 1e-5 and paper.lr_at(40_000) == pytest.approx(5e-6)
    cosine = TrainConfig(steps=100, lr=1.0, schedule="cosine", warmup=10)
    assert cosine.lr_at(0) == pytest.approx(0.1) and cosine.lr_at(50) == pytest.approx(0.5)
    assert cosine.lr_at(100) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("steps", 0), ("lr", 0.0), ("lr", math.nan), ("ema", 1.0), ("workers", -1)],
        *[("schedule", "step"), ("optimizer", "sgd"), ("log_every", 0)],
    ],
)
def test_senseless_configurations_are_refused(field: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{field}: .*allowed are"):
        TrainConfig(**({"steps": 1} | {field: value}))


def test_samples_are_written_and_change_nothing(tmp_path: Path) -> None:
    def sample(batch: dict[str, Tensor]) -> Tensor:
        return torch.rand(3, 8, 16) * 2 - 0.5  # its random numbers and range do no harm

    Toy().train(tmp_path / "with", replace(CONFIG, sample_every=5), sample=sample)
    names = [file.name for file in sorted((tmp_path / "with" / "samples").iterdir())]
    assert names == ["step-0000005.png", "step-0000010.png", "step-0000012.png"]
    Toy().train(tmp_path / "without")
    assert_equal(checkpoint(tmp_path / "with"), checkpoint(tmp_path / "without"))


def test_tensorboard(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    config = replace(CONFIG, steps=4, log_every=2, sample_every=2)
    options = {"log_dir": tmp_path / "tb", "sample": lambda batch: torch.rand(3, 8, 8)}
    Toy().train(tmp_path / "run", config, **options)
    Toy().train(tmp_path / "run", replace(config, steps=6), resume=True, **options)
    events = event_accumulator.EventAccumulator(str(tmp_path / "tb")).Reload()
    assert {"total", "mse", "lr", "grad_norm", "images_per_second", "memory_mb"} <= set(
        events.Tags()["scalars"]
    )
    assert [event.step for event in events.Scalars("mse")] == [2, 4, 6]
    rows = read_log(tmp_path / "run" / "log.jsonl")
    found = [event.value for event in events.Scalars("mse")]
    assert found == pytest.approx([row["mse"] for row in rows], rel=1e-6)
    assert [event.step for event in events.Images("sample")] == [2, 4, 6]


def test_tensorboard_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(GessoError, match=r"pip install 'gesso\[train\]'"):
        Toy().train(tmp_path, log_dir=tmp_path / "tb")
    assert not (tmp_path / CHECKPOINT).exists()
