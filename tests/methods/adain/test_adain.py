"""AdaIN (Huang & Belongie 2017): the layer, its decoder, cards, blends and training."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file as save_safetensors
from torch import Tensor, nn

from gesso.cards.card import StyleCard
from gesso.encoders import load_encoder, vgg
from gesso.encoders.decoder import Decoder, mirrored
from gesso.encoders.levels import LEVELS
from gesso.encoders.vgg import VGG
from gesso.errors import GessoError
from gesso.losses.objectives import Objective, StatisticsObjective
from gesso.losses.terms import mean_squared_error
from gesso.methods.adain.layer import (
    OBJECTIVE,
    PAPER_OBJECTIVE,
    Config,
    adain,
    adain_losses,
    mean_and_deviation,
    style_levels,
)
from gesso.methods.adain.method import AdaIN
from tiny import WIDTHS, grained, pictures, tiny_encoder

SKIPS = ("relu2_1", "relu3_1")
BLOCKS = tuple((width,) for width in WIDTHS)
STYLES = pictures(3, 64, seed=5)
PHOTO = grained(pictures(1, 64, seed=6))


def features(count: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return (0.5 + torch.rand(count, 5, 1, 1)) * torch.randn(count, 5, 9, 7) + torch.randn(
        count, 5, 1, 1
    )


def make(base: str = "1" * 64) -> AdaIN:
    torch.manual_seed(1)
    method = AdaIN(tiny_encoder(), Config(blocks=BLOCKS, skips=SKIPS), base)
    return method.requires_grad_(False)


def card(method: AdaIN, style: int = 0) -> StyleCard:
    return method.adapt(STYLES[style], style_size=64)


def test_the_result_has_the_styles_mean_and_deviation() -> None:
    content, style = features(2, 0), features(2, 1)
    mean, deviation = mean_and_deviation(style)
    result = mean_and_deviation(adain(content, mean, deviation))
    torch.testing.assert_close(result[0], mean, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(result[1], deviation, atol=1e-5, rtol=1e-4)


def test_the_contents_own_statistics_change_nothing() -> None:
    content = features(2, 0)
    same = adain(content, *mean_and_deviation(content))
    torch.testing.assert_close(same, content, atol=1e-5, rtol=1e-5)


def test_a_flat_channel_takes_the_styles_mean() -> None:
    content = torch.zeros(1, 5, 4, 4)
    result = adain(content, torch.arange(5.0), torch.ones(5))
    assert torch.equal(result, torch.arange(5.0).view(1, 5, 1, 1).expand(1, 5, 4, 4))


def test_half_precision_is_widened_before_statistics_are_taken() -> None:
    content = 300 + features(1, 0).bfloat16()
    assert adain(content, torch.zeros(5), torch.ones(5)).dtype == torch.float32


def test_the_decoder_mirrors_vgg_19_as_in_the_paper() -> None:
    with torch.device("meta"):
        encoder = VGG("vgg19", caffe=False, deepest="relu4_1")
        decoder = Decoder(encoder.widths("relu4_1"))
    assert encoder.widths("relu4_1") == Config().blocks
    assert sum(p.numel() for p in decoder.parameters()) == 3_505_219
    channels = [512, 256, 256, 256, 256, 128, 128, 64, 64, 3]
    layers = mirrored(encoder.widths("relu4_1"))
    assert [(layer.inputs, layer.outputs) for layer in layers] == list(pairwise(channels))
    assert [layer.level for layer in layers if layer.up] == ["relu3_4", "relu2_2", "relu1_2"]


def maps(side: int = 4, count: int = 1) -> dict[str, Tensor]:
    """Features of the tiny encoder's shapes at relu4_1, 3_1 and 2_1."""
    torch.manual_seed(3)
    levels = zip(("relu4_1", "relu3_1", "relu2_1"), (1, 2, 4), WIDTHS[:0:-1], strict=True)
    return {level: torch.rand(count, c, n * side, n * side) for level, n, c in levels}


