"""Johnson et al. (2016): one network for one style, from three kinds of start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.errors import GessoError
from gesso.losses.objectives import Objective
from gesso.methods.base import AdaptStep
from gesso.methods.johnson.method import Johnson
from gesso.methods.metastyle.method import Config, MetaStyle
from gesso.methods.metastyle.start import MATCHING
from gesso.nn.checkpoint import save_file
from tiny import pictures, tiny_encoder
from tiny_files import TinyFiles, save_start

STYLES = pictures(2, 64, seed=5)
CONTENTS = list(pictures(2, 40, seed=6))
PHOTO = pictures(1, 36, seed=8)


@pytest.fixture
def method(tiny_weights: TinyFiles) -> Johnson:
    return Johnson(tiny_encoder(), width=4)


def trained(
    method: Johnson, start: str | Path = "random", style: int = 0, **options: Any
) -> tuple[StyleCard, list[float]]:
    """The card and the loss before the first step and after each."""
    losses: list[float] = []

    def on_step(now: AdaptStep) -> None:
        losses.append(sum(now.losses.values()))

    quick: dict[str, Any] = {"steps": 2, "crop": 32, "batch": 1, "start": start}
    card = method.adapt(STYLES[style], CONTENTS, on_step=on_step, **(quick | options))
    return card, losses


def test_training_from_random_weights_lowers_the_loss(method: Johnson) -> None:
    losses = trained(method, steps=25, lr=0.01, affine_lr=0.01)[1]
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])


def test_from_metastyle_begins_at_the_loss_of_metastyles_start(
    method: Johnson, files: TinyFiles
) -> None:
    card, losses = trained(method, "metastyle", steps=0)
    start = MetaStyle.load(tiny_encoder(), files.start)
    seen: list[AdaptStep] = []
    objective = MATCHING  # whatever the start was trained with
    quick: dict[str, Any] = {"steps": 0, "crop": 32, "batch": 1, "pool": 128}
    start.adapt(STYLES[0], CONTENTS, on_step=seen.append, objective=objective, **quick)
    assert losses == [pytest.approx(sum(seen[0].losses.values()), rel=1e-6)]
    neutral = start.neutral().rounded()
    assert torch.equal(method.stylizer(card)(PHOTO), start.stylizer(neutral)(PHOTO))


def test_a_start_that_was_trained_begins_lower_than_a_random_one(
    method: Johnson, tmp_path: Path
) -> None:
    """The start: this very network after some steps, in a file."""
    card, _ = trained(method, steps=25, lr=4e-3, affine_lr=4e-3)
    header = {"kind": "start", "method": "metastyle", "config": Config(width=4).as_header()}
    save_file(tmp_path / "average.safetensors", card.tensors, header)
    still: dict[str, Any] = {"steps": 8, "lr": 0.0, "affine_lr": 0.0}  # eight crops, no change
    lower = trained(method, tmp_path / "average.safetensors", **still)[1]
    assert sum(lower) < sum(trained(method, "random", **still)[1])


def test_the_card_is_a_whole_network_that_runs_without_its_start(
    method: Johnson, tmp_path: Path
) -> None:
    card, _ = trained(method, "metastyle")
    card.save(tmp_path / "card.safetensors")
    elsewhere = Johnson(tiny_encoder(seed=3))  # of another width, too
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert torch.equal(elsewhere.stylizer(loaded)(PHOTO), method.stylizer(card)(PHOTO))
    assert (card.method, card.base) == ("johnson", "")


def test_the_seed_alone_determines_the_network(method: Johnson) -> None:
    torch.manual_seed(1)
    first, _ = trained(method, seed=3)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again, _ = trained(method, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    other, _ = trained(method, seed=4)
    assert all(torch.equal(t, again.tensors[n]) for n, t in first.tensors.items())
    assert not torch.equal(first.tensors["out.weight"], other.tensors["out.weight"])


def test_only_cards_of_a_shared_start_blend(method: Johnson, tmp_path: Path) -> None:
    one, two = (trained(method, "metastyle", style)[0] for style in range(2))
    assert method.blend([one, two], [0.5, 0.5]).method == "johnson"
    save_start(tmp_path / "other.safetensors", seed=1)
    for start in ("random", tmp_path / "other.safetensors"):
        with pytest.raises(GessoError, match="cannot be blended"):
            method.blend([one, trained(method, start)[0]], [0.5, 0.5])
    with pytest.raises(GessoError, match="cannot be blended"):
        method.blend([trained(method, seed=seed)[0] for seed in (0, 1)], [0.5, 0.5])


def test_strength_works_from_every_start(method: Johnson) -> None:
    for start in ("random", "metastyle"):
        card, _ = trained(method, start)
        away = [
            float((Controls(s).stylizer(method, card)(PHOTO) - PHOTO).square().mean())
            for s in (0.0, 0.3, 1.0)
        ]
        assert away[0] == 0 and away[0] < away[1] < away[2]
        assert method.blends_with_neutral(card) == (start == "metastyle")


def test_the_start_is_part_of_what_decides_the_card(method: Johnson, tmp_path: Path) -> None:
    save_start(tmp_path / "other.safetensors", seed=1)
    starts = ("random", "metastyle", tmp_path / "other.safetensors")
    assert len({method.adapt_settings(start=start)["start"] for start in starts}) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "none.safetensors"}, "start: none.safetensors is no such file; allowed are"),
        ({"only_affine": True}, "option only_affine: unknown; allowed are"),
        ({"batch": 0}, "batch: 0; allowed are whole numbers from 1"),
    ],
)
def test_senseless_options_are_one_line(
    method: Johnson, options: dict[str, Any], words: str
) -> None:
    for call in (method.adapt_settings, lambda **o: method.adapt(STYLES[0], CONTENTS, **o)):
        with pytest.raises(GessoError, match=words) as caught:
            call(**options)
        assert "\n" not in str(caught.value)


def test_weights_are_refused_because_the_start_is_an_option(files: TinyFiles) -> None:
    with pytest.raises(GessoError, match=r"weights: .*; its start is an option"):
        Johnson.load(tiny_encoder(), files.start)


def test_the_card_says_what_was_minimised(method: Johnson) -> None:
    matched, relative, paper, own = (
        trained(method, objective=chosen)[0].settings["objective"]
        for chosen in ("matching", "relative", "paper", Objective(style_weight=7.0))
    )
    assert "match_weight" in matched and "match_weight" not in relative
    assert relative["relative"] and not paper["relative"] and own["style_weight"] == 7.0
    with pytest.raises(GessoError, match="objective: best is unknown; allowed are matching"):
        method.adapt_settings(objective="best")
