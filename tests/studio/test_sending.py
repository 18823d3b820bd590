"""What strangers may send: limits, hostile files, names that lead elsewhere."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from gesso.studio.limits import Limits
from gesso.studio.refusals import without_folders
from gesso.studio.server import Server
from gesso.studio.store import harmless
from studio_client import Client, serving
from tiny_files import TinyFiles


def png(width: int, height: int, rows: int = 1) -> bytes:
    """A PNG that says to be so large and holds a few rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(rows * (3 * width + 1)))
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 422, "is empty"),
        (b"nothing known", 422, "not"),
        (b"\xff\xd8\xff no JPEG", 422, "damaged or unsupported JPEG"),
        (png(100_000, 100_000, 0), 413, "over the limit of 50000000 pixels"),
        (png(9000, 5000, 10), 422, "damaged or unsupported PNG"),
        (b"%PDF-1.4", 422, "a PDF: save the page as PNG"),
        (b"<svg onload='alert(1)'>", 422, "an SVG drawing"),
        (b"<html><script>alert(1)</script>", 422, "not"),
        (b"GIF89a", 422, "GIF"),
        (b"\0" * 4096, 422, "not"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else "",
)
def test_bad_files_are_refused_in_one_line_that_names_them(
    client: Client, server: Server, data: bytes, status: int, said: str
) -> None:
    answer = client.ask("POST", "api/pictures?name=holiday.jpg", data)
    assert answer.status == status
    assert answer.error.startswith("holiday.jpg: ") and said in answer.error
    assert len(answer.error) <= 200
    assert client.get("api/pictures").json == []


