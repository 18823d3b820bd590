"""`gesso distill`: the compact encoder, a student of VGG (docs/encoders.md).

For each level the student's head learns Pᵀf / √(E/k): the teacher's features f on their k leading
principal directions P, scaled to mean square 1. Half of every batch is what style transfer really
feeds an encoder (emission.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gesso.distillation.pictures import Descents, Emitted, Players
from gesso.encoders.base import Encoder
from gesso.encoders.compact import HEADS, CompactEncoder, from_tensors
from gesso.encoders.levels import LEVELS
from gesso.losses.terms import gram_matrix, grams, relative_squared_error
from gesso.nn import checkpoint
from gesso.nn.precision import compute_in, fast_dtype, widen
from gesso.nn.transfer import TransferNet
from gesso.training.batches import Batches, ImageSource
from gesso.training.loop import TrainConfig, TrainResult, train

PCA_BATCHES = 40


@dataclass(frozen=True)
class DistillBatch:
    """Per step `real` photographs, as many paintings, `emitted` pictures of networks (`Players`)
    and `descended` ones whose pixels descend (`Descents`), beginning with those of networks or,
    where there are none, with photographs."""

    real: int = 2
    emitted: int = 2
    descended: int = 3
    crop: int = 144
    gram_weight: float = 0.5


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
    """(P (C × k), E) per level from the uncentred second moment of the teacher's features."""
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
    out_dir: str | Path,
    teacher: Encoder,
    training: TrainConfig,
    batch: DistillBatch | None = None,
    *,
    start: str | Path | None = None,
    emitter: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
) -> TrainResult:
    """Train a compact encoder on `teacher` and write it to out_dir/weights.safetensors.

    start: a compact encoder to continue from, with its bases (pca.i.basis, pca.i.energy) in the
    file; emitter: a transfer network whose pictures to learn on (random weights by default). A
    resumed run goes on with the same weights and pictures, but its adaptations begin anew.
    """
    batch = batch or DistillBatch()
    torch.manual_seed(training.seed)
    photos, paintings = (
        Batches(
            ImageSource(path),
            size,
            crop=batch.crop,
            resize_max=288,
            seed=training.seed,
            stream=stream,
        )
        for stream, (path, size) in enumerate(
            ((contents, batch.real + batch.emitted), (styles, batch.real + batch.emitted))
        )
    )
    encoder, pca = _student_start(start, teacher, paintings)
    student = Student(encoder, pca).to(training.device)
    net = _emitter(emitter).to(training.device)
    players = Players(encoder, net, batch.emitted, training.seed)
    descents = Descents(encoder, batch.descended, training.seed)
    dtype = fast_dtype(training.device)

    def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {
            "photos": photos.batch(step, rank, world),
            "paintings": paintings.batch(step, rank, world),
        }

    def loss_fn(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        n = batch.real
        photos, paintings = tensors["photos"], tensors["paintings"]
        with compute_in(dtype):
            emitted = players(photos[n:], paintings[n:])
            pictures = [photos[:n], paintings[:n], *(e.picture for e in emitted)]
            pictures += descents(emitted or _untouched(photos[:n], paintings[:n]))
            return distill_losses(student, teacher, torch.cat(pictures), batch.gram_weight)

    header = {"kind": "encoder", "config": {"teacher": teacher.name}}
    settings = {"batch": batch.__dict__, "teacher": teacher.identity}
    result = train(
        encoder, loss_fn, make_batch, training, out_dir,
        resume=resume, log_dir=log_dir, header=header, settings=settings,
    )  # fmt: skip
    if os.environ.get("RANK", "0") == "0":
        _add_bases(Path(out_dir) / "weights.safetensors", pca)
    return result


def _untouched(photos: Tensor, paintings: Tensor) -> list[Emitted]:
    pairs = zip(torch.split(photos, 1), torch.split(paintings, 1), strict=True)
    return [Emitted(photo, photo, painting) for photo, painting in pairs]


def _add_bases(path: Path, pca: list[tuple[Tensor, Tensor]]) -> None:
    """Put the bases into the written encoder, so that another run can start from it."""
    tensors, header = checkpoint.load_file(path, kind="encoder")
    for i, (basis, energy) in enumerate(pca):
        tensors |= {f"pca.{i}.basis": basis.cpu(), f"pca.{i}.energy": energy.cpu()}
    checkpoint.save_file(path, tensors, {k: v for k, v in header.items() if k != "sha256"})


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
