"""Batches behind URLs, by fsspec: the files of this machine (file://) and of memory (memory://)."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gesso.errors import GessoError
from gesso.pipeline.batch import run_batch
from gesso.pipeline.crew import Event
from gesso.pipeline.files import files_at
from gesso.pipeline.manifest import Row
from gesso.pipeline.remote import remote
from gesso.pipeline.searching import stamp
from gesso.pipeline.stores import store
from gesso.pipeline.tasks import Shard, Task, plan_batch
from gesso.pipeline.urls import fetched

fsspec: Any = pytest.importorskip("fsspec")
Change = Callable[[str, bytes], None]


class Killed(BaseException):
    """The whole command is killed."""


class Frail:
    """A worker of which photos can be the death: it does what a `Painter` does with files."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self._jobs: deque[Task] = deque()

    def run(self, jobs: Iterable[Task]) -> Iterator[Event[Task]]:
        self._jobs.extend(jobs)
        while self._jobs:
            task = self._jobs.popleft()
            yield Event(task, "begun")
            self.tried.append(task.photo.rpartition("/")[2])
            source, known = files_at(task.photo).source(task.photo)
            data = source.read()  # type: ignore[union-attr]
            if data.startswith(b"poison"):
                yield Event(task, "died", how="SIGSEGV")
            elif data.startswith(b"master"):
                raise Killed
            else:
                yield Event(task, "ended", self._done(task, data, known))

    def _done(self, task: Task, data: bytes, known: dict[str, Any]) -> dict[str, Any]:
        if data.startswith(b"bad"):
            return {"state": "failed", "reason": f"{task.photo}: bad", **known}
        with files_at(task.out).saving(task.out) as target:
            target.write(data.upper())  # type: ignore[union-attr]
        return {"state": "done", **known}

    def again(self, job: Task) -> None:
        self._jobs.append(job)


class Place:
    """A folder behind a URL, with the photos of a batch."""

    def __init__(self, root: str) -> None:
        self.root, self.fs = root, store(root)

    def put(self, name: str, data: bytes | str) -> None:
        path = self.fs._strip_protocol(f"{self.root}/{name}")
        self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.fs.pipe_file(path, data.encode() if isinstance(data, str) else data)

    def get(self, name: str) -> bytes:
        return bytes(self.fs.cat_file(f"{self.root}/{name}"))

    def tree(self, name: str = "out") -> dict[str, bytes]:
        """All there is below a folder, hidden files as well."""
        top = self.fs._strip_protocol(f"{self.root}/{name}")
        found = self.fs.find(top)
        return {path[len(top) + 1 :]: bytes(self.fs.cat_file(path)) for path in found}

    def run(self, shard: str = "1/1", **options: Any) -> tuple[list[Row], list[str]]:
        """The rows of the batch, and the photos that were tried."""
        out, crew = f"{self.root}/out", Frail()
        files_at(out).make_folder(out)
        batch = plan_batch([f"{self.root}/in"], [(None, "style")], out, Shard.read(shard))
        made_by = options.pop("made_by", {"size": 9})
        return run_batch(batch, made_by, lambda: crew, **options), crew.tried


