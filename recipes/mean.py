r"""The mean of the weights of two networks (Wortsman et al. 2022, "Model soups"), in float16.

    python recipes/mean.py runs/metastyle/weights.safetensors OTHER.safetensors \
        src/gesso/assets/weights/metastyle.safetensors [--share 0.5]

Both have to come from one start, or one of them from the other. The header is the first one's.
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
    parser.add_argument("--share", type=float, default=0.5, help="that of the second")
    args = parser.parse_args()
    first, header = checkpoint.load_file(args.first)
    second, _ = checkpoint.load_file(args.second, expected=first)
    pairs = {name: (p.float(), second[name].float()) for name, p in first.items()}
    mean = {name: one.lerp(other, args.share).half() for name, (one, other) in pairs.items()}
    own = {key: value for key, value in header.items() if key not in ("format", "sha256")}
    checkpoint.save_file(args.target, mean, own)
    print(f"{shown(args.target)}: written")


if __name__ == "__main__":
    main()
