"""What holds for every method: the file name alone puts it in here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.methods.base import Method
from gesso.methods.registry import load_class
from tiny import pictures
from tiny_files import TinyFiles, make_tiny_files

STYLES = pictures(2, 66, seed=5)
PHOTO = pictures(1, 66, seed=6)
QUICK: dict[str, Any] = {"steps": 1, "crop": 32, "batch": 1, "style_size": 64}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyFiles:
    return make_tiny_files(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=gesso.list_methods())
def method(
    request: pytest.FixtureRequest, files: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> Method:
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    return gesso.load(request.param, encoder=files.encoder)


def adapted(method: Method, style: int = 0) -> StyleCard:
    options = {name: value for name, value in QUICK.items() if name in method.options}
    return method.adapt(STYLES[style], [PHOTO[0]], **options)


def test_pictures_keep_shape_and_range_at_any_size(method: Method) -> None:
    stylize = method.stylizer(adapted(method))
    for shape in [(2, 3, 33, 47), (1, 3, 1, 1), (1, 3, 5, 90)]:
        content = torch.rand(shape)
        picture = stylize(content)
        assert picture.shape == content.shape and picture.dtype == torch.float32
        assert bool(torch.isfinite(picture).all())
        assert float(picture.min()) >= 0 and float(picture.max()) <= 1
    with torch.inference_mode():
        assert stylize(PHOTO).shape == PHOTO.shape


def test_adapting_leaves_the_method_as_it_was(method: Method) -> None:
    before = {name: value.clone() for name, value in method.state_dict().items()}
    adapted(method)
    after = method.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_card_from_a_file_gives_the_same_picture(method: Method, tmp_path: Path) -> None:
    card = adapted(method)
    card.save(tmp_path / "card.safetensors", "float32")
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert torch.equal(method.stylizer(loaded)(PHOTO), method.stylizer(card)(PHOTO))
    card.save(tmp_path / "half.safetensors")
    half = method.stylizer(StyleCard.load(tmp_path / "half.safetensors"))(PHOTO)
    assert float((half - method.stylizer(card)(PHOTO)).abs().mean()) < 0.02


def test_cards_of_two_styles_blend_linearly(method: Method) -> None:
    cards = [adapted(method, style) for style in range(2)]
    blend = method.blend(cards, [0.25, 0.75])
    for name, tensor in blend.tensors.items():
        expected = 0.25 * cards[0].tensors[name] + 0.75 * cards[1].tensors[name]
        torch.testing.assert_close(tensor, expected)
    assert method.stylizer(blend)(PHOTO).shape == PHOTO.shape


def test_the_neutral_card_can_be_run(method: Method) -> None:
    card = adapted(method)
    for neutral in (method.neutral(PHOTO[0], like=card), method.neutral(like=card)):
        assert method.stylizer(neutral)(PHOTO).shape == PHOTO.shape


def test_an_unknown_option_is_refused_in_one_line(method: Method) -> None:
    for call in (method.adapt_settings, lambda **o: method.adapt(STYLES[0], [PHOTO[0]], **o)):
        with pytest.raises(GessoError, match="option colour: unknown; allowed are") as caught:
            call(colour="blue")
        assert "\n" not in str(caught.value)


def test_its_options_are_known_to_it(method: Method) -> None:
    options = {name: value for name, value in QUICK.items() if name in method.options}
    assert options and method.adapt_settings(**options)
    assert load_class(method.name).options == method.options


def test_a_card_of_another_method_is_refused(method: Method) -> None:
    with pytest.raises(GessoError, match=f"a card of method magic: {method.name} cannot run it"):
        method.stylizer(StyleCard("magic", {}))
