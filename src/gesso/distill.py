"""`gesso distill`: the compact encoder, a student of VGG (docs/encoders.md).

For each level the student's head learns Pᵀf / √(E/k): the teacher's features f on their k leading
principal directions P, scaled to mean square 1. Half of every batch is what style transfer really
feeds an encoder: pictures of half-adapted networks and of pixels that descend the student's own
objective. There a student trained on photographs and paintings alone is easily fooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gesso import checkpoint
from gesso.data import Batches, ImageSource
from gesso.encoders.base import Encoder
from gesso.encoders.compact import HEADS, CompactEncoder, from_tensors
from gesso.losses import LEVELS, Objective, gram_matrix, grams, relative_squared_error
from gesso.networks import TransferNet, is_affine
from gesso.train import TrainConfig, TrainResult, train

PCA_BATCHES = 40
STEP_PX = 0.03  # one signed step of the pixel descent, in image units


@dataclass(frozen=True)
class DistillBatch:
    """`real` photographs and as many paintings, `emitted` pictures of networks, per step."""

    real: int = 2
    emitted: int = 4
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
            level: torch.einsum("bchw,ck->bkhw", teacher[level], getattr(self, f"projection_{i}"))
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
        features.append((outputs[level] - targets[level]).square().mean())
        error = relative_squared_error(gram_matrix(outputs[level]), gram_matrix(targets[level]))
        gram.append(error.clamp(max=4).mean())  # a flat picture's Gram matrix is almost zero
    by_level = {f"_{n}": value.detach() for n, value in zip(LEVELS, features, strict=True)}
    total = gram_weight * sum(gram, torch.zeros(()))
    return {"features": torch.stack(features).sum(), "grams": total, **by_level}


def emit(student: CompactEncoder, net: TransferNet, contents: Tensor, styles: Tensor) -> Tensor:
    """Pictures as style transfer passes them to an encoder: a network with shaken weights, blended
    at random with its content, then up to four signed steps down the student's own objective."""
    with torch.no_grad():
        image: Tensor = functional_call(net, _shaken(net), (contents,))
        share = torch.rand(len(contents), 1, 1, 1).to(contents.device)
        image = (contents + share * (image - contents)).clamp(0, 1)
    objective = Objective(style_weight=float(torch.rand(()) * 2))
    with torch.no_grad():
        targets = grams(student(styles), LEVELS)
        content = student(contents, [objective.content_level])[objective.content_level]
    for _ in range(int(torch.randint(0, 5, ()))):
        x = image.clone().requires_grad_()
        terms = objective(x, student(x), content, targets)
        (gradient,) = torch.autograd.grad(sum(terms.values()).sum(), x)  # type: ignore[union-attr]
        image = (image - STEP_PX * torch.rand(()) * gradient.sign()).clamp(0, 1)
    return image.detach()


def _shaken(net: TransferNet) -> dict[str, Tensor]:
    scale = float(torch.rand(()))
    shaken = {}
    for name, p in net.named_parameters():
        spread = 0.6 if is_affine(name) else 0.3 * float(p.detach().std())
        shaken[name] = p.detach() + scale * spread * torch.randn_like(p)
    return shaken


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
    file; emitter: a transfer network whose pictures to learn on (random weights by default).
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

    def make_batch(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {
            "photos": photos.batch(step, rank, world),
            "paintings": paintings.batch(step, rank, world),
        }

    def loss_fn(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        n = batch.real
        real = torch.cat([tensors["photos"][:n], tensors["paintings"][:n]])
        emitted = emit(encoder, net, tensors["photos"][n:], tensors["paintings"][n:])
        return distill_losses(student, teacher, torch.cat([real, emitted]), batch.gram_weight)

    header = {"kind": "encoder", "config": {"teacher": teacher.name}}
    settings = {"batch": batch.__dict__, "teacher": teacher.identity}
    return train(
        encoder, loss_fn, make_batch, training, out_dir,
        resume=resume, log_dir=log_dir, header=header, settings=settings,
    )  # fmt: skip


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