@pytest.fixture(params=["file", "memory", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> Iterator[Place]:
    """Six photos, one of them bad; s3: a stand-in, which shows folders as object stores do."""
    memory = fsspec.filesystem("memory")
    roots = {"file": tmp_path.as_uri(), "memory": "memory://a", "s3": "s3://a"}
    if request.param == "s3":
        stores = "gesso.pipeline.stores._store"
        monkeypatch.setattr(stores, lambda root: Objects())
    found = Place(roots[request.param])
    for name in ("a.jpg", "b.png", "sub/c.jpg", "d.jpg", "e.gif"):
        found.put(f"in/{name}", f"photo {name}")
    found.put("in/bad.jpg", "bad")
    yield found
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


class Objects(fsspec.filesystem("memory").__class__):  # type: ignore[misc]
    """An object store: names with "/", times as S3 says them, and nothing moves."""

    protocol = "s3"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("s3://").strip("/")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        pass

    def mv(self, *paths: str, **more: Any) -> None:
        raise AssertionError("an object store moves nothing")


def states(rows: list[Row]) -> dict[str, str]:
    return {row.output: row.state for row in rows}


NAMES = ["a.jpg", "b.png", "bad.jpg", "d.jpg", "e.gif.png", "sub/c.jpg"]


def test_every_photo_ends_as_done_or_failed(place: Place) -> None:
    rows, _ = place.run()
    assert states(rows) == {n: "failed" if n == "bad.jpg" else "done" for n in NAMES}
    assert place.get("out/sub/c.jpg") == b"PHOTO SUB/C.JPG"
    tree = place.tree()
    assert sorted(tree) == sorted([*NAMES[:2], *NAMES[3:], "failures.txt", "manifest.jsonl"])
    lines = tree["manifest.jsonl"].splitlines()
    assert [json.loads(line)["output"] for line in lines[1:]] == NAMES
    assert tree["failures.txt"].decode() == f"{place.root}/in/bad.jpg: bad\n"


def test_what_is_finished_is_not_touched(place: Place) -> None:
    place.run()
    before = place.fs.find(f"{place.root}/out", detail=True)
    rows, tried = place.run()
    assert len(rows) == 6 and tried == []
    after = place.fs.find(f"{place.root}/out", detail=True)
    pictures = [path for path in before if not path.endswith(("jsonl", "txt"))]
    assert len(pictures) == 5 and all(before[path] == after[path] for path in pictures)


def test_new_changed_and_missing_ones_are_done(place: Place) -> None:
    place.run()
    place.put("in/new.jpg", "new")
    place.put("in/a.jpg", "changed")
    place.put("in/sub/c.jpg", place.get("in/sub/c.jpg"))  # another time, the same bytes
    place.fs.rm_file(f"{place.root}/out/d.jpg")
    place.fs.rm_file(f"{place.root}/in/b.png")
    rows, tried = place.run()
    assert states(rows)["new.jpg"] == "done" and sorted(tried) == ["a.jpg", "d.jpg", "new.jpg"]
    assert place.get("out/a.jpg") == b"CHANGED" and b"b.png" not in place.get("out/manifest.jsonl")


def test_failed_ones_are_tried_again_when_they_change_or_on_demand(place: Place) -> None:
    place.run()
    assert place.run(retry=True)[1] == ["bad.jpg"]
    place.put("in/bad.jpg", "good now")
    assert set(states(place.run()[0]).values()) == {"done"}
    assert "failures.txt" not in place.tree()
    assert len(place.run(anew=True)[1]) == 6


def test_poison_is_tried_twice_and_then_has_failed(place: Place) -> None:
    place.put("in/aaa.jpg", "poison")
    rows, tried = place.run()
    assert tried.count("aaa.jpg") == 2 and states(rows)["aaa.jpg"] == "failed"
    assert f"{place.root}/in/aaa.jpg: ended its worker twice (SIGSEGV)" in {x.reason for x in rows}
    assert sum(row.state == "done" for row in rows) == 5 and place.run()[1] == []


def test_what_kills_the_whole_command_comes_last_and_fails_the_third_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("in/aaa.jpg", "master")
    monkeypatch.setattr("gesso.pipeline.manifest.Manifest.flush", lambda manifest: None)
    tried = []
    for _ in range(3):
        with pytest.raises(Killed):
            tried.append(place.run()[1])
    assert tried == []
    rows, tried = place.run()
    reason = {row.output: row.reason for row in rows}["aaa.jpg"]
    assert "under way all 3 times that the command was killed" in reason and "aaa.jpg" not in tried
    assert sum(row.state == "done" for row in rows) == 5


def test_shards_share_the_photos(place: Place) -> None:
    parts = [place.run(f"{number}/3")[0] for number in (1, 2, 3)]
    assert sorted(name for rows in parts for name in states(rows)) == NAMES
    assert {name for name in place.tree() if "manifest" in name} == {
        f"manifest-{number}-of-3.jsonl" for number in (1, 2, 3)
    }


def test_pictures_of_other_options_are_not_mixed(place: Place) -> None:
    place.run()
    with pytest.raises(GessoError, match=r"manifest.jsonl: its pictures .* size = 9, now 8"):
        place.run(made_by={"size": 8})
    assert len(place.run(made_by={"size": 8}, anew=True)[1]) == 6


def test_results_of_earlier_runs_are_no_photos(place: Place) -> None:
    for _ in range(2):
        batch = plan_batch([place.root], [(None, "s")], f"{place.root}/out", Shard())
        assert {task.output for task in batch.tasks} == {f"in/{name}" for name in NAMES}
        place.run()


def test_an_input_is_never_an_output(place: Place, tmp_path: Path) -> None:
    with pytest.raises(GessoError, match="is an input, which is never overwritten"):
        plan_batch([f"{place.root}/in"], [(None, "s")], f"{place.root}/in", Shard())
    place.put("out/a.jpg", "a style")
    with pytest.raises(GessoError, match="is an input"):
        styles: list[tuple[Path | None, str]] = [(None, "s")]
        out = f"{place.root}/out"
        plan_batch([f"{place.root}/in"], styles, out, Shard(), [f"{place.root}/out/a.jpg"])


def test_a_file_is_one_by_its_path_and_by_its_url(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("photo")
    with pytest.raises(GessoError, match="is an input"):
        plan_batch([tmp_path / "a.jpg"], [(None, "s")], tmp_path.as_uri(), Shard())


def test_a_scheme_may_be_written_large(place: Place) -> None:
    scheme, _, rest = place.root.partition("://")
    batch = plan_batch([f"{scheme.upper()}://{rest}/in"], [(None, "s")], place.root, Shard())
    assert {task.output for task in batch.tasks} == set(NAMES)
    name = batch.tasks[0].photo
    assert files_at(name).stamp(name).bytes == len("photo a.jpg")


def test_photos_and_results_may_lie_in_different_places(place: Place, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/z.jpg").write_text("here")
    photos = [f"{place.root}/in", tmp_path / "here"]
    batch = plan_batch(photos, [(None, "s")], tmp_path / "results", Shard())
    assert {task.output for task in batch.tasks} == {*NAMES, "z.jpg"}
    assert all(task.out == str(tmp_path / "results" / task.output) for task in batch.tasks)


def test_names_can_neither_collide_nor_escape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Objects()
    monkeypatch.setattr("gesso.pipeline.stores._store", lambda root: objects)
    strange = ("../up.jpg", "a/../../b.jpg", "a//b.jpg", "./c.jpg", "back\\slash.jpg", "nul\0.jpg")
    alike = ("x.jpg", "X.jpg", "caf\u00e9.jpg", "cafe\u0301.jpg", "x.gif", "x.gif.png")
    hidden = (".hidden.jpg", ".git/a.jpg")
    try:
        for name in (*strange, *alike, *hidden, "notes.txt", "a/b.jpg"):
            objects.store[f"/b/in/{name}"] = objects.open(f"/b/in/{name}", "wb", data=b"photo")
        batch = plan_batch(["s3://b/in"], [(None, "s")], tmp_path / "out", Shard())
    finally:
        objects.store.clear()
    assert len(batch.failures) == len(strange)
    assert all("called as no result can be called" in line for line in batch.failures.values())
    assert len(batch.tasks) == len(alike) + 1
    assert len({task.output.casefold() for task in batch.tasks}) == len(batch.tasks)
    inside = [Path(os.path.normpath(task.out)) for task in batch.tasks]
    assert all(tmp_path / "out" in path.parents for path in inside)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{tmp_path.as_uri()}/a.jpg"
    files = remote(name)
    files.write(name, b"old")
    monkeypatch.setattr(type(files.fs), "mv", lambda *paths, **more: 1 / 0)
    with pytest.raises(GessoError, match=r"a.jpg: cannot be written \(division by zero\)"):
        files.write(name, b"new")
    assert os.listdir(tmp_path) == ["a.jpg"] and (tmp_path / "a.jpg").read_bytes() == b"old"


def test_temporaries_of_killed_workers_are_removed_and_no_others(tmp_path: Path) -> None:
    found = Place(tmp_path.as_uri())
    found.put("in/a.jpg", "photo")
    ours, other = (f"out/.tmp-{'0' * 16}-{name}.jpg" for name in ("a", "other"))
    found.put(ours, "")
    found.put(other, "")
    part = f"out/.manifest.jsonl/.tmp-{'0' * 16}-000005"
    found.put(part, "")
    found.run()
    assert not (tmp_path / ours).exists() and (tmp_path / other).exists()
    assert not (tmp_path / part).parent.exists()


def test_links_that_lead_nowhere_and_folders_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Place(tmp_path.as_uri())
    for name in ("in/a.jpg", "in/closed/b.jpg", "else/c.jpg"):
        found.put(name, "photo")
    os.symlink(tmp_path / "nowhere", tmp_path / "in/dangling.jpg")
    os.symlink(tmp_path / "else/c.jpg", tmp_path / "in/link.jpg")
    os.symlink(tmp_path / "in", tmp_path / "in/circle")
    os.mkfifo(tmp_path / "in/pipe.jpg")
    ls = type(found.fs).ls

    def guarded(fs: Any, path: str, **more: Any) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return ls(fs, path, **more)

    monkeypatch.setattr(type(found.fs), "ls", guarded)
    batch = plan_batch([f"{found.root}/in"], [(None, "s")], f"{found.root}/out", Shard())
    assert [task.output for task in batch.tasks] == ["a.jpg", "link.jpg"]
    lines = {name.rpartition("/")[2]: line for name, line in batch.failures.items()}
    assert set(lines) == {"closed", "dangling.jpg", "pipe.jpg"}
    assert lines["closed"].endswith("in/closed: cannot be read (Permission denied)")


def test_a_photo_over_the_limit_is_not_fetched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gesso.pipeline.remote.MAX_BYTES", 4)
    found = Place("memory://large")
    found.put("a.jpg", "0123456789")
    source, known = files_at("memory://large/a.jpg").source("memory://large/a.jpg")
    assert source.read() == b"01234"  # type: ignore[union-attr]
    assert known["bytes"] == 10 and known["sha256"] == ""


def test_a_time_is_the_same_in_a_list_and_alone() -> None:
    listed = {"size": 5, "LastModified": datetime(2026, 11, 28, 12, 0, 0, 678_000, UTC)}
    alone = {"size": 5, "LastModified": datetime(2026, 11, 28, 12, 0, 0, 0, UTC)}
    assert stamp(listed) == stamp(alone) == (5, 1_795_867_200_000_000_000)
    google = {"size": 5, "updated": "2026-11-28T12:00:00.500000+00:00"}
    assert stamp(google) == (5, 1_795_867_200_500_000_000)
    assert stamp({"size": None}) == (0, 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://bucket/a.jpg", "needs s3fs, which is missing; pip install s3fs brings it"),
        ("gs://bucket/a.jpg", "needs gcsfs, which is missing; pip install gcsfs brings it"),
        ("nothing://bucket/a.jpg", "nothing:// is unknown; allowed are s3://, gs://, file://"),
        ("https://example.org/a.jpg", "no place for many files; allowed are s3://"),
        ("memory://a.zip::s3://bucket", "no place for many files"),
        ("sftp://ada:secret@host/a.jpg", "sftp://…@host: holds a password"),
    ],
)
def test_urls_that_cannot_be_used_are_refused_in_one_line(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(GessoError) as refused:
        files_at(url)
    assert words in str(refused.value) and "secret" not in str(refused.value)


def test_without_fsspec_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    monkeypatch.setitem(sys.modules, "fsspec.registry", None)
    with pytest.raises(GessoError, match=r"^memory://none/a: needs fsspec, .*'gesso\[remote\]'"):
        files_at("memory://none/a")


def test_what_a_store_complains_of_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Place("memory://locked")
    found.put("in/a.jpg", "photo")

    def refuses(*paths: Any, **more: Any) -> None:
        raise RuntimeError("no credentials\nwere found")

    for name in ("info", "cat_file", "pipe_file"):
        with monkeypatch.context() as here:
            here.setattr(type(found.fs), name, refuses)
            with pytest.raises(GessoError) as told:
                found.run()
        assert str(told.value).endswith("(no credentials were found)"), name
        assert str(told.value).startswith("memory://locked/")


def test_styles_behind_urls_are_files_called_as_they_are(place: Place, own_cache: Path) -> None:
    for name in ("one/s.png", "two/s.safetensors", "two/notes.txt"):
        place.put(f"styles/{name}", name)
    paths = fetched(f"{place.root}/styles")
    assert [path.read_text() for path in paths] == ["one/s.png", "two/s.safetensors"]
    assert all(own_cache in path.parents and path.parts[-3] == "styles" for path in paths)
    place.put("styles/one/s.png", "another")
    assert fetched(f"{place.root}/styles/one/s.png")[0].read_text() == "another"
    with pytest.raises(GessoError, match=r"styles/none: no such file or folder"):
        fetched(f"{place.root}/styles/none")
    with pytest.raises(GessoError, match="holds no styles"):
        place.put("empty/notes.txt", "")
        fetched(f"{place.root}/empty")
