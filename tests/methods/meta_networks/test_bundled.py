"""The bundled hypernetwork tells styles apart."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.assets import CONTENTS
from gesso.images.folders import list_images
from gesso.methods.meta_networks.method import MetaNetworks
from gesso.methods.registry import load
from gesso.nn.pictures import read_image

STYLES = Path(__file__).parents[3] / "examples" / "styles"


@pytest.fixture(scope="module")
def method() -> MetaNetworks:
    method = load("meta_networks")
    assert isinstance(method, MetaNetworks)
    return method


def jittered(picture: Tensor, seed: int) -> Tensor:
    """The middle nine tenths of it, mirrored, with some noise: the same style to any eye."""
    height, width = picture.shape[1:]
    top, left = height // 20, width // 20
    cut = picture[:, top : height - top, left : width - left].flip(-1)
    noise = torch.randn(cut.shape, generator=torch.Generator().manual_seed(seed))
    return (cut + 0.01 * noise).clamp(0, 1)


def painted(method: MetaNetworks, style: Tensor, content: Tensor) -> Tensor:
    picture: Tensor = method.stylizer(method.adapt(style))(content)
    return F.avg_pool2d(picture, 4)  # palette and shading, not the place of single strokes


def test_ten_styles_differ_more_than_one_style_from_its_jittered_self(
    method: MetaNetworks,
) -> None:
    styles = [read_image(path, size=256) for path in list_images(STYLES)]
    assert len(styles) == 10
    content = read_image(CONTENTS / "cat.jpg", size=192).unsqueeze(0)
    pictures = [painted(method, style, content) for style in styles]
    again = [painted(method, jittered(s, i), content) for i, s in enumerate(styles)]
    same = [float((a - b).square().mean()) for a, b in zip(pictures, again, strict=True)]
    others = [float((a - b).square().mean()) for a, b in combinations(pictures, 2)]
    assert max(same) < min(others)
