"""Tensors ↔ gesso files, and weights of others: `gesso.disk.tensors` for torch."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from gesso.disk.atomic import StrPath, sha256_file, shown
from gesso.disk.expected import Like
from gesso.disk.header import brief
from gesso.disk.raw import Raw
from gesso.disk.tensors import (
    check_finite,
    read_file,
    read_foreign,
    read_header,
    require_names,
    write_file,
)
from gesso.errors import GessoError

__all__ = ["load_file", "load_foreign", "load_verified_pth", "read_header", "save_file"]

_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_DTYPES = {code: dtype for dtype, code in _CODES.items()}

Expected = Mapping[str, "tuple[int, ...] | Tensor"]


def save_file(path: StrPath, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """Write `tensors` and `header` to `path` as `gesso.disk.tensors.write_file` does, and return
    what it returns. Tensors may be of its types or bfloat16, on any device, in any memory order.

    Raises:
        GessoError: as `write_file` does. The previous file is intact then.
    """
    raws = {name: _raw(path, name, tensor) for name, tensor in tensors.items()}
    return write_file(path, raws, header)


def load_file(
    path: StrPath,
    *,
    kind: str | None = None,
    expected: Expected | None = None,
    what: str | None = None,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a gesso file: its tensors (on the CPU, in their stored types) and its header.

    Args:
        path, kind, what: as for `gesso.disk.tensors.read_file`.
        expected: the exact set of names, each with its shape, or with a tensor like it (such as
            `module.state_dict()`): then whether it is floating point has to agree too.

    Raises:
        GessoError: as `read_file` does; one line that says what was expected and what was found.
    """
    likes = None if expected is None else {name: _like(e) for name, e in expected.items()}
    raws, header = read_file(path, kind=kind, expected=likes, what=what)
    return {name: _tensor(raw) for name, raw in raws.items()}, header


def load_foreign(path: StrPath, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Read tensors, in their stored types, from a safetensors file that is not gesso's own, such as
    VGG weights: `gesso.disk.tensors.read_foreign`, which says what is checked and raised."""
    return {name: _tensor(raw) for name, raw in read_foreign(path, names).items()}


def load_verified_pth(path: StrPath, sha256: str, names: Iterable[str]) -> dict[str, Tensor]:
    """Read the tensors `names` from a published PyTorch state dict, as float32 on the CPU.

    Such files are pickles. This one is opened only when its SHA-256 is `sha256` (64 digits), that
    is when it is the very file its publisher made, and then by PyTorch's restricted unpickler,
    which runs no code. It is the only place in gesso that reads a pickle.

    Raises:
        GessoError: another file than expected (it is not opened), or a name it lacks.
    """
    found = sha256_file(path)
    if found != sha256.lower():
        raise GessoError(
            f"{shown(path)}: SHA-256 {found[:12]}…, expected {sha256[:12]}…: damaged or another "
            "file, not opened"
        )
    try:
        mapped = zipfile.is_zipfile(path)  # then only the wanted tensors leave the disk
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # the hash was right, so this is a bug or a full memory
        raise GessoError(f"{shown(path)}: cannot be read: {brief(error, 100)}") from error
    wanted = list(names)
    require_names(path, wanted, state)
    tensors = {name: state[name].detach().to(torch.float32, copy=True) for name in wanted}
    check_finite(path, {n: _raw(path, n, t) for n, t in tensors.items()}, "cannot be used")
    return tensors


def _raw(path: StrPath, name: str, tensor: Tensor) -> Raw:
    if tensor.dtype not in _CODES or tensor.layout != torch.strided:
        kind = f"{tensor.dtype}, {tensor.layout}"
        raise GessoError(f"{shown(path)}: not written: tensor {brief(name)} is of type {kind}")
    row = tensor.detach().cpu().contiguous().reshape(-1)
    data = row.view(torch.uint8).numpy().data
    return Raw(_CODES[tensor.dtype], tuple(tensor.shape), data)


def _tensor(raw: Raw) -> Tensor:
    """The numbers, in the memory of `raw`."""
    dtype = _DTYPES[raw.dtype]
    if not len(raw.data):
        return torch.empty(raw.shape, dtype=dtype)
    return torch.frombuffer(raw.data, dtype=dtype).reshape(raw.shape)


def _like(expected: tuple[int, ...] | Tensor) -> Like:
    if isinstance(expected, Tensor):
        return Like(tuple(expected.shape), expected.is_floating_point(), str(expected.dtype))
    return Like(tuple(expected))
