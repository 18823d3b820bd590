"""Peak memory of one method, and the seconds of a large picture, in a process of its own:
`python -m gesso.bench.memory SPEC`.

In one process the highest peak would hide all others.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.bench.contestants import Contestant, Entry
from gesso.bench.measures import covering
from gesso.bench.processes import answer_of, peak_mib

if TYPE_CHECKING:
    from torch import Tensor

SIDES_PX = (512, 512)
LARGE_PX = (3000, 4000)  # 12 megapixels, a photo as telephones take it
MOST_S = 1200.0  # that a process is given for a large picture


def in_own_process(
    entry: Entry,
    style: Path,
    content: Path,
    steps: int | None,
    threads: int,
    sides: tuple[int, int] = SIDES_PX,
) -> dict[str, Any]:
    """The peak in MiB of a process that loads a method, takes on the style and makes a picture of
    `sides` (height, width), the peak before the method was loaded, and the picture's seconds.

    Raises:
        GessoError: the process ended without an answer; its last line. One with a large picture is
            ended after `MOST_S` seconds.
    """
    spec = {
        "entry": asdict(entry),
        "style": str(style),
        "content": str(content),
        "steps": steps,
        "threads": threads,
        "sides": list(sides),
    }
    command = [sys.executable, "-m", "gesso.bench.memory", json.dumps(spec)]
    most_s = None if tuple(sides) == SIDES_PX else MOST_S
    return answer_of(command, f"{entry.name}: memory could not be measured", most_s)


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """The row of `in_own_process`, measured in this process."""
    import torch

    from gesso.nn.pictures import read_image

    torch.set_num_threads(spec["threads"])
    style, content = (read_image(spec[name]) for name in ("style", "content"))
    photo = covering(content, *SIDES_PX)
    sides = spec.get("sides", SIDES_PX)
    picture = photo if photo.shape[1:] == tuple(sides) else repeated(content, *sides)
    baseline = peak_mib()
    entry = Entry(**spec["entry"])
    contestant = Contestant(entry, entry.load())
    card = contestant.adapt(style, photo, spec["steps"])
    stylizer = contestant.stylizer(card)
    began = time.perf_counter()
    stylizer(picture.unsqueeze(0))
    row: dict[str, Any] = {"seconds": time.perf_counter() - began}
    peak = peak_mib()
    if peak is not None and baseline is not None:
        peak = max(peak, baseline)  # Linux counts pages in each core's own batches, and may forget
    row |= {"peak_mib": peak, "baseline_mib": baseline}
    if torch.device(entry.device).type == "cuda":
        row["device_mib"] = torch.cuda.max_memory_allocated() / 2**20
    return row


def repeated(image: Tensor, height: int, width: int) -> Tensor:
    """(3, height, width): an image (3, h, w) at its own scale, and its mirror images beside it. An
    enlarged one would have none of a large photo's detail."""
    import torch

    for axis, size in ((1, height), (2, width)):
        own = image.shape[axis]
        there = torch.arange(size) % (2 * own)
        image = image.index_select(axis, torch.minimum(there, 2 * own - 1 - there))
    return image


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
