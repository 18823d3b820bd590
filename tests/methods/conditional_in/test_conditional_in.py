"""Dumoulin et al. (2017): all convolutions are shared, and a style is its γ and β."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gesso
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.conditional_in import training
from gesso.methods.conditional_in.bank import Bank, Config
from gesso.methods.conditional_in.method import ConditionalIN
from gesso.methods.conditional_in.training_options import Training
from gesso.methods.metastyle.start import MATCHING
from gesso.nn.transfer import TransferNet, affine_parameters
from gesso.training.source import ImageSource
from tiny import QUICK, pictures, tiny_encoder, tiny_net
from tiny_files import TinyFiles

PHOTO = pictures(1, 40, seed=6)
NEW = pictures(1, 64, seed=5)[0]


@pytest.fixture
def method(tiny_weights: TinyFiles) -> ConditionalIN:
    found = gesso.load("conditional_in", encoder=tiny_weights.encoder)
    assert isinstance(found, ConditionalIN)
    return found


def test_a_style_is_3200_numbers_of_the_papers_network() -> None:
    bank = Bank(32, 32)
    own = sum(value.numel() for value in bank.row(0).values())
    whole = sum(p.numel() for p in TransferNet(32).parameters())
    assert (own, whole) == (3200, 1_679_235)
    total = sum(p.numel() for p in bank.parameters())
    assert total == whole - own + 33 * own  # 32 styles, and the photo's row


def test_every_picture_of_a_batch_has_the_style_of_its_own_network(method: ConditionalIN) -> None:
    photos, styles = pictures(3, 24, seed=1), torch.tensor([1, 2, 0])
    with torch.no_grad():
        together = method.bank(photos, styles)
        for photo, style, picture in zip(photos, styles.tolist(), together, strict=True):
            alone = method.bank.single(method.bank.row(style))(photo[None])[0]
            torch.testing.assert_close(picture, alone)
    assert not torch.allclose(*(method.bank(photos, torch.full((3,), row)) for row in (0, 1)))


def test_a_style_of_the_bank_is_looked_up_by_its_file(
    method: ConditionalIN, tiny_weights: TinyFiles, tmp_path: Path
) -> None:
    steps: list[object] = []
    copy = tmp_path / "renamed.png"
    copy.write_bytes(tiny_weights.style.read_bytes())
    for file in (tiny_weights.style, copy):
        card = method.adapt(file, on_step=steps.append, **QUICK_HERE)
        named = method.look_up("style")
        assert not steps and card.provenance.get("steps") is None
        assert all(torch.equal(value, named.tensors[n]) for n, value in card.tensors.items())
        assert (card.base, card.config) == (named.base, named.config)
    assert sum(value.numel() for value in card.tensors.values()) == 3200 // 8  # width 4
    with pytest.raises(GessoError, match=r"style: styles: .*nor a style of the bank.*are style"):
        method.look_up("styles")
    mask = torch.zeros(4, 4)
    mask[:2] = 1  # a part of a style is another one
    method.adapt(copy, [PHOTO[0]], style_mask=mask, on_step=steps.append, **QUICK_HERE)
    assert steps


QUICK_HERE = {name: QUICK[name] for name in ("steps", "crop", "batch", "style_size")}


def test_a_new_style_moves_gamma_and_beta_and_nothing_else(method: ConditionalIN) -> None:
    before = {name: value.clone() for name, value in method.state_dict().items()}
    losses: list[float] = []
    card = method.adapt(
        *(NEW, [PHOTO[0]]),
        on_step=lambda now: losses.append(sum(now.losses.values())),
        **QUICK_HERE | {"steps": 30},
    )
    assert sum(losses[-5:]) < sum(losses[:5])
    assert card.tensors.keys() == affine_parameters(method.bank.net).keys()
    assert card.base == method.base
    after = method.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    begun = method.adapt(NEW, [PHOTO[0]], **QUICK_HERE | {"steps": 0}, exact=True)
    mean = method.bank.mean_row()
    assert all(torch.equal(value, mean[name]) for name, value in begun.tensors.items())


def test_styles_mix_linearly_any_number_at_a_time(method: ConditionalIN) -> None:
    cards = [method.look_up("style"), method.look_up("other"), method.neutral()]
    mixed = method.blend(cards, [0.5, 0.3, 0.2])
    for name, value in mixed.tensors.items():
        expected = sum(w * c.tensors[name] for w, c in zip((0.5, 0.3, 0.2), cards, strict=True))
        torch.testing.assert_close(value, expected)
    assert method.stylizer(mixed)(PHOTO).shape == PHOTO.shape


def test_weights_of_another_shape_or_with_a_name_twice_are_refused() -> None:
    with pytest.raises(GessoError, match="each has a name of its own"):
        Config(4, ("a", "a"), ("0", "1"))
    with pytest.raises(GessoError, match="1 palettes of 2 styles"):
        Config(4, ("a", "b"), ("0", "1"), ((0.5,) * 12,))
    with pytest.raises(GessoError, match="a row of 12 numbers"):
        Config(4, ("a",), ("0",), ((0.5,) * 11,))
    with pytest.raises(GessoError, match="elsewhere: expected"):
        Bank(4, 2).begin(TransferNet(6).state_dict(), "elsewhere")


def test_all_styles_begin_with_a_starts_gamma_and_beta() -> None:
    start, bank = tiny_net(3), Bank(4, 2)
    bank.begin(start.state_dict(), "start")
    with torch.no_grad():
        pictures_ = [bank(PHOTO, torch.tensor([row])) for row in range(3)]
        assert all(torch.equal(picture, start(PHOTO)) for picture in pictures_)
    other = Bank(4, 2)
    other.begin(bank.state_dict(), "bank")
    assert all(torch.equal(v, other.state_dict()[n]) for n, v in bank.state_dict().items())


def test_styles_are_named_by_their_files_and_no_two_alike(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_image(tmp_path / name, NEW)
    found = training.named_styles(16, ImageSource(tmp_path))
    assert found.styles == ("a", "b", "c")
    write_image(tmp_path / "sub/b.png", NEW)
    with pytest.raises(GessoError, match="two styles are named b; each needs its own"):
        training.named_styles(16, ImageSource(tmp_path))


def test_all_rows_take_turns(tmp_path: Path) -> None:
    for i, picture in enumerate(pictures(2, 40)):
        write_image(tmp_path / f"{i}.png", picture)
    options = Training(steps=9, batch=2, crop=32, resize_max=32, seed=3)
    make = training.batches(options, ImageSource(tmp_path), 5)
    drawn = [make(step)["styles"].tolist() for step in range(6)]
    turns = [drawn[i][j] for i in range(6) for j in range(2)]
    assert sorted(turns[:6]) == sorted(turns[6:]) == list(range(6)) and turns[:6] != turns[6:]
    parts = [make(4, rank, 2)["styles"].tolist() for rank in range(2)]
    assert [*parts[0], *parts[1]] == drawn[4]


def test_a_step_trains_the_rows_it_shows_and_the_convolutions_of_all() -> None:
    bank, encoder = Bank(4, 3), tiny_encoder()
    target = training.targets(encoder, MATCHING, list(pictures(3, 64, seed=2)))
    batch = {"contents": pictures(2, 32, seed=1), "styles": torch.tensor([1, 3])}
    for later in (False, True):
        found = training.losses(bank, encoder, MATCHING, target, batch, later)
        assert all(bool(value > 0) for name, value in found.items() if name not in ("tv",)), found
        grads = torch.autograd.grad(sum(found.values(), torch.zeros(())), list(bank.parameters()))
        for p, grad in zip(bank.parameters(), grads, strict=True):
            if p.dim() == 2:  # γ or β
                moved = grad.abs().sum(1) > 0
                assert moved.tolist() == [False, True, False, True]
            elif p.dim() == 4:
                assert bool(grad.abs().sum() > 0)


def test_the_photos_row_learns_to_give_back_the_photo() -> None:
    torch.manual_seed(0)
    bank, encoder = Bank(4, 1), tiny_encoder()
    objective = replace(MATCHING, shift=1)
    target = training.targets(encoder, objective, [NEW])
    batch = {"contents": pictures(2, 32, seed=1), "styles": torch.tensor([1, 1])}
    optimizer, seen = torch.optim.Adam(bank.parameters(), 1e-2), []
    for _ in range(40):
        loss = training.losses(bank, encoder, objective, target, batch, False)["back"]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.5 * seen[0]
