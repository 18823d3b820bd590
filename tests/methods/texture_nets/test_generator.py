"""The multi-scale generator and its noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.methods.texture_nets.generator import Generator
from gesso.methods.texture_nets.noise import noise
from tiny import pictures

CPU = torch.device("cpu")


def generator(scales: int = 3, width: int = 4, seed: int = 0) -> Generator:
    """One with noise that matters, its γ and β not at their trivial start."""
    torch.manual_seed(seed)
    net = Generator(scales, width)
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() == 1:
                p.add_(0.2 * torch.randn_like(p))
    return net.requires_grad_(False)


def test_it_has_as_many_numbers_as_its_columns() -> None:
    def column(inputs: int, outputs: int) -> int:
        kernels = 9 * inputs * outputs + 9 * outputs**2 + outputs**2
        return kernels + 3 * outputs + 3 * 2 * outputs  # biases, γ and β

    widths = [8, 16, 24, 32, 40]
    count = 5 * column(6, 8) + sum(column(n, n) for n in widths[1:])
    count += sum(2 * n for n in widths[:-1]) + 4 * 2 * 8  # the norms before joining
    count += 40 * 3 + 3
    assert sum(p.numel() for p in Generator().parameters()) == count == 72_739


def test_every_scale_is_twice_as_fine_and_wider_by_its_width() -> None:
    net, seen = generator(4, 4), list[tuple[int, ...]]()
    for read, join in zip(net.reads, [None, *net.joins], strict=True):
        for column in filter(None, (read, join)):
            last = column.blocks[-1]
            last.register_forward_hook(lambda _, given, out: seen.append(tuple(out.shape)))
    net(pictures(1, 64))
    coarse_first = [(4, 8), (4, 16), (8, 16), (4, 32), (12, 32), (4, 64), (16, 64)]
    assert seen == [(1, channels, side, side) for channels, side in coarse_first]


@pytest.mark.parametrize(("height", "width"), [(33, 47), (1, 1), (5, 90), (40, 64)])
def test_other_sizes_are_cut_out_of_one_that_the_scales_divide(height: int, width: int) -> None:
    net = generator(4)
    sides = [max(16, -(-n // 8) * 8) for n in (height, width)]
    texture = net.texture(height, width, [3])
    assert texture.shape == (1, 3, height, width)
    same: dict[str, float] = {"atol": 1e-6, "rtol": 0}
    torch.testing.assert_close(texture, net.texture(*sides, [3])[..., :height, :width], **same)
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    padded = F.pad(image, (0, sides[1] - width, 0, sides[0] - height), mode="replicate")
    torch.testing.assert_close(net(image), net(padded)[..., :height, :width], **same)


def test_a_texture_of_periodic_noise_is_periodic(monkeypatch: pytest.MonkeyPatch) -> None:
    """So copies of a texture side by side are one large texture, the seams included."""
    net = generator(3)
    once = net.texture(32, 48, [7])

    def periodic(seed: int, channel: int, height: int, width: int, place: torch.device) -> Tensor:
        return noise(seed, channel, height // 2, width // 2, place).repeat(2, 2)

    monkeypatch.setattr("gesso.methods.texture_nets.generator.noise", periodic)
    twice = net.texture(64, 96, [7])
    torch.testing.assert_close(twice, once.repeat(1, 1, 2, 2), atol=1e-4, rtol=0)


def test_seeds_are_of_single_pictures() -> None:
    net = generator()
    both = net.texture(32, 32, [1, 2])
    for number, seed in enumerate((1, 2)):
        alone = net.texture(32, 32, [seed])[0]
        torch.testing.assert_close(both[number], alone, atol=1e-5, rtol=0)
    assert float((both[0] - both[1]).abs().mean()) > 0.01
    same = pictures(1, 32).expand(2, -1, -1, -1)
    apart = net(same, seeds=[1, 2])
    assert float((apart[0] - apart[1]).abs().mean()) > 0.001
    alike = net(same)
    assert torch.equal(alike[0], alike[1])


def test_without_noise_pictures_do_not_depend_on_the_seed() -> None:
    net, image = generator(), pictures(1, 32)
    net.share = 0.0
    assert torch.equal(net(image, seeds=[1]), net(image, seeds=[2]))
    net.share = 1.0
    assert not torch.equal(net(image, seeds=[1]), net(image, seeds=[2]))


def test_saving_memory_changes_nothing() -> None:
    net, image = generator().requires_grad_(True), pictures(1, 40)
    made = [net(image), net.texture(40, 40, [1])]
    with torch.inference_mode():
        for one, other in zip(made, [net(image), net.texture(40, 40, [1])], strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_noise_is_a_function_of_seed_and_place() -> None:
    known = torch.tensor([1295681, 9311829, 4102885, 4701922]) / 2**24  # on every machine
    assert torch.equal(noise(0, 0, 1, 4, CPU)[0], known)
    whole = noise(5, 2, 40, 30, CPU)
    assert torch.equal(noise(5, 2, 7, 9, CPU), whole[:7, :9])
    assert not torch.equal(noise(6, 2, 7, 9, CPU), whole[:7, :9])
    assert not torch.equal(noise(5, 3, 7, 9, CPU), whole[:7, :9])


def test_noise_is_uniform_and_independent() -> None:
    maps = torch.stack([noise(s, c, 128, 128, CPU) for s in range(4) for c in range(4)])
    assert float(maps.min()) >= 0 and float(maps.max()) < 1
    counts = torch.histc(maps, 64, 0, 1)
    expected = maps.numel() / 64
    chi = float(((counts - expected) ** 2 / expected).sum())
    assert 25 < chi < 115  # 63 degrees of freedom
    centred = (maps - 0.5) * 12**0.5
    most = 5 / (128 * 128) ** 0.5  # standard deviations of a correlation
    rows = centred.flatten(1)
    assert float((rows @ rows.T / rows.shape[1]).fill_diagonal_(0).abs().max()) < most
    for shift in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (64, 0)):
        beside = (centred * centred.roll(shift, (1, 2))).mean((1, 2))
        assert float(beside.abs().max()) < most
