"""A file of lines that grows in parts: none is lost that was said to be there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gesso.errors import GessoError
from gesso.pipeline import parts
from gesso.pipeline.manifest import Manifest, Row
from gesso.pipeline.parts import Parts
from gesso.pipeline.remote import remote

fsspec: Any = pytest.importorskip("fsspec")


class Shelf:
    """Files by name, and what was done to them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.done: list[str] = []
        self.full = False

    def data(self, name: str) -> bytes:
        return self.files[name]

    def exists(self, name: str) -> bool:
        return name in self.files

    def paths(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.rpartition("/")[0] == folder)

    def write(self, name: str, data: bytes) -> None:
        if self.full:
            raise GessoError(f"{name}: cannot be written (full)")
        self.done.append(f"write {name}")
        self.files[name] = data

    def remove(self, name: str) -> None:
        self.done.append(f"remove {name}")
        self.files.pop(name, None)

    def make_folder(self, name: str) -> None:
        pass

    def remove_folder(self, name: str) -> None:
        pass


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(parts, "MOST_LINES", 3)
    return Shelf()


def opened(shelf: Shelf) -> Parts:
    return Parts(shelf, "m/log")


def test_lines_come_back_in_order_whatever_number_there_is(shelf: Shelf) -> None:
    first = opened(shelf)
    first.replace(b"head\n")
    lines = [b"%d\n" % number for number in range(40)]
    for line in lines[:20]:
        first.append(line)
    second = opened(shelf)
    assert second.read() == b"".join([b"head\n", *lines[:20]])
    for line in lines[20:]:
        second.append(line)
    assert opened(shelf).read() == b"".join([b"head\n", *lines])
    assert max(map(len, shelf.files.values())) <= 9


def test_one_file_is_made_of_all_before_the_parts_go(shelf: Shelf) -> None:
    log = opened(shelf)
    log.replace(b"head\n")
    log.append(b"one\n")
    shelf.done.clear()
    log.replace(b"all\n")
    assert shelf.done == ["write m/log", "remove m/.log/000001"]
    log.append(b"two\n")
    assert opened(shelf).read() == b"all\ntwo\n"


def test_parts_of_another_run_go_before_a_new_file_comes(shelf: Shelf) -> None:
    before = opened(shelf)
    before.replace(b"old head\n")
    before.append(b"old\n")
    shelf.done.clear()
    opened(shelf).replace(b"head\n")  # as --anew does, which reads nothing
    assert shelf.done == ["remove m/.log/000001", "write m/log"]


def test_without_the_file_its_parts_count_for_nothing(shelf: Shelf) -> None:
    shelf.files["m/.log/000001"] = b"old\n"
    log = opened(shelf)
    assert log.read() == b""
    log.replace(b"head\n")
    assert opened(shelf).read() == b"head\n"


def test_what_may_wait_is_there_within_a_second_and_with_what_may_not(shelf: Shelf) -> None:
    log = opened(shelf)
    log.replace(b"head\n")
    log.append(b"begun\n")
    log.append(b"done\n", now=False)
    assert opened(shelf).read() == b"head\nbegun\n"
    log.append(b"begun\n")
    assert opened(shelf).read() == b"head\nbegun\ndone\nbegun\n"
    log.append(b"late\n", now=False)
    end = time.monotonic() + 10
    while not opened(shelf).read().endswith(b"late\n") and time.monotonic() < end:
        time.sleep(0.05)
    assert opened(shelf).read().endswith(b"late\n")
    log.append(b"last\n", now=False)
    log.flush()
    assert opened(shelf).read().endswith(b"last\n")


def test_what_could_not_be_written_late_is_told(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PAUSE", 0.05)
    log = opened(shelf)
    log.append(b"begun\n")
    log.append(b"done\n", now=False)
    shelf.full = True
    time.sleep(0.3)
    with pytest.raises(GessoError, match="cannot be written"):
        log.append(b"begun\n")
    with pytest.raises(GessoError, match="cannot be written"):
        log.flush()


def test_a_manifest_is_written_down_many_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    monkeypatch.setattr(
        type(remote("memory://x")), "write", lambda _, name, data: writes.append(name)
    )
    manifest = Manifest("memory://rows/manifest.jsonl", {})
    rows = [Row(f"{number}.jpg", f"{number}.jpg", "begun") for number in range(manifest.ahead)]
    manifest.begin(rows)
    for row in rows:
        manifest.note(Row(row.output, row.input, "done"))
    manifest.flush()
    assert len(writes) <= 1 + 1 + 3 and manifest.ahead >= 16
