"""What holds for every method: its room alone puts it in here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import gesso
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.errors import GessoError
from gesso.methods.base import Method
from gesso.methods.registry import about, load_class
from gesso.methods.retouch import retouched
from gesso.options import declared
from tiny import grained, pictures, quick
from tiny_files import TinyFiles

STYLES = pictures(2, 66, seed=5)
PHOTO = pictures(1, 66, seed=6)


@pytest.fixture(params=[*gesso.list_methods(), "toy"])
def method(
    request: pytest.FixtureRequest, tiny_weights: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> Method:
    monkeypatch.setenv("GESSO_METHODS", "toy_method")  # a method from outside keeps it, too
    return gesso.load(request.param)


def adapted(method: Method, style: int = 0) -> StyleCard:
    return method.adapt(STYLES[style], [PHOTO[0]], **quick(method))


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


@pytest.mark.parametrize("contents", [torch.rand(3, 8, 8), torch.zeros(1, 4, 8, 8), [0.5]])
def test_contents_of_another_shape_are_refused_in_one_line(method: Method, contents: Any) -> None:
    with pytest.raises(GessoError, match=r"contents: .* allowed is .*\(B, 3, H, W\)") as caught:
        method.stylizer(adapted(method))(contents)
    assert "\n" not in str(caught.value)


def test_adapting_leaves_the_method_as_it_was(method: Method) -> None:
    before = {name: value.clone() for name, value in method.state_dict().items()}
    adapted(method)
    after = method.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_card_gives_the_same_picture_before_and_after_it_is_saved(
    method: Method, tmp_path: Path
) -> None:
    card = adapted(method)
    card.save(tmp_path / "card.safetensors")
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert torch.equal(method.stylizer(loaded)(PHOTO), method.stylizer(card)(PHOTO))
    if card.vectors is not None:
        pictures = [Controls().stylizer(method, one)(PHOTO) for one in (card, loaded)]
        assert torch.equal(*pictures)


def test_an_exact_card_is_nearly_the_rounded_one(method: Method) -> None:
    exact = method.adapt(STYLES[0], [PHOTO[0]], exact=True, **quick(method))
    rounded = method.stylizer(exact.rounded())(PHOTO)
    most = 0.02 if method.stylizer(exact).network else 0.04  # a descent multiplies differences
    assert float((rounded - method.stylizer(exact)(PHOTO)).abs().mean()) < most


def test_cards_of_two_styles_blend_as_the_method_says(method: Method) -> None:
    cards = [adapted(method, style) for style in range(2)]
    if method.about.blend == "none":
        with pytest.raises(GessoError, match="cannot be mixed"):
            method.blend(cards, [0.25, 0.75])
        return
    blend = method.blend(cards, [0.25, 0.75])
    assert method.stylizer(blend)(PHOTO).shape == PHOTO.shape
    if method.about.blend == "linear":
        for name, tensor in blend.tensors.items():
            expected = 0.25 * cards[0].tensors[name] + 0.75 * cards[1].tensors[name]
            torch.testing.assert_close(tensor, expected)


def test_the_neutral_card_can_be_run(method: Method) -> None:
    card = adapted(method)
    for neutral in (method.neutral(PHOTO[0], like=card), method.neutral(like=card)):
        assert method.stylizer(neutral)(PHOTO).shape == PHOTO.shape


def test_strength_goes_evenly_from_the_photo_to_the_style(method: Method) -> None:
    card = adapted(method)
    full = Controls(polish=0).stylizer(method, card)(PHOTO)
    away = float((full - PHOTO).square().mean().sqrt())
    for strength in (0.0, 0.3, 0.7):
        soft = Controls(strength, polish=0).stylizer(method, card)(PHOTO)
        found = float((soft - PHOTO).square().mean().sqrt())
        assert found == pytest.approx(strength * away, rel=2e-2, abs=1e-3)


def test_a_mask_of_ones_is_no_mask(method: Method) -> None:
    card = adapted(method)
    ones = method.adapt(STYLES[0], [PHOTO[0]], style_mask=torch.ones(5, 9), **quick(method))
    assert ones.config == card.config and ones.thumbnail == card.thumbnail
    assert all(torch.equal(tensor, ones.tensors[n]) for n, tensor in card.tensors.items())


def test_only_the_part_of_a_style_where_its_mask_is_on_is_the_style(method: Method) -> None:
    mask = torch.zeros(66, 66)
    mask[:, :30] = 1
    cards = [
        method.adapt(style, [PHOTO[0]], style_mask=own, vectors=True, **quick(method))
        for style, own in (
            (STYLES[0], mask),
            (torch.where(mask > 0, STYLES[0], STYLES[1]), mask),  # what is off does not matter
            (STYLES[0], None),
        )
    ]
    part, same, whole = (
        {**card.tensors, **(card.vectors.tensors if card.vectors else {})} for card in cards
    )
    assert all(torch.equal(tensor, same[name]) for name, tensor in part.items())
    assert not all(torch.equal(tensor, whole[name]) for name, tensor in part.items())


def test_an_unknown_option_is_refused_in_one_line(method: Method) -> None:
    for call in (method.adapt_settings, lambda **o: method.adapt(STYLES[0], [PHOTO[0]], **o)):
        with pytest.raises(GessoError, match="option colour: unknown; allowed are") as caught:
            call(colour="blue")
        assert "\n" not in str(caught.value)


def test_options_out_of_range_are_refused_by_name(method: Method) -> None:
    for option in declared(method.about.options):
        if option.option.least is not None:
            with pytest.raises(GessoError, match=f"^{option.name}: "):
                method.chosen(None, {option.name: option.option.least - 1})
        if option.kind in (int, float, bool):
            with pytest.raises(GessoError, match=f"^{option.name}: "):
                method.chosen(None, {option.name: "many"})


def test_every_option_is_part_of_a_cached_cards_key_or_of_its_pictures(method: Method) -> None:
    usual, card = method.adapt_settings(), adapted(method)
    for option in declared(method.about.options):
        if option.kind in (int, float) and not option.optional:
            rule = option.option
            upper = option.default + 16 if rule.most is None else rule.most
            other = upper if upper != option.default else rule.least
            change = {option.name: option.kind(other)}
            if option.option.on_pictures:
                assert method.adapt_settings(**change) == usual
                assert retouched(method, card, change).config != card.config
            else:
                assert method.adapt_settings(**change) != usual


def test_a_method_declares_itself(method: Method) -> None:
    known = about(method.name)
    assert known is method.about and load_class(method.name).about is known
    assert known.title and known.summary and known.needs.levels
    assert all(option.option.help.endswith(".") for option in declared(known.options))
    stylizer = method.stylizer(adapted(method))
    assert (stylizer.network is None) == bool(stylizer.why_none)


def test_a_plain_network_makes_nearly_the_same_picture(method: Method) -> None:
    stylizer = method.stylizer(adapted(method))
    if stylizer.network is None:
        pytest.skip(stylizer.why_none)
    content = grained(pictures(1, 128, seed=9))
    with torch.no_grad():
        plain = stylizer.network(content).clamp(0, 1)
    inner = (..., slice(32, -32), slice(32, -32))  # AdaIN's stylizer treats borders better
    assert float((plain[inner] - stylizer(content)[inner]).abs().mean()) < 0.03


def test_a_texture_is_its_seeds_and_of_any_size(method: Method) -> None:
    card = adapted(method)
    for height, width in ((33, 47), (1, 70)):
        first, again, other = (method.texture(card, height, width, seed=n) for n in (3, 3, 4))
        assert first.shape == (3, height, width) and first.dtype == torch.float32
        assert float(first.min()) >= 0 and float(first.max()) <= 1
        assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(GessoError, match=r"^size: 0; allowed are whole numbers from 1 to 8192$"):
        method.texture(card, 0, 64)


def test_the_sides_of_a_texture_that_tiles_fit(method: Method) -> None:
    card = adapted(method)
    if not method.about.tileable:
        with pytest.raises(GessoError, match=f"^tileable: textures of method {method.name} do not"):
            method.texture(card, 64, 64, tileable=True)
        return
    made = method.texture(card, 64, 128, tileable=True)
    for axis in (1, 2):
        steps = (made - made.roll(1, axis)).square().movedim(axis, 0).mean((1, 2))
        assert steps[0] < 2 * steps.mean()  # across the seam as elsewhere


def test_a_card_of_another_method_is_refused(method: Method) -> None:
    with pytest.raises(GessoError, match=f"a card of method magic: {method.name} cannot run it"):
        method.stylizer(StyleCard("magic", {}))


def test_what_a_method_says_of_itself_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from gesso.methods.registry import about, methods\n"
        "from gesso.options import declared\n"
        "for name in methods(): print(name, len(declared(about(name).options)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == gesso.list_methods()
