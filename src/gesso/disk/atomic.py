"""Whole files or none: atomic writes, stale temporaries and SHA-256.

A file is written under a temporary name in its own folder, flushed to the disk (fsync), renamed
over the final name and the folder flushed. Whatever stops a write, an error, a signal or a power
cut, the final name holds the previous file or the new one, each complete. A link is followed: the
file it points to is replaced. What killed writers left in a folder is removed by the next write
there. Needs no torch.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import secrets
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gesso.errors import GessoError

StrPath = str | os.PathLike[str]

_TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{16}-(.+)", re.DOTALL)
_LONGEST_NAME = 255  # bytes, on every common file system
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
_HOUR = 3600.0

_swept: dict[Path, float] = {}  # folders this process has swept, and when


@contextmanager
def atomic_path(path: StrPath) -> Iterator[Path]:
    """Yield a temporary path beside `path` for the body to write; then move it into place.

    The temporary is an empty file named ``.tmp-<16 hex digits>-<name>``, so its suffix is that of
    `path`. It is removed when the body raises, and the previous file stays as it was.

    Raises:
        GessoError: the folder is missing or read-only, the disk is full, `path` is a folder, or
            the body met another OSError while writing.
    """
    target = _followed(path)
    temporary = target.parent / temporary_name(target.name)
    try:
        _sweep_now_and_then(target.parent)
        mode = _mode_of_existing(target)
        _create(temporary, mode)
        yield temporary
        put_in_place(temporary, target)
    except OSError as error:
        if _is_about_another_file(error, temporary, target):
            raise  # the error concerns another file: pass it on
        raise GessoError(os_error_line(target, error, "cannot be written")) from error
    finally:
        with suppress(OSError):  # gone after the rename; nothing more to do if it cannot be removed
            os.unlink(temporary)


def put_in_place(temporary: Path, target: Path) -> None:
    """Flush a file that is complete to the disk and give it its final name, in the same folder.
    Raises OSError where that fails."""
    _sync(temporary)
    os.replace(temporary, target)
    _sync_folder(target.parent)


def atomic_write(path: StrPath, data: bytes | bytearray | memoryview) -> None:
    """Write `data` as the whole content of `path`, or leave `path` as it was (see `atomic_path`).

    Raises:
        GessoError: `path` cannot be written; one line that names it and says why.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)


def sweep_stale(
    folder: StrPath, older_than: float = _HOUR, names: Collection[str] | None = None
) -> list[Path]:
    """Remove the temporaries that killed writers left in `folder`; return what was removed.
    With `names` only those of files that are called so.

    Only regular files with the name pattern of `atomic_path` whose last write lies more than
    `older_than` seconds back are touched, so that a writer at work keeps its file. A folder that
    cannot be read is left as it is: sweeping is housekeeping and never fails a run.
    """
    removed: list[Path] = []
    limit = time.time() - older_than
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _TEMPORARY.fullmatch(entry.name)
            ours = found is not None and (names is None or found[1] in names)
            if ours and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < limit:
                        os.unlink(entry.path)
                        removed.append(Path(entry.path))
    return removed


def is_temporary(path: Path) -> bool:
    """Whether a file has a name that writers give to what they have not finished."""
    return _TEMPORARY.fullmatch(path.name) is not None


def make_folder(path: StrPath) -> None:
    """Create a folder, and those above it, where they are not there yet. Raises GessoError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise GessoError(os_error_line(path, error, "cannot be created")) from error


def sha256_file(path: StrPath) -> str:
    """SHA-256 of a file's bytes, read in pieces, as 64 lower-case hexadecimal digits.

    Raises:
        GessoError: the file is missing, is not a regular file or cannot be read.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_regular(path: StrPath) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading bytes; pipes, devices and folders are refused, not waited on.

    Raises:
        GessoError: the file is missing, is not a regular file, or a read in the body failed.
    """
    _check_name(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise GessoError(f"{shown(path)}: not a file")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise GessoError(os_error_line(path, error, "cannot be read")) from error


def shown(path: StrPath) -> str:
    """`path` as it may stand in a one-line message: control and undecodable characters escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def os_error_line(path: StrPath, error: OSError, trouble: str) -> str:
    """One line that names `path`, the `trouble` ("cannot be read") and the system's reason."""
    reason = error.strerror or (str(error).splitlines() or [type(error).__name__])[0]
    return f"{shown(path)}: {trouble}: {reason}"


def _followed(path: StrPath) -> Path:
    """The file to be written: what `path` points to if it is a link, which may not exist yet.

    Raises:
        GessoError: a name with a NUL in it.
    """
    _check_name(path)
    target = Path(path)
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def _check_name(path: StrPath) -> None:
    if "\0" in os.fsdecode(path):
        raise GessoError(f"{shown(os.fsdecode(path))}: no file has a name with a NUL in it")


def _sweep_now_and_then(folder: Path) -> None:
    """Sweep a folder at its first write, and then at most once an hour."""
    now = time.monotonic()
    if now - _swept.get(folder, -_HOUR) >= _HOUR:
        _swept[folder] = now
        sweep_stale(folder)


def _mode_of_existing(target: Path) -> int | None:
    """Permission bits of the file to be replaced, None if there is none yet."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a regular file")
    return stat.S_IMODE(mode)


def temporary_name(name: str) -> str:
    """A new name, as `is_temporary` knows it, that ends like a file's."""
    name = name or "file"
    prefix = f".tmp-{secrets.token_hex(8)}-"
    while len(os.fsencode(prefix + name)) > _LONGEST_NAME and len(name) > 1:
        name = name[1:]  # from the front: libraries know the format by the suffix
    return prefix + name


def _create(temporary: Path, mode: int | None) -> None:
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    if mode is not None:
        with suppress(OSError):  # some file systems know no permissions
            os.chmod(temporary, mode | stat.S_IWUSR)  # a private file stays private


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a rename last. Systems that cannot flush a folder are as safe as they can be."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _is_about_another_file(error: OSError, temporary: Path, target: Path) -> bool:
    if error.filename is None:
        return False
    return os.fspath(error.filename) not in {str(temporary), str(target), str(target.parent)}