def test_an_animation_is_no_photo(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    frames = [Image.new("P", (20, 20), color) for color in (1, 2, 3)]
    for number, frame in enumerate(frames):
        frame.putpalette([number, 80 * number, 255] * 256)
    frames[0].save(path, save_all=True, append_images=frames[1:])
    answer = client.ask("POST", "api/pictures?name=moving.gif", path.read_bytes())
    assert answer.status == 422 and "holds 3 pictures; allowed is 1" in answer.error


def test_a_clip_is_looked_at_within_limits(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    frames = [Image.new("RGB", (20, 10), (80 * n, 0, 0)) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    found = client.ask("POST", "api/clips?name=moving.webp", path.read_bytes()).json
    assert (found["frames"], found["width"], found["height"]) == (3, 20, 10)
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    answer = client.ask("POST", "api/clips?name=list.m3u8", playlist)
    assert answer.status == 422 and answer.error.startswith("list.m3u8: not a clip")
    words = {"photo": found["id"], "styles": [{"bundled": "neon"}]}
    assert "a clip" in client.ask("POST", "api/jobs/picture", words).error


@pytest.mark.parametrize("kind", ["application/json", "text/html", "application/zip"])
def test_content_types_that_are_no_files_are_refused(client: Client, kind: str) -> None:
    answer = client.ask("POST", "api/pictures", b"x", {"Content-Type": kind})
    assert answer.status == 415 and kind in answer.error


SMALL = Limits(max_megabytes=1, max_frames=2, decode_timeout=120, upload_timeout=3)


@pytest.fixture(scope="module")
def small(tiny_environment: None, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A client of a server that takes little."""
    with serving(tmp_path_factory.mktemp("small"), SMALL) as (_, client):
        yield client


def raw(port: int, head: str, *pieces: bytes) -> bytes:
    """What a server answers to bytes as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        lines = [
            f"{head} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "X-Gesso-Token: a-token-for-tests-only",
        ]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n")
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while data := connection.recv(65536):
                answer += data
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answer


def test_a_file_that_is_too_large_is_refused_with_the_limit(small: Client) -> None:
    for size in (1_000_001, 2_500_000, 9_000_000):
        answer = raw(
            small.port,
            "POST /api/pictures?name=a.jpg",
            f"Content-Length: {size}\r\n\r\n".encode(),
            *[bytes(100_000)] * (size // 100_000 if size < 4_000_000 else 1),
            bytes(size % 100_000),
        )
        assert answer.startswith(b"HTTP/1.1 413"), answer
        assert f"a.jpg: {size} bytes, over the limit of 1000000 bytes".encode() in answer


def test_a_body_without_an_end_is_cut_and_named(small: Client) -> None:
    piece = b"186a0\r\n" + bytes(100_000) + b"\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    answer = raw(small.port, "POST /api/pictures?name=a.jpg", chunked, *[piece] * 60)
    assert not answer or answer.startswith(b"HTTP/1.1 413")
    assert small.get("api/pictures").json == []


def test_a_body_that_does_not_come_is_given_up(small: Client) -> None:
    answer = raw(small.port, "POST /api/pictures", b"Content-Length: 100\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408") and b"took longer than 3 s" in answer
    answer = raw(
        small.port,
        "POST /api/jobs/picture",
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    assert answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "1, 1", "0x10"])
def test_lengths_that_lie_are_refused(small: Client, length: str) -> None:
    head = f"Content-Length: {length}\r\n\r\n".encode()
    assert raw(small.port, "POST /api/pictures", head).startswith(b"HTTP/1.1 4")


def test_json_has_a_limit_and_a_length(small: Client) -> None:
    long = b"Content-Type: application/json\r\nContent-Length: 1000001\r\n\r\n"
    answer = raw(small.port, "POST /api/jobs/grid", long)
    assert answer.startswith(b"HTTP/1.1 413") and b"over the limit of 1000000 bytes" in answer
    chunked = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert raw(small.port, "POST /api/jobs/grid", chunked).startswith(b"HTTP/1.1 411")


def test_a_clip_of_too_many_frames_is_refused_with_the_limit(small: Client, tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    frames = [Image.new("RGB", (20, 10), (80 * n, 0, 0)) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    answer = small.ask("POST", "api/clips?name=moving.webp", path.read_bytes())
    assert answer.status == 413 and "3 frames, over the limit of 2" in answer.error


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(
    tiny_environment: None, tmp_path: Path, files: TinyFiles
) -> None:
    slow = tmp_path / "slow.png"
    Image.new("RGB", (7000, 7000)).save(slow, compress_level=1)
    with serving(tmp_path / "own", Limits(decode_timeout=0.1)) as (_, client):
        answer = client.ask("POST", "api/pictures?name=slow.png", slow.read_bytes())
        assert answer.status == 422 and "takes longer than 0.1 s" in answer.error
        assert client.get("api/about").status == 200
        end = time.monotonic() + 60
        while client.ask("POST", "api/pictures", files.photo.read_bytes()).status != 201:
            assert time.monotonic() < end


NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "/etc/passwd",
    "//server/share",
    "C:\\x",
    "%2e%2e%2fetc",
    "a\0b.png",
    "a.png::$DATA",
    "-rf",
    ".hidden",
    "CON",
    "nul.png",
    "…" * 100,
    "a" * 250,
    "\u202egnp.exe",
    "a\nb",
    "<script>",
    " ",
    "...",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_files_lead_nowhere(
    client: Client, server: Server, files: TinyFiles, name: str
) -> None:
    answer = client.ask(
        "POST", f"api/pictures?name={quote(name, safe='')}", files.photo.read_bytes()
    )
    assert answer.status == 201, answer.body
    shown, folder = answer.json["name"], server.studio.store.folder / answer.json["id"]
    assert {path.name for path in folder.iterdir()} == {shown, ".preview.webp"}
    assert shown == harmless(name) and not set(shown) & set('/\\:<>"|?*\0\n')


def test_a_harmless_name_stays_as_it_is() -> None:
    assert harmless("Føtex_2024-01.jpg") == "Føtex_2024-01.jpg"
    assert harmless("my photo (1).jpg") == "my-photo-1-.jpg"


def test_errors_name_no_folders(tmp_path: Path) -> None:
    text = f"{tmp_path}/{'0' * 32}/a.png: damaged; {tmp_path} and {'f' * 32}/b.png"
    assert without_folders(text, [tmp_path]) == "a.png: damaged; the folder and b.png"
