"""WCT (Li et al. 2017): the transform, its decoders, cards, textures and training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders import tiles
from gesso.encoders.decoder import Decoder
from gesso.errors import GessoError
from gesso.losses.terms import relative_squared_error
from gesso.methods.adain.layer import Config as AdaINConfig
from gesso.methods.wct.decoders import Config, wct_losses
from gesso.methods.wct.method import WCT
from gesso.methods.wct.training import go_on
from gesso.methods.wct.transform import Colours
from gesso.nn.channels import Channels
from gesso.nn.checkpoint import save_file
from gesso.nn.covariance import Moments, colours_of, whole
from tiny import WIDTHS, grained, pictures, tiny_encoder

LEVELS = ("relu4_1", "relu3_1", "relu2_1", "relu1_1")
BLOCKS = tuple((width,) for width in WIDTHS)
CONFIG = Config(BLOCKS, levels=LEVELS, skips=("relu3_1", "relu2_1"))
STYLES = pictures(3, 64, seed=5)
PHOTO = grained(pictures(1, 64, seed=6))


def make(config: Config = CONFIG, base: str = "1" * 64) -> WCT:
    torch.manual_seed(1)
    return WCT(tiny_encoder(), config, base).requires_grad_(False)


def card(method: WCT, style: int = 0, alpha: float = 1.0) -> StyleCard:
    return method.adapt(STYLES[style], style_size=64, share=alpha, exact=True)


def correlated(seed: int, channels: int = 6) -> Tensor:
    """Features (1, channels, 20, 15)."""
    torch.manual_seed(seed)
    x = torch.randn(channels, channels) @ torch.randn(channels, 300)
    return (x + 3 * torch.randn(channels, 1)).view(1, channels, 20, 15)


CHANNELS = Channels(torch.arange(6), torch.linspace(0.5, 2, 6), 6)


def colours(moments: Moments, alpha: float = 1.0) -> Colours:
    mean, triangle = colours_of(moments)
    return Colours(mean, whole(triangle, 6), torch.tensor(alpha))


def transformed(x: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
    towards = colours(CHANNELS.moments(style), alpha)
    return CHANNELS.mapped(x, *towards.of(CHANNELS.moments(x)))


def test_coloured_features_have_the_styles_mean_and_covariance() -> None:
    content, style = correlated(0), correlated(1)
    found = CHANNELS.moments(transformed(content, style))
    for one, other in zip(found, CHANNELS.moments(style), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_features_in_their_own_style_stay_as_they_are() -> None:
    content = correlated(0)
    torch.testing.assert_close(transformed(content, content), content, atol=1e-3, rtol=1e-3)


def test_alpha_is_the_papers_mixture_of_features() -> None:
    """f̂ = α·f_cs + (1 − α)·f_c, equation 6."""
    content, style = correlated(0), correlated(1)
    full = transformed(content, style)
    for alpha in (0.0, 0.3):
        expected = alpha * full + (1 - alpha) * content
        found = transformed(content, style, alpha)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_mean_of_factors_gives_the_mean_of_the_coloured_features() -> None:
    """The paper's interpolation between styles."""
    content = correlated(0)
    parts = [colours(CHANNELS.moments(correlated(seed))) for seed in (1, 2)]
    between = Colours(
        0.3 * parts[0].mean + 0.7 * parts[1].mean,
        0.3 * parts[0].factor + 0.7 * parts[1].factor,
        parts[0].alpha,
    )
    own = CHANNELS.moments(content)
    found = CHANNELS.mapped(content, *between.of(own))
    one, other = (CHANNELS.mapped(content, *part.of(own)) for part in parts)
    torch.testing.assert_close(found, 0.3 * one + 0.7 * other, atol=1e-4, rtol=1e-4)


def test_silent_channels_stay_as_they_are() -> None:
    channels = Channels(torch.tensor([0, 2, 5]), torch.tensor([0.5, 1.0, 2.0]), 6)
    content, style = correlated(0), correlated(1)
    mean, triangle = colours_of(channels.moments(style))
    towards = Colours(mean, whole(triangle, 3), torch.ones(1))
    found = channels.mapped(content, *towards.of(channels.moments(content)))
    assert torch.equal(found[:, [1, 3, 4]], content[:, [1, 3, 4]])
    after, wanted = channels.moments(found), channels.moments(style)
    torch.testing.assert_close(after, wanted, atol=1e-3, rtol=1e-3)


def test_without_alpha_it_is_the_autoencoder() -> None:
    method = make()
    expected = PHOTO
    for level in LEVELS:
        features = method.encode(expected, level)
        expected = tiles.decode(method.network.at(level), features, 64, 64, tiles.unchanged)
    neutral = method.neutral(like=card(method))
    torch.testing.assert_close(method.stylizer(neutral)(PHOTO), expected, atol=2e-3, rtol=0)
    none = card(method, alpha=0.0)
    torch.testing.assert_close(method.stylizer(none)(PHOTO), expected, atol=2e-3, rtol=0)


