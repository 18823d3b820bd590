"""Damage files in ways that nobody thought of, and read them:

    python benchmarks/fuzz.py --minutes 10

What must hold: a picture, a card, a header or a manifest is read, or refused with a GessoError of
one line; nothing else is ever raised, and nothing crashes. The bytes at work lie in FOLDER/now, so
that a crash leaves them there. Hypothesis draws the damage and makes it smaller when it finds some.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from gesso.cards.packing import PlainCard, read_card, write_card
from gesso.disk.header import parse_json
from gesso.disk.tensors import read_file, read_header
from gesso.errors import GessoError
from gesso.images.read import read_photo
from gesso.images.write import write_image
from gesso.pipeline.manifest import Manifest

SUFFIXES = (".jpg", ".png", ".webp", ".tif", ".avif", ".heic")
MORE = ("GIF", "BMP", "JPEG2000")  # kinds that are read and not written
MAX_PIXELS = 2**20  # of what is read: damage makes sizes, and large ones only take time
EXAMPLES = 200  # between two looks at the clock


def seeds(folder: Path) -> list[bytes]:
    """A small picture of every kind."""
    y, x = np.mgrid[0:24, 0:32]
    picture = np.stack([np.sin(x / 5 + y / 9), np.cos(x / 7), np.sin(y / 3)]) / 2.2 + 0.5
    alpha = np.linspace(0, 1, 32)[None].repeat(24, 0)[None]
    found = []
    for suffix in SUFFIXES:
        for more in ({}, {"alpha": alpha}):
            path = folder / f"seed{suffix}"
            write_image(path, picture, **more)
            found.append(path.read_bytes())
    image = Image.fromarray((picture.transpose(1, 2, 0) * 255).astype(np.uint8))
    for kind in MORE:
        buffer = io.BytesIO()
        image.save(buffer, kind)
        found.append(buffer.getvalue())
    for options in ({"progressive": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", **options)
        found.append(buffer.getvalue())
    return found


def damaged(files: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of the files with bytes changed, cut out, doubled, put in or taken from another one."""
    place = st.integers(0, 2**16)
    edit = st.tuples(st.sampled_from("scdi"), place, place, st.binary(max_size=8))

    def apply(data: bytes, other: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
        for kind, at, length, new in edits:
            at, length = at % (len(data) + 1), length % 64
            if kind == "s":
                data = data[:at] + new + data[at + len(new) :]
            elif kind == "c":
                data = data[:at] + data[at + length :]
            elif kind == "d":
                data = data[:at] + data[at : at + length] + data[at:]
            else:
                data = data[:at] + other[at : at + length] + data[at:]
        return data

    file = st.sampled_from(files)
    return st.builds(apply, file, file, st.lists(edit, min_size=1, max_size=6))


def one_line(read: Callable[[], object]) -> None:
    """Asserts that it reads, or refuses in one line."""
    try:
        read()
    except GessoError as error:
        text = str(error)
        assert "\n" not in text and text.isprintable() and len(text) <= 1000, text


def check_picture(data: bytes, folder: Path) -> None:
    """A picture is read, with values in range, or refused."""
    (folder / "now").write_bytes(data)

    def read() -> None:
        photo = read_photo(folder / "now", max_pixels=MAX_PIXELS)
        assert photo.rgb.shape[0] == 3 and photo.rgb.min() >= 0 and photo.rgb.max() <= 1

    one_line(read)


def check_tensors(data: bytes, folder: Path) -> None:
    """A card is read or refused, by all that reads one."""
    path = folder / "now"
    path.write_bytes(data)
    for read in (read_card, read_header, read_file):
        one_line(lambda read=read: read(path))  # type: ignore[misc]


def check_manifest(data: bytes, folder: Path) -> None:
    """A manifest is read or refused, and goes on."""
    path = folder / "now"
    path.write_bytes(data)
    one_line(lambda: Manifest(path, {"size": 9}))


def check_json(data: bytes, folder: Path) -> None:
    """A header's JSON is read, or refused with a ValueError."""
    try:
        parse_json(data.decode("utf-8", "surrogateescape"))
    except ValueError:
        return


def targets(folder: Path) -> dict[str, tuple[Callable[[bytes, Path], None], list[bytes]]]:
    """Name → what checks, and the files to damage."""
    card = PlainCard("toy", {"a": np.arange(12.0).reshape(3, 4), "b": np.ones(5)})
    write_card(folder / "card.safetensors", card)
    tensors = (folder / "card.safetensors").read_bytes()
    row = {"output": "a.jpg", "input": "in/a.jpg", "state": "done", "seconds": 0.1, "bytes": 9}
    head = {"gesso_manifest": 1, "made_by": {"size": 9}}
    manifest = b"".join(json.dumps(line).encode() + b"\n" for line in (head, row, row))
    header = json.dumps({"method": "toy", "config": {"a": [1, 2.5, None, True]}}).encode()
    return {
        "pictures": (check_picture, seeds(folder)),
        "cards": (check_tensors, [tensors]),
        "manifests": (check_manifest, [manifest]),
        "headers": (check_json, [header, tensors[8:200]]),
    }


def draw(
    check: Callable[[bytes, Path], None], files: list[bytes], folder: Path, count: int, number: int
) -> None:
    """Check that many damaged files, drawn by a number."""

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(files))
    def run(data: bytes) -> None:
        check(data, folder)

    run()


def fuzz(folder: Path, minutes: float, examples: int = EXAMPLES, first: int = 0) -> dict[str, int]:
    """Fuzz all targets in turn until the time is over, each once at least; returns how many files
    each has read. Raises what a target raises, with the bytes in `folder`/now."""
    end, counts = time.monotonic() + 60 * minutes, dict.fromkeys(targets(folder), 0)
    number = first
    while number == first or time.monotonic() < end:
        for name, (check, files) in targets(folder).items():
            draw(check, files, folder, examples, number)
            counts[name] += examples
        number += 1
    return counts


def main(arguments: list[str] | None = None) -> None:
    """Fuzz in a folder, and say what was read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path, default=None)
    given_ = parser.parse_args(arguments)
    folder = given_.folder or Path(tempfile.mkdtemp(prefix="gesso-fuzz-"))
    folder.mkdir(exist_ok=True)
    print(f"seed {given_.seed}; the bytes at work are in {folder / 'now'}", flush=True)
    counts = fuzz(folder, given_.minutes, given_.examples, given_.seed)
    print(", ".join(f"{name}: {count} files" for name, count in counts.items()))


if __name__ == "__main__":
    main()
