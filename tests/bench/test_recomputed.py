"""What `gesso bench` says of a picture, computed again from the files it has written: with plain
torch and the formulas of benchmarks/README.md, without anything of gesso's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage.metrics import structural_similarity
from torch import Tensor

from gesso.cli import run as gesso
from gesso.images.write import write_image
from tiny import pictures
from tiny_files import make_tiny_files

STYLE_LEVELS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3")
CONTENT_LEVEL, DISTORTION_LEVEL = "conv3_3", "conv4_1"
BLOCKS = (2, 2, 4, 3)  # VGG-19's convolutions up to conv4_3
CELL_PX, ASKED, COMPARED = 4, 1024, 4096  # of the style match
PATCH_PX, DIRECTIONS, QUANTILES = 7, 128, 1024  # of the patches
SIZE = 64  # longer side of the contents
SIDES = ((32, 64), (64, 40))  # contents of two shapes: each is cut to the other's


def random_vgg19() -> dict[str, Tensor]:
    """Weights in the Caffe convention that keep the size of the features."""
    generator = torch.Generator().manual_seed(0)
    weights, channels = {}, 3
    for block, depth in enumerate(BLOCKS, 1):
        for i in range(1, depth + 1):
            width = 64 * 2 ** (block - 1)
            kernel = torch.randn(width, channels, 3, 3, generator=generator)
            weights[f"conv{block}_{i}.weight"] = kernel * (2 / (9 * channels)) ** 0.5
            weights[f"conv{block}_{i}.bias"] = torch.zeros(width)
            channels = width
    return weights


def features(vgg: dict[str, Tensor], image: Image.Image | Tensor) -> dict[str, Tensor]:
    """VGG-19 as in Caffe: BGR from 0 to 255 less the mean colour; (C, H, W) by layer."""
    if isinstance(image, Image.Image):
        image = scaled(image, max(image.size))
    x = 255 * image[:, [2, 1, 0]] - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    found = {}
    for block, depth in enumerate(BLOCKS, 1):
        x = F.max_pool2d(x, 2) if block > 1 else x
        for i in range(1, depth + 1):
            name = f"conv{block}_{i}"
            x = torch.relu(F.conv2d(x, vgg[f"{name}.weight"], vgg[f"{name}.bias"], padding=1))
            found[name] = x[0].double()
    return found


def gram(f: Tensor) -> Tensor:
    return torch.einsum("chw,dhw->cd", f, f) / f.numel()


def scaled(image: Image.Image, longest: int) -> Tensor:
    """(1, 3, h, w) in [0, 1] with that longer side and a shorter one of at least 16 px."""
    pixels = torch.tensor(np.asarray(image), dtype=torch.float32).permute(2, 0, 1)[None] / 255
    height, width = (max(16, round(n * longest / max(image.size))) for n in pixels.shape[-2:])
    if tuple(pixels.shape[-2:]) == (height, width):
        return pixels
    return F.interpolate(pixels, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def vectors(vgg: dict[str, Tensor], image: Tensor) -> list[Tensor]:
    """By level the features (C,) at drawn cells of 4 px of (1, 3, h, w), in the order drawn."""
    rows, across = (n // CELL_PX for n in image.shape[-2:])
    drawn = torch.randperm(rows * across, generator=torch.Generator().manual_seed(0))[:COMPARED]
    found = features(vgg, image)
    at = [F.interpolate(found[k][None], (rows, across), mode="bilinear") for k in STYLE_LEVELS]
    return [level[0].flatten(1).T[drawn] for level in at]


def far(a: Tensor, b: Tensor) -> Tensor:
    """1 − cos of every row with every row."""
    return 1 - (a / a.norm(dim=1, keepdim=True)) @ (b / b.norm(dim=1, keepdim=True)).T


def style_match(ours: list[Tensor], theirs: list[Tensor]) -> tuple[float, float]:
    means = [level.mean(0) for level in theirs]
    lengths = [((x - m) ** 2).sum(1).mean().sqrt() for x, m in zip(theirs, means, strict=True)]
    a, b = (
        torch.cat([(x - m) / n for x, m, n in zip(levels, means, lengths, strict=True)], 1)
        for levels in (ours, theirs)
    )
    return tuple(float(far(x[:ASKED], y).min(1).values.mean()) for x, y in ((a, b), (b, a)))  # type: ignore[return-value]


def structure(ours: list[Tensor], photo: list[Tensor]) -> float:
    ours, photo = ours[2:], photo[2:]  # conv3_3 and conv4_3
    lengths = [(x**2).sum(1).mean().sqrt() for x in photo]
    similar = []
    for levels in (ours, photo):
        rows = torch.cat([x / n for x, n in zip(levels, lengths, strict=True)], 1)[:ASKED]
        similar.append(far(rows, rows) / far(rows, rows).sum(0, keepdim=True))
    return float((similar[0] - similar[1]).abs().sum(0).mean())


def pyramid(image: Tensor) -> list[Tensor]:
    found = []
    while max(image.shape[-2:]) > 16:
        shape = [n // 2 for n in image.shape[-2:]]
        half = F.interpolate(image, shape, mode="bilinear", antialias=True)
        found.append(image - F.interpolate(half, tuple(image.shape[-2:]), mode="bilinear"))
        image = half
    return [*found, image]


def projections(level: Tensor) -> Any:
    """(DIRECTIONS, QUANTILES): of all patches of a level (they are few here), sorted."""
    drawn = torch.randn(DIRECTIONS, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    directions = drawn.flatten(1).double()
    directions /= (directions**2).sum(1, keepdim=True).sqrt()
    short = [max(0, PATCH_PX - n) for n in level.shape[-2:]]
    level = F.pad(
        level, (short[1] // 2, -(-short[1] // 2), short[0] // 2, -(-short[0] // 2)), "replicate"
    )
    found = (directions @ F.unfold(level.double(), PATCH_PX)[0]).sort(1).values.numpy()
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES * found.shape[1] - 0.5
    return np.stack([np.interp(at, np.arange(found.shape[1]), row) for row in found])


def patches(ours: Tensor, theirs: Tensor) -> list[float]:
    found = []
    for a, b in zip(pyramid(ours), pyramid(theirs), strict=True):
        x, y = projections(a), projections(b)
        found.append(float(np.abs(x - y).mean() / np.sqrt((x**2 + y**2).mean() / 2)))
    return found


def cut(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled to cover the size, the middle of it."""
    scale = max(size[0] / image.width, size[1] / image.height)
    wide = [max(n, round(own * scale)) for n, own in zip(size, image.size, strict=True)]
    scaled = image.resize((wide[0], wide[1]), Image.Resampling.BICUBIC)
    left, top = (wide[0] - size[0]) // 2, (wide[1] - size[1]) // 2
    return scaled.crop((left, top, left + size[0], top + size[1]))