def test_strength_is_alpha_at_every_level() -> None:
    method = make()
    style = card(method)
    soft = method.softened(style, 0.4)
    assert soft is not None
    expected = method.stylizer(card(method, alpha=0.4))(PHOTO)
    torch.testing.assert_close(method.stylizer(soft)(PHOTO), expected, atol=1e-3, rtol=0)


def test_a_card_is_mean_and_factor_of_every_level_and_small(tmp_path: Path) -> None:
    method = make()
    made = card(method)
    for level in LEVELS:
        mean, covariance = method.moments(method.encode(STYLES[:1], level))[level]
        factor = whole(made.tensors[f"factor.{level}"], len(mean[0])).double()
        torch.testing.assert_close(made.tensors[f"mean.{level}"].double(), mean[0])
        torch.testing.assert_close(factor @ factor, covariance[0], atol=1e-4, rtol=1e-3)
    damaged = replace(made, tensors={**made.tensors, "factor.relu3_1": torch.zeros(3)})
    with pytest.raises(GessoError, match=r"without factor\.relu3_1 of 36 numbers"):
        method.stylizer(damaged)


def test_every_level_is_decoded_from_coarse_to_fine_with_the_next() -> None:
    assert [CONFIG.decoded(level) for level in LEVELS] == [
        ("relu4_1", "relu3_1"), ("relu3_1", "relu2_1"), ("relu2_1",), ("relu1_1",)
    ]  # fmt: skip
    network = CONFIG.build()
    assert [network.at(level).stride for level in LEVELS] == [8, 4, 2, 1]
    with pytest.raises(GessoError, match="wct with levels relu1_1, relu4_1: allowed are some of"):
        Config(BLOCKS, levels=("relu1_1", "relu4_1"))
    with pytest.raises(GessoError, match="skip relu4_1: none of the levels below relu4_1"):
        replace(CONFIG, skips=("relu4_1",))
    assert Config.from_header(CONFIG.as_header()) == CONFIG
    with pytest.raises(GessoError, match="not the configuration of wct"):
        Config.from_header({"blocks": 3})


def test_regions_are_put_together_in_feature_space() -> None:
    method = make()
    cards = [card(method, style) for style in range(2)]
    stylize = method.stylizer_of_regions(cards)
    left = torch.zeros(2, 64, 64)
    left[0, :, :32] = 1
    left[1] = 1 - left[0]
    ones = torch.stack([torch.ones(64, 64), torch.zeros(64, 64)])
    whole_one = method.stylizer(cards[0])(PHOTO)
    torch.testing.assert_close(stylize(PHOTO, ones, None), whole_one, atol=1e-5, rtol=0)
    both = stylize(PHOTO, left, None)
    assert not torch.allclose(both[..., :24], both[..., 40:].flip(3), atol=1e-2)
    assert both.shape == PHOTO.shape


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    method = make()
    style = card(method)
    photo = grained(pictures(1, 96, seed=7))
    at_once = method.stylizer(style)(photo)
    monkeypatch.setattr(tiles, "TILE_PX", 32)
    torch.testing.assert_close(method.stylizer(style)(photo), at_once, atol=8e-3, rtol=0)


def test_a_texture_takes_all_of_the_style_from_noise() -> None:
    method = make()
    made = method.texture(card(method, alpha=0.2), 40, 48, seed=3)
    assert made.shape == (3, 40, 48)
    assert torch.equal(made, method.texture(card(method), 40, 48, seed=3))
    assert not torch.equal(made, method.texture(card(method), 40, 48, seed=4))


def test_the_losses_are_of_pixels_and_of_features_at_each_level() -> None:
    encoder, config = tiny_encoder(), replace(CONFIG, pixel_weight=2.0, range_weight=0.0)
    torch.manual_seed(0)
    network, contents = config.build(), pictures(2, 32, seed=1)
    found = wct_losses(network, encoder, {"contents": contents})
    features = encoder(contents, LEVELS)
    made = {level: network.at(level)(features) for level in LEVELS}
    pixel = sum((picture - contents).square().mean() for picture in made.values())
    torch.testing.assert_close(found["pixel"], 2 * pixel)
    feature = sum(
        relative_squared_error(encoder(picture, [level])[level], features[level]).mean()
        for level, picture in made.items()
    )
    torch.testing.assert_close(found["feature"], feature)


def test_a_single_decoder_is_a_start_for_all(tmp_path: Path) -> None:
    """Where its deeper features say nothing, each decoder begins as that one decodes."""
    torch.manual_seed(0)
    whole_one = AdaINConfig(blocks=BLOCKS, skips=("relu3_1", "relu2_1")).build()
    torch.nn.init.zeros_(whole_one.layers[0].weight)  # type: ignore[arg-type]
    save_file(tmp_path / "w.safetensors", whole_one.state_dict(), {"kind": "weights"})
    network = CONFIG.build()
    go_on(network, tmp_path / "w.safetensors")
    features = tiny_encoder()(PHOTO, LEVELS)
    decoder = network.at("relu3_1")
    assert isinstance(decoder, Decoder)
    torch.testing.assert_close(decoder(features), whole_one(features), atol=1e-5, rtol=1e-4)
