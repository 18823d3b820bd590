"""Files of the Hugging Face Hub, each pinned to one commit and one SHA-256. Needs no torch.

    hf:OWNER/NAME[/FILE]@COMMIT#sha256=DIGEST

A file is fetched once, into the cache, under its SHA-256; after that no network is needed, nor
huggingface_hub. What else comes than was asked for is not kept.
"""

from __future__ import annotations

import logging
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any, overload

from gesso.disk.atomic import open_regular, put_in_place, sha256_file, shown
from gesso.disk.cache_dir import cache_folder
from gesso.disk.header import brief, read_layout
from gesso.errors import GessoError

PREFIX, SUFFIX = "hf:", ".safetensors"
USUAL_FILE = "weights.safetensors"  # as `gesso train` calls it
USUAL_CARD = "card.safetensors"
FORM = "hf:OWNER/NAME[/FILE.safetensors]@COMMIT#sha256=DIGEST"
NEEDED = "needs huggingface_hub, which is not installed: pip install 'gesso[hf]'"

log = logging.getLogger(__name__)

_WORD = r"[A-Za-z0-9_][\w.-]*"
_PARTS = re.compile(
    rf"hf:(?P<repo>{_WORD}/{_WORD})(?:/(?P<file>{_WORD}(?:/{_WORD})*))?"
    r"(?:@(?P<commit>[^#]*))?(?:#sha256=(?P<sha256>.*))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Pinned:
    """One file of one commit of a repository, with the SHA-256 that it has to have."""

    repo: str
    file: str
    commit: str
    sha256: str


def on_hub(name: object) -> bool:
    """True if a name or path is one of a file on the hub."""
    return isinstance(name, str | PurePath) and str(name).startswith(PREFIX)


@overload
def local(file: str | Path) -> Path: ...
@overload
def local(file: None) -> None: ...
@overload
def local(file: str | Path | None) -> Path | None: ...
def local(file: str | Path | None) -> Path | None:
    """The file, or where one on the hub lies in the cache; None stays None. Raises GessoError as
    `fetched` does."""
    if file is None or not on_hub(file):
        return None if file is None else Path(file)
    return fetched(file)


def pinned(text: str, usual: str = USUAL_FILE) -> Pinned:
    """What a text such as `FORM` names; the file `usual` where it names none.

    Raises:
        GessoError: it lacks commit or SHA-256, or names what is no safetensors file.
    """
    found = _PARTS.fullmatch(text)
    if found is None:
        raise GessoError(f"{brief(text, 200)}: expected {FORM}")
    file, commit, sha256 = found["file"] or usual, found["commit"], found["sha256"]
    if not re.fullmatch("[0-9a-f]{40}", commit or ""):
        raise GessoError(
            f"{text}: not pinned: a commit of 40 hexadecimal digits is needed ({FORM}), since "
            "branches and tags move"
        )
    if not re.fullmatch("[0-9a-f]{64}", sha256 or ""):
        raise GessoError(f"{text}: not pinned: the file's SHA-256 of 64 digits is needed ({FORM})")
    if not file.endswith(SUFFIX):
        raise GessoError(f"{text}: {file}: allowed are files that end in {SUFFIX}")
    return Pinned(found["repo"], file, commit, sha256)


def fetched(name: str | PurePath, usual: str = USUAL_FILE) -> Path:
    """Where a pinned file lies in the cache; it is fetched first if it is not there. `usual`: which
    one, where the name has none.

    Raises:
        GessoError: a text that `pinned` refuses, huggingface_hub is not installed, no network,
            another file than the one pinned, or one that is no safetensors file.
    """
    what = pinned(name.as_posix() if isinstance(name, PurePath) else name, usual)
    folder = cache_folder("hub")
    kept = folder / f"{what.sha256}{SUFFIX}"
    if kept.is_file() and sha256_file(kept) == what.sha256:
        return kept
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as temporary:
        came = _download(what, temporary)
        digest = sha256_file(came)
        if digest != what.sha256:
            reason = f"its SHA-256 is {digest[:12]}…, expected {what.sha256[:12]}…"
            raise GessoError(f"{_short(what)}: not used: {reason}")
        with open_regular(came) as file:
            read_layout(_short(what), file)
        put_in_place(came, kept)
    return kept


def _download(what: Pinned, folder: str) -> Path:
    """Fetches the file into a folder, without the user's token: public repositories only."""
    try:
        hub: Any = import_module("huggingface_hub.file_download")
        bars: Any = import_module("huggingface_hub.utils")
    except ModuleNotFoundError as error:
        raise GessoError(f"{_short(what)}: {NEEDED}") from error
    no_bar = partial(bars.tqdm, disable=True)
    log.info("%s: downloading", _short(what))
    how: dict[str, Any] = {
        "revision": what.commit,
        "local_dir": folder,
        "token": False,
        "library_name": "gesso",
    }
    try:
        came = hub.hf_hub_download(what.repo, what.file, tqdm_class=no_bar, **how)
    except Exception as error:  # of its HTTP library, of the hub, of the disk
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        trouble = f"cannot be fetched: {brief(reason, 200)}"
        raise GessoError(f"{_short(what)}: {trouble}") from error
    return Path(came)


def _short(what: Pinned) -> str:
    return shown(f"{PREFIX}{what.repo}/{what.file}@{what.commit[:12]}")
