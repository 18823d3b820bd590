"""Distil the compact encoder from VGG (docs/encoders.md).

For each level the student's head learns Pᵀf / √(E/k): the teacher's features f on their k leading
principal directions P, scaled to mean square 1. Half of every batch is what style transfer really
feeds an encoder (`pictures.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso.distillation.pictures import AdaptationPool, DescentPool, Emitted
from gesso.distillation.training_options import Training
from gesso.encoders.base import Encoder
from gesso.encoders.compact import HEADS, CompactEncoder, from_tensors
from gesso.encoders.levels import LEVELS
from gesso.losses.terms import gram_matrix, grams, relative_squared_error
from gesso.nn import checkpoint
from gesso.nn.precision import widen
from gesso.nn.transfer import TransferNet
from gesso.options import changed
from gesso.training.batches import Batches
from gesso.training.config import TrainResult
from gesso.training.loop import OnTrained
from gesso.training.recipe import Ingredients, Recipe
from gesso.training.train import train_by

PCA_BATCHES = 40
RESIZE_MAX = 288  # px: the shorter side of a picture before cropping becomes at most this


class Student(nn.Module):
    """The compact encoder with the targets' scale: bases P (C × k) and energies E by level."""

    def __init__(self, encoder: CompactEncoder, pca: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.encoder = encoder
        for i, (basis, energy) in enumerate(pca):
            scaled = basis / (energy / basis.shape[1]).sqrt()
            self.register_buffer(f"projection_{i}", scaled, persistent=False)

    def targets(self, teacher: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Pᵀf / √(E/k) for every level: (B, k, H, W)."""
        return {
            level: torch.einsum(
                "bchw,ck->bkhw", widen(teacher[level]), getattr(self, f"projection_{i}")
            )
            for i, level in enumerate(LEVELS)
        }


def distill_losses(
    student: Student, teacher: Encoder, images: Tensor, gram_weight: float
) -> dict[str, Tensor]:
    """Squared error of the features (their mean square is 1) and relative squared error of their
    Gram matrices, both summed over levels; each is a mean over the batch."""
    with torch.no_grad():
        targets = student.targets(teacher(images, LEVELS))
    outputs = student.encoder(images)
    features, gram = [], []
    for level in LEVELS:
        features.append((widen(outputs[level]) - targets[level]).square().mean())
        error = relative_squared_error(gram_matrix(outputs[level]), gram_matrix(targets[level]))
        gram.append(error.clamp(max=4).mean())  # a flat picture's Gram matrix is almost zero
    by_level = {f"_{n}": value.detach() for n, value in zip(LEVELS, features, strict=True)}
    total = gram_weight * sum(gram, torch.zeros(()))
    return {"features": torch.stack(features).sum(), "grams": total, **by_level}


def principal_directions(
    teacher: Encoder, batches: Batches, heads: tuple[int, ...] = HEADS
) -> list[tuple[Tensor, Tensor]]:
    """P (C × k) and E of every level, from the second moment of the teacher's features."""
    moments: dict[str, Tensor] = {}
    device = next(teacher.parameters()).device
    for step in range(PCA_BATCHES):
        with torch.no_grad():
            images = batches.batch(step).to(device)
            for level, gram in grams(teacher(images, LEVELS), LEVELS).items():
                moments[level] = moments.get(level, torch.zeros(())) + gram.double().mean(0)
    pca = []
    for level, k in zip(LEVELS, heads, strict=True):
        moment = moments[level] * len(moments[level]) / PCA_BATCHES  # gram divides by C too
        values, vectors = torch.linalg.eigh(moment)
        pca.append((vectors[:, -k:].flip(1).float(), values[-k:].sum().float()))
    return pca


def distill(
    contents: str | Path,
    styles: str | Path,
    out: str | Path,
    training: Training | None = None,
    *,
    teacher: str | Path | Encoder | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
    on_step: OnTrained | None = None,
    **changes: Any,
) -> TrainResult:
    """Train a compact encoder and write it to out/weights.safetensors.

    A resumed run goes on with the same weights and pictures, but its adaptations begin anew.

    Args:
        contents, styles: photos and paintings: folders of pictures, .tar shards, or both.
        training, changes: the options, and single ones by name.
        teacher: the encoder to learn from; by default the one that `training` names.
        start: a compact encoder to go on from, with its bases (pca.i.basis, pca.i.energy) in the
            file.
        resume, log_dir, on_step: as for `gesso.training.loop.train`.

    Raises:
        GessoError: as `gesso.training.loop.train` does; pictures or encoders that cannot be used.
    """
    chosen = changed(training or Training(), changes)
    return train_by(
        *(recipe, contents, styles, out, chosen),
        encoder=chosen.teacher if teacher is None else teacher,
        start=start,
        resume=resume,
        log_dir=log_dir,
        on_step=on_step,
    )


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The compact encoder, a student of `given.encoder`."""
    teacher = given.encoder()
    torch.manual_seed(training.seed)  # anew: the same draws whatever loading the teacher took
    photos, paintings = (_draw(training, given, stream) for stream in (0, 1))
    encoder, pca = _student_start(given.start, teacher, paintings)
    student = Student(encoder, pca).to(given.device)
    adaptations = AdaptationPool(
        encoder, _emitter(training.emitter).to(given.device), training.emitted, training.seed
    )
    descents = DescentPool(encoder, training.descended, training.seed)

    def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {
            "photos": photos.batch(step, rank, world),
            "paintings": paintings.batch(step, rank, world),
        }

    def losses(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        n = training.real
        photos, paintings = tensors["photos"], tensors["paintings"]
        emitted = adaptations(photos[n:], paintings[n:])
        pictures = [photos[:n], paintings[:n], *(e.picture for e in emitted)]
        pictures += descents(emitted or _untouched(photos[:n], paintings[:n]))
        return distill_losses(student, teacher, torch.cat(pictures), training.gram_weight)

    names = ("real", "emitted", "descended", "crop", "gram_weight")
    batch = {name: getattr(training, name) for name in names}
    return Recipe(
        encoder,
        losses,
        make_batch,
        header={"kind": "encoder", "config": {"teacher": teacher.name}},
        settings={"batch": batch, "teacher": teacher.identity},
        constants=_as_tensors(pca),
    )


def _draw(training: Training, given: Ingredients, stream: int) -> Batches:
    return Batches(
        given.styles if stream else given.contents,
        training.real + training.emitted,
        crop=training.crop,
        resize_max=RESIZE_MAX,
        seed=training.seed,
        stream=stream,
    )


def _untouched(photos: Tensor, paintings: Tensor) -> list[Emitted]:
    pairs = zip(torch.split(photos, 1), torch.split(paintings, 1), strict=True)
    return [Emitted(photo, photo, painting) for photo, painting in pairs]


def _as_tensors(pca: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The bases as the file holds them, so that another run can start from it."""
    tensors: dict[str, Tensor] = {}
    for i, (basis, energy) in enumerate(pca):
        tensors |= {f"pca.{i}.basis": basis.cpu(), f"pca.{i}.energy": energy.cpu()}
    return tensors


def _student_start(
    start: str | Path | None, teacher: Encoder, batches: Batches
) -> tuple[CompactEncoder, list[tuple[Tensor, Tensor]]]:
    if start is None:
        return CompactEncoder(), principal_directions(teacher, batches)
    pairs = [(f"pca.{i}.basis", f"pca.{i}.energy") for i in range(len(LEVELS))]
    bases = checkpoint.load_foreign(start, [name for pair in pairs for name in pair])
    pca = [(bases[basis].float(), bases[energy].float()) for basis, energy in pairs]
    return from_tensors(checkpoint.load_foreign(start)), pca


def _emitter(path: str | Path | None) -> TransferNet:
    if path is None:
        return TransferNet(16)
    tensors, header = checkpoint.load_file(path, kind="start")
    net = TransferNet(header["config"]["width"])
    net.load_state_dict({k: v.float() for k, v in tensors.items()})
    return net
