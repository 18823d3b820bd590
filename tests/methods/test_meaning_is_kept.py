"""What the bundled weights make of a page of text, of a face, and of the blocks of a JPEG."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import gesso
from gesso.assets import CONTENTS, STYLES
from gesso.stylizers.stylizer import Stylizer

# Of words in letters of 14 px `wct` leaves about half: such is its look. All others leave all.
LEGIBLE = ("adain", "avatar_net", "meta_networks", "metastyle")
METHODS = (*LEGIBLE, "wct")
WORDS = ("river", "stone", "cloud", "bread", "paper", "light", "horse", "green", "table", "music")
LETTERS_PX = 14
BOX = (50, 21)  # px of a word
BLOCK = 8  # px of a JPEG's


@pytest.fixture(scope="module", params=METHODS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stylizer(name: str) -> Stylizer:
    """In the style of a bundled painting; MetaStyle at its start, which takes no adaptation."""
    method = gesso.load(name)
    if name == "metastyle":
        return method.stylizer(method.neutral())
    style = STYLES / "impasto.jpg"
    return method.stylizer(method.adapt(style, style_size=256, vectors=False))


def word(text: str) -> NDArray[np.float32]:
    """Black on white, BOX px."""
    image = Image.new("L", BOX, 255)
    font = ImageFont.load_default(LETTERS_PX)
    ImageDraw.Draw(image).text((2, BOX[1] // 2), text, font=font, fill=0, anchor="lm")
    return np.asarray(image).astype(np.float32) / np.float32(255)


def page(columns: int, rows: int) -> tuple[Tensor, NDArray[np.int64]]:
    """(1, 3, H, W), and the words on it, row by row."""
    found = np.random.default_rng(0).integers(len(WORDS), size=columns * rows)
    cells = np.stack([word(WORDS[n]) for n in found]).reshape(rows, columns, BOX[1], BOX[0])
    sheet = torch.from_numpy(cells.swapaxes(1, 2).reshape(rows * BOX[1], columns * BOX[0]))
    return sheet.expand(1, 3, -1, -1), found


def share_read(stylizer: Stylizer, columns: int, rows: int) -> float:
    """Of the words of a page, those that a matched filter reads; light on dark, too."""
    paper, wanted = page(columns, rows)
    grey = stylizer(paper)[0].mean(0).numpy().reshape(rows, BOX[1], columns, BOX[0])
    cells = grey.swapaxes(1, 2).reshape(len(wanted), -1)
    known = np.stack([word(text).ravel() for text in WORDS])
    likeness = np.abs(np.corrcoef(cells, known)[: len(cells), len(cells) :])
    return float((likeness.argmax(1) == wanted).mean())


def saved_as_jpeg(photo: Tensor, quality: int) -> Tensor:
    data = io.BytesIO()
    pixels = (255 * photo[0]).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(data))).permute(2, 0, 1).unsqueeze(0) / 255


def before_a_backdrop(height: int = 112, width: int = 160) -> Tensor:
    """A soft, slightly noisy backdrop, which fills the first 104 columns, and a striped thing."""
    down, across = torch.linspace(0, 1, height).view(-1, 1), torch.linspace(0, 1, width)
    backdrop = torch.stack(
        [90 + 60 * across + 0 * down, 110 + 50 * down + 20 * across, 150 + 60 * down + 0 * across]
    )
    noise = torch.randn(1, height, width, generator=torch.Generator().manual_seed(0))
    photo = backdrop + 2 * noise
    photo[:, 40:100, 112:] = 120 + 80 * torch.sin(torch.arange(48) / 2.5)
    return photo.unsqueeze(0) / 255


def blocks(picture: Tensor) -> tuple[float, float]:
    """By how much more the luminance of the backdrop differs across the borders of blocks than
    within, and by how much it does within, in steps of 8 bits."""
    light = 255 * picture[0].mean(0)[:, :104]
    found = []
    for axis in (0, 1):
        apart = light.diff(dim=axis).abs().movedim(axis, 0)
        border = torch.arange(len(apart)) % BLOCK == BLOCK - 1
        found.append((float(apart[border].mean()), float(apart[~border].mean())))
    return max(b - w for b, w in found), float(np.mean([w for _, w in found]))


def apart(picture: Tensor) -> Tensor:
    """How far the luminance is from the median of 5 × 5 px around it, in steps of 8 bits."""
    light = 255 * picture.mean(1, keepdim=True)
    height, width = (n - 4 for n in light.shape[2:])
    middle = F.unfold(light, 5).median(1).values.view(height, width)
    return (light[0, 0, 2:-2, 2:-2] - middle).abs()


def test_words_of_14_px_can_be_read(stylizer: Stylizer, name: str) -> None:
    least = 1.0 if name in LEGIBLE else 0.4  # a guess finds one word of ten
    assert share_read(stylizer, 4, 5) >= least


def test_matching_leaves_words_to_be_read() -> None:
    method = gesso.load("matching")
    card = method.adapt(STYLES / "impasto.jpg", style_size=256, vectors=False)
    assert share_read(method.stylizer(card), 2, 4) > 0.7  # of the 20 of a larger page 0.9


def test_patches_leave_words_to_be_read_at_an_alpha_of_seven_tenths() -> None:
    method = gesso.load("matching")
    card = method.adapt(STYLES / "impasto.jpg", style_size=256, vectors=False, alpha=0.7)
    assert share_read(method.stylizer(card), 10, 4) > 0.9  # 250 px: drawn with patches


def test_blocks_of_a_jpeg_are_not_painted(stylizer: Stylizer) -> None:
    photo = saved_as_jpeg(before_a_backdrop(), quality=25)
    seen, within = blocks(photo)
    assert seen > 2.5 and within < 0.05
    painted, own = blocks(stylizer(photo))
    assert painted < 1.7 and painted < 0.2 * own  # hidden by the strokes


def test_a_face_gets_no_flecks(stylizer: Stylizer) -> None:
    face = gesso.read_image(CONTENTS / "astronaut-face.jpg", size=160).unsqueeze(0)
    calm = apart(face) < 8
    assert float((apart(stylizer(face))[calm] > 60).float().mean()) < 0.01
