"""Files behind URLs: s3://, gs://, file://, memory:// and what else fsspec knows. Needs no torch.

Object stores show a file when all of it has come, so there one call writes it. Elsewhere it is
written under a temporary name in its own folder and moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from gesso.disk.atomic import is_temporary, shown, temporary_name
from gesso.disk.cache_dir import cache_folder
from gesso.disk.lock import locked
from gesso.errors import GessoError
from gesso.images.formats import SUFFIXES
from gesso.images.source import MAX_BYTES, NamedBytes, Source, problem
from gesso.pipeline.files import Found, Journal, Known, Stamp, Target
from gesso.pipeline.parts import Parts
from gesso.pipeline.plan import identity
from gesso.pipeline.searching import FILE, FOLDER, below, fits, is_hidden, stamp
from gesso.pipeline.stores import AT_ONCE, READ, scheme_of, store, told

_FOLDERS = 16  # whose files are known at a time


def remote(url: str) -> Remote:
    """Where a file of this URL is. Raises GessoError as `gesso.pipeline.stores.store` does."""
    return _remote(store(url), scheme_of(url))


@lru_cache(256)
def _remote(fs: Any, scheme: str) -> Remote:
    return Remote(fs, scheme)


class Remote:
    """Files of one file system of fsspec, `gesso.pipeline.files.Files` by their URLs."""

    def __init__(self, fs: Any, scheme: str) -> None:
        self.fs, self.scheme = fs, scheme
        self.shared, self.at_once = scheme != "memory", scheme in AT_ONCE
        self._stamps: dict[str, Stamp] = {}
        self._folders: dict[str, set[str]] = {}

    def find(self, name: str, out: str) -> tuple[list[Found], dict[str, str]]:
        found, failures = self.search(name, SUFFIXES, out)
        if not found and not failures:
            failures[name] = f"{shown(name)}: holds no pictures"
        return found, failures

    def search(
        self, name: str, suffixes: Collection[str], out: str = ""
    ) -> tuple[list[Found], dict[str, str]]:
        """As `find`, for files with other endings."""
        root = self._path(name)
        kind = self._kind(name)
        if kind == FILE:
            return [Found(name, self._trace(root), Path(root.rpartition("/")[2]))], {}
        if not kind:
            return [], {name: f"{shown(name)}: no such file or folder"}
        with told(name, "cannot be listed"):
            infos = dict(below(self.fs, root, self.at_once))
        results = f"{self._path(out)}/" if scheme_of(out) == self.scheme else ""
        away = results if results.startswith(f"{root}/") and results != f"{root}/" else None
        found, failures = [], {}
        for path in sorted(infos, key=lambda path: path.split("/")):
            relative, info = path[len(root.rstrip("/")) + 1 :], infos[path]
            url = self.below(name, relative)
            if isinstance(info, str):
                failures[url] = str(problem(url, info))
            elif not relative.lower().endswith((*suffixes,)) or (away and path.startswith(away)):
                continue
            elif not fits(relative):
                failures[url] = str(problem(url, "called as no result can be called"))
            elif info["type"] != FILE and not is_hidden(relative):
                failures[url] = str(problem(url, "not a file"))
            elif not is_hidden(relative):
                self._stamps[path] = stamp(info)
                found.append(Found(url, self._trace(path), Path(relative)))
        return found, failures

    def below(self, folder: str, name: str) -> str:
        return f"{folder.rstrip('/')}/{name}"

    def identity(self, name: str) -> object:
        path = self._path(name)
        return identity(Path(path)) if self.scheme in ("file", "local") else (self.scheme, path)

    def stamp(self, name: str) -> Stamp:
        path = self._path(name)
        if path not in self._stamps:
            with told(name, READ):
                return stamp(self.fs.info(path))
        return self._stamps[path]

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self.data(name)).hexdigest()

    def data(self, name: str) -> bytes:
        """All bytes of a file. Raises GessoError."""
        with told(name, READ):
            return bytes(self.fs.cat_file(self._path(name)))

    def exists(self, name: str) -> bool:
        return self._kind(name) == FILE

    def was_there(self, name: str) -> bool:
        path = self._path(name)
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            if len(self._folders) == _FOLDERS:
                self._folders.clear()
            self._folders[folder] = set(self.paths(name.rpartition("/")[0]))
        return path in self._folders[folder]

    def paths(self, folder: str) -> list[str]:
        """The paths of what is in a folder, in order; none where it is not there."""
        with told(folder, "cannot be listed"):
            self.fs.invalidate_cache()
            with suppress(FileNotFoundError):
                return sorted(self.fs.ls(self._path(folder), detail=False))
        return []

    def source(self, name: str) -> tuple[Source, Known]:
        path = self._path(name)
        with told(name, READ):
            self.fs.invalidate_cache(path)
            now = stamp(self.fs.info(path))
            if now.bytes > MAX_BYTES:  # which reading it will say
                data, digest = self.fs.cat_file(path, end=MAX_BYTES + 1), ""
            else:
                data = self.fs.cat_file(path)
                digest = hashlib.sha256(data).hexdigest()
        return NamedBytes(data, name), {"sha256": digest, **now._asdict()}

    @contextmanager
    def saving(self, name: str) -> Iterator[Target]:
        sink = NamedBytes(b"", name)
        yield sink
        self.write(name, sink.getvalue())

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        with told(name, "cannot be written"):
            if self.at_once:
                self.fs.pipe_file(path, data)
                return
            folder, _, own = path.rpartition("/")
            temporary = f"{folder}/{temporary_name(own)}"
            try:
                self.fs.pipe_file(temporary, data)
                self.fs.mv(temporary, path)
            except BaseException:
                with suppress(Exception):
                    self.fs.rm_file(temporary)
                raise

    def remove(self, name: str) -> None:
        with told(name, "cannot be removed"), suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))

    def make_folder(self, name: str) -> None:
        if self._kind(name) == FILE:
            raise GessoError(f"{shown(name)}: a file; a folder is needed")
        if not self.at_once:
            with told(name, "cannot be created"):
                self.fs.makedirs(self._path(name), exist_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove a folder, where folders are more than names, with what is left in it."""
        if not self.at_once and self._kind(name):
            with told(name, "cannot be removed"):
                self.fs.rm(self._path(name), recursive=True)

    def prepare(self, names: Collection[str]) -> None:
        self._folders.clear()
        if self.at_once:
            return
        ends = tuple(f"-{name.rpartition('/')[2]}" for name in names)
        for folder in dict.fromkeys(name.rpartition("/")[0] for name in names):
            self.make_folder(folder)
            for path in self.paths(folder):
                left = path.rpartition("/")[2]
                if is_temporary(Path(left)) and left.endswith(ends):
                    self.remove(self.below(folder, left))

    def journal(self, name: str) -> Journal:
        return Parts(self, name)

    def held(self, name: str, trouble: str) -> AbstractContextManager[None]:
        """Keeps commands of this machine away; a store has no locks."""
        digest = hashlib.sha256(name.encode()).hexdigest()
        return locked(cache_folder("locks") / f"{digest}.lock", trouble)

    def _kind(self, name: str) -> str:
        """What is there: `FILE`, `FOLDER` or nothing, ""."""
        with told(name, "cannot be looked at"):
            self.fs.invalidate_cache()
            with suppress(FileNotFoundError):
                return FILE if self.fs.info(self._path(name))["type"] == FILE else FOLDER
        return ""

    def _path(self, name: str) -> str:
        scheme, mark, rest = name.partition("://")
        return str(self.fs._strip_protocol(f"{scheme.lower()}{mark}{rest}"))

    def _trace(self, path: str) -> Path:
        return Path("/", f"{self.scheme}:", path.lstrip("/"))
