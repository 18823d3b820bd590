"""The nodes for ComfyUI, loaded, checked and run as ComfyUI does it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from tiny import pictures
from tiny_files import TinyFiles

PACK = Path(__file__).parents[2] / "integrations/comfyui"
TYPES = {"IMAGE", "STRING", "FLOAT", "INT", "BOOLEAN", "GESSO_STYLE"}


@pytest.fixture(scope="module")
def nodes() -> dict[str, Any]:
    """The pack's nodes; ComfyUI names the module by its path."""
    name = str(PACK).replace(".", "_x_")
    spec = spec_from_file_location(name, PACK / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert module.NODE_CLASS_MAPPINGS.keys() == module.NODE_DISPLAY_NAME_MAPPINGS.keys()
    found: dict[str, Any] = module.NODE_CLASS_MAPPINGS
    return found


def run(node: Any, **given: Any) -> Any:
    """What a node gives for inputs; checked and completed as its INPUT_TYPES say."""
    values = {}
    for name, (kind, *more) in node.INPUT_TYPES()["required"].items():
        value = given.pop(name, *[one["default"] for one in more])
        assert value in kind if isinstance(kind, list) else kind in TYPES
        values[name] = value
    assert not given
    found = getattr(node(), node.FUNCTION)(**values)
    assert isinstance(found, tuple) and len(found) == len(node.RETURN_TYPES)
    return found[0]


def images(count: int, side: int = 48) -> torch.Tensor:
    """A batch as ComfyUI has it: (B, H, W, C) in [0, 1]."""
    return torch.stack(list(pictures(count, side))).permute(0, 2, 3, 1).contiguous()


def test_nodes_are_complete(nodes: dict[str, Any]) -> None:
    for node in nodes.values():
        assert node.CATEGORY == "gesso" and set(node.RETURN_TYPES) <= TYPES
        for kind, *more in node.INPUT_TYPES()["required"].values():
            assert isinstance(kind, list) or kind in TYPES
            assert all(isinstance(one, dict) for one in more)


def test_a_batch_is_painted_in_every_kind_of_style(
    nodes: dict[str, Any], tiny_weights: TinyFiles, own_cache: Path, tmp_path: Path
) -> None:
    photos, paintings = images(2), images(1)
    gesso.load("adain").adapt(paintings[0].permute(2, 0, 1)).save(tmp_path / "card.safetensors")
    styles = [
        run(nodes["GessoPaintedStyle"], paintings=paintings),
        run(nodes["GessoCardStyle"], file=str(tmp_path / "card.safetensors")),
        run(nodes["GessoBundledStyle"], name="impasto"),
    ]
    found = [run(nodes["GessoStylize"], images=photos, style=s, method="adain") for s in styles]
    for picture in found:
        assert picture.shape == photos.shape and picture.dtype == torch.float32
        assert picture.min() >= 0 and picture.max() <= 1
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    one = gesso.stylize(photos[1].permute(2, 0, 1), styles[1])
    assert torch.equal(found[0][1], torch.tensor(one).float() / 255)
