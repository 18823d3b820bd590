"""The run's folder: bounded, private, and gone when the server is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gesso.studio.limits import Limits
from gesso.studio.refusals import Refused
from gesso.studio.store import PREFIX, Entry, Store, harmless, sweep
from studio_client import serving
from tiny_files import TinyFiles


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(1000, tmp_path)
    yield made
    made.close()


def kept(store: Store, size: int, session: str = "one") -> Entry:
    entry = store.new(session, "a.png")
    with store.writing(entry) as file:
        file.write(bytes(size))
    return store.add(entry)


def test_files_are_their_owners_only(store: Store) -> None:
    entry = kept(store, 10)
    assert entry.path.stat().st_mode & 0o777 == 0o600
    assert [f.stat().st_mode & 0o777 for f in (store.folder, entry.path.parent)] == [0o700] * 2


def test_what_was_not_used_for_longest_makes_room(store: Store) -> None:
    old, used = kept(store, 400), kept(store, 400)
    store.get("one", old.id)
    kept(store, 400)
    assert store.get("one", old.id) is old and not used.path.exists()
    with pytest.raises(Refused, match="unknown"):
        store.get("one", used.id)


def test_what_jobs_need_stays_and_more_is_refused(store: Store) -> None:
    needed = kept(store, 900)
    store.pin([needed], 1)
    with pytest.raises(Refused, match="waiting jobs need them") as refused:
        kept(store, 400)
    assert refused.value.retry_after and needed.path.exists()
    assert [entry.id for entry in store.of("one")] == [needed.id]
    store.pin([needed], -1)
    kept(store, 400)
    assert not needed.path.exists()


def test_a_thousand_pictures_take_no_more_than_they_may(store: Store) -> None:
    for number in range(1000):
        kept(store, 150, f"session{number % 7}")
    sizes = [path.stat().st_size for path in store.folder.rglob("*") if path.is_file()]
    assert 700 <= sum(sizes) <= 1000


def test_a_file_that_breaks_off_leaves_nothing(store: Store) -> None:
    entry = store.new("one", "a.png")
    with pytest.raises(ConnectionError), store.writing(entry) as file:
        file.write(b"half")
        raise ConnectionError
    assert not entry.path.parent.exists()


def test_folders_of_killed_servers_are_removed_and_no_others(tmp_path: Path) -> None:
    running = Store(1000, tmp_path)
    killed = Store(1000, tmp_path)
    killed._lock_file.close()  # as the system does when a process ends
    young = tmp_path / f"{PREFIX}young"
    young.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    past = time.time() - 3600
    for folder in (running.folder, killed.folder, other):
        os.utime(folder, (past, past))
    assert [path.name for path in sweep(tmp_path)] == [killed.folder.name]
    assert running.folder.exists() and young.exists() and other.exists()
    running.close()
    assert not running.folder.exists()


def test_a_server_that_ends_leaves_nothing(
    tiny_environment: None, tmp_path: Path, files: TinyFiles
) -> None:
    with serving(tmp_path, Limits(decode_timeout=120)) as (server, client):
        client.send(files.photo)
        workers = server.studio.jobs.workers
        assert list((tmp_path / "runs").iterdir())
    assert not list((tmp_path / "runs").iterdir())
    assert [worker._process for worker in workers] == [None]


def test_another_sessions_entry_is_unknown(store: Store) -> None:
    made = store.new("one", "a.png")
    with store.writing(made) as file:
        file.write(b"a")
    store.add(made)
    assert store.get("one", made.id) is made
    with pytest.raises(Refused, match="picture: unknown"):
        store.get("two", made.id)


@pytest.mark.parametrize("name", ["con", "CON.png", "nul.tar.gz", "com1", "Lpt9.jpg"])
def test_names_that_are_devices_elsewhere_are_changed(name: str) -> None:
    assert harmless(name) == f"_{name}"
