"""How fast clips are painted, where the time goes, and whether memory stays flat.

    python benchmarks/video.py speed [--size 512x288] [--method adain …] [--threads 2] [--frames 24]
    python benchmarks/video.py memory [--minutes 10] [--size 96x64]

`speed` renders a clip with motion, paints it as `gesso video` does without polish, and prints
frames a second and, in one thread, the processor time that each part of the work takes a frame: so
much is known on a busy machine, too, where frames a second say little. The load of the machine is
printed with it; close everything else. `memory` paints a long clip in a process of its own and
prints the memory it holds along the way.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from gesso.assets import CONTENTS
from gesso.bench.store import machine_class
from gesso.controls.controls import Controls
from gesso.images.read import read_photo
from gesso.images.write import eight_bits
from gesso.methods.registry import load
from gesso.stylizers.stylizer import Stylizer
from gesso.video.beside import Beside
from gesso.video.flow import motion
from gesso.video.frames import Frame, Pixels
from gesso.video.job import Job
from gesso.video.look import Stylized, practice
from gesso.video.opening import open_clip
from gesso.video.raw import sides
from gesso.video.source import Taken
from gesso.video.steady import Steady
from gesso.video.targets import H264, target
from gesso.video.writing import Encoder

METHODS = ("meta_networks", "conditional_in", "adain", "metastyle")
STYLE = "impasto"
RATE, REPEATS = 25, 3
BARE: dict[str, Any] = {"polish": 0, "paint_from": 0, "color_share": 0.0, "ground": "painted"}
SAMPLE_SECONDS = 2.0


def render(path: Path, width: int, height: int, frames: int) -> Path:
    """A clip: a camera that goes to the right by 2 px a frame, and back."""
    source = eight_bits(read_photo(CONTENTS / "town.jpg").rgb)
    share = 1.2 * max(width / source.shape[1], height / source.shape[0])
    coder = Encoder(path, H264, Fraction(1, RATE), Fraction(RATE))
    for number in range(frames):
        across = 2 * abs((number + 40) % 80 - 40)
        matrix = np.array([[1 / share, 0, across / share], [0, 1 / share, 0]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(
            source, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
        )
        coder.add(np.asarray(seen, np.uint8), None, number)
    coder.close()
    return path


class Same:
    """A look that changes nothing."""

    memory = 0

    def __call__(self, frame: Frame) -> Pixels:
        """The frame."""
        return frame.rgb

    def reset(self) -> None:
        """Forget nothing."""


def processor_ms(do: Callable[[], object]) -> float:
    """The least processor time of some runs, after one that does not count."""
    do()
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        do()
        taken.append(time.process_time() - began)
    return 1000 * min(taken)


def around_network(frames: list[Frame], folder: Path) -> dict[str, float]:
    """Milliseconds a frame that every method needs beside its network."""
    coming = cycle(frames)
    steady, numbers = Steady(Same()), iter(range(10**6))

    def mixed() -> None:
        steady(Frame(next(coming).rgb, Fraction(0), next(numbers)))

    flow = processor_ms(lambda: motion(frames[0].rgb, frames[1].rgb))
    coder = Encoder(folder / "encoded.nut", H264, Fraction(1, RATE), Fraction(RATE))
    began, count = time.process_time(), 2 * len(frames)
    for number in range(count):
        coder.add(next(coming).rgb, None, number)
    coder.close()
    encoded = 1000 * (time.process_time() - began) / count
    return {"motion": flow, "mixing": processor_ms(mixed) - flow, "encoding": encoded}


def of_network(make: Callable[..., Stylizer], frame: Frame) -> dict[str, float]:
    """Milliseconds a frame of the network and of what its pictures get."""

    def taken(**changes: Any) -> float:
        look = Stylized(make(**{**BARE, **changes}))
        return processor_ms(lambda: look(frame))

    bare = taken()
    more = {"half size first": {"paint_from": None}, "colours": {"color_share": None}}
    more["empty ground"] = {"ground": "calm"}
    return {"network": bare} | {name: taken(**how) - bare for name, how in more.items()}


def speed(args: argparse.Namespace) -> None:
    """Print a table of all sizes and methods."""
    print(f"{machine_class()}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", end="; ")
    print(f"{args.threads} threads; processor time in ms a frame\n")
    head: list[str] = []
    for size in args.size:
        width, height = sides(size)
        with tempfile.TemporaryDirectory() as folder:
            clip = render(Path(folder) / "clip.nut", width, height, args.frames)
            frames = list(open_clip(clip).frames())
            torch.set_num_threads(1)
            cv2.setNumThreads(1)
            common = around_network(frames, Path(folder))
            for name in args.method:
                method = load(name)
                contents = practice(open_clip(clip)).images()
                known = STYLE in method.names
                card = method.look_up(STYLE) if known else method.adapt(STYLE, contents)

                def make(method: Any = method, card: Any = card, **how: Any) -> Stylizer:
                    return Controls(**how).stylizer(method, card)

                torch.set_num_threads(1)
                row = {**of_network(make, frames[0]), **common}
                per_second, used = painted(clip, make(polish=0), args.threads)
                line = {"size": size, "method": name, "frames/s": f"{per_second:.2f}"}
                line |= {"all, in ms": f"{used:.0f}"} | {n: f"{v:.0f}" for n, v in row.items()}
                if not head:
                    head = list(line)
                    print("|", " | ".join(head), "|\n|", " | ".join("---" for _ in head), "|")
                print("|", " | ".join(line.values()), "|", flush=True)


def painted(clip: Path, stylizer: Stylizer, threads: int) -> tuple[float, float]:
    """Frames a second, and milliseconds of processor time a frame, of a whole clip."""
    beside = Beside(Stylized(stylizer), threads)
    source, out = open_clip(clip), clip.with_name("painted.mp4")
    job = Job(source, Taken(), target(out), "benchmark")
    began = time.monotonic(), time.process_time()
    frames = job.make(Steady(beside), lambda progress: None, beside=beside)
    job.finish()
    wall, used = time.monotonic() - began[0], time.process_time() - began[1]
    return frames / wall, 1000 * used / frames


def memory(args: argparse.Namespace) -> None:
    """Print what a process holds while it paints a long clip."""
    width, height = sides(args.size[0])
    with tempfile.TemporaryDirectory() as folder:
        clip = render(Path(folder) / "clip.nut", width, height, int(60 * args.minutes * RATE))
        out = Path(folder) / "out.mp4"
        command = [sys.executable, "-m", "gesso", "video", str(clip), "-o", str(out), "-q"]
        command += ["--style", STYLE, "--method", args.method[0]]
        process, held = subprocess.Popen(command), []
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
            held += [int(kilobytes) / 1024 for kilobytes in found]
            time.sleep(SAMPLE_SECONDS)
        print(f"exit code {process.returncode}; clip {clip.stat().st_size / 1e6:.1f} MB")
    for share in (0.25, 0.5, 0.75, 0.95):
        print(f"after {share:.0%} of the time: {held[int(share * len(held))]:.0f} MB resident")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(required=True)
    for do, sizes, methods in (
        (speed, ["512x288", "960x540"], METHODS),
        (memory, ["96x64"], ("meta_networks",)),
    ):
        one = commands.add_parser(do.__name__, help=do.__doc__)
        one.add_argument("--size", nargs="+", default=sizes, metavar="WxH")
        one.add_argument("--method", nargs="+", default=methods, metavar="NAME")
        one.set_defaults(do=do)
        if do is speed:
            one.add_argument("--threads", type=int, default=os.cpu_count() or 1)
            one.add_argument("--frames", type=int, default=24)
        else:
            one.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args(arguments)
    args.do(args)


if __name__ == "__main__":
    main()
