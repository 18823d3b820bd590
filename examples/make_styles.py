"""Make the small style pictures of ``gesso/assets/styles`` from those in ``examples/styles``.

`gesso bench` takes them on when the user gives no styles. They have the size at which styles are
adapted to, 512 px; run ``python examples/make_styles.py --out src/gesso/assets/styles``.
"""

import argparse
import io
from pathlib import Path

from PIL import Image

from gesso.bench.pictures import STYLE_PX
from gesso.disk.atomic import atomic_write

DRAWN = Path(__file__).parent / "styles"
QUALITY = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the pictures to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(DRAWN.glob("*.jpg")):
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((STYLE_PX, STYLE_PX), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        atomic_write(out / path.name, data.getvalue())
        print(f"{path.name} {picture.width}×{picture.height}, {len(data.getvalue()) / 1024:.0f} KB")


if __name__ == "__main__":
    main()
