"""Transfer networks in tiles are those of the whole picture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gesso.methods.meta_networks.generated import GeneratedNet
from gesso.nn import memory
from gesso.nn.strips import Striped
from gesso.nn.transfer import TransferNet
from gesso.stylizers import tiled
from gesso.stylizers.stylizer import of_network
from tiny import grained, pictures

PHOTO = grained(pictures(1, 302, seed=3))[..., :290, :]  # neither side is whole cells
LEAST = 1.01 / 255


def transfer() -> nn.Module:
    return seeded(TransferNet(3))


def generated(upsample: str) -> nn.Module:
    return seeded(GeneratedNet(3, upsample))  # type: ignore[arg-type]


def seeded(net: nn.Module) -> nn.Module:
    """A network with random weights."""
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        parameter.data = 0.2 * drawn if parameter.dim() == 4 else 1 + 0.1 * drawn
    return net.requires_grad_(False)


@pytest.mark.parametrize(
    "net", [transfer(), generated("deconv"), generated("resize")], ids=["transfer", "de", "re"]
)
def test_tiles_are_the_whole_picture(net: nn.Module) -> None:
    with torch.inference_mode():
        whole = net(PHOTO.clone())
    assert float(whole.std()) > 0.02
    found = tiled.in_tiles(net, Striped.of(PHOTO), 192, tiled.reach_of(net))
    torch.testing.assert_close(found.float(), whole, atol=LEAST, rtol=0)
    assert float((found.float() - whole).abs().mean()) < 0.1 / 255


@pytest.mark.parametrize("light", [1.0, 0.03])
def test_a_photo_that_does_not_fit_is_computed_in_tiles(
    light: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, net = light * PHOTO, transfer()
    whole = of_network(net)(photo)
    calls: list[int] = []

    def in_tiles(net: nn.Module, photo: Striped, side: int, reach: int, around: object) -> Tensor:
        calls.append(side)
        return made(net, photo, side, reach, around)  # type: ignore[arg-type]

    made = tiled.in_tiles
    monkeypatch.setattr("gesso.stylizers.stylizer.in_tiles", in_tiles)
    with memory.at_most(1):
        found = of_network(net).striped(Striped.of(photo)).whole()
    assert calls == [tiled.LEAST_SIDE]
    torch.testing.assert_close(found, whole, atol=LEAST, rtol=0)
