"""Pack pictures and encoder weights so that a training run can travel to another machine.

    python recipes/pack.py --contents DIR --styles DIR --vgg FILE --out runs/pack [--megabytes 60]

writes content/shard.tar, style/shard.tar (JPEG, shorter side at most 256 px; an even choice of the
pictures) and the VGG file, which together stay below the given size. Nothing packed belongs in a
repository: the pictures and the VGG weights have licences of their own.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tarfile
from pathlib import Path

from PIL import Image

from gesso.images.folders import list_images

SHORTER_PX = 256
QUALITY = 82


def encoded(path: Path) -> bytes:
    """The picture as a small JPEG."""
    with Image.open(path) as image:
        image = image.convert("RGB")
    scale = SHORTER_PX / min(image.size)
    if scale < 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def pack(folder: Path, target: Path, budget: int) -> int:
    """Write as many of the folder's pictures as fit `budget` bytes; returns how many."""
    pictures = list_images(folder)
    count = used = 0
    with tarfile.open(target, "w") as shard:
        # A stride coprime to the count visits all pictures in an order unlike the names'.
        for i in range(len(pictures)):
            data = encoded(pictures[i * 769 % len(pictures)])
            if used + len(data) + 1024 > budget:
                break
            info = tarfile.TarInfo(f"{i:05d}.jpg")
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
            used += len(data) + 1024
            count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("contents", "styles", "vgg", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=60)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(options.vgg, options.out / options.vgg.name)
    left = int(options.megabytes * 2**20) - options.vgg.stat().st_size
    for name, folder in (("content", options.contents), ("style", options.styles)):
        (options.out / name).mkdir(exist_ok=True)
        count = pack(folder, options.out / name / "shard.tar", left // 2)
        print(f"{name}/shard.tar: {count} pictures")


if __name__ == "__main__":
    main()
