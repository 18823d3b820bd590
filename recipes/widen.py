r"""Widen the blocks of a compact encoder, so that `gesso distill --start` can go on from it.

    python recipes/widen.py src/gesso/assets/weights/compact.safetensors runs/start.safetensors \
        --widths 32 64 192 384

The old channels compute what they did, but for what they hear of the new ones through small random
weights; heads and bases stay (Chen et al. 2016, "Net2Net", without its copies).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from gesso.disk.atomic import shown
from gesso.nn import checkpoint

HEARD = 0.05  # of the old weights' deviation: what the old channels hear of the new ones


def widened(tensors: dict[str, Tensor], widths: list[int]) -> dict[str, Tensor]:
    """The encoder's tensors with blocks of these widths, none of them narrower."""
    found = {name: tensor.float() for name, tensor in tensors.items()}
    inputs = 3
    for block, width in enumerate(widths):
        names = sorted(n for n in tensors if n.startswith(f"blocks.{block}.") and "weight" in n)
        for name in names:
            _widen(found, name.removesuffix(".weight"), inputs, width)
            inputs = width
        _widen(found, f"heads.{block}", inputs, len(tensors[f"heads.{block}.bias"]))
    return found


def _widen(tensors: dict[str, Tensor], name: str, inputs: int, outputs: int) -> None:
    old, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    count, heard, side, _ = old.shape
    weight = torch.randn(outputs, inputs, side, side) * (2 / (inputs * side * side)) ** 0.5
    weight[:count, heard:] = torch.randn(count, inputs - heard, side, side) * old.std() * HEARD
    weight[:count, :heard] = old
    tensors[f"{name}.weight"] = weight
    tensors[f"{name}.bias"] = torch.cat([bias, torch.zeros(outputs - count)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--widths", type=int, nargs=4, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tensors, header = checkpoint.load_file(args.source, kind="encoder")
    tensors = widened(tensors, args.widths)
    checkpoint.save_file(args.target, tensors, {k: v for k, v in header.items() if k != "sha256"})
    print(f"{shown(args.target)}: written")


if __name__ == "__main__":
    main()
