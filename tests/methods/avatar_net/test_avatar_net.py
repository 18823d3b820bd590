"""Avatar-Net (Sheng et al. 2018): the decorator, the hourglass, cards, mixtures and training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders.tiles import Change
from gesso.errors import GessoError
from gesso.losses.terms import relative_squared_error, total_variation
from gesso.methods.adain.layer import Config as AdaINConfig
from gesso.methods.adain.layer import mean_and_deviation
from gesso.methods.avatar_net.decorator import Decorator, decorator_of, kept_of
from gesso.methods.avatar_net.hourglass import Config, avatar_losses, faded
from gesso.methods.avatar_net.method import AvatarNet
from gesso.methods.avatar_net.training import begin
from gesso.nn.channels import Channels
from gesso.nn.checkpoint import save_file
from tiny import WIDTHS, grained, pictures, tiny_encoder

BLOCKS = tuple((width,) for width in WIDTHS)
CONFIG = Config(BLOCKS, decorated=("relu4_1", "relu3_1"), aligned=("relu2_1", "relu1_1"))
STYLES = grained(pictures(3, 64, seed=5))
PHOTO = grained(pictures(1, 64, seed=6))
CHANNELS = Channels(torch.arange(4), torch.linspace(0.5, 2, 4), 4)


def make(config: Config = CONFIG) -> AvatarNet:
    torch.manual_seed(1)
    return AvatarNet(tiny_encoder(), config, "1" * 64).requires_grad_(False)


def card(method: AvatarNet, style: int = 0, **options: Any) -> StyleCard:
    return method.adapt(STYLES[style], style_size=64, **options)


def correlated(seed: int, height: int = 12, width: int = 9) -> Tensor:
    """Features (1, 4, height, width)."""
    torch.manual_seed(seed)
    x = torch.randn(4, 4) @ torch.randn(4, height * width) + torch.randn(4, 1)
    return x.view(1, 4, height, width)


def decorator(style: Tensor, size: int = 5, stride: int = 1) -> Decorator:
    on = torch.ones(style.shape[2:], dtype=torch.bool)
    kept = kept_of(CHANNELS, style, CHANNELS.moments(style), on)
    return decorator_of(CHANNELS, kept, size, stride)


def changed(change: Change, level: str, x: Tensor) -> Tensor:
    return change(level, x, slice(0, x.shape[2]), slice(0, x.shape[3]))


def decorated(x: Tensor, towards: Decorator) -> Tensor:
    choice = towards.choice(x, CHANNELS.moments(x))
    return towards.decorated(x, choice, slice(0, x.shape[2]), slice(0, x.shape[3]))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_features_decorated_with_their_own_patches_are_themselves(size: int) -> None:
    x = correlated(0)
    own = decorator(x, size)
    inner = (..., slice(size, -size), slice(size, -size))  # beyond the border others are like it
    torch.testing.assert_close(decorated(x, own)[inner], x[inner], atol=1e-3, rtol=1e-3)


def test_whitened_patches_are_matched_by_likeness_alone() -> None:
    """Colours that differ by any affine map find the same patches."""
    content, style = correlated(0), correlated(1)
    towards = decorator(style, 3)
    other = 3 * content + torch.arange(4.0).view(1, 4, 1, 1)
    one = towards.choice(content, CHANNELS.moments(content))
    assert torch.equal(one, towards.choice(other, CHANNELS.moments(other)))


def test_patches_of_one_place_give_features_of_the_style_only() -> None:
    content, style = correlated(0), correlated(1)
    towards = decorator(style, 1)
    rows = decorated(content, towards)[0].flatten(1).T
    distances = torch.cdist(rows, style[0].flatten(1).T)
    assert float(distances.amin(1).max()) < 1e-2


def test_a_part_is_that_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    content, towards = correlated(0), decorator(correlated(1))
    whole = decorated(content, towards)
    monkeypatch.setattr("gesso.methods.avatar_net.decorator.ROWS", 5)
    rows, columns = slice(3, 9), slice(2, 7)
    choice = towards.choice(content, CHANNELS.moments(content))
    found = towards.decorated(content[:, :, rows, columns], choice, rows, columns)
    torch.testing.assert_close(found, whole[:, :, rows, columns], atol=1e-4, rtol=1e-4)


def test_what_a_mask_leaves_out_is_not_among_the_patches() -> None:
    style = correlated(1)
    on = torch.zeros(style.shape[2:], dtype=torch.bool)
    on[:, :5] = True
    moments = CHANNELS.moments(style[..., :5])
    kept = kept_of(CHANNELS, style, moments, on)
    towards = decorator_of(CHANNELS, kept, 1, 1)
    content = correlated(0)
    rows = decorated(content, towards)[0].flatten(1).T
    distances = torch.cdist(rows, style[0, :, :, :5].flatten(1).T)
    assert float(distances.amin(1).max()) < 1e-2


def test_aligned_levels_take_the_styles_mean_and_a_share_of_its_deviation() -> None:
    method = make()
    style = card(method, detail=0.25)
    features = method.encode(PHOTO)
    inner = {level: x[..., 1:-1, 1:-1] for level, x in features.items() if level == "relu4_1"}
    assert inner["relu4_1"].shape == (1, 10, 8, 8)
    way = method._painted(style)
    plain = {level: x for level, x in features.items()}
    change = way.change(plain, method.sight.of(plain))
    for level in CONFIG.aligned:
        made = changed(change, level, plain[level])
        mean, deviation = mean_and_deviation(made)
        torch.testing.assert_close(mean[0], style.tensors[f"0.mean.{level}"], atol=1e-3, rtol=1e-3)
        wanted = 0.25 * style.tensors[f"0.deviation.{level}"]
        torch.testing.assert_close(deviation[0], wanted, atol=3e-3, rtol=1e-2)


def test_strength_is_alpha_between_the_contents_features_and_the_decorated() -> None:
    method = make()
    style = card(method)
    soft = method.softened(style, 0.3)
    assert soft is not None
    features = method.encode(PHOTO)
    own = method.sight.of(features)
    full, part = (method._painted(one).change(features, own) for one in (style, soft))
    for level in CONFIG.levels:
        expected = 0.7 * features[level] + 0.3 * changed(full, level, features[level])
        found = changed(part, level, features[level])
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_mixture_is_the_sum_of_decorated_features() -> None:
    method = make()
    cards = [card(method, style) for style in range(2)]
    mixed = method.blend(cards, [1, 3])
    features = method.encode(PHOTO)
    own = method.sight.of(features)
    one, two, both = (method._painted(c).change(features, own) for c in (*cards, mixed))
    for level, x in features.items():
        expected = 0.25 * changed(one, level, x) + 0.75 * changed(two, level, x)
        torch.testing.assert_close(changed(both, level, x), expected, atol=1e-3, rtol=1e-3)
    again = method.blend([mixed, cards[0]], [0.5, 0.5])
    shares = [float(again.tensors[f"{i}.share"]) for i in range(3)]
    assert shares == pytest.approx([0.125, 0.375, 0.5])
    assert [part["weight"] for part in mixed.provenance["blend"]] == [0.25, 0.75]
    with pytest.raises(GessoError, match="mixed when patches, detail and weights agree"):
        method.blend([cards[0], card(method, 1, patch_size=3)], [1, 1])


def test_without_any_style_it_is_the_autoencoder() -> None:
    method = make()
    neutral = method.neutral(like=card(method))
    features = method.encode(PHOTO)
    with torch.no_grad():
        plain = method.network.decoder(features)[..., 8:-8, 8:-8].clamp(0, 1)
    torch.testing.assert_close(method.stylizer(neutral)(PHOTO), plain, atol=2e-3, rtol=0)


def test_a_region_of_one_style_everywhere_is_that_style() -> None:
    method = make()
    cards = [card(method, style) for style in range(2)]
    ones = torch.stack([torch.ones(64, 64), torch.zeros(64, 64)])
    found = method.stylizer_of_regions(cards)(PHOTO, ones, None)
    torch.testing.assert_close(found, method.stylizer(cards[0])(PHOTO), atol=1e-4, rtol=0)


def test_a_damaged_card_is_refused() -> None:
    method, style = make(), card(make())
    for name, trouble in (
        ("0.white.relu3_1", "without patches of 8 channels at relu3_1"),
        ("0.deviation.relu2_1", "without statistics of 6 channels at relu2_1"),
        ("content", "without the content's share"),
    ):
        tensors = {**style.tensors, name: torch.zeros(3)}
        with pytest.raises(GessoError, match=trouble):
            method.stylizer(replace(style, tensors=tensors))


def test_a_configuration_survives_its_header() -> None:
    assert Config.from_header(CONFIG.as_header()) == CONFIG
    with pytest.raises(GessoError, match="relu4_1 has to be the first level that is decorated"):
        replace(CONFIG, decorated=("relu3_1",))
    with pytest.raises(GessoError, match="not the configuration of avatar_net"):
        Config.from_header({"blocks": 3})


def test_the_losses_are_of_pixels_features_and_variation() -> None:
    encoder, config = tiny_encoder(), replace(CONFIG, aligned=(), range_weight=0.0)
    torch.manual_seed(0)
    network, contents = config.build(), pictures(2, 32, seed=1)
    found = avatar_losses(network, encoder, {"contents": contents})
    features = encoder(contents, config.levels)
    out = network.decoder(features)
    torch.testing.assert_close(found["pixel"], 30 * (out - contents).square().mean())
    torch.testing.assert_close(found["tv"], total_variation(out).mean())
    again = encoder(out, config.levels)
    gaps = [relative_squared_error(again[n], x).mean() for n, x in features.items()]
    torch.testing.assert_close(found["feature"], torch.stack(gaps).sum())


def test_faded_features_keep_their_mean_and_a_share_of_the_rest() -> None:
    x = correlated(0)
    part = faded(x, torch.tensor([0.25]))
    mean, deviation = mean_and_deviation(x)
    found = mean_and_deviation(part)
    torch.testing.assert_close(found[0], mean)
    torch.testing.assert_close(found[1], 0.25 * deviation, atol=1e-4, rtol=1e-3)


def test_a_decoder_is_a_start(tmp_path: Path) -> None:
    torch.manual_seed(0)
    decoder = AdaINConfig(blocks=BLOCKS, skips=CONFIG.levels[1:]).build()
    save_file(tmp_path / "w.safetensors", decoder.state_dict(), {"kind": "weights"})
    network = CONFIG.build()
    begin(network, tmp_path / "w.safetensors")
    features = tiny_encoder()(PHOTO, CONFIG.levels)
    torch.testing.assert_close(network.decoder(features), decoder(features))
