"""Meta Networks: the paper's facts, cards of hidden vectors and of kernels, training."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.controls.strength import at_distance
from gesso.encoders import load_encoder, vgg
from gesso.encoders.compact import HEADS
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError, MissingWeights
from gesso.images.write import write_image
from gesso.methods.meta_networks.about import Options
from gesso.methods.meta_networks.generated import (
    SPIKE,
    GeneratedNet,
    SharedLayers,
    Upsample,
    kernel_shapes,
    watched_spikes,
)
from gesso.methods.meta_networks.hypernetwork import (
    SEEN,
    HyperNetwork,
    meta_losses,
    style_statistics,
)
from gesso.methods.meta_networks.method import Config, MetaNetworks
from gesso.methods.registry import load, methods
from gesso.nn import layers
from gesso.nn.checkpoint import save_file
from gesso.nn.layers import InstanceNorm
from gesso.nn.strips import Striped
from gesso.training.batches import Batches, ImageSource, style_batches
from tiny import WIDTHS, pictures, tiny_encoder

CONFIG = Config(width=4, hidden=6, statistics=2 * sum(WIDTHS))


def tiny_method(seed: int = 0, config: Config = CONFIG) -> MetaNetworks:
    """A method whose networks for two styles differ, as after some training."""
    encoder = tiny_encoder()
    torch.manual_seed(seed)
    method = MetaNetworks(encoder, config, base="1" * 64)
    styles = pictures(8, 64, seed=5)
    method.network.normalise(style_statistics(encoder(styles, LEVELS), LEVELS))
    method.network.remember(torch.stack([method.hidden(style) for style in styles]))
    return method


@pytest.fixture(scope="module")
def method() -> MetaNetworks:
    return tiny_method()


# the paper's facts

LAYERS = {  # FACTS of the paper's table 2: numbers in the kernels in order, for base width w
    "down1": lambda w: 2 * w * w * 9,
    "down2": lambda w: 4 * w * 2 * w * 9,
    **{f"block{b}{half}": lambda w: 4 * w * 4 * w * 9 for b in range(1, 6) for half in "ab"},
    "up1": lambda w: 4 * w * 2 * w * 16,
    "up2": lambda w: 2 * w * w * 16,
}


@pytest.mark.parametrize(("width", "total"), [(8, 108_160), (16, 432_640), (32, 1_730_560)])
def test_generated_kernels_layer_by_layer(width: int, total: int) -> None:
    sizes = {name: math.prod(shape) for name, shape in kernel_shapes(width).items()}
    assert list(sizes.items()) == [(name, count(width)) for name, count in LAYERS.items()]
    assert len(sizes) == 14 and sum(sizes.values()) == total


def test_the_first_and_the_last_layer_of_the_phone_network() -> None:
    sizes = [math.prod(shape) for shape in kernel_shapes(8).values()]
    assert sizes == [1_152, 4_608] + 10 * [9_216] + [8_192, 2_048]


@pytest.mark.parametrize(("width", "total"), [(8, 112_843), (16, 442_003), (32, 1_749_283)])
def test_a_whole_network_and_what_styles_share(width: int, total: int) -> None:
    net = GeneratedNet(width)
    shared = (243 * width + width) + (243 * width + 3) + 2 * 49 * width  # 9×9s with bias; γ, β
    assert sum(p.numel() for p in net.shared.parameters()) == shared
    assert sum(p.numel() for p in net.parameters()) == total


def test_statistics_of_vgg16_are_1920_and_of_the_compact_encoder_928() -> None:
    widths = [vgg.WIDTHS[int(level[4]) - 1] for level in LEVELS]
    assert 2 * sum(widths) == 1920
    assert 2 * sum(HEADS) == 928 == Config().statistics
    features = {level: torch.rand(2, n, 4, 4) for level, n in zip(LEVELS, widths, strict=True)}
    assert style_statistics(features, LEVELS).shape == (2, 1920)


def test_the_hidden_vector_is_14_groups_of_128_that_feed_one_kernel_each() -> None:
    network = HyperNetwork(1920, width=8)
    hidden = network.hidden(torch.rand(1, 1920)).detach()
    assert hidden.shape == (1, 1792) and (hidden >= 0).all()
    (before,) = network.kernels(hidden)
    for group, changed in enumerate(kernel_shapes(8)):
        other = hidden.clone()
        other[:, group * 128 : (group + 1) * 128] += 0.1
        (after,) = network.kernels(other)
        assert [n for n in before if not torch.equal(before[n], after[n])] == [changed]


# the generated network


@pytest.mark.parametrize("upsample", ["deconv", "resize"])
@pytest.mark.parametrize("size", [(1, 1), (1, 90), (37, 41), (44, 44), (63, 130)])
def test_results_are_as_large_as_contents(upsample: str, size: tuple[int, int]) -> None:
    config = replace(CONFIG, upsample=upsample)
    method = tiny_method(config=config)
    stylizer = method.stylizer(method.adapt(pictures(1, 64)[0]))
    out = stylizer(torch.rand(2, 3, *size))
    assert out.shape == (2, 3, *size) and out.dtype == torch.float32
    assert out.min() >= 0 and out.max() <= 1


def test_enlarging_is_a_transposed_convolution_of_the_repeated_border() -> None:
    torch.manual_seed(0)
    shared, x = SharedLayers(4), torch.rand(1, 16, 6, 5)
    kernel = torch.randn(16, 8, 4, 4)
    plain = F.conv_transpose2d(x, kernel, stride=2, padding=1)
    norm = shared.norms["up1"]
    found = shared._up(x, {"up1": kernel}, "up1")
    padded = F.conv_transpose2d(F.pad(x, (1,) * 4, mode="replicate"), kernel, stride=2, padding=3)
    torch.testing.assert_close(found, norm(padded).relu(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(padded[..., 1:-1, 1:-1], plain[..., 1:-1, 1:-1])


def test_resizing_needs_smaller_kernels() -> None:
    resize, deconv = kernel_shapes(8, "resize"), kernel_shapes(8)
    assert [n for n in deconv if resize[n] != deconv[n]] == ["up1", "up2"]
    assert resize["up1"] == (16, 32, 3, 3) and resize["up2"] == (8, 16, 3, 3)


def test_without_gradients_it_computes_the_same() -> None:
    method = tiny_method()
    net = method.stylizer(method.adapt(pictures(1, 64)[0])).network
    assert net is not None
    image = pictures(1, 80)
    with torch.no_grad():
        fast = net(image)
    slow = net.requires_grad_(True)(image)
    assert slow.requires_grad
    torch.testing.assert_close(fast, slow.detach(), atol=1e-4, rtol=1e-4)


def test_kernels_begin_with_hes_variance_and_differ_a_little_between_styles() -> None:
    torch.manual_seed(0)
    network = HyperNetwork(928)
    with torch.no_grad():
        a, b = network.kernels(network.hidden(torch.randn(2, 928)))
    for name, kernel in a.items():
        taps = kernel[0].numel() if kernel.shape[-1] == 3 else kernel.shape[0] * 4
        assert 0.8 < float(kernel.std()) / math.sqrt(2 / taps) < 1.5
        alike = F.cosine_similarity(kernel.flatten(), b[name].flatten(), 0)
        assert 0.9 < float(alike) < 0.9999


# cards


def test_a_card_of_kernels_runs_without_the_hypernetwork_as_with_it(
    method: MetaNetworks, tmp_path: Path
) -> None:
    style, photo = pictures(1, 70, seed=8)[0], pictures(1, 50)
    hidden, whole = (method.adapt(style, kernels=k, exact=True) for k in (False, True))
    assert list(hidden.tensors) == ["hidden"] and hidden.base == method.base
    assert whole.base == ""
    whole.save(tmp_path / "card.safetensors", "float32")
    stranger = MetaNetworks(tiny_encoder, replace(CONFIG, width=5), base="2" * 64)
    out = stranger.stylizer(StyleCard.load(tmp_path / "card.safetensors"))(photo)
    assert torch.equal(out, method.stylizer(hidden)(photo))
    with pytest.raises(GessoError, match="needs the weights it was made with: base 1111"):
        stranger.stylizer(hidden)


def test_missing_weights_are_an_error_of_their_own_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gesso.assets.ROOT", tmp_path)
    with pytest.raises(MissingWeights, match="meta_networks: no weights are bundled"):
        load("meta_networks")
    with pytest.raises(GessoError, match=r"none\.safetensors: cannot be read") as caught:
        load("meta_networks", weights=tmp_path / "none.safetensors")
    assert not isinstance(caught.value, MissingWeights)


def test_sizes_of_cards(tmp_path: Path) -> None:
    torch.manual_seed(0)
    method = MetaNetworks(load_encoder(), Config(), base="1" * 64)
    path = tmp_path / "a.safetensors"
    card = method.adapt(torch.rand(3, 150, 90))
    card.thumbnail = b"\xff\xd8\xff" + bytes(1897)  # as large as it may be
    card.save(path)
    assert path.stat().st_size <= 8000
    whole = method.with_kernels(card)
    whole.save(path)
    assert path.stat().st_size <= 230_000
    whole.save(path, "float32")
    assert path.stat().st_size <= 460_000


def test_a_picture_whose_thumbnail_is_too_large_gets_none_or_a_smaller_one(
    method: MetaNetworks,
) -> None:
    torch.manual_seed(0)
    assert len(method.adapt(torch.rand(3, 300, 300)).thumbnail or b"") <= 1900
    assert method.adapt(pictures(1, 64)[0]).thumbnail


@pytest.mark.parametrize("kernels", [False, True])
def test_blending_is_linear_in_the_hidden_vector(method: MetaNetworks, kernels: bool) -> None:
    options = {"kernels": kernels, "exact": True}
    a, b = (method.adapt(style, **options) for style in pictures(2, 64, seed=3))
    blend = method.blend([a, b], [0.3, 0.7])
    assert (blend.base, blend.config) == (a.base, a.config)
    for name, tensor in blend.tensors.items():
        torch.testing.assert_close(tensor, 0.3 * a.tensors[name] + 0.7 * b.tensors[name])
    if kernels:  # the hypernetwork is affine from there on: both ways are one
        c, d = (method.adapt(style, exact=True) for style in pictures(2, 64, seed=3))
        other = method.with_kernels(method.blend([c, d], [0.3, 0.7])).tensors
        for name, tensor in blend.tensors.items():
            torch.testing.assert_close(tensor, other[name], atol=1e-5, rtol=1e-4)


def test_styles_give_different_pictures(method: MetaNetworks) -> None:
    photo = pictures(1, 64)
    outs = [method.stylizer(method.adapt(style))(photo) for style in pictures(3, 64, seed=3)]
    assert all((a - b).abs().mean() > 1e-3 for a in outs for b in outs if a is not b)


def test_neutral_is_the_content_as_its_own_style(method: MetaNetworks) -> None:
    content = pictures(1, 64)[0]
    own = method.adapt(content, exact=True)
    assert torch.equal(method.neutral(content).tensors["hidden"], own.tensors["hidden"])
    whole = method.neutral(content, like=method.adapt(content, kernels=True))
    assert whole.tensors.keys() == method.adapt(content, kernels=True).tensors.keys()
    assert method.neutral().tensors["hidden"].shape == own.tensors["hidden"].shape


def test_strength_goes_towards_each_contents_own_network(method: MetaNetworks) -> None:
    card, photos = method.adapt(pictures(1, 64, seed=4)[0]), pictures(2, 48)
    found = Controls(0.6, color_share=0).stylizer(method, card)(photos)
    fulls = method.stylizer(card)(photos)
    for photo, picture, full in zip(photos, found, fulls, strict=True):
        blend = method.blend([method.neutral(photo), card], [0.4, 0.6])
        soft = method.stylizer(blend)(photo[None])[0]
        three = (Striped.of(one[None]) for one in (photo, soft, full))
        assert torch.equal(at_distance(*three, 0.6).whole()[0], picture)
    assert torch.equal(Controls(0).stylizer(method, card)(photos), photos)
    full = Controls(1, color_share=0).stylizer(method, card)(photos)
    assert torch.equal(full, method.stylizer(card)(photos))


def test_strength_without_the_weights_that_made_the_card_mixes_the_picture_alone(
    method: MetaNetworks,
) -> None:
    card, photos = method.adapt(pictures(1, 64, seed=4)[0], kernels=True), pictures(2, 48)
    expected = torch.lerp(photos, method.stylizer(card)(photos), 0.3)
    other = tiny_method(seed=2)
    other.base = "2" * 64
    found = Controls(0.3, color_share=0).stylizer(other, card)(photos)
    torch.testing.assert_close(found, expected)


# refining, inventing


@pytest.mark.parametrize("objective", ["relative", "matching"])
def test_refining_continues_from_the_generated_network(
    objective: str, method: MetaNetworks
) -> None:
    style, contents = pictures(1, 64, seed=8)[0], list(pictures(2, 40))
    steps: list[int] = []
    quick = {"crop": 32, "seed": 1, "contents": contents, "objective": objective}
    card = method.adapt(style, refine=12, on_step=lambda now: steps.append(now.step), **quick)
    assert steps == list(range(13)) and card.provenance["steps"] == 12
    assert card.base == "" and card.provenance["loss_after"] < card.provenance["loss_before"]
    again = method.adapt(style, refine=12, **quick)
    generated = method.adapt(style, kernels=True)
    assert card.tensors.keys() == generated.tensors.keys()
    assert all(torch.equal(card.tensors[n], again.tensors[n]) for n in card.tensors)
    assert not torch.equal(card.tensors["kernels.down1"], generated.tensors["kernels.down1"])
    blend = method.blend([generated, card], [0.5, 0.5])
    assert method.stylizer(blend)(pictures(1, 40)).shape == (1, 3, 40, 40)


def test_invented_styles_follow_the_seed_and_the_styles_seen(method: MetaNetworks) -> None:
    a, b = method.invent(2, seed=3)
    assert torch.equal(method.invent(2, seed=3)[1].tensors["hidden"], b.tensors["hidden"])
    assert not torch.equal(a.tensors["hidden"], b.tensors["hidden"])
    assert (a.tensors["hidden"] >= 0).all()
    seen = method.network.seen[:8]
    many = torch.stack([c.tensors["hidden"] for c in method.invent(3000, uniform=True)])
    slack = 1e-3 * seen.amax(0)  # the cards are in float16
    assert (many >= seen.amin(0) - slack).all() and (many <= seen.amax(0) + slack).all()
    middle = (seen.amin(0) + seen.amax(0)) / 2
    torch.testing.assert_close(many.mean(0), middle, atol=2e-3, rtol=0.1)
    assert method.stylizer(a)(pictures(1, 50)).shape == (1, 3, 50, 50)


def test_weights_that_saw_no_style_invent_none() -> None:
    with pytest.raises(GessoError, match="fewer than 2 styles"):
        MetaNetworks(tiny_encoder, CONFIG).invent(1)


# training


def make_batch(step: int = 0, styles: int = 2, contents: int = 2) -> dict[str, Tensor]:
    return {
        "contents": pictures(styles * contents, 48, seed=step),
        "styles": pictures(styles, 48, seed=100 + step),
    }


def test_a_step_of_several_styles_is_the_mean_of_their_own(method: MetaNetworks) -> None:
    encoder, objective, batch = method.encoder, method.config.objective, make_batch()
    both = meta_losses(method.network, encoder, objective, batch)
    single = [
        meta_losses(
            method.network,
            encoder,
            objective,
            {
                "contents": batch["contents"][2 * i : 2 * i + 2],
                "styles": batch["styles"][i : i + 1],
            },
        )
        for i in range(2)
    ]
    for name, value in both.items():
        torch.testing.assert_close(value, (single[0][name] + single[1][name]) / 2)


def test_everything_trained_gets_a_gradient_and_the_loss_falls() -> None:
    method = tiny_method(seed=1, config=replace(CONFIG, hidden=24))  # enough that no group is 0
    optimizer = torch.optim.Adam(method.network.parameters(), lr=3e-3)
    totals = []
    for _ in range(25):
        optimizer.zero_grad()
        total = torch.stack(list(method.losses(make_batch(), 0).values())).sum()
        total.backward()
        totals.append(float(total.detach()))
        optimizer.step()
    grads = {n: p.grad for n, p in method.network.named_parameters()}
    assert [n for n, g in grads.items() if g is None or not g.abs().sum() > 0] == []
    assert totals[-1] < 0.5 * totals[0]


def test_the_last_styles_are_remembered_newest_first() -> None:
    network = HyperNetwork(10, 2, 3)
    rows = torch.rand(SEEN + 5, 42)
    for row in rows:
        network.remember(row[None])
    assert torch.equal(network.seen, rows.flip(0)[:SEEN])


def test_styles_stay_for_k_steps_while_contents_change(tmp_path: Path) -> None:
    for i, picture in enumerate(pictures(12, 20)):
        write_image(tmp_path / f"{i}.png", picture)
    source = ImageSource(tmp_path)
    make = style_batches(Batches(source, 4, crop=16), Batches(source, 2, crop=16, stream=2), 3)
    batches = [make(step) for step in range(7)]
    same = [torch.equal(a["styles"], b["styles"]) for a, b in pairwise(batches)]
    assert same == [True, True, False, True, True, False]
    assert not torch.equal(batches[0]["contents"], batches[1]["contents"])
    for name in ("contents", "styles"):
        parts = torch.cat([make(4, rank, 2)[name] for rank in range(2)])
        assert torch.equal(parts, batches[4][name])
    alone = style_batches(Batches(source, 4, crop=16), Batches(source, 1, crop=16, stream=2), 20)
    assert torch.equal(alone(7, 0, 2)["styles"], alone(7, 1, 2)["styles"])
    with pytest.raises(GessoError, match="5 contents for 2 styles"):
        style_batches(Batches(source, 5, crop=16), Batches(source, 2, crop=16), 1)


# files


def saved(method: MetaNetworks, path: Path) -> Path:
    header = {"kind": "weights", "method": method.name, "config": method.config.as_header()}
    save_file(path, method.network.state_dict(), header)
    return path


def test_weights_are_loaded_with_their_configuration(tmp_path: Path) -> None:
    assert "meta_networks" in methods()
    method = tiny_method()
    path = saved(method, tmp_path / "w.safetensors")
    loaded = MetaNetworks.load(tiny_encoder(), path)
    assert loaded.config == method.config and loaded.base != method.base
    style, photo = pictures(1, 64)[0], pictures(1, 40)
    found = loaded.stylizer(loaded.adapt(style))(photo)
    assert torch.equal(found, method.stylizer(method.adapt(style))(photo))
    with pytest.raises(GessoError, match="the weights loaded are"):
        loaded.stylizer(method.adapt(style))


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({}, "not the configuration of meta_networks"),
        ({**CONFIG.as_header(), "width": 0}, "width 0: allowed are 1 to 256"),
        ({**CONFIG.as_header(), "width": "8"}, "width 8: allowed"),
        ({**CONFIG.as_header(), "upsample": "magic"}, "upsample magic: allowed are deconv"),
        ({**CONFIG.as_header(), "depth": 3}, "not the configuration"),
        ({**CONFIG.as_header(), "width": 8}, "the first difference is"),
    ],
)
def test_foreign_weights_are_one_line(tmp_path: Path, config: dict, complaint: str) -> None:
    path, network = tmp_path / "w.safetensors", tiny_method().network
    save_file(
        path, network.state_dict(), {"kind": "weights", "method": "meta_networks", "config": config}
    )
    with pytest.raises(GessoError, match=complaint) as caught:
        load("meta_networks", weights=path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_method_are_refused(tmp_path: Path) -> None:
    save_file(
        tmp_path / "w.safetensors", {"a": torch.ones(1)}, {"kind": "weights", "method": "adain"}
    )
    with pytest.raises(GessoError, match="weights of adain, not of meta_networks"):
        MetaNetworks.load(tiny_encoder(), tmp_path / "w.safetensors")


def test_another_encoder_than_the_trained_one_is_refused() -> None:
    method = tiny_method(config=replace(CONFIG, encoder=""))
    method.config = replace(CONFIG, encoder="ab" * 32)
    with pytest.raises(GessoError, match="were trained with abababababab, and take no other"):
        method.adapt(pictures(1, 64)[0])
    method = MetaNetworks(tiny_encoder(), Config(width=4, hidden=6, statistics=9))
    with pytest.raises(GessoError, match="56 statistics, these weights take 9"):
        method.adapt(pictures(1, 64)[0])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"steps": 3}, "option steps: unknown; allowed are .*refine"),
        ({"refine": -1}, "refine: -1; allowed are whole numbers from 0"),
        ({"refine": 1, "crop": 4}, "crop: 4; allowed are whole numbers from 16"),
    ],
)
def test_options_that_make_no_sense(method: MetaNetworks, options: dict, complaint: str) -> None:
    with pytest.raises(GessoError, match=complaint):
        method.adapt_settings(**options)
    with pytest.raises(GessoError, match=complaint):
        method.adapt(pictures(1, 64)[0], **options)


def test_a_card_says_the_size_its_style_was_seen_at(method: MetaNetworks) -> None:
    style, contents = pictures(1, 64)[0], list(pictures(1, 40))
    assert method.adapt(style).settings["style_size"] == 384
    refined = method.adapt(style, contents, refine=1, crop=32)
    assert refined.settings["style_size"] == 512


def test_refining_takes_as_many_steps_as_asked_for(method: MetaNetworks) -> None:
    style, contents = pictures(1, 64)[0], list(pictures(1, 40))
    card, options = method.adapt(style), Options(refine=2, crop=32)
    counts = [
        method.refined(card, style, contents, *given, **more).provenance["steps"]
        for given, more in [((), {"crop": 16}), ((options,), {}), ((options,), {"refine": 1})]
    ]
    assert counts == [20, 2, 1]


def test_a_spot_that_outgrows_its_channel_costs_and_others_do_not() -> None:
    shared = SharedLayers(4)
    norm = cast(InstanceNorm, shared.norms["down1"])
    channels = len(norm.gamma)
    flat = torch.randn(1, channels, 24, 24).clamp(-2, 2)
    spot = flat.clone()
    spot[:, 0, 12, 12] = 40.0
    with watched_spikes(shared) as quiet:
        norm(flat)
    assert float(quiet[0].detach()) == 0
    with watched_spikes(shared) as spikes:
        norm(spot.requires_grad_())
    z = (spot - spot.mean((2, 3), keepdim=True)) / spot.std((2, 3), unbiased=False, keepdim=True)
    expected = (z.abs() - SPIKE).clamp_min(0).square().mean()
    torch.testing.assert_close(spikes[0], expected, rtol=1e-2, atol=1e-4)
    spikes[0].backward()
    assert spot.grad is not None and spot.grad.abs().sum() > 0
    norm(flat)
    assert len(spikes) == 1  # nothing is watched outside


def test_spikes_are_a_term_of_the_training_where_they_have_a_weight(method: MetaNetworks) -> None:
    batch = {"contents": pictures(2, 48, seed=1), "styles": pictures(2, 48, seed=2)}
    plain = meta_losses(method.network, method.encoder, method.config.objective, batch)
    watched = meta_losses(method.network, method.encoder, method.config.objective, batch, 0.5)
    assert set(watched) - set(plain) == {"spikes"}
    assert float(watched["spikes"].detach()) >= 0


@pytest.mark.parametrize("upsample", ["deconv", "resize"])
def test_a_generated_network_in_strips_is_the_network_as_trained(
    upsample: Upsample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "STRIP_PX", 8)
    torch.manual_seed(0)
    net = GeneratedNet(4, upsample)
    for kernel in net.kernels.values():
        torch.nn.init.normal_(kernel, std=0.2)
    photo = pictures(1, 50)[..., :47]
    trained = net(photo, raw=True).detach()
    with torch.no_grad():
        torch.testing.assert_close(net(photo, raw=True), trained, atol=2e-4, rtol=1e-3)
