"""Ctrl-C and SIGTERM: one line and the shell's exit code, whenever they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup

from gesso.__main__ import stop
from gesso.cli import run
from gesso.cli.tally import Tally
from gesso.errors import GessoError
from gesso.pipeline.plan import Job, Plan
from tiny_files import make_tiny_files

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def handled(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, as it has from gesso's first lines on."""
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 0.6, 6.0])
@pytest.mark.parametrize(
    ("number", "word", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)],
)
def test_a_signal_ends_in_one_line(
    tmp_path: Path, delay: float, number: signal.Signals, word: str, code: int
) -> None:
    files = make_tiny_files(tmp_path)
    command = [sys.executable, "-m", "gesso", "adapt", str(files.style), *files.options]
    command += ["--steps", "1000000", "-o", str(tmp_path / "card.safetensors")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not handled(process.pid):
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, f"{word}\n")
    assert not list(tmp_path.glob("*card*")) and not list(tmp_path.glob(".tmp*"))


@pytest.mark.parametrize("place", ["make_context", "invoke"])
def test_a_signal_while_options_are_read_is_not_swallowed(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **extra: object) -> None:
        raise KeyboardInterrupt(signal.SIGTERM)

    monkeypatch.setattr(TyperGroup, place, interrupted)
    assert run(["methods"]) == 143
    assert capsys.readouterr().err == "terminated\n"


def test_a_second_signal_has_its_default_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    with pytest.raises(KeyboardInterrupt) as raised:
        stop(signal.SIGTERM, None)
    assert raised.value.args == (signal.SIGTERM,)
    assert handlers == {signal.SIGINT: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}


def batch(count: int, folder: Path) -> Plan:
    jobs = [Job(Path(f"{i}.jpg"), folder / f"{i}.jpg") for i in range(count)]
    return Plan(jobs, {Path("loop.jpg"): "loop.jpg: a link"}, many=True)


@pytest.fixture
def heard() -> Iterator[None]:
    """Interrupts are heard, also where the tests run in the background of a shell that ignores
    them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupted_batch_says_what_is_done_and_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "0.jpg").touch()  # done before
    tally = Tally(batch(6, tmp_path), overwrite=False, quiet=False)

    def do(job: Job) -> None:
        if job.photo.name == "4.jpg":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        if job.photo.name == "2.jpg":
            raise GessoError(f"{job.photo}: damaged")

    monkeypatch.setattr("gesso.cli.show._facts", lambda *_: tally.run(do, lambda _: None))
    assert run(["info", "."]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "interrupted, 3 of 6 done; --no-overwrite goes on with the rest",
        "loop.jpg: a link",
        "2.jpg: damaged",
    ]


def test_a_batch_counts_what_was_written_and_what_failed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def do(job: Job) -> None:
        if job.photo.name == "1.jpg":
            raise GessoError("bad")

    tally = Tally(batch(3, tmp_path), overwrite=True, quiet=False)
    tally.run(do, lambda _: None)
    assert tally.tell(Path("out"), "pictures") == 1
    told = ["out: 2 of 3 pictures written", "loop.jpg: a link", "bad"]
    assert capsys.readouterr().err.splitlines() == told
