r"""The mean of the weights of two starts (Wortsman et al. 2022, "Model soups"), in float16.

    python recipes/mean.py runs/metastyle/weights.safetensors OTHER.safetensors \
        src/gesso/assets/weights/metastyle.safetensors

Both have to come from one start. The header, with its inner loop, is the first one's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gesso.disk.atomic import shown
from gesso.nn import checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    first, header = checkpoint.load_file(args.first, kind="start")
    second, _ = checkpoint.load_file(args.second, kind="start", expected=first)
    mean = {name: ((p.float() + second[name].float()) / 2).half() for name, p in first.items()}
    checkpoint.save_file(args.target, mean, {k: v for k, v in header.items() if k != "sha256"})
    print(f"{shown(args.target)}: written")


if __name__ == "__main__":
    main()
