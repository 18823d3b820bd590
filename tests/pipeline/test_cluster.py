"""`gesso batch --ray`: workers on a cluster, of which some are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import batch_torture
import pytest

from gesso.cli import run
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
def test_a_cluster_whose_workers_are_killed_makes_what_one_process_makes(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    photos, out, undisturbed = (tmp_path / name for name in ("photos", "out", "undisturbed"))
    batch_torture.make_pictures(photos, 60, 6)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    assert batch_torture.start(photos, undisturbed, []).wait() == 1
    cluster = ["--ray", "local", "--workers", "2"]
    process = batch_torture.start(photos, out, cluster)
    killed = 0
    for goal in (10, 40):
        while batch_torture.lines(out) < goal and process.poll() is None:
            time.sleep(0.01)
        for pid in workers_of(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    assert process.wait() == 1 and killed == 2
    batch_torture.check(photos, out, undisturbed, [])


@pytest.mark.slow
def test_workers_of_a_cluster_that_cannot_work_say_why(files: TinyFiles, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'gesso[ray]'")
    command = [sys.executable, "-m", "gesso", "batch", str(files.photo), "-q"]
    style = ["--style", str(files.style), "-o", str(tmp_path / "out")]
    wrong = ["--method", "metastyle", "--model", str(files.bad), "--ray", "local"]
    done = subprocess.run([*command, *style, *wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"{files.bad}: a JPEG picture")
