"""Large pictures go through AdaIN's encoder and decoder tile by tile, and nobody can tell."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.controls.controls import Controls
from gesso.encoders import coding, tiles
from gesso.encoders.compact import CompactEncoder
from gesso.encoders.statistics import mean_and_deviation as of_large
from gesso.methods.adain.layer import SKIPS, Config, mean_and_deviation
from gesso.methods.adain.method import AdaIN
from gesso.nn.precision import compute_in, fast_dtype
from tiny import pictures

LEVELS = 2 / 255  # bfloat16 may round otherwise where a convolution is run on another shape
PHOTO = F.interpolate(pictures(1, 160, seed=6), (151, 210)) + 0.2 * torch.rand(
    1, 3, 151, 210, generator=torch.Generator().manual_seed(0)
)
PHOTO = PHOTO.clamp(0, 1)


@pytest.fixture(scope="module")
def method() -> AdaIN:
    """With as many convolutions a block as the bundled encoder has: its reach is 4 cells."""
    torch.manual_seed(0)
    encoder = CompactEncoder((4, 6, 8, 10), heads=(4, 6, 8, 10))
    encoder.freeze()
    for p in encoder.parameters():
        if p.dim() == 4:
            torch.nn.init.kaiming_normal_(p)
    made = AdaIN(encoder, Config(blocks=encoder.widths("relu4_1"), skips=SKIPS))
    last = [p for p in made.network.layers[-1].parameters() if p.dim() == 4]
    last[0].data.mul_(10)  # training starts at mid-grey
    return made.requires_grad_(False)


def both(monkeypatch: pytest.MonkeyPatch, run: object) -> tuple[Tensor, Tensor]:
    """In one tile, and in tiles of two cells."""
    assert callable(run)
    monkeypatch.setattr(tiles, "TILE_PX", 4096)
    whole = run()
    monkeypatch.setattr(tiles, "TILE_PX", 16)
    return whole, run()


def assert_same(tiled: Tensor, whole: Tensor) -> None:
    away = (tiled - whole).abs()
    assert float(away.max()) <= LEVELS and float(away.mean()) < LEVELS / 10
    assert float(whole.std()) > 0.05  # there is something to see


def test_features_of_large_pictures_are_kept_narrow_on_demand(
    method: AdaIN, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = method.config
    given = (method.encoder, PHOTO, c.levels, c.blocks, method.place)
    exact = coding.encoded(*given, narrow=True)
    monkeypatch.setattr(coding, "LARGE_PX", 100)
    narrow = coding.encoded(*given, narrow=True)
    for level, x in exact.items():
        assert (x.dtype, narrow[level].dtype) == (fast_dtype(), torch.float16)
        torch.testing.assert_close(narrow[level].float(), x.float(), atol=1e-2, rtol=1e-2)


def test_tiles_cover_a_side_once_and_are_about_equal() -> None:
    for cells in (4, 9, 66, 377, 502):
        parts = tiles.spans(cells, 1, 4, 8)
        covered = [cell for part in parts for cell in range(part.top, part.bottom)]
        assert covered == list(range(1, cells - 1))
        assert all(part.first >= 0 and part.last <= cells for part in parts)
        assert all(part.bottom - part.top <= 1.5 * tiles.TILE_PX / 8 for part in parts)


def test_reach_is_that_of_the_convolutions(method: AdaIN) -> None:
    """8 px of the one at stride 8, 3 × 4, 2 × 2 and 2: 26 px, less than 4 cells; and no less is
    enough."""
    assert tiles.reach(method.config.blocks) == 4
    assert tiles.reach(((64, 64), (128, 128), (256,) * 4, (512,))) == 4  # VGG-19: 30 px
    assert tiles.reach(((8,),)) == 1


def test_features_in_tiles_are_those_of_the_whole(
    method: AdaIN, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, tiled = both(monkeypatch, lambda: method.encode(PHOTO))
    for level, x in whole.items():
        assert tiled[level].shape == x.shape and tiled[level].dtype == fast_dtype()
        torch.testing.assert_close(tiled[level].float(), x.float(), atol=1e-2, rtol=1e-2)


def test_in_float32_hardly_a_bit_differs(method: AdaIN, monkeypatch: pytest.MonkeyPatch) -> None:
    c, place = method.config, torch.device("cpu")

    def decoded() -> Tensor:
        with torch.no_grad(), compute_in(torch.float32):
            x = tiles.encode(method.encoder, PHOTO, c.levels, c.blocks, place)
            return tiles.decode(method.network, x, 151, 210, tiles.unchanged)

    whole, tiled = both(monkeypatch, decoded)
    torch.testing.assert_close(tiled, whole, atol=2e-6, rtol=1e-5)


def test_pictures_in_tiles_are_those_of_the_whole(
    method: AdaIN, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = method.adapt(pictures(1, 64, seed=5)[0], style_size=64)
    assert_same(*both(monkeypatch, lambda: method.stylizer(card)(PHOTO)))
    features = method.encode(PHOTO)  # and both are what the paper's three steps give
    plain = method.decode(method.transfer(features, card), 151, 210)
    assert_same(method.stylizer(card)(PHOTO), plain)


def test_batches_masks_and_strength_in_tiles(
    method: AdaIN, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [method.adapt(style, style_size=64) for style in pictures(2, 64, seed=5)]
    slope = torch.linspace(0, 1, 30).expand(1, 20, 30)
    photos = torch.cat([PHOTO, PHOTO.flip(3)])
    for controls in (Controls(masks=[slope]), Controls(strength=0.5), Controls(weights=[0.3, 0.7])):
        stylize = controls.stylizer(method, cards)
        assert_same(*both(monkeypatch, lambda run=stylize: run(photos)))


def test_statistics_of_large_features_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gesso.encoders.statistics.POSITIONS", 40)
    x = 3 + torch.randn(2, 5, 17, 11)
    for found, expected in zip(of_large(x), mean_and_deviation(x), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert of_large(x.bfloat16())[0].dtype == torch.float32


@pytest.mark.parametrize("pixels", [1, 7, 16, 23, 30, 100])
def test_the_margin_is_the_pictures_reflection(pixels: int) -> None:
    row = torch.rand(1, 1, 2, pixels)
    whole = max(2, -(-pixels // 8)) * 8
    padded = F.pad(row, (0, whole - pixels, 0, 0), mode="replicate")
    mode = "reflect" if whole > 24 else "replicate"
    expected = F.pad(padded, (24, 24, 0, 0), mode=mode)
    assert torch.equal(row[..., tiles.mirrored_positions(pixels, 8, 3)], expected)
