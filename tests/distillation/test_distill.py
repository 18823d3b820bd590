"""Distillation: what the student is asked to learn, on what, and that it learns it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gesso.distillation import distill as distill_module
from gesso.distillation.distill import (
    Student,
    distill,
    distill_losses,
    principal_directions,
)
from gesso.distillation.pictures import AdaptationPool, DescentPool, Emitted
from gesso.distillation.training_options import Training
from gesso.encoders import load_encoder
from gesso.encoders.compact import HEADS, CompactEncoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.losses.terms import grams, total
from gesso.nn.checkpoint import load_file, save_file
from gesso.training.batches import Batches
from tiny import WIDTHS, pictures, tiny_encoder, tiny_net

Pca = list[tuple[Tensor, Tensor]]
KEPT = (3, 4, 6, 8)  # of 4, 6, 8, 10 channels


class FixedBatches(Batches):
    """The same pictures for every step."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def batch(self, step: int, rank: int = 0, world: int = 1) -> Tensor:
        return self.images


def toy_pca(images: Tensor, heads: tuple[int, ...] = KEPT) -> Pca:
    return principal_directions(tiny_encoder(1), FixedBatches(images), heads)


def pixels(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B·H·W, C) in float64."""
    return features.double().permute(0, 2, 3, 1).flatten(0, 2)


# --- the targets


def test_principal_directions_are_orthonormal() -> None:
    for basis, _ in toy_pca(pictures(4, 32)):
        identity = torch.eye(basis.shape[1])
        torch.testing.assert_close(basis.T @ basis, identity, rtol=1e-4, atol=1e-4)


def test_they_are_the_leading_ones_of_the_uncentred_second_moment() -> None:
    images = pictures(4, 32)
    teacher = tiny_encoder(1)(images)
    for level, k, (basis, energy) in zip(LEVELS, KEPT, toy_pca(images), strict=True):
        f = pixels(teacher[level])
        assert basis.shape == (f.shape[1], k)
        captured = (f @ basis.double()).square().sum(1).mean()
        best = torch.linalg.svdvals(f)[:k].square().sum() / len(f)  # by no other k directions
        torch.testing.assert_close(captured, best, rtol=1e-4, atol=0)
        torch.testing.assert_close(energy.double(), best, rtol=1e-4, atol=0)
        shares = (f @ basis.double()).square().mean(0).tolist()
        assert shares == sorted(shares, reverse=True)


def test_targets_are_projections_of_mean_square_one() -> None:
    images = pictures(4, 32)
    student = Student(CompactEncoder(WIDTHS, (1, 1, 1, 1), KEPT), toy_pca(images))
    teacher = tiny_encoder(1)(images)
    for level, k, (basis, _) in zip(LEVELS, KEPT, toy_pca(images), strict=True):
        target = student.targets(teacher)[level]
        assert target.shape == (4, k, *teacher[level].shape[2:])
        assert float(target.square().mean()) == pytest.approx(1, rel=1e-4)
        projected = pixels(teacher[level]) @ basis.double()
        ours = pixels(target)  # one scale for all channels and pixels
        scale = (ours * projected).sum() / projected.square().sum()
        torch.testing.assert_close(ours, scale * projected, rtol=1e-4, atol=1e-5)


def test_with_all_directions_losses_are_the_teachers_in_other_units() -> None:
    """No direction dropped, only rotated and scaled: distances of Gram matrices are the same."""
    images = pictures(2, 32)
    student = Student(CompactEncoder(WIDTHS, (1, 1, 1, 1), WIDTHS), toy_pca(images, WIDTHS))
    teacher = tiny_encoder(1)(images)
    for level, target in student.targets(teacher).items():
        ours, theirs = (distill_module.gram_matrix(f) for f in (target, teacher[level]))
        relative = [float((g[0] - g[1]).norm() / g[1].norm()) for g in (ours, theirs)]
        assert relative[0] == pytest.approx(relative[1], rel=1e-3)


# --- the losses


def test_a_perfect_student_has_no_loss() -> None:
    images = pictures(2, 32)
    teacher = tiny_encoder(1)
    student = Student(tiny_encoder(1), toy_pca(images, WIDTHS))
    with torch.no_grad():
        for i, head in enumerate(student.encoder.heads):
            projection = getattr(student, f"projection_{i}")
            head.weight.copy_(torch.einsum("ck,cihw->kihw", projection, head.weight))
            head.bias.copy_(projection.T @ head.bias)
    terms = distill_losses(student, teacher, images, gram_weight=1.0)
    assert set(terms) == {"features", "grams", *(f"_{level}" for level in LEVELS)}
    assert all(float(value.detach()) < 1e-8 for value in terms.values())


def test_a_student_that_says_nothing_loses_one_a_level() -> None:
    images = pictures(2, 32)
    student = Student(tiny_encoder(2), toy_pca(images, WIDTHS))
    with torch.no_grad():
        for head in student.encoder.heads:
            head.weight.zero_()
            head.bias.zero_()
    terms = distill_losses(student, tiny_encoder(1), images, gram_weight=0.25)
    assert float(terms["features"]) == pytest.approx(4, rel=1e-3)
    assert float(terms["grams"]) == pytest.approx(0.25 * 4, rel=1e-3)
    assert all(float(terms[f"_{level}"]) == pytest.approx(1, rel=1e-3) for level in LEVELS)


def test_a_student_learns_its_teacher() -> None:
    images = pictures(4, 32)
    encoder = tiny_encoder(2).requires_grad_()
    student = Student(encoder, toy_pca(images, WIDTHS))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    history = []
    for _ in range(40):
        terms = distill_losses(student, tiny_encoder(1), images, gram_weight=0.5)
        loss = terms["features"] + terms["grams"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.5 * history[0]


# --- the pictures


def test_networks_of_the_pool_adapt_to_their_styles_against_the_student() -> None:
    encoder, net = tiny_encoder(), tiny_net()
    before = {name: p.clone() for name, p in net.state_dict().items()}
    contents, styles = pictures(2, 32), pictures(2, 32, seed=4)
    torch.manual_seed(0)
    pool = AdaptationPool(encoder, net, 2, seed=3)
    emitted = [pool(contents, styles) for _ in range(8)]
    for one in (one for call in emitted for one in call):
        assert one.picture.shape == one.content.shape == (1, 3, 32, 32)
        assert not one.picture.requires_grad
        assert float(one.picture.min()) >= 0 and float(one.picture.max()) <= 1
    assert float((emitted[3][0].picture - emitted[0][0].picture).abs().max()) > 0.01
    assert torch.equal(emitted[0][1].content[0], contents[1])
    assert torch.equal(emitted[0][1].style[0], styles[1])
    assert all(torch.equal(p, before[name]) for name, p in net.state_dict().items())
    assert all(p.grad is None for p in encoder.parameters())


def test_descents_go_down_the_students_objective_until_they_begin_anew() -> None:
    encoder = tiny_encoder()
    content, style, picture = (pictures(1, 32, seed=seed) for seed in (1, 2, 3))
    descents, starts = DescentPool(encoder, 1, seed=4), [Emitted(picture, content, style)]
    first = descents(starts)[0]
    descent = descents.descents[0]
    assert descent is not None
    objective, target = descent.objective, grams(encoder(style))
    there = encoder(content)[objective.content_level]
    images = [first] + [descents(starts)[0] for _ in range(descent.left)]
    losses = []
    for image in images:
        assert image.shape == content.shape and not image.requires_grad
        assert float(image.min()) >= 0 and float(image.max()) <= 1
        terms = objective(image, encoder(image), there, target)
        losses.append(float(total(terms).sum().detach()))
    assert len(losses) > 10 and losses[-1] < losses[len(losses) // 2] < losses[0]
    descents(starts)
    assert descents.descents[0] is not descent  # it was over; another one has begun
    assert all(p.grad is None for p in encoder.parameters())


# --- the command


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(distill_module, "PCA_BATCHES", 2)
    for seed, name in enumerate(("photos", "paintings")):
        folder = tmp_path / name
        folder.mkdir()
        for i, image in enumerate(pictures(3, 40, seed=seed)):
            write_image(folder / f"{i}.png", image)
    return tmp_path / "photos", tmp_path / "paintings"


QUICK = Training(steps=1, lr=1e-9, workers=0, real=1, emitted=1, descended=1, crop=16)


def toy_teacher() -> CompactEncoder:
    """As many channels as the student's heads keep."""
    torch.manual_seed(5)
    teacher = CompactEncoder(WIDTHS, (1, 1, 1, 1), HEADS)
    teacher.freeze()
    teacher.identity = "0" * 64
    return teacher