def luminance(image: Image.Image) -> Any:
    return np.asarray(image, dtype=np.float64) @ [0.299, 0.587, 0.114] / 255


def read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def recomputed(vgg: dict[str, Tensor], folder: Path, content: str, style: str) -> dict[str, float]:
    """All measures of one picture of Meta Networks'."""
    made = read(folder / "meta_networks" / f"{content}__{style}.png")
    photo = read(folder / "contents" / f"{content}.png")
    others = [p for p in (folder / "contents").glob("*.png") if p.stem != content]
    out, own = features(vgg, made), features(vgg, photo)
    wanted = features(vgg, read(folder / "styles" / f"{style}.png"))

    gaps, style_loss = [], 0.0
    for level in STYLE_LEVELS:
        target = gram(wanted[level])
        left = (gram(out[level]) - target).norm()
        gaps.append(float(left / (gram(own[level]) - target).norm()))
        style_loss += float(left**2 / target.norm() ** 2)
    change = out[CONTENT_LEVEL] - own[CONTENT_LEVEL]
    content_loss = float((change**2).sum() / (own[CONTENT_LEVEL] ** 2).sum())

    def from_photo(f: dict[str, Tensor]) -> float:
        return float(((f[DISTORTION_LEVEL] - own[DISTORTION_LEVEL]) ** 2).sum())

    unrelated = [from_photo(features(vgg, cut(read(p), photo.size))) for p in others]
    _, ssim = structural_similarity(
        luminance(made), luminance(photo), full=True, data_range=1.0,
        gaussian_weights=True, sigma=1.5, truncate=3.5, use_sample_covariance=False,
    )  # fmt: skip
    painting = scaled(read(folder / "styles" / f"{style}.png"), SIZE)
    picture = scaled(made, SIZE)
    mine = vectors(vgg, picture)
    of_picture, of_style = style_match(mine, vectors(vgg, painting))
    by_level = patches(picture, painting)
    return {
        "match": max(of_picture, of_style),
        "match_of_picture": of_picture,
        "match_of_style": of_style,
        "patches": sum(by_level) / len(by_level),
        "structure": structure(mine, vectors(vgg, scaled(photo, SIZE))),
        "gap": sum(gaps) / len(gaps),
        "distortion": from_photo(out) / (sum(unrelated) / len(unrelated)),
        "content": content_loss,
        "style": style_loss,
        "objective": content_loss + style_loss,
        "ssim": float(ssim[5:-5, 5:-5].mean()),
    }


