r"""Round a trained hypernetwork to float16, factorised, and put it into the package.

    python recipes/factorise.py runs/meta_networks/weights.safetensors PAINTINGS \
        src/gesso/assets/weights/meta_networks.safetensors --share 0.997

PAINTINGS: the styles it was trained on; some hundreds of them decide what has to be kept.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from torch import Tensor

import gesso
from gesso.images.folders import list_images
from gesso.methods.meta_networks.factorised import factorised
from gesso.methods.meta_networks.method import MetaNetworks
from gesso.nn import checkpoint


def hidden_vectors(method: MetaNetworks, folder: Path, count: int) -> Tensor:
    """(N, groups, numbers) of up to `count` pictures of the folder, drawn with a fixed seed."""
    paths = list_images(folder)
    chosen = random.Random(0).sample(paths, min(count, len(paths)))
    rows = torch.stack([method.hidden(path) for path in chosen])
    return rows.view(len(rows), method.network.groups, method.network.group)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--share", type=float, default=0.997, help="of the kernels' variance")
    parser.add_argument("--count", type=int, default=600, help="styles it is measured on")
    args = parser.parse_args()
    method = gesso.load("meta_networks", weights=args.source)
    assert isinstance(method, MetaNetworks)
    hidden = hidden_vectors(method, args.styles, args.count)
    tensors, header = checkpoint.load_file(args.source)
    for i, name in enumerate(method.network.generate):
        key = f"generate.{name}."
        weight, bias = tensors.pop(key + "weight"), tensors[key + "bias"]
        thin = factorised(weight, bias, hidden[:, i], args.share)
        tensors |= {key + part: value for part, value in thin.items()}
        print(f"{name}: rank {thin['left'].shape[1]} of {weight.shape[1]}")
    half = {name: t.half() if t.half().isfinite().all() else t for name, t in tensors.items()}
    own = {key: value for key, value in header.items() if key not in ("format", "sha256")}
    digest = checkpoint.save_file(args.target, half, own)
    print(f"{args.target}: {args.target.stat().st_size} bytes, {digest[:12]}")


if __name__ == "__main__":
    main()
