"""What a picture costs `gesso batch`, in seconds of one core:

    OMP_NUM_THREADS=1 python benchmarks/batch_cost.py "what else ran" -o RESULT.json

A worker of `gesso batch` paints square photos of 512 px in one thread, once its weights and the
style are there. What is counted is the processor's time, which other programs lengthen by some
tenths and not, as the clock's, to a multiple. Decoding, a process of its own, is not in it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from gesso import assets
from gesso.bench.store import Store
from gesso.cli.batch import painter
from gesso.images.read import read_image
from gesso.images.write import write_image

SIDE = 512  # px
WAYS = {  # flags of gesso batch, and how many photos are painted
    "one pass": (["--method", "meta_networks", "--engine", "onnxruntime"], 12),
    "draft": (["--preset", "draft"], 4),
    "default": ([], 2),
}
STYLE = "impasto"


def photos(folder: Path, count: int) -> list[Path]:
    """Square photos of `SIDE` px: the middle of bundled ones."""
    folder.mkdir(exist_ok=True)
    found = []
    for number, path in enumerate(sorted(assets.CONTENTS.glob("*.jpg"))[:count]):
        image = read_image(path, size=2 * SIDE)
        top, left = ((n - SIDE) // 2 for n in image.shape[1:])
        target = folder / f"{number:02}.jpg"
        write_image(target, image[:, top : top + SIDE, left : left + SIDE])
        found.append(target)
    return found


def measured(flags: list[str], count: int, folder: Path) -> dict[str, Any]:
    """Seconds of a core, of the clock, and bytes of a picture: the mean of `count` after one."""
    given = photos(folder / "photos", count)
    command = ["batch", str(folder / "photos"), "--style", STYLE, *flags, "-q", "--threads", "1"]
    paint = painter([*command, "-o", str(folder / "out")])
    (folder / "out").mkdir(exist_ok=True)
    outs = [folder / "out" / path.name for path in given]
    requests = [
        {"photo": str(photo), "out": str(out), "style": 0}
        for photo, out in zip(given, outs, strict=True)
    ]
    started = time.process_time()
    assert paint(requests[0])["state"] == "done"  # and weights and style are there
    first = time.process_time() - started
    started, clock = time.process_time(), time.perf_counter()
    assert all(paint(request)["state"] == "done" for request in requests)
    return {
        "command": " ".join(["gesso batch PHOTOS --style", STYLE, *flags, "--threads 1 -o OUT"]),
        "pictures": count,
        "core_seconds": round((time.process_time() - started) / count, 3),
        "clock_seconds": round((time.perf_counter() - clock) / count, 3),
        "first_core_seconds": round(first, 1),
        "photo_bytes": round(float(np.mean([path.stat().st_size for path in given]))),
        "bytes": round(float(np.mean([path.stat().st_size for path in outs]))),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure all ways and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("beside", help="what else ran on the machine meanwhile")
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    store = Store(given.out, fresh=True)
    for name, (flags, count) in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            row = measured(flags, count, Path(folder)) | {"side": SIDE, "beside": given.beside}
        print(name, store.put(name, {"flags": flags, "pictures": count, "side": SIDE}, row))


if __name__ == "__main__":
    main()
