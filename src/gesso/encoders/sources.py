"""Where encoder weights come from: the package, the user's cache, the network, a local file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

from torch import Tensor

from gesso.disk.atomic import open_regular, sha256_file, shown
from gesso.disk.header import Layout, brief, read_layout
from gesso.encoders import compact, vgg
from gesso.encoders.base import Encoder, shapes_problem
from gesso.encoders.download import PUBLISHED, cached_vgg, published_tensors
from gesso.encoders.levels import DEEPEST, layer_names
from gesso.errors import GessoError
from gesso.nn import checkpoint

PICKLES = (".pth", ".pt")


def compact_file(path: Path) -> Encoder:
    """A compact encoder from a gesso file, or from a plain safetensors file.

    Raises:
        GessoError: missing, damaged or foreign file.
    """
    layout = _layout(path)
    names = [name for name in layout.entries if name.startswith(("blocks.", "heads."))]
    tensors, identity = _load(path, layout, names)
    try:
        encoder = compact.from_tensors(tensors)
    except GessoError as error:
        raise GessoError(f"{shown(path)}: {error}") from error
    return _finished(encoder, identity)


def encoder_file(path: Path, deepest: str) -> Encoder:
    """The encoder in a file, recognised by its tensors' names; VGG up to `deepest`.

    Raises:
        GessoError: missing, damaged or foreign file, or one that lacks a layer.
    """
    if path.suffix.lower() in PICKLES:
        return _published_file(path, deepest)
    layout = _layout(path)
    family = _family(layout.entries)
    if family is None:
        raise _foreign(path, layout)
    if family == "compact":
        return compact_file(path)
    marks = {"caffe": "conv3_4.weight", "torchvision": "features.16.weight"}  # not in VGG-16
    variant = "vgg19" if marks.get(family, "0.weight") in layout.entries else "vgg16"
    shapes = vgg.tensor_shapes(variant, deepest, family)
    names = vgg.file_names(variant, shapes, family)
    expected = {names[name]: shape for name, shape in shapes.items()}
    problem = shapes_problem({n: e.shape for n, e in layout.entries.items()}, expected)
    if problem:
        what = f"a normalised {variant}" if family == "normalised" else variant
        raise GessoError(f"{shown(path)}: not {what} up to {deepest}: {problem}")
    loaded, identity = _load(path, layout, names.values())
    tensors = {ours: loaded[theirs] for ours, theirs in names.items()}
    return _finished(vgg.from_tensors(variant, tensors, family, deepest), identity)


def published_vgg(variant: str, deepest: str) -> Encoder:
    """torchvision's VGG-16 or VGG-19 out of the user's cache; downloaded on first use.

    Raises:
        GessoError: no network and not in the cache yet, or a cache that cannot be used.
    """
    if len(layer_names(variant, deepest)) > len(layer_names(variant)):
        raise GessoError(f"encoder {variant}: levels up to {DEEPEST}, not {deepest}")
    path = cached_vgg(variant)
    try:
        encoder = encoder_file(path, deepest)
    except GessoError as error:
        raise GessoError(f"{error}; delete the file and it is downloaded again") from error
    return _finished(encoder, PUBLISHED[variant].sha256)


def _published_file(path: Path, deepest: str) -> Encoder:
    digest = sha256_file(path)
    for variant, published in PUBLISHED.items():
        if digest == published.sha256:
            tensors = published_tensors(variant, path, deepest)
            encoder = vgg.from_tensors(variant, tensors, "torchvision", deepest)
            return _finished(encoder, digest)
    allowed = " and ".join(published.file_name for published in PUBLISHED.values())
    raise GessoError(
        f"{shown(path)}: not opened: SHA-256 {digest[:12]}…; of .pth files only torchvision's "
        f"{allowed} are read; other weights as safetensors"
    )


def _finished(encoder: Encoder, identity: str) -> Encoder:
    encoder.identity = identity
    return encoder.freeze()


def _layout(path: Path) -> Layout:
    with open_regular(path) as file:
        return read_layout(path, file)


def _load(path: Path, layout: Layout, names: Iterable[str]) -> tuple[dict[str, Tensor], str]:
    """The tensors `names`, and the hash that identifies them; gesso's own files are verified."""
    if "gesso" not in layout.metadata:
        return checkpoint.load_foreign(path, names), sha256_file(path)
    tensors, header = checkpoint.load_file(path, kind="encoder")
    return {name: tensors[name] for name in names}, str(header["sha256"])


def _family(names: Collection[str]) -> vgg.Convention | Literal["compact"] | None:
    """What tensors of these names are; None for those of no encoder."""
    if "conv1_1.weight" in names:
        return "caffe"
    if "features.0.weight" in names:
        return "torchvision"
    if "0.weight" in names:
        return "normalised"
    return "compact" if any(name.startswith("blocks.") for name in names) else None


def _foreign(path: Path, layout: Layout) -> GessoError:
    _load(path, layout, ())  # a gesso file of another kind says so itself
    example = brief(next(iter(layout.entries), "none"), 40)
    return GessoError(
        f"{shown(path)}: not an encoder: {len(layout.entries)} tensors, such as {example}; "
        "expected a compact encoder, or VGG with torchvision's names (features.0.weight …), "
        "Caffe's (conv1_1.weight …) or AdaIN's (0.weight …)"
    )
