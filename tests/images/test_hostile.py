"""Damaged, truncated, oversized and disguised files: one line each, or the right pixels."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import time
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageFile

from gesso.errors import GessoError
from gesso.images.formats import declared_size, sniff
from gesso.images.png import checked as check_png
from gesso.images.read import read_image, read_photo
from gesso.images.source import problem

pillow_heif.register_heif_opener()


@cache
def good_files() -> dict[str, bytes]:
    """One file of each kind, 60 × 44 px, of a picture that does not compress to nothing."""
    y, x = np.mgrid[0:44, 0:60]
    waves = np.stack([np.sin(x / 5 + y / 9), np.cos(x / 7), np.sin(y / 3)], -1) * 90 + 128
    noise = np.random.default_rng(0).normal(0, 12, waves.shape)
    image = Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8))
    kinds: dict[str, tuple[str, dict[str, object]]] = {
        "jpeg": ("JPEG", {}),
        "progressive": ("JPEG", {"progressive": True}),
        "png": ("PNG", {}),
        "webp": ("WEBP", {}),
        "lossless webp": ("WEBP", {"lossless": True}),
        "tiff": ("TIFF", {}),
        "lzw tiff": ("TIFF", {"compression": "tiff_lzw"}),
        "deflate tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
        "jpeg tiff": ("TIFF", {"compression": "jpeg"}),
        "gif": ("GIF", {}),
        "bmp": ("BMP", {}),
        "avif": ("AVIF", {"speed": 10}),
        "heif": ("HEIF", {}),
        "jpeg2000": ("JPEG2000", {}),
    }
    files = {}
    for name, (kind, options) in kinds.items():
        buffer = io.BytesIO()
        (image.quantize(64) if kind == "GIF" else image).save(buffer, kind, **options)
        files[name] = buffer.getvalue()
    return files


def outcome(path: Path, content: bytes, size: int | None = None) -> np.ndarray | str:
    """The picture, or the one line; anything else escapes and fails the test."""
    path.write_bytes(content)
    try:
        rgb = read_image(path, size=size)
    except GessoError as error:
        line = str(error)
        assert "\n" not in line and len(line) <= 200 and str(path) in line
        return line
    assert rgb.ndim == 3 and rgb.min() >= 0 and rgb.max() <= 1
    return rgb


# Truncation and damage


@pytest.mark.parametrize("name", good_files())
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    content, pick = good_files()[name], random.Random(name)
    whole = outcome(tmp_path / "f", content)
    assert isinstance(whole, np.ndarray)
    cuts = [1, 2, 3, 8, 12, 13] + [pick.randrange(1, len(content)) for _ in range(60)]
    for cut in cuts:
        found = outcome(tmp_path / "f", content[:-cut])
        # Only what changes no pixel may be missing: a GIF's trailer, a JPEG's end marker.
        assert isinstance(found, str) or np.array_equal(found, whole)


@pytest.mark.parametrize("name", good_files())
def test_damaged_files_never_escape_nor_chatter(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content, pick = good_files()[name], random.Random(name)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        reach = pick.choice([300, len(content)])  # headers are where parsers branch
        for _ in range(pick.choice([1, 3, 20])):
            damaged[pick.randrange(min(reach, len(content)))] = pick.randrange(256)
        refused += isinstance(outcome(tmp_path / "f", damaged, pick.choice([None, 16])), str)
    assert refused > 0
    assert capfd.readouterr() == ("", "")  # libtiff would write to stderr, past Python


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int, height: int, rows: bytes, *, kind: int = 2, depth: int = 8, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def test_png_with_too_few_rows_is_refused(tmp_path: Path) -> None:
    short = png(9000, 9000, bytes(27001 * 10))
    assert len(short) < 400
    with Image.open(io.BytesIO(png(90, 90, bytes(271 * 10)))) as image:
        image.load()  # Pillow says nothing: this is why gesso counts
    found = outcome(tmp_path / "f", short)
    assert isinstance(found, str) and "270010 of 243009000 bytes" in found
    assert isinstance(outcome(tmp_path / "f", png(90, 90, bytes(271 * 90 - 1))), str)
    assert isinstance(outcome(tmp_path / "f", png(90, 90, bytes(271 * 90))), np.ndarray)


@pytest.mark.parametrize("kind, depth", [(0, 1), (0, 2), (0, 16), (2, 8), (4, 8), (6, 16)])
@pytest.mark.parametrize("interlace", [0, 1])
def test_png_data_are_counted_right(kind: int, depth: int, interlace: int) -> None:
    """The exact number of bytes passes, one less does not, for odd sizes and all seven passes."""
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    bits = depth * {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    for width, height in [(1, 1), (2, 3), (5, 1), (9, 17)]:
        grids = passes if interlace else [(0, 0, 1, 1)]
        sizes = [(len(range(x, width, i)), len(range(y, height, j))) for x, y, i, j in grids]
        size = sum((1 + (w * bits + 7) // 8) * h for w, h in sizes if w)
        file = png(width, height, bytes(size), kind=kind, depth=depth, interlace=interlace)
        check_png(io.BytesIO(file))
        with Image.open(io.BytesIO(file)) as image:
            image.load()
        file = png(width, height, bytes(size - 1), kind=kind, depth=depth, interlace=interlace)
        with pytest.raises(ValueError, match=f"{size - 1} of {size}"):
            check_png(io.BytesIO(file))


def test_png_in_many_chunks_with_unknown_ones_and_wrong_checksums(tmp_path: Path) -> None:
    rows = zlib.compress(
        bytes(random.Random(0).randrange(256) if i % 28 else 0 for i in range(28 * 9))
    )
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0))
    pieces = [chunk(b"IDAT", rows[i : i + 7]) for i in range(0, len(rows), 7)]
    body = chunk(b"teXt", b"x" * 50) + chunk(b"IDAT", b"") + b"".join(pieces) + chunk(b"IEND", b"")
    assert isinstance(outcome(tmp_path / "f", head + body), np.ndarray)
    broken = body[:-16] + bytes([body[-16] ^ 1]) + body[-15:]  # the last pixel chunk's checksum
    found = outcome(tmp_path / "f", head + broken)
    assert isinstance(found, str) and "checksum" in found
    assert "IEND" in str(outcome(tmp_path / "f", head + body[:-12]))


# Limits


def webp_header(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sides + bytes(40)


def avif_of(width: int, height: int) -> bytes:
    """A good AVIF whose every `ispe` says otherwise."""
    return good_files()["avif"].replace(
        b"ispe\0\0\0\0" + struct.pack(">II", 60, 44),
        b"ispe\0\0\0\0" + struct.pack(">II", width, height),
    )


BOMBS: dict[str, bytes] = {
    "header of a PNG": png(100_000, 100_000, b"")[:33],
    "PNG": png(100_000, 100_000, bytes(300_001)),
    "GIF": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",",
    "frame of a GIF": b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0)
    + b"," + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0) + b"\x02\x02\x44\x01\0;",
    "BMP": b"BM" + bytes(8)
    + struct.pack("<IIiiHHI", 54, 40, 50_000, -50_000, 1, 24, 0) + bytes(24),
    "WebP": webp_header(16_383, 16_383),
    "AVIF": avif_of(17_000, 17_000),
    "TIFF": b"II*\0\x08\0\0\0\x06\0"
    + b"".join(
        struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in [(256, 90_000), (257, 90_000), (259, 1), (262, 1), (273, 8), (279, 9)]
    )
    + bytes(4),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_by_their_headers(tmp_path: Path, name: str) -> None:
    started = time.perf_counter()
    found = outcome(tmp_path / "f", BOMBS[name])
    assert isinstance(found, str) and "over the limit of 100000000 pixels" in found, found
    assert time.perf_counter() - started < 0.1


COLD = """
import resource, sys, time
from gesso.errors import GessoError
from gesso.images.decode import decoded