def test_every_figure_of_quality_agrees_with_the_written_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    peaks = {"peak_mib": 1.0, "baseline_mib": 1.0}
    monkeypatch.setattr("gesso.bench.memory.in_own_process", lambda *_: peaks)
    for name in ("files", "contents", "styles"):
        (tmp_path / name).mkdir()
    files = make_tiny_files(tmp_path / "files")
    for i, ((height, width), picture) in enumerate(zip(SIDES, pictures(2, 64, 3), strict=True)):
        noise = torch.rand(picture.shape, generator=torch.Generator().manual_seed(i))
        image = (0.8 * picture + 0.2 * noise)[:, :height, :width]
        write_image(tmp_path / "contents" / f"c{i}.png", image)
    style = pictures(1, 64, 9)[0, :, :12]  # narrow, as styles are scaled to 512 px
    write_image(tmp_path / "styles" / "s.png", style)
    save_file(random_vgg19(), tmp_path / "vgg.safetensors")
    out = tmp_path / "out"
    command = ["bench", f"--out={out}", "--size=64", "--runs=1", "--threads=1", "--quiet"]
    command += [f"--contents={tmp_path / 'contents'}", f"--styles={tmp_path / 'styles'}"]
    command += [f"--judge={tmp_path / 'vgg.safetensors'}", f"--encoder={files.encoder}"]
    command += ["--method=meta_networks", f"--model=meta_networks={files.hypernetwork}"]
    assert gesso(command) == 0

    vgg = load_file(tmp_path / "vgg.safetensors")
    rows = json.loads((out / "results.json").read_text())["rows"]
    again = {f"c{i}": recomputed(vgg, out / "pictures", f"c{i}", "s") for i in range(2)}
    for content, measures in again.items():
        row = rows[f"picture | meta_networks | {content} × s"]
        assert {key: row[key] for key in measures} == pytest.approx(measures, rel=0.01), content
    with open(out / "results.csv", newline="", encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if row["method"] == "meta_networks")
    heads = {"gap": "gap_percent", "distortion": "distortion_percent"}
    for key in again["c0"]:
        mean = sum(measures[key] for measures in again.values()) / 2
        scale = 100 if key in heads else 1
        assert float(row[heads.get(key, key)]) == pytest.approx(scale * mean, rel=0.01)
