"""Cards, weights and checkpoints of version 0.1.0 give what they gave then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import gesso
import released_files as old
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.methods.registry import about, methods
from gesso.nn.checkpoint import load_file, read_header
from gesso.training.state import CHECKPOINT, WEIGHTS

CARDS = sorted(path.name.partition(".")[0] for path in old.RELEASED.glob("*.card.safetensors"))
RUNS = sorted(path.name.partition(".")[0] for path in old.RELEASED.glob("*.checkpoint.*"))


@pytest.fixture(autouse=True)
def released_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the files were made with."""
    monkeypatch.setenv("GESSO_WEIGHTS", str(old.RELEASED))


@pytest.mark.parametrize("name", CARDS)
def test_a_card_of_0_1_0_gives_its_picture(name: str) -> None:
    card = StyleCard.load(old.RELEASED / f"{name}.card.safetensors")
    expected = gesso.read_image(old.RELEASED / f"{name}.picture.png")[None]
    found = (255 * old.picture(name, card)).round() / 255
    torch.testing.assert_close(found, expected, atol=1.001 / 255, rtol=0)
    if name in old.FIRST and card.grams is None:
        method, photo = old.loaded(card.method), gesso.read_image(old.PHOTO)[None]
        plain = Controls(ground="painted").stylizer(method, card)(photo)
        assert torch.equal(plain, method.stylizer(card)(photo))


@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_of_0_1_0_goes_on(name: str, tmp_path: Path) -> None:
    """Its weights are those that it holds, and its next step is the step of then."""
    checkpoint = old.RELEASED / f"{name}.checkpoint.safetensors"
    old.resumed(name, checkpoint, tmp_path / "as it is", 2)
    weights = load_file(tmp_path / "as it is/run" / WEIGHTS)[0]
    held = load_file(checkpoint)[0]
    averages = {key.removeprefix("ema.") for key in held if key.startswith("ema.")}
    kept = [key.removeprefix("model.") for key in held if key.startswith("model.")]
    for key in kept:
        assert torch.equal(weights[key], held[f"{'ema' if key in averages else 'model'}.{key}"])
    total = old.resumed(name, checkpoint, tmp_path / "next", 3)["total"]
    assert total == pytest.approx(json.loads(old.TOTALS.read_text())[name], rel=1e-3)
    assert read_header(tmp_path / "next/run" / CHECKPOINT)["counters"]["step"] == 3


def test_every_method_is_there() -> None:
    bundled = [name for name in methods() if not name.startswith("toy")]
    assert {name.partition("-")[0] for name in CARDS} == set(bundled)
    assert set(RUNS) == {name for name in bundled if about(name).training is not None}
