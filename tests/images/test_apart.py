"""Decoding in processes of its own: the same pictures and lines, and none that waits for ever."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gesso.errors import GessoError, OptionError
from gesso.images.apart import Decoders, apart
from gesso.images.plain import read_plain
from gesso.images.read import read_photo
from gesso.images.write import write_image
from gesso.training.source import ImageSource

linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of several kinds, good and bad."""
    rng = np.random.default_rng(0)
    write_image(tmp_path / "photo.jpg", rng.random((3, 40, 60)))
    write_image(tmp_path / "alpha.png", rng.random((3, 30, 20)), alpha=rng.random((1, 30, 20)))
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "by hand", 6
    Image.new("RGB", (9, 5), "red").save(tmp_path / "turned.jpg", exif=exif)
    frames = [Image.new("L", (8, 8), 50 * i) for i in range(3)]
    frames[0].save(tmp_path / "pages.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(rng.random((12, 10)).astype(np.float32)).save(tmp_path / "float.tif")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff no JPEG")
    return tmp_path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of 64 px that takes many seconds: fill bytes before a marker."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "JPEG")
    data, path = buffer.getvalue(), tmp_path_factory.mktemp("slow") / "slow.jpg"
    path.write_bytes(data[:2] + b"\xff" * (24 * 2**20) + data[2:])
    return path


def outcome(source: object, **options: object) -> tuple[object, ...]:
    """The photo or the line, as something that can be compared."""
    try:
        photo = read_photo(source, **options)  # type: ignore[arg-type]
    except GessoError as error:
        return type(error).__name__, str(error)
    alpha = None if photo.alpha is None else photo.alpha.tobytes()
    return "Photo", photo.rgb.shape, photo.rgb.tobytes(), alpha, photo.exif


def children() -> list[int]:
    """The processes that this one has started."""
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


CASES: list[tuple[str, dict[str, int]]] = [
    ("photo.jpg", {}),
    ("photo.jpg", {"size": 25}),
    ("photo.jpg", {"max_pixels": 2399}),
    ("photo.jpg", {"max_bytes": 9}),
    ("alpha.png", {"size": 40}),
    ("turned.jpg", {}),
    ("pages.gif", {"frame": 2}),
    ("pages.gif", {"frame": 3}),
    ("pages.gif", {"frame": -1}),
    ("float.tif", {}),
    ("bad.jpg", {}),
    ("none.jpg", {}),
]


def outcomes(folder: Path) -> list[list[object]]:
    """Of every case, given as a path, as bytes and as a file."""
    found = []
    for name, options in CASES:
        path = folder / name
        found.append(outcome(path, **options))
        if path.exists():
            found.append(outcome(path.read_bytes(), **options))
            with open(path, "rb") as file:
                found.append(outcome(file, **options))
    return found


def test_pictures_and_refusals_are_those_of_one_process(folder: Path) -> None:
    expected = outcomes(folder)
    with apart():
        found = outcomes(folder)
    assert found == expected
    assert sum(one[0] == "GessoError" for one in found) > 10


def test_pictures_for_training_are_those_of_one_process(folder: Path) -> None:
    names = ("photo.jpg", "alpha.png", "turned.jpg", "float.tif")
    expected = [read_plain(folder / name, 8).tobytes() for name in names]
    with apart():
        assert [read_plain(folder / name, 8).tobytes() for name in names] == expected


