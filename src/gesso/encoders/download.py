"""torchvision's published VGG weights: fetched once, verified, kept as small safetensors files.

Nothing is trusted but the SHA-256 of the whole file, which is written down here. Of its half
gigabyte only the convolutions up to relu5_1 stay in the cache.
"""

from __future__ import annotations

import hashlib
import logging
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from torch import Tensor

from gesso.disk.atomic import atomic_path, sweep_stale
from gesso.disk.cache_dir import cache_folder
from gesso.disk.header import brief
from gesso.encoders import vgg
from gesso.encoders.levels import DEEPEST
from gesso.errors import GessoError
from gesso.nn import checkpoint
from gesso.reports import Progress, report

PIECE_BYTES = 1 << 20
TIMEOUT_S = 30.0  # without a byte from the server

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """A weight file as its publisher made it."""

    url: str
    sha256: str
    size: int  # bytes

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
        return self.url.rsplit("/", 1)[-1]


PUBLISHED = {
    "vgg16": Published(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
    ),
    "vgg19": Published(
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        574_673_361,
    ),
}


def cached_vgg(variant: str) -> Path:
    """The published VGG up to relu5_1 (float32, torchvision's names) as a file in the user's cache;
    downloaded and converted first if it is not there.

    Raises:
        GessoError: no network, another file than the published one, a cache that cannot be written.
    """
    published = PUBLISHED[variant]
    folder = cache_folder("encoders")
    original = folder / published.file_name
    converted = original.with_suffix(".safetensors")
    if converted.is_file():
        return converted
    sweep_stale(folder)
    if not original.is_file():  # it is there when a run was stopped before it could convert it
        download(variant, published, original)
    try:
        tensors = published_tensors(variant, original)
    except GessoError:
        original.unlink(missing_ok=True)  # gone bad on the disk
        raise
    header = {"kind": "encoder", "name": variant, "source": asdict(published)}
    renamed = vgg.file_names(variant, tensors, "torchvision")
    checkpoint.save_file(converted, {renamed[name]: t for name, t in tensors.items()}, header)
    original.unlink(missing_ok=True)
    return converted


def published_tensors(variant: str, path: Path, deepest: str = DEEPEST) -> dict[str, Tensor]:
    """`convB_I.weight` / `.bias` up to `deepest` from the published file itself, float32.

    Raises:
        GessoError: a file that is not the published one, byte for byte; it is not opened then.
    """
    names = vgg.file_names(variant, vgg.tensor_shapes(variant, deepest), "torchvision")
    state = checkpoint.load_verified_pth(path, PUBLISHED[variant].sha256, names.values())
    return {ours: state[theirs] for ours, theirs in names.items()}


def download(
    variant: str,
    published: Published,
    target: Path,
    opener: Callable[..., Any] = urllib.request.urlopen,
) -> None:
    """Fetch `published` to `target`: whole and with the right SHA-256, or not at all. How far it is
    is reported (see `gesso.reports`).

    `opener` is called like `urllib.request.urlopen`.

    Raises:
        GessoError: no network, an interrupted transfer, another file; one line with the way out.
    """
    log.info("encoder %s: downloading %s", variant, published.url)
    digest = hashlib.sha256()
    title, total = f"downloading {variant}, once", published.size / 1e6
    with atomic_path(target) as temporary:
        with open(temporary, "wb") as file:
            report(Progress(title, 0, total, "MB"))
            for piece in _pieces(variant, published, opener):
                file.write(piece)
                digest.update(piece)
                report(Progress(title, file.tell() / 1e6, total, "MB"))
        found = digest.hexdigest()
        if found != published.sha256:
            reason = f"its SHA-256 is {found[:12]}…, expected {published.sha256[:12]}…"
            raise _failed(variant, published, reason)


def _pieces(variant: str, published: Published, opener: Callable[..., Any]) -> Iterator[bytes]:
    request = urllib.request.Request(published.url, headers={"User-Agent": "gesso"})
    received = 0
    try:
        with opener(request, timeout=TIMEOUT_S) as response:
            while received <= published.size and (piece := response.read(PIECE_BYTES)):
                received += len(piece)
                yield piece
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise _failed(variant, published, getattr(error, "reason", None) or error) from error
    if received != published.size:
        counted = f"{received} of {published.size} bytes came" if received else "nothing came"
        too_many = f"it is larger than {published.size} bytes"
        raise _failed(variant, published, counted if received < published.size else too_many)


def _failed(variant: str, published: Published, reason: object) -> GessoError:
    return GessoError(
        f"encoder {variant}: {published.url} cannot be downloaded: {brief(reason, 100)}; download "
        "it on another machine and give the file as the encoder, or use the encoder compact"
    )