def test_the_decoder_has_no_normalisation() -> None:
    torch.manual_seed(0)
    decoder = Decoder(BLOCKS, SKIPS)
    for bias in (p for p in decoder.parameters() if p.dim() == 1):
        torch.nn.init.zeros_(bias)
    x = maps()  # without biases it is as homogeneous as ReLU is
    double = {level: 2 * value for level, value in x.items()}
    torch.testing.assert_close(decoder(double), 2 * decoder(x), atol=1e-4, rtol=1e-4)


def test_the_decoder_computes_the_same_with_and_without_gradients() -> None:
    torch.manual_seed(0)
    decoder = Decoder(((4, 4), (6, 6), (8,)), ("relu2_1",))
    x = {"relu3_1": torch.rand(1, 8, 5, 3), "relu2_1": torch.rand(1, 6, 10, 6)}
    with torch.no_grad():
        quiet = decoder(x)
    assert quiet.shape == (1, 3, 20, 12)
    torch.testing.assert_close(decoder(x), quiet, atol=1e-5, rtol=1e-4)


def test_its_scale_is_measured_and_dead_channels_stay_finite() -> None:
    decoder = Decoder(BLOCKS, SKIPS)
    x = {level: 100 * value for level, value in maps(count=4).items()}
    x["relu4_1"][:, 0] = 0
    decoder.measure(x)
    assert bool((decoder.scale_relu4_1 > 1).all()) and bool(torch.isfinite(decoder(x)).all())


def test_a_skip_is_decoded_and_has_to_be_a_shallower_level() -> None:
    torch.manual_seed(0)
    decoder, x = Decoder(BLOCKS, SKIPS), maps()
    other = {**x, "relu2_1": x["relu2_1"] + 1}
    assert not torch.equal(decoder(x), decoder(other))
    assert Decoder(BLOCKS, SKIPS).levels == ["relu4_1", *SKIPS]
    for skip in ("relu4_1", "relu5_1"):
        with pytest.raises(GessoError, match=f"skip {skip}: no level above relu4_1"):
            Decoder(BLOCKS, (skip,))


def test_the_compact_encoders_own_features_by_name() -> None:
    encoder = load_encoder()
    both = encoder(PHOTO, ["relu3_3", "relu4_1"])
    assert both["relu4_1"].shape == (1, 256, 8, 8) and float(both["relu4_1"].min()) >= 0
    assert torch.equal(both["relu3_3"], encoder(PHOTO, ["relu3_3"])["relu3_3"])
    assert list(encoder(PHOTO)) == list(LEVELS) == list(encoder.levels)
    assert encoder.widths("relu4_1") == ((32, 32), (64, 64), (128, 128, 128), (256,))
    assert sum(p.numel() for p in Decoder(encoder.widths("relu4_1")).parameters()) == 729_507
    with pytest.raises(GessoError, match="encoder compact: no level relu4_4; it has relu1_2"):
        encoder(PHOTO, ["relu4_1", "relu4_4"])
    with pytest.raises(GessoError, match="relu4_3 is a projection of its features"):
        encoder.widths("relu4_3")


def test_strength_is_the_papers_formula() -> None:
    """T = g((1 − α)·f(c) + α·AdaIN(f(c), f(s))), equation 14."""
    method = make()
    style = card(method)
    content = method.encode(PHOTO)
    target = method.transfer(content, style)
    for alpha in (0.0, 0.3, 1.0):
        blend = method.blend([method.neutral(PHOTO[0], like=style), style], [1 - alpha, alpha])
        mixed = {n: (1 - alpha) * content[n].float() + alpha * target[n] for n in content}
        found = method.transfer(content, blend)
        torch.testing.assert_close(found, mixed, atol=2e-5, rtol=1e-4)
        expected = method.decode(mixed, 64, 64)
        torch.testing.assert_close(method.stylizer(blend)(PHOTO), expected, atol=2e-2, rtol=0)


