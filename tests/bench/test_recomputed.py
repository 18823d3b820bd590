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


def features(vgg: dict[str, Tensor], image: Image.Image) -> dict[str, Tensor]:
    """VGG-19 as in Caffe: BGR from 0 to 255 less the mean colour; (C, H, W) by layer."""
    pixels = torch.tensor(np.asarray(image), dtype=torch.float32)[..., [2, 1, 0]]
    x = (pixels - torch.tensor([103.939, 116.779, 123.68])).permute(2, 0, 1)[None]
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
    return {
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
