"""What Avatar-Net's hourglass learns of pairs of a content and a style."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gesso.methods.adain.layer import mean_and_deviation
from gesso.methods.avatar_net.hourglass import Config
from gesso.methods.avatar_net.method import AvatarNet
from gesso.methods.avatar_net.pairs import LEAST_DETAIL, decorated, pair_losses
from tiny import WIDTHS, grained, pictures, tiny_encoder

CONFIG = Config(
    tuple((width,) for width in WIDTHS),
    decorated=("relu4_1", "relu3_1"),
    aligned=("relu2_1", "relu1_1"),
    style_weight=2.0,
    match_weight=3.0,
)
CONTENTS, STYLES = grained(pictures(2, 64, seed=6)), grained(pictures(2, 64, seed=5))


def method() -> AvatarNet:
    torch.manual_seed(1)
    return AvatarNet(tiny_encoder(), CONFIG, "1" * 64).requires_grad_(False)


def test_decorated_features_are_the_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gesso.methods.avatar_net.pairs.PATCH_SIZES", (1,))
    avatar = method()
    content, style = (avatar.encoder(x, CONFIG.levels) for x in (CONTENTS, STYLES))
    found = decorated(avatar.network, content, style)
    for level in CONFIG.decorated:  # patches of one place: every place is one of its style's
        for ours, theirs in zip(found[level], style[level], strict=True):
            gaps = torch.cdist(ours.flatten(1).T, theirs.flatten(1).T).amin(1)
            assert float(gaps.max()) < 2e-2 * float(theirs.norm(dim=0).mean())


def test_aligned_features_have_the_styles_mean_and_some_of_its_deviation() -> None:
    avatar = method()
    content, style = (avatar.encoder(x, CONFIG.levels) for x in (CONTENTS, STYLES))
    found = decorated(avatar.network, content, style)
    for level in CONFIG.aligned:
        mean, deviation = mean_and_deviation(found[level])
        wanted, most = mean_and_deviation(style[level])
        torch.testing.assert_close(mean, wanted, atol=1e-3, rtol=1e-3)
        alive = mean_and_deviation(content[level])[1] > 0.05
        share = (deviation / most)[alive]
        assert float(share.min()) > LEAST_DETAIL - 0.02 and float(share.max()) < 1.02


def test_a_content_as_its_own_style_keeps_its_features() -> None:
    avatar = method()
    features = avatar.encoder(CONTENTS, CONFIG.levels)
    found = decorated(avatar.network, features, features)
    inner = (..., slice(5, -5), slice(5, -5))  # beyond the border others are like it
    found, own = found["relu3_1"][inner], features["relu3_1"][inner]
    torch.testing.assert_close(found, own, atol=2e-2, rtol=2e-2)


def test_the_terms_are_those_with_a_weight() -> None:
    avatar, batch = method(), {"contents": CONTENTS, "styles": STYLES}
    terms = pair_losses(avatar.network, avatar.encoder, batch)
    names = ("content", "style", "range", "matched", "evenness")
    assert set(terms) == {f"pair_{name}" for name in names}
    avatar.network.config = replace(CONFIG, match_weight=0.0)
    assert "pair_matched" not in pair_losses(avatar.network, avatar.encoder, batch)
