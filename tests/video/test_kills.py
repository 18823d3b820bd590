"""kill -9 at any moment: nothing under the final name, and going on gives the same bytes.
`GESSO_KILLS=50` kills fifty times."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from clips import write_clip

FRAMES = 60
KILLS = int(os.environ.get("GESSO_KILLS", "2"))

MAKE = """
import sys, time
from pathlib import Path
from gesso.video import job, parts, work
from gesso.video.opening import open_clip
from gesso.video.source import Taken
from gesso.video.targets import target

for module in (job, parts, work):
    module.SEGMENT = 7

class Look:
    memory = 0

    def __call__(self, frame):
        time.sleep(float(sys.argv[3]))
        return 255 - frame.rgb

    def reset(self):
        pass

made = job.Job(open_clip(Path(sys.argv[1])), Taken(), target(Path(sys.argv[2])), "a")
print("ready", flush=True)
made.make(Look(), lambda progress: None, resume=True)
made.finish()
"""


def begun(clip: Path, out: Path, pause: float = 0.0) -> subprocess.Popen[str]:
    """A process that makes the clip, or goes on with it, and has read all it needs."""
    command = [sys.executable, "-c", MAKE, str(clip), str(out), str(pause)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> int:
    if number is not None:
        process.send_signal(number)
    process.communicate(timeout=120)
    return process.returncode


def test_a_clip_whose_maker_is_killed_again_and_again_is_the_undisturbed_one(
    tmp_path: Path,
) -> None:
    clip, rng = write_clip(tmp_path / "in.mp4", FRAMES), random.Random(45)
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    assert ended(begun(clip, whole)) == 0
    killed, rounds = 0, 0
    while killed < KILLS:
        pause = rng.choice((0.0, 0.004, 0.02))
        process = begun(clip, out, pause)
        time.sleep(rng.uniform(0, 0.15 + FRAMES * pause / 2))
        killed += ended(process, signal.SIGKILL) == -signal.SIGKILL
        if out.exists():  # whole, or not at all
            assert out.read_bytes() == whole.read_bytes()
            out.unlink()
        rounds += 1
    assert ended(begun(clip, out)) == 0
    assert out.read_bytes() == whole.read_bytes()
    left = [p.name for p in tmp_path.iterdir() if not p.name.startswith(".tmp-")]  # swept later
    assert sorted(left) == ["in.mp4", "out.mp4", "whole.mp4"]
