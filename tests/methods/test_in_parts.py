"""Photos whose features do not fit into memory are painted in parts: the same pictures."""

from __future__ import annotations

import pytest
import torch

import gesso
from gesso.encoders import tiles
from gesso.methods.base import Method
from gesso.nn import memory
from gesso.nn.strips import Striped
from tiny import grained, pictures
from tiny_files import TinyFiles

STYLES = pictures(2, 64, seed=5)
PHOTO = grained(pictures(1, 150, seed=6))[..., :101, :]
LEFT = torch.zeros(2, 101, 150)
LEFT[0, :, :70], LEFT[1, :, 70:] = 1, 1


@pytest.fixture(params=["adain", "wct", "avatar_net"])
def method(
    request: pytest.FixtureRequest, tiny_weights: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> Method:
    monkeypatch.setenv("GESSO_PRECISION", "float32")
    return gesso.load(request.param)


@pytest.mark.parametrize("light", [1.0, 0.03])
def test_a_photo_that_does_not_fit_is_painted_in_parts(
    method: Method, light: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "TILE_PX", 32)
    photo, stylizer = light * PHOTO, method.stylizer(method.adapt(STYLES[0]))
    whole, parts = stylizer(photo), list[tiles.Parts]()
    made = tiles.Parts.part
    monkeypatch.setattr(
        tiles.Parts, "part", lambda self, *cells: (parts.append(self), made(self, *cells))[1]
    )
    with memory.at_most(1):
        found = stylizer(photo), stylizer.striped(Striped.of(photo)).whole()
    assert len(parts) > 20
    for picture in found:
        torch.testing.assert_close(picture, whole, rtol=0, atol=1 / 255)
        assert float((picture - whole).abs().mean()) < 0.1 / 255


def test_regions_are_put_together_in_parts(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE_PX", 32)
    stylize = method.stylizer_of_regions([method.adapt(style) for style in STYLES])
    whole = stylize(PHOTO, LEFT, None)
    with memory.at_most(1):
        found = stylize(PHOTO, LEFT, None)
    torch.testing.assert_close(found, whole, rtol=0, atol=1 / 255)
