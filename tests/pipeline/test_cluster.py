"""`gesso batch --ray`: workers on a cluster, of which some are killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import batch_torture
import pytest

from gesso.cli import run
from gesso.errors import OptionError
from gesso.pipeline.cluster import ask
from tiny_files import TinyFiles


def test_without_ray_a_line_says_what_to_install(
    files: TinyFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    command = ["batch", str(files.photo), "--style", str(files.style), "-o", str(tmp_path / "out")]
    light = ["--method", "adain", "--engine", "onnxruntime", "-q"]
    assert run([*command, *light, "--ray", "local"]) == 2
    line = "--ray: needs Ray, which is missing; pip install 'gesso[ray]' brings it\n"
    assert capsys.readouterr().err == line


@pytest.fixture
def port() -> Iterator[int]:
    """One of this machine at which a socket is bound and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "127.0.0.1:99{}"])
def test_a_cluster_that_is_not_there_is_named_at_once(address: str, port: int) -> None:
    dead = address.format(port)
    start = time.monotonic()
    with pytest.raises(OptionError, match=f"^ray: {dead}: no cluster can be reached: "):
        ask(dead)
    assert time.monotonic() - start < 10


def command_without_cluster(files: TinyFiles, out: Path, address: str) -> tuple[str, float]:
    """What a command says that ends with code 2, and the seconds that it took."""
    start = time.monotonic()
    command = [sys.executable, "-m", "gesso", "batch", str(files.photo), "-q", "--ray", address]
    light = ["--style", str(files.style), "--method", "adain", "--engine", "onnxruntime"]
    done = subprocess.run(
        [*command, *light, "-o", str(out)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2 and done.stdout == ""
    return done.stderr, time.monotonic() - start


@pytest.mark.slow
def test_a_dead_address_ends_the_command_in_one_line(
    files: TinyFiles, tmp_path: Path, port: int
) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    address = f"127.0.0.1:{port}"
    line, seconds = command_without_cluster(files, tmp_path / "out", address)
    assert line.startswith(f"--ray: {address}: no cluster can be reached: Connection refused")
    assert line.count("\n") == 1 and seconds < 15


@pytest.mark.slow
def test_what_listens_but_is_no_cluster_ends_the_command_in_one_line(
    files: TinyFiles, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        line, seconds = command_without_cluster(files, tmp_path / "out", address)
    assert line.startswith(f"--ray: {address}: no cluster can be reached: no answer within 10 s; ")
    assert "RAY_AUTH_MODE=token" in line and line.count("\n") == 1
    assert seconds < 40  # 10, and Ray's import


def workers_of(master: int) -> list[int]:
    """The processes of Ray's workers below a process, those at work first."""
    found, waiting = [], [master]
    while waiting:
        for pid in batch_torture.workers_of(waiting.pop()):
            waiting.append(pid)
            try:
                name = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::_Worker"):
                found.append((not name.startswith(b"ray::_Worker.do"), pid))
    return [pid for _, pid in sorted(found)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("urls", [[], [batch_torture.URLS]], ids=["paths", "urls"])
def test_a_cluster_whose_workers_are_killed_makes_what_one_process_makes(
    tmp_path: Path, urls: list[str]
) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    photos, out, undisturbed = (tmp_path / name for name in ("photos", "out", "undisturbed"))
    batch_torture.make_pictures(photos, 60, 6)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    assert batch_torture.start(photos, undisturbed, urls).wait() == 1
    cluster = ["--ray", "local", "--workers", "2", *urls]
    process = batch_torture.start(photos, out, cluster)
    killed = 0
    for goal in (10, 40):
        while batch_torture.lines(out) < goal and process.poll() is None:
            time.sleep(0.01)
        for pid in workers_of(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    assert process.wait() == 1 and killed == 2
    batch_torture.check(photos, out, undisturbed, urls)


@pytest.mark.slow
def test_workers_of_a_cluster_that_cannot_work_say_why(files: TinyFiles, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    command = [sys.executable, "-m", "gesso", "batch", str(files.photo), "-q"]
    style = ["--style", str(files.style), "-o", str(tmp_path / "out")]
    wrong = ["--method", "metastyle", "--model", str(files.bad), "--ray", "local"]
    done = subprocess.run([*command, *style, *wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"{files.bad}: a JPEG picture")
