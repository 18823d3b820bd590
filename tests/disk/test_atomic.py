"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gesso.disk.atomic import (
    atomic_path,
    atomic_write,
    open_regular,
    sha256_file,
    shown,
    sweep_stale,
)
from gesso.errors import GessoError

PATTERN = re.compile(r"\.tmp-[0-9a-f]{16}-.+")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to let this process grow any file beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def failing(call: Callable[..., Any], nth: int, code: int) -> tuple[Callable[..., Any], list[int]]:
    """`call`, but its `nth` call fails with `code`; and the list that counts its calls."""
    calls = [0]

    def wrapped(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth:
            raise OSError(code, os.strerror(code))
        return call(*args, **options)

    return wrapped, calls


def test_writes_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    atomic_write(target, b"one")
    atomic_write(str(target), bytearray(b"two"))
    assert target.read_bytes() == b"two"
    assert names(tmp_path) == ["a.bin"]


def test_temporary_lies_beside_the_target_with_its_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "picture.png") as temporary:
        assert temporary.parent == tmp_path
        assert PATTERN.fullmatch(temporary.name)
        assert temporary.suffix == ".png"
        assert not (tmp_path / "picture.png").exists()
        temporary.write_bytes(b"x")
    assert names(tmp_path) == ["picture.png"]


def test_longest_names_can_be_written(tmp_path: Path) -> None:
    name = "ä" * 125 + ".webp"  # 255 bytes
    atomic_write(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), GessoError("x")])
def test_a_failing_body_changes_nothing(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"before")
    with pytest.raises(type(error)), atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


def test_every_short_write_leaves_the_previous_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"before")
    data = os.urandom(3000)
    for size in range(0, 3000, 11):
        with files_at_most(size), pytest.raises(GessoError, match="a: cannot be written: "):
            atomic_write(target, data)
        assert target.read_bytes() == b"before"
        assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["open", "close", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_every_failing_call_leaves_a_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    target = tmp_path / "a"
    real = getattr(os, name)
    for nth in range(1, 20):
        target.write_bytes(b"before")
        wrapped, calls = failing(real, nth, code)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, wrapped)
            try:
                atomic_write(target, b"after")
            except GessoError as error:
                assert str(error).startswith(f"{target}: cannot be written: ")
                assert target.read_bytes() in (b"before", b"after")
                if name == "replace":
                    assert target.read_bytes() == b"before"
            else:
                assert target.read_bytes() == b"after"
        assert names(tmp_path) == ["a"]
        if calls[0] < nth:
            return  # every call of a whole write has failed once
    pytest.fail(f"{name} is called without end")


def test_a_disk_that_cannot_flush_keeps_the_previous_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"before")
    wrapped, _ = failing(os.fsync, 1, errno.EIO)
    monkeypatch.setattr(os, "fsync", wrapped)
    with pytest.raises(GessoError, match="Input/output error"):
        atomic_write(target, b"after")
    assert target.read_bytes() == b"before"


def test_flushed_before_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("folder" if is_folder else f"file of {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def noted_replace(source: Path, target: Path) -> None:
        events.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    atomic_write(tmp_path / "a", b"12345")
    assert events == ["file of 5", "rename", "folder"]


def test_targets_that_cannot_be_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe", "missing/a"):
        with pytest.raises(GessoError) as caught:
            atomic_write(tmp_path / name, b"x")
        assert str(tmp_path / name) in str(caught.value)
    assert names(tmp_path) == ["folder", "pipe"]


def test_errors_stay_one_line_whatever_the_name(tmp_path: Path) -> None:
    with pytest.raises(GessoError) as caught:
        atomic_write(tmp_path / "missing" / "a\nb\x1b[2J\udcff", b"x")
    assert str(caught.value).isprintable()
    assert shown("grün ☂.png") == "grün ☂.png"


def test_an_error_about_another_file_keeps_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "input").read_bytes()
    assert names(tmp_path) == []


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"x")
    target.chmod(0o600)
    atomic_write(target, b"y")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_sweep_takes_old_temporaries_and_nothing_else(tmp_path: Path) -> None:
    old, young = f".tmp-{'a' * 16}-x.png", f".tmp-{'b' * 16}-x.png"
    others = [
        "a.png",
        f".tmp-{'a' * 15}-x.png",
        ".tmp-x",
        f".tmp-{'A' * 16}-x",
        f"tmp-{'a' * 16}-x",
    ]
    link, folder = f".tmp-{'c' * 16}-x", f".tmp-{'d' * 16}-x"
    for name in [old, young, *others]:
        (tmp_path / name).write_bytes(b"")
        if name != young:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / link).symlink_to("a.png")
    os.utime(tmp_path / link, (0, 0), follow_symlinks=False)
    (tmp_path / folder).mkdir()
    os.utime(tmp_path / folder, (0, 0))
    assert sweep_stale(tmp_path) == [tmp_path / old]
    assert names(tmp_path) == sorted([young, link, folder, *others])
    assert sweep_stale(tmp_path / "missing") == []