def refusal(name):
    try:
        with decoded(sys.argv[1] + "/" + name) as image:
            sys.exit(f"{name} was read: {image}")
    except GessoError as error:
        return str(error)

for name in ("eps", "psd", "pdf", "svg", "fits", "cr2", "mp4", "text"):
    assert "not a picture gesso can read" in refusal(name + ".png"), name
assert not [m for m in sys.modules if m.endswith("ImagePlugin")], sys.modules
for name in ("header", "full"):
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    assert "100000 × 100000 px, over the limit" in refusal(name)
    seconds = time.perf_counter() - started
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert seconds < 0.1 and kilobytes < 16 * 1024, (seconds, kilobytes)
with decoded(sys.argv[1] + "/good") as image:
    assert image.size == (60, 44)
# Pillow's PNG plugin is the only parser started by then (its ImageFile module imports none).
assert [m for m in sys.modules if m.endswith("ImagePlugin")] == ["PIL.PngImagePlugin"]
assert "pillow_heif" not in sys.modules
"""


def test_other_formats_are_never_parsed_and_bombs_cost_nothing(tmp_path: Path) -> None:
    """In a fresh process, where the parsers that are imported can be listed."""
    disguised = {
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "psd": b"8BPS\0\1" + bytes(40),
        "pdf": b"%PDF-1.7\n",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "fits": b"SIMPLE  =                    T".ljust(2880),
        "cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(40),
        "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(40),
        "text": b"not a picture",
    }
    for name, content in disguised.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "header").write_bytes(BOMBS["header of a PNG"])
    (tmp_path / "full").write_bytes(png(100_000, 100_000, bytes(20_000_000)))
    (tmp_path / "good").write_bytes(good_files()["png"])
    run = subprocess.run(
        [sys.executable, "-c", COLD, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_pixel_limit_can_be_moved(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(good_files()["jpeg"])
    assert read_image(path, max_pixels=60 * 44).shape == (3, 44, 60)
    with pytest.raises(GessoError, match="60 × 44 px, over the limit of 2639 pixels"):
        read_image(path, max_pixels=60 * 44 - 1)
    with pytest.raises(GessoError, match="20000 × 14667 px, over the limit of 100000000 pixels"):
        read_image(path, size=20_000)


def test_pixel_limit_can_be_raised_above_pillows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name, content in good_files().items():
        path = tmp_path / "f"
        path.write_bytes(content)
        assert read_image(path).shape == (3, 44, 60), name
    assert Image.MAX_IMAGE_PIXELS == 100


def test_byte_limit(tmp_path: Path) -> None:
    path, content = tmp_path / "f", good_files()["png"]
    path.write_bytes(content)
    read_image(path, max_bytes=len(content))
    with pytest.raises(GessoError, match=f"{len(content)} bytes, over the limit of 100 bytes"):
        read_image(path, max_bytes=100)
    with open(path, "wb") as file:
        file.truncate(300 * 2**20)  # a sparse file: nothing of it is read
    with pytest.raises(GessoError, match=r"314572800 bytes, over the limit of 268435456 bytes"):
        read_image(path)


def test_compressed_text_bombs(tmp_path: Path) -> None:
    content = good_files()["png"]
    bomb = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000), 9))
    assert len(bomb) < 100_000
    started = time.perf_counter()
    found = outcome(tmp_path / "f", content[:33] + bomb + content[33:])
    assert isinstance(found, np.ndarray) and time.perf_counter() - started < 0.5


# Formats


@pytest.mark.parametrize("name", good_files())
def test_sniffing_and_header_sizes(name: str) -> None:
    content = good_files()[name]
    kind = sniff(content)
    assert kind is not None and kind.upper().endswith(
        name.split()[-1].upper().replace("PROGRESSIVE", "JPEG")
    )
    assert declared_size(kind, content) in ((60, 44), (64, 64), None)  # HEIF codes whole blocks
    for end in range(1, 40):
        declared_size(kind, content[:end])
        sniff(content[:end])


def test_raw_previews_are_refused(tmp_path: Path) -> None:
    tags = [
        (254, 4, 1),
        (256, 4, 2),
        (257, 4, 1),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 200),
        (279, 4, 2),
    ]
    body = struct.pack("<HIH", 42, 8, len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    found = outcome(tmp_path / "f", (b"II" + body).ljust(200, b"\0") + b"ab")
    assert isinstance(found, str) and "raw" in found


# Paths


def refuse(path: Path) -> str:
    with pytest.raises(GessoError) as caught:
        read_photo(path)
    line = str(caught.value)
    assert line.isprintable() and len(line) <= 200
    return line


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    assert refuse(tmp_path / "missing.png") == f"{tmp_path}/missing.png: no such file"
    assert refuse(tmp_path) == f"{tmp_path}: is a folder, not a picture"
    assert refuse(tmp_path / "empty.png").endswith("empty.png: is empty (0 bytes)")
    assert refuse(tmp_path / "pipe.png").endswith("pipe.png: is not a regular file")
    assert "not a regular file" in refuse(Path("/dev/zero"))
    assert "cannot be read" in refuse(Path("nul\0.png"))
    assert "cannot be read" in refuse(tmp_path / ("x" * 300))


def test_odd_names_stay_on_one_line(tmp_path: Path) -> None:
    for name in ("two\nlines.png", "esc\x1b[31m.png", os.fsdecode(b"\xff\xfe.png"), "größe.png"):
        (tmp_path / name).write_bytes(b"no picture")
        assert "not a picture gesso can read" in refuse(tmp_path / name)
    assert "größe.png" in refuse(tmp_path / "größe.png")


def test_long_lines_keep_the_path_and_are_cut() -> None:
    line = str(problem("a/" * 40 + "b.png", "why " * 100))
    assert len(line) == 200 and line.startswith("a/" * 40 + "b.png: why")
    line = str(problem("a/" * 400 + "b.png", "why " * 100))
    assert len(line) == 200 and line.startswith("…") and "/b.png: why" in line


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError, MemoryError, NotImplementedError, OverflowError, SyntaxError, KeyError),
        *(struct.error, zlib.error, EOFError, UserWarning, SystemError, BufferError),
        *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    ],
)
def test_whatever_a_decoder_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def load(self: ImageFile.ImageFile) -> None:
        raise error("first line\nsecond line")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert isinstance(outcome(tmp_path / "f", good_files()["jpeg"]), str)


def test_an_interrupt_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(good_files()["jpeg"])

    def stop(image: ImageFile.ImageFile) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ImageFile.ImageFile, "load", stop)
        read_image(path)
