"""Pictures as tensors: the numbers of arrays, with gradients and devices kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import gesso
from gesso.errors import GessoError
from gesso.images import read
from gesso.images.write import write_image
from gesso.nn.pictures import read_image, resize
from tiny import pictures


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_a_file_is_read_as_the_array_of_it(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", pictures(1, 20)[0])
    for size in (None, 9):
        array = read.read_image(tmp_path / "a.png", size=size)
        found = gesso.read_image(tmp_path / "a.png", size=size)
        assert found.dtype == torch.float32 and torch.equal(found, torch.from_numpy(array))


def test_a_tensor_stays_what_it_is() -> None:
    image = random(1, 3, 9, 11).requires_grad_()
    read_image(image, size=5).sum().backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
    assert torch.equal(read_image(image.detach()[0]), image[0])
    assert torch.equal(
        read_image((255 * image[0]).round().byte().permute(1, 2, 0)),
        read_image((255 * image[0]).round() / 255),
    )


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.full((3, 4, 4), float("nan")), "not numbers"),
        (255 * random(3, 4, 4), "allowed are 0 to 1"),
        (random(4, 4), r"\(4, 4\).*\(3, H, W\)"),
        (random(2, 3, 4, 4), r"\(3, H, W\)"),
        (random(3, 4, 4).to(torch.complex64), "complex64"),
        (random(3, 4, 4).bfloat16() * 255, "allowed are 0 to 1"),
    ],
)
def test_tensors_that_are_no_pictures_are_refused(image: torch.Tensor, words: str) -> None:
    with pytest.raises(GessoError, match=words):
        read_image(image)


def test_tensors_are_written_as_arrays_are(tmp_path: Path) -> None:
    image, alpha = pictures(1, 12)[0], random(1, 12, 12)
    write_image(tmp_path / "a.png", image.requires_grad_(), alpha=alpha)
    write_image(tmp_path / "b.png", image.detach().numpy(), alpha=alpha.numpy())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    write_image(tmp_path / "c.png", image.bfloat16())
    assert np.abs(read.read_image(tmp_path / "c.png") - image.detach().numpy()).max() < 0.01


@pytest.mark.parametrize("shape", [(32, 48), (48, 32), (1, 300)])
def test_the_longer_side_is_the_size(shape: tuple[int, int]) -> None:
    for size in (1, 24, 96):
        scaled = resize(random(3, *shape), size)
        assert max(scaled.shape) == max(size, 3)
        assert resize(random(2, 3, *shape), size).shape == (2, *scaled.shape)


def test_resize_is_antialiased_and_keeps_range_and_gradient() -> None:
    stripes = torch.zeros(3, 256, 256)
    stripes[:, :, ::2] = 1
    assert (resize(stripes, 20)[:, 2:-2, 2:-2] - 0.5).abs().max() < 0.02
    image = random(3, 9, 11).requires_grad_()
    larger = resize(image.round(), 40)
    assert larger.min() == 0 and larger.max() == 1
    resize(image, 5).sum().backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
    for size in (0, -3):
        with pytest.raises(GessoError, match="allowed are whole numbers from 1"):
            resize(image, size)