def test_warnings_come_through(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with apart():
        read_photo(folder / "pages.gif")
    assert f"{folder / 'pages.gif'}: holds several pictures" in caplog.text


def test_names_are_those_given_in_the_folder_of_the_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with apart():
        monkeypatch.chdir(folder)
        assert outcome("alpha.png")[0] == "Photo"
        assert outcome("bad.jpg")[1].startswith("bad.jpg: damaged")


def test_no_module_comes_from_the_folder_of_the_pictures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "numpy.py").write_text("open('ran', 'w')")
    (folder / "gesso.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(folder)
    with apart():
        assert outcome("alpha.png")[0] == "Photo"
    assert not (folder / "ran").exists()


def test_a_slow_picture_is_named_and_the_next_one_read(folder: Path, slow: Path) -> None:
    with apart(timeout=0.5):
        began = time.monotonic()
        assert outcome(slow)[1] == f"{slow}: takes longer than 0.5 s to decode (decode_timeout)"
        assert outcome(slow.read_bytes())[1].startswith("the picture: takes longer than 0.5 s")
        assert time.monotonic() - began < 60
        assert outcome(folder / "alpha.png")[0] == "Photo"


def test_slow_pictures_of_a_training_are_named_once(
    folder: Path, slow: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.link(slow, folder / "slow.jpg")
    with apart(timeout=0.5):
        source = ImageSource(folder)
        broken = [n for i, n in enumerate(source.names) if source.load(i) is None]
        assert source.load(source.names.index("slow.jpg")) is None
    assert broken == ["bad.jpg", "slow.jpg"]
    assert caplog.text.count("slow.jpg: skipped: takes longer than 0.5 s") == 1


@linux
def test_a_killed_decoder_is_started_anew(folder: Path) -> None:
    with apart():
        read_photo(folder / "alpha.png")
        (decoder,) = children()
        os.kill(decoder, signal.SIGKILL)
        assert outcome(folder / "alpha.png")[0] == "Photo"


@linux
def test_a_picture_whose_decoder_is_killed_is_tried_twice(folder: Path, slow: Path) -> None:
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.05):
            for pid in set(children()) - set(killed):
                if "R (running)" in Path(f"/proc/{pid}/status").read_text() and reads(pid, slow):
                    os.kill(pid, signal.SIGSEGV)
                    killed.append(pid)

    with apart(timeout=100):
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            line = outcome(slow)[1]
        finally:
            done.set()
            killer.join()
        assert line == f"{slow}: ended its decoder twice (SIGSEGV)" and len(killed) == 2
        assert outcome(folder / "alpha.png")[0] == "Photo"


def reads(pid: int, path: Path) -> bool:
    """Whether the process has the file open."""
    files = Path(f"/proc/{pid}/fd").iterdir()
    return any(file.exists() and file.samefile(path) for file in files)


@linux
def test_a_decoder_may_not_take_all_memory() -> None:
    code = "from gesso.images.worker import limit; limit(9, 1000); bytearray(3 * 2**30)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MemoryError" in done.stderr


@linux
def test_a_decoder_ends_by_itself_where_its_master_does_not_end_it() -> None:
    code = (
        "import time\n"
        "from gesso.images import worker\n"
        "worker.GRACE = 0.1\n"
        "worker.limit(0.1, 1000)\n"
        "time.sleep(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == -signal.SIGALRM


@linux
def test_nothing_is_left_running(folder: Path, slow: Path) -> None:
    before = set(children())
    with apart(timeout=0.5):
        outcome(folder / "alpha.png")
        outcome(slow)
    assert set(children()) <= before


@linux
def test_an_interrupt_leaves_no_answer_for_the_next_picture(folder: Path, slow: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with apart(timeout=100):
            read_photo(folder / "photo.jpg")
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                read_photo(slow)
            assert read_photo(folder / "turned.jpg").rgb.shape == (3, 9, 5)
    finally:
        signal.signal(signal.SIGALRM, before)


@linux
def test_a_decoder_ends_when_its_master_is_killed(folder: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from gesso.images.apart import apart\n"
        "from gesso.images.read import read_photo\n"
        "with apart():\n"
        "    read_photo(sys.argv[1])\n"
        "    print(open('/proc/self/task/%d/children' % os.getpid()).read(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(folder / "alpha.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout is not None
        decoder = int(master.stdout.readline())
        master.kill()
    deadline = time.monotonic() + 30
    while runs(decoder) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not runs(decoder)


def runs(pid: int) -> bool:
    try:
        return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_threads_share_the_decoders(folder: Path) -> None:
    found: list[object] = []
    with apart(most=2):
        threads = [
            threading.Thread(target=lambda: found.append(outcome(folder / "photo.jpg")))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 5 and all(one == found[0] for one in found)


@pytest.mark.parametrize("timeout", [0, 0.01, -1, float("nan")])
def test_a_timeout_that_makes_no_sense_is_refused(timeout: float) -> None:
    with pytest.raises(OptionError, match=r"decode_timeout: .*seconds from 0\.1"):
        Decoders(timeout)
