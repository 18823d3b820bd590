"""Strength, and many photos of which some are bad."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.errors import GessoError
from gesso.images.read import read_photo
from gesso.images.write import write_image
from gesso.methods.metastyle.method import Config, MetaStyle
from gesso.nn.pictures import read_image
from gesso.pipeline.photos import Pictures, stylize_all
from gesso.pipeline.plan import Job
from tiny import pictures, tiny_encoder, tiny_net
from tiny_files import TinyFiles

SHARES = [0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0]


@pytest.fixture(scope="module")
def method() -> MetaStyle:
    method = MetaStyle(tiny_encoder(), Config(width=4), base="1" * 64)
    method.net.load_state_dict(tiny_net().state_dict())
    return method


def strong_card(method: MetaStyle, only_affine: bool) -> StyleCard:
    """A card some way from the start, as after many steps."""
    neutral = StyleCard("metastyle", {}, base=method.base if only_affine else "")
    card = method.neutral(like=neutral)
    torch.manual_seed(3)
    card.tensors = {n: t + 0.3 * torch.randn_like(t) for n, t in card.tensors.items()}
    return card


def negative(content: Tensor) -> Tensor:
    return 1 - content


# strength


@pytest.mark.parametrize("only_affine", [True, False])
def test_strength_goes_from_the_photo_to_the_style_without_turning_back(
    method: MetaStyle, only_affine: bool
) -> None:
    card, photo = strong_card(method, only_affine), pictures(1, 48)
    results = [Controls(share).stylizer(method, card)(photo) for share in SHARES]
    assert torch.equal(results[0], photo)
    assert torch.equal(results[-1], method.stylizer(card)(photo))
    away = [float((result - photo).square().mean()) for result in results]
    left = [float((result - results[-1]).square().mean()) for result in results]
    for share, distance in zip(SHARES, away, strict=True):
        assert distance == pytest.approx(share**2 * away[-1], rel=1e-4, abs=1e-9)
    assert all(nearer < farther for farther, nearer in pairwise(left))


def test_a_card_of_another_start_is_mixed_in_the_picture(method: MetaStyle) -> None:
    card, photo = strong_card(method, False), pictures(1, 48)
    card.config["start"] = "2" * 64
    expected = photo + 0.25 * (method.stylizer(card)(photo) - photo)
    assert torch.allclose(Controls(0.25).stylizer(method, card)(photo), expected, atol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_out_of_range_is_refused(method: MetaStyle, strength: float) -> None:
    with pytest.raises(GessoError, match=r"strength: .* allowed are 0 to 1"):
        Controls(strength)


# pictures


def test_the_longer_side_is_the_size_asked_for_and_nothing_is_cropped(
    files: TinyFiles, tmp_path: Path
) -> None:
    job = Job(files.photo, tmp_path / "out.png")  # 68 × 66
    Pictures().stylize(job, negative)
    assert torch.allclose(read_image(job.out), 1 - read_image(job.photo), atol=1 / 255)
    Pictures(size=34).stylize(job, negative)
    assert read_image(job.out).shape == (3, 33, 34)


def test_transparency_is_kept_and_metadata_only_when_asked_for(tmp_path: Path) -> None:
    job = Job(tmp_path / "in.png", tmp_path / "out.png")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    alpha = torch.linspace(0.2, 1, 64).reshape(1, 8, 8)
    write_image(job.photo, pictures(1, 8)[0], alpha=alpha, metadata=exif.tobytes())
    Pictures().stylize(job, negative)
    photo = read_photo(job.out)
    assert photo.alpha is not None and np.allclose(photo.alpha, alpha, atol=1 / 255)
    assert not photo.exif
    Pictures(keep_metadata=True).stylize(job, negative)
    assert b"a camera" in read_photo(job.out).exif


def test_bad_photos_are_named_and_their_neighbours_done(files: TinyFiles, tmp_path: Path) -> None:
    photos = [files.bad, files.photo, files.folder / "missing.png", files.photos / "a.jpg"]
    jobs = [Job(photo, tmp_path / f"{i}.png") for i, photo in enumerate(photos)]
    seen: list[Job] = []
    failures = stylize_all(jobs, negative, Pictures(), seen.append)
    assert list(failures) == [photos[0], photos[2]] and seen == jobs
    for photo, line in failures.items():
        assert line.startswith(str(photo)) and "\n" not in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "3.png"]


def test_too_little_memory_for_one_photo_is_one_line(files: TinyFiles, tmp_path: Path) -> None:
    def hungry(content: Tensor) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")

    jobs = [Job(files.photo, tmp_path / "out.png")]
    (line,) = stylize_all(jobs, hungry, Pictures()).values()
    assert (
        line == f"{files.photo}: 68 × 66 px need more memory than there is; a smaller --size helps"
    )


def test_other_errors_are_not_taken_for_the_photos_fault(files: TinyFiles, tmp_path: Path) -> None:
    def broken(content: Tensor) -> Tensor:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        stylize_all([Job(files.photo, tmp_path / "out.png")], broken, Pictures())