def test_a_blend_of_cards_is_the_sum_of_their_features() -> None:
    """Σ w·AdaIN(f(c), f(s)), equation 15."""
    method = make()
    cards, weights = [card(method, i) for i in range(3)], [0.5, 0.3, 0.2]
    content = method.encode(PHOTO)
    parts = [method.transfer(content, c) for c in cards]
    expected = {
        level: sum(w * part[level] for w, part in zip(weights, parts, strict=True))
        for level in content
    }
    found = method.transfer(content, method.blend(cards, weights))
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_a_card_is_the_styles_mean_and_deviation() -> None:
    method = make()
    made = method.adapt(STYLES[0], style_size=64, exact=True)
    for level, (mean, deviation) in method.statistics(method.encode(STYLES[:1])).items():
        torch.testing.assert_close(made.tensors[f"mean.{level}"], mean[0])
        torch.testing.assert_close(made.tensors[f"deviation.{level}"], deviation[0])
    assert len(made.tensors) == 6
    assert made.thumbnail and made.config == {"level": "relu4_1"}
    assert not method.practises()


def test_a_card_file_is_small(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = load_encoder()
    method = AdaIN(encoder, Config(blocks=encoder.widths("relu4_1"), skips=SKIPS))
    method.adapt(pictures(1, 128)[0]).save(tmp_path / "card.safetensors")
    assert (tmp_path / "card.safetensors").stat().st_size < 8000


def test_weights_are_for_one_encoder_and_cards_for_one_decoder() -> None:
    method = make()
    method.config = replace(method.config, encoder="f" * 64)
    with pytest.raises(GessoError, match="trained with ffffffffffff, and take no other"):
        card(method)
    made, other = card(make("1" * 64)), make("2" * 64)
    with pytest.raises(GessoError, match="base 111111111111, the weights loaded are 222222222222"):
        other.stylizer(made)
    damaged = replace(made, base="2" * 64, tensors={"mean.relu4_1": torch.zeros(3)})
    with pytest.raises(GessoError, match=r"without mean\.relu4_1 of 10 channels"):
        other.stylizer(damaged)


def test_a_configuration_survives_its_header() -> None:
    config = Config(BLOCKS, "abc", replace(PAPER_OBJECTIVE, style_weight=2.0), 3.0, SKIPS)
    assert Config.from_header(config.as_header()) == config
    for blocks in ((), ((),), ((0,),), ((4096,),), ((4,),) * 6):
        with pytest.raises(GessoError, match="adain with blocks"):
            Config(blocks)
    with pytest.raises(GessoError, match="not the configuration of adain"):
        Config.from_header({"blocks": 3})


def test_the_papers_losses() -> None:
    """ℒ_c is the MSE of features, ℒ_s the sum over levels of the MSEs of μ and of σ, λ = 10."""
    levels = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    assert PAPER_OBJECTIVE.levels == levels
    encoder = tiny_encoder()
    torch.manual_seed(0)
    decoder = Decoder(BLOCKS, ("relu2_1",))
    batch = {"contents": pictures(2, 32, seed=1), "styles": pictures(2, 32, seed=2)}
    config = Config(BLOCKS, objective=PAPER_OBJECTIVE, identity_weight=1.5, skips=("relu2_1",))
    terms = adain_losses(decoder, encoder, config, batch)
    f, s = encoder(batch["contents"], levels), encoder(batch["styles"], levels)
    target = {n: adain(f[n], *mean_and_deviation(s[n])) for n in ("relu4_1", "relu2_1")}
    out = encoder(decoder(target), levels)
    style = 10 * sum(
        ((a - b) ** 2).mean()
        for level in levels
        for a, b in zip(mean_and_deviation(out[level]), mean_and_deviation(s[level]), strict=True)
    )
    torch.testing.assert_close(terms["content"], ((out["relu4_1"] - target["relu4_1"]) ** 2).mean())
    torch.testing.assert_close(terms["style"], style)
    again = mean_squared_error(decoder(f), batch["contents"]).mean()
    torch.testing.assert_close(terms["identity"], 1.5 * again)
    assert set(terms) == {"content", "style", "identity"}


def test_without_style_weight_only_the_content_is_given_back() -> None:
    encoder = tiny_encoder()
    plain = replace(OBJECTIVE, style_weight=0, content_weight=0, range_weight=0)
    batch = {"contents": pictures(2, 32, seed=1), "styles": pictures(2, 32, seed=2)}
    config = Config(BLOCKS, objective=plain, identity_weight=1.0)
    assert set(adain_losses(Decoder(BLOCKS), encoder, config, batch)) == {"identity"}


def test_the_style_levels_are_those_the_encoder_has() -> None:
    assert style_levels(tiny_encoder()) == LEVELS
    with torch.device("meta"):
        assert style_levels(VGG("vgg19", caffe=False)) == PAPER_OBJECTIVE.levels


def test_the_normalised_vgg_of_the_authors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reflection padding, poolings that round up, a 1×1 convolution in front."""
    monkeypatch.setattr(vgg, "WIDTHS", (4, 5, 6, 7, 8))
    torch.manual_seed(0)
    shapes = vgg.tensor_shapes("vgg19", "relu4_1", "normalised")
    names = vgg.file_names("vgg19", shapes, "normalised")
    assert [names[f"conv{n}.weight"] for n in ("0", "1_1", "1_2", "2_1", "3_1", "4_1")] == [
        "0.weight", "2.weight", "5.weight", "9.weight", "16.weight", "29.weight"
    ]  # fmt: skip
    stored = {names[name]: 0.4 * torch.randn(shape) for name, shape in shapes.items()}
    save_safetensors(stored, tmp_path / "vgg.safetensors")
    encoder = load_encoder(tmp_path / "vgg.safetensors", "relu4_1")
    layers: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
    widths = [w for block in encoder.widths("relu4_1") for w in block]
    for i, (inputs, outputs) in enumerate(pairwise([3, *widths])):
        pool = [nn.MaxPool2d(2, ceil_mode=True)] if i in (2, 4, 8) else []
        layers += [*pool, nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]
    plain = nn.Sequential(*layers)
    plain.load_state_dict(stored)
    image = pictures(1, 38)[..., :35]
    found = encoder(image, ["relu1_1", "relu4_1"])
    with torch.no_grad():
        torch.testing.assert_close(found["relu1_1"], plain[:4](image), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found["relu4_1"], plain(image), atol=1e-4, rtol=1e-3)
    del stored["29.bias"]
    save_safetensors(stored, tmp_path / "vgg.safetensors")
    with pytest.raises(GessoError, match=r"up to relu4_1: 29\.bias is missing"):
        load_encoder(tmp_path / "vgg.safetensors", "relu4_1")


def test_the_encoders_zero_padding_is_outside_of_the_picture() -> None:
    """Features at the border are those of a picture that goes on, as its reflection."""
    method = make()
    wide = method.encode(nn.functional.pad(PHOTO, (32,) * 4, mode="reflect"))
    for level, found in method.encode(PHOTO).items():
        edge = 4 * found.shape[-1] // 10  # 10 cells of 8 px: the photo's 8, and the margin
        inner = wide[level][..., edge:-edge, edge:-edge]
        torch.testing.assert_close(found, inner, atol=2e-2, rtol=2e-2)
        zeros = method.encoder(PHOTO, [level])[level]
        ring = found.shape[-1] // 10
        assert float((zeros - found[..., ring:-ring, ring:-ring]).abs().max()) > 0.1


def test_statistics_are_those_of_the_photo_without_its_margin() -> None:
    method = make()
    features = method.encode(PHOTO)
    for level, (mean, _) in method.statistics(features).items():
        ring = features[level].shape[-1] // 10
        inner = features[level][..., ring:-ring, ring:-ring]
        torch.testing.assert_close(mean, inner.float().mean((2, 3)))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (23, 24), (25, 9)])
def test_pictures_too_small_to_reflect_keep_their_size(size: tuple[int, int]) -> None:
    method = make()
    picture = method.stylizer(card(method))(torch.rand(1, 3, *size))
    assert picture.shape == (1, 3, *size) and bool(torch.isfinite(picture).all())


def test_a_level_named_twice_is_refused() -> None:
    with pytest.raises(GessoError, match="one is named twice"):
        Decoder(BLOCKS, ("relu2_1", "relu2_1"))


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -3.0])
def test_weights_of_losses_are_finite_and_not_negative(weight: float) -> None:
    with pytest.raises(GessoError, match=r"style_weight = .*: must be a finite number from 0"):
        StatisticsObjective(style_weight=weight)
    with pytest.raises(GessoError, match="content_weight = "):
        Objective(content_weight=weight)
    with pytest.raises(GessoError, match="identity_weight = "):
        Config(identity_weight=weight)