@pytest.mark.parametrize(("emitted", "descended"), [(1, 1), (0, 2), (0, 0)])
def test_distill_writes_an_encoder_that_loads(
    folders: tuple[Path, Path], tmp_path: Path, emitted: int, descended: int
) -> None:
    training = replace(QUICK, steps=2, lr=1e-3, emitted=emitted, descended=descended)
    result = distill(*folders, tmp_path / "run", training, teacher=toy_teacher())
    assert result.step == 2
    encoder = load_encoder(tmp_path / "run" / "weights.safetensors")
    features = encoder(pictures(1, 16))
    assert [tuple(features[level].shape[1:]) for level in LEVELS] == [
        (16, 16, 16), (64, 8, 8), (128, 4, 4), (256, 2, 2)
    ]  # fmt: skip
    assert sum(p.numel() for p in encoder.parameters()) == 1_996_912
    assert len(encoder.identity) == 64


def compact_start(path: Path, bases: bool) -> Path:
    torch.manual_seed(6)
    tensors = dict(CompactEncoder().state_dict())
    if bases:
        for i, k in enumerate(HEADS):
            tensors |= {f"pca.{i}.basis": torch.eye(k), f"pca.{i}.energy": torch.tensor([2.0])}
    save_file(path, tensors, {"kind": "encoder"})
    return path


def test_distill_continues_from_a_student(folders: tuple[Path, Path], tmp_path: Path) -> None:
    start = compact_start(tmp_path / "start.safetensors", bases=True)
    distill(*folders, tmp_path / "run", QUICK, teacher=toy_teacher(), start=start)
    before, after = (load_encoder(p) for p in (start, tmp_path / "run" / "weights.safetensors"))
    state = after.state_dict()
    for name, value in before.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=1e-4, atol=1e-6)


def test_what_distill_wrote_can_be_gone_on_from(folders: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    distill(*folders, first, QUICK, teacher=toy_teacher())
    start = first / "weights.safetensors"
    distill(*folders, second, QUICK, teacher=toy_teacher(), start=start)
    before, after = (load_file(d / "weights.safetensors")[0] for d in (first, second))
    for i in range(len(LEVELS)):
        assert torch.equal(before[f"pca.{i}.basis"], after[f"pca.{i}.basis"])


def test_a_start_without_its_bases_is_refused_in_one_line(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    start = compact_start(tmp_path / "start.safetensors", bases=False)
    with pytest.raises(GessoError, match=r"start\.safetensors: .*pca\.0\.basis") as error:
        distill(*folders, tmp_path / "run", QUICK, teacher=toy_teacher(), start=start)
    assert "\n" not in str(error.value)