def test_killed_writers_lose_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from gesso.disk.atomic import atomic_write\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1; atomic_write(sys.argv[1], bytes([n % 251]) * 4_000_000)\n"
    )
    target = tmp_path / "a"
    atomic_write(target, b"\0" * 4_000_000)
    for round_ in range(6):
        child = subprocess.Popen([sys.executable, "-c", script, str(target)])
        time.sleep(0.15 + 0.037 * round_)
        child.send_signal(signal.SIGKILL)
        child.wait()
        data = target.read_bytes()
        assert len(data) == 4_000_000
        assert len(set(data)) == 1
    sweep_stale(tmp_path, older_than=-1)
    assert names(tmp_path) == ["a"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").mkdir()
    link, target = tmp_path / "near/link.png", tmp_path / "far/target.png"
    link.symlink_to("../far/target.png")
    (tmp_path / "near/again.png").symlink_to("link.png")
    for name, data in ((link, b"new"), (tmp_path / "near/again.png", b"newer")):
        atomic_write(name, data)  # at first the link points to nothing
        assert link.is_symlink() and target.read_bytes() == data
        assert names(tmp_path / "far") == ["target.png"]
    (tmp_path / "near/lost.png").symlink_to("../none/a.png")
    (tmp_path / "near/loop.png").symlink_to("loop.png")
    for name in ("lost.png", "loop.png"):
        with pytest.raises(GessoError, match="cannot be written"):
            atomic_write(tmp_path / "near" / name, b"x")
    assert names(tmp_path / "near") == ["again.png", "link.png", "loop.png", "lost.png"]


def test_the_first_write_in_a_folder_sweeps_what_killed_writers_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(age: float) -> Path:
        path = tmp_path / f".tmp-{'a' * 16}-x.png"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    assert leave(4000).exists()
    atomic_write(tmp_path / "a.png", b"x")
    assert names(tmp_path) == ["a.png"]
    young = leave(3000)
    atomic_write(tmp_path / "a.png", b"x")
    assert young.exists()  # perhaps a writer at work
    old, hour = leave(4000), time.monotonic() + 3600
    atomic_write(tmp_path / "a.png", b"x")
    assert old.exists()  # swept a moment ago: a folder of many files is not listed at every write
    monkeypatch.setattr(time, "monotonic", lambda: hour)
    atomic_write(tmp_path / "a.png", b"x")
    assert names(tmp_path) == ["a.png"]


def test_names_with_a_nul_are_refused_in_one_printable_line(tmp_path: Path) -> None:
    for name in (f"{tmp_path}/a\0b", Path(f"{tmp_path}/a\0b")):
        words = r"a\\x00b: no file has a name with a NUL in it"
        with pytest.raises(GessoError, match=words) as one:
            atomic_write(name, b"x")
        with pytest.raises(GessoError, match=words):
            sha256_file(name)
        assert str(one.value).isprintable()


def test_sha256(tmp_path: Path) -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a") == expected


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer for ever
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(GessoError, match=re.escape(str(path))), open_regular(path):
            pass
