"""Photos that are read, stylized and written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gesso.errors import GessoError
from gesso.images.read import read_photo
from gesso.images.write import write_image
from gesso.nn.pictures import read_image
from gesso.pipeline.photos import Pictures
from gesso.pipeline.plan import Job
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer
from tiny import pictures
from tiny_files import TinyFiles

NEGATIVE = Stylizer(lambda contents, _: 1 - contents)


def test_the_longer_side_is_the_size_asked_for_and_nothing_is_cropped(
    files: TinyFiles, tmp_path: Path
) -> None:
    job = Job(files.photo, tmp_path / "out.png")  # 68 × 66
    Pictures().stylize(job, NEGATIVE)
    assert torch.allclose(read_image(job.out), 1 - read_image(job.photo), atol=1 / 255)
    Pictures(size=34).stylize(job, NEGATIVE)
    assert read_image(job.out).shape == (3, 33, 34)


def test_transparency_is_kept_and_metadata_only_when_asked_for(tmp_path: Path) -> None:
    job = Job(tmp_path / "in.png", tmp_path / "out.png")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    alpha = torch.linspace(0.2, 1, 64).reshape(1, 8, 8)
    write_image(job.photo, pictures(1, 8)[0], alpha=alpha, metadata=exif.tobytes())
    Pictures().stylize(job, NEGATIVE)
    photo = read_photo(job.out)
    assert photo.alpha is not None and np.allclose(photo.alpha, alpha, atol=1 / 255)
    assert not photo.exif
    Pictures(keep_metadata=True).stylize(job, NEGATIVE)
    assert b"a camera" in read_photo(job.out).exif


def test_too_little_memory_for_one_photo_is_one_line(files: TinyFiles, tmp_path: Path) -> None:
    def hungry(contents: Tensor, on_step: OnStep | None) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")

    line = f"{files.photo}: 68 × 66 px need more memory than there is; a smaller size helps"
    with pytest.raises(GessoError, match=f"^{re.escape(line)}$"):
        Pictures().stylize(Job(files.photo, tmp_path / "out.png"), Stylizer(hungry))


def test_other_errors_are_not_taken_for_the_photos_fault(files: TinyFiles, tmp_path: Path) -> None:
    def broken(contents: Tensor, on_step: OnStep | None) -> Tensor:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Pictures().stylize(Job(files.photo, tmp_path / "out.png"), Stylizer(broken))
