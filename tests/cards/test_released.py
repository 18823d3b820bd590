"""Cards and weights of version 0.1.0 give the pictures that they gave then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import gesso
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls

RELEASED = Path(__file__).parents[1] / "fixtures" / "released"
CARDS = sorted(path.name.partition(".")[0] for path in RELEASED.glob("*.card.safetensors"))
START = {"metastyle": RELEASED / "start.safetensors"}


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bfloat16, which the pictures were not made with, whatever the processor."""
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False, raising=False)


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("name", CARDS)
def test_a_card_of_0_1_0_gives_its_picture(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GESSO_WEIGHTS", str(RELEASED))
    card = StyleCard.load(RELEASED / f"{name}.card.safetensors")
    encoder = RELEASED / "encoder.safetensors"
    method = gesso.load(card.method, weights=START.get(card.method), encoder=encoder)
    photo = gesso.read_image(RELEASED / "photo.png")[None]
    expected = gesso.read_image(RELEASED / f"{name}.picture.png")[None]
    found = (255 * method.stylizer(card)(photo)).round() / 255
    torch.testing.assert_close(found, expected, atol=1.001 / 255, rtol=0)
    if card.grams is None:
        plain = Controls(ground="painted").stylizer(method, card)(photo)
        assert torch.equal(plain, method.stylizer(card)(photo))


def test_every_method_of_0_1_0_is_there() -> None:
    assert {name.partition("-")[0] for name in CARDS} == {
        "adain", "gatys", "johnson", "meta_networks", "metastyle"
    }  # fmt: skip
