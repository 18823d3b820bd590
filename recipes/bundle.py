r"""Round trained weights to float16 and put them into the package.

    python recipes/bundle.py runs/metastyle/weights.safetensors \
        src/gesso/assets/weights/metastyle.safetensors

Takes a start or a compact encoder as `gesso train metastyle` and `gesso distill` write them, or a
plain safetensors file of a compact encoder. The model card beside the target is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gesso.errors import GessoError
from gesso.nn import checkpoint


def bundle(source: Path, target: Path) -> None:
    """Write `source` to `target` in float16 with its header."""
    try:
        tensors, header = checkpoint.load_file(source)
    except GessoError:
        tensors, header = checkpoint.load_foreign(source), {"kind": "encoder"}
    half = {name: t.half() if t.half().isfinite().all() else t for name, t in tensors.items()}
    own = {key: value for key, value in header.items() if key not in ("format", "sha256")}
    digest = checkpoint.save_file(target, half, own)
    print(f"{target}: {target.stat().st_size} bytes, {digest[:12]}")


if __name__ == "__main__":
    bundle(Path(sys.argv[1]), Path(sys.argv[2]))
