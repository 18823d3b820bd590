"""The transfer network: the paper's architecture, any size of picture, any way of running it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.nn import layers
from gesso.nn.inference import traceable
from gesso.nn.precision import compute_in
from gesso.nn.transfer import TransferNet, affine_parameters, is_affine
from tiny import pictures, tiny_net

SIZES = [(1, 1), (1, 40), (3, 2), (4, 4), (15, 17), (16, 16), (17, 18), (5, 64), (33, 50), (64, 61)]


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def plain_transfer_net(image: Tensor, state: dict[str, Tensor]) -> Tensor:
    """Table 1 of MetaStyle's supplement in torch's own operators; sides are multiples of four."""

    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        x = F.pad(x, (weight.shape[-1] // 2,) * 4, mode="reflect")
        return F.conv2d(x, weight, state[f"{name}.bias"], stride=stride)

    def block(name: str, x: Tensor, stride: int = 1) -> Tensor:
        x = conv(f"{name}.conv", x, stride)
        gamma, beta = state[f"{name}.norm.gamma"], state[f"{name}.norm.beta"]
        return F.instance_norm(x, weight=gamma, bias=beta, eps=1e-5)

    x = block("down.0", image).relu()
    x = block("down.1", x, 2).relu()
    x = block("down.2", x, 2).relu()
    for i in range(5):
        y = block(f"residual.{i}.first", x).relu()
        x = x + block(f"residual.{i}.second", y)
    for i in range(2):
        x = block(f"up.{i}", F.interpolate(x, scale_factor=2.0, mode="nearest")).relu()
    return conv("out", x).sigmoid()


def test_the_papers_network_has_the_papers_parameter_counts() -> None:
    net = TransferNet(32)
    affine = affine_parameters(net)
    assert count(net) == 1_679_235
    assert sum(p.numel() for p in affine.values()) == 3_200
    assert len(affine) == 2 * 15  # γ and β of every normalised convolution
    assert [name for name, _ in net.named_parameters() if is_affine(name)] == list(affine)


def test_every_convolution_but_the_last_is_followed_by_instance_norm() -> None:
    names = {name.rsplit(".", 1)[0] for name, _ in TransferNet(4).named_parameters()}
    convolutions = {name for name in names if name.endswith("conv") or name == "out"}
    assert len(convolutions) == 16
    assert {name.replace("conv", "norm") for name in convolutions - {"out"}} < names


@pytest.mark.parametrize("size", [(16, 16), (20, 28), (36, 24)])
@pytest.mark.parametrize("grad", [True, False])
def test_it_computes_what_the_table_says(size: tuple[int, int], grad: bool) -> None:
    net = tiny_net(dtype=torch.float64)
    image = torch.rand(2, 3, *size, dtype=torch.float64)
    with torch.set_grad_enabled(grad):
        out = net(image)
    torch.testing.assert_close(out, plain_transfer_net(image, net.state_dict()))


@pytest.mark.parametrize("size", SIZES)
def test_any_size_goes_in_and_comes_out(size: tuple[int, int]) -> None:
    net = tiny_net()
    image = torch.rand(1, 3, *size)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            out = net(image)
        assert out.shape == image.shape
        assert out.dtype == torch.float32
        assert float(out.detach().min()) >= 0 and float(out.detach().max()) <= 1
        assert bool(torch.isfinite(out).all())


@pytest.mark.parametrize("size", [(16, 16), (17, 30)])
def test_the_raw_output_is_what_the_sigmoid_is_applied_to(size: tuple[int, int]) -> None:
    net, image = tiny_net(), torch.rand(1, 3, *size)
    raw = net(image, raw=True)
    assert raw.shape == image.shape and float(raw.detach().min()) < 0
    assert torch.equal(torch.sigmoid(raw), net(image))


@pytest.mark.parametrize("strip", [8, 12, 256])
@pytest.mark.parametrize("size", [(16, 16), (33, 50), (41, 18)])
def test_inference_in_strips_equals_the_network_as_trained(
    strip: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "STRIP_PX", strip)
    net = tiny_net(dtype=torch.float64)
    image = torch.rand(1, 3, *size, dtype=torch.float64)
    untouched = image.clone()
    with torch.no_grad():
        inferred = net(image)
    torch.testing.assert_close(inferred, net(image))
    assert torch.equal(image, untouched)


def test_a_pictures_right_and_bottom_edge_see_nothing_but_its_border() -> None:
    net = tiny_net(dtype=torch.float64)
    image = pictures(1, 18, dtype=torch.float64)
    padded = F.pad(image, (0, 2, 0, 2), mode="replicate")
    torch.testing.assert_close(net(image), net(padded)[..., :18, :18])


def test_batched_pictures_do_not_mix() -> None:
    net = tiny_net(dtype=torch.float64)
    images = pictures(3, 20, dtype=torch.float64)
    together = net(images)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], net(images[i : i + 1]))


def test_every_parameter_takes_part_but_constants_that_instance_norm_takes_away() -> None:
    """Biases before a norm are lost; so is β at the end of a residual block, since all that reads
    the sum of the blocks is convolutions with a norm behind them."""
    net = tiny_net(dtype=torch.float64)
    net(torch.rand(1, 3, 24, 24, dtype=torch.float64)).square().sum().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        lost = name.endswith(("conv.bias", "second.norm.beta"))
        assert (float(p.grad.abs().max()) > 1e-6) != lost, name


def test_in_bfloat16_the_picture_is_the_same_to_a_few_grey_levels() -> None:
    net = tiny_net()
    image = pictures(1, 32)
    with torch.no_grad():
        exact = net(image)
        with compute_in(torch.bfloat16):
            coarse = net(image)
    assert coarse.dtype == torch.float32
    assert float((coarse - exact).abs().mean()) < 0.02
    assert float((coarse - exact).abs().max()) > 0


def test_initial_weights_depend_on_the_seed_alone() -> None:
    first, again, other = (tiny_net(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["out.weight"], other["out.weight"])


@pytest.mark.slow
def test_a_traced_network_serves_every_size_and_gives_the_same_picture() -> None:
    net = tiny_net(dtype=torch.float64)
    image = torch.rand(1, 3, 33, 50, dtype=torch.float64)
    sides = {"image": {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}}
    with torch.no_grad():
        with traceable():
            example = torch.rand(1, 3, 22, 31, dtype=torch.float64)
            program = torch.export.export(net, (example,), dynamic_shapes=sides)
        traced, expected = program.module()(image), net(image)
    torch.testing.assert_close(traced, expected)
    operators = {str(n.target) for n in program.graph.nodes if n.op == "call_function"}
    assert "aten.conv2d.default" in operators
    assert not any("_." in name for name in operators)  # none that overwrites its input
