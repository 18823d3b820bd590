"""Cards, pictures and checkpoints of this version for tests/cards/test_released.py:

    PYTHONPATH=src:tests python tests/released_files.py

Only files that are not there are written: what was released stays as it is for ever. A new method
needs a line in CARDS, weights if it has any, and a line in RUNS if it is trained.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

import gesso
import tiny_files
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.images.write import write_image
from gesso.methods.base import Method
from gesso.methods.registry import about
from gesso.methods.training import train
from gesso.options import declared
from gesso.training.config import TrainConfig
from gesso.training.state import CHECKPOINT

RELEASED = Path(__file__).parent / "fixtures/released"
STYLE, PHOTO = RELEASED / "style.png", RELEASED / "photo.png"
ENCODER = RELEASED / "encoder.safetensors"
TOTALS = RELEASED / "totals.json"  # of the step after the checkpoint
STARTS = {"metastyle": RELEASED / "start.safetensors"}
FIRST = ("adain", "gatys", "johnson", "meta_networks", "meta_networks-kernels", "metastyle",
         "metastyle-only-in")  # fmt: skip
"""Cards from before methods and cards had controls of their own."""
SMALL: dict[str, Any] = {"style_size": 64}
LEARNED: dict[str, Any] = {**SMALL, "steps": 2, "crop": 32, "batch": 1}
DRAWN: dict[str, Any] = {**SMALL, "half_steps": 1, "final_steps": 2, "steps": 1, "lr": 1e-3}

CARDS: dict[str, dict[str, Any]] = {
    "avatar_net": SMALL,
    "conditional_in": {},
    "conditional_in-learned": LEARNED,
    "matching": DRAWN,
    "metastyle-polished": LEARNED,
    "style_swap": SMALL,
    "texture_nets": {**LEARNED, "scales": 3, "width": 2},
    "wct": SMALL,
}
TRAINING: dict[str, Any] = {
    "workers": 0, "crop": 32, "resize_max": 40, "sample_every": 0, "batch": 1, "style_batch": 1,
    "content_batch": 1, "style_crop": 32, "lr": 1e-3,
}  # fmt: skip
RUNS: dict[str, dict[str, Any]] = {
    "adain": {"skips": ("relu2_1",)},
    "avatar_net": {},
    "conditional_in": {"width": 2},
    "meta_networks": {"width": 2, "hidden": 1, "repeats": 2},
    "metastyle": {"width": 2, "inner_lr": 0.01, "ema": 0.9},
    "style_swap": {},
    "wct": {},
}


def loaded(name: str) -> Method:
    """A method with the weights of the fixtures."""
    os.environ["GESSO_WEIGHTS"] = str(RELEASED)
    return gesso.load(name, weights=STARTS.get(name), encoder=ENCODER)


def picture(name: str, card: StyleCard) -> torch.Tensor:
    """What a card of the fixtures makes of their photo."""
    method, photo = loaded(card.method), gesso.read_image(PHOTO)[None]
    if name in FIRST:
        return method.stylizer(card)(photo)
    polish = 2 if name.endswith("-polished") else 0
    return Controls(polish=polish).stylizer(method, card)(photo)


def resumed(name: str, checkpoint: Path | None, out: Path, steps: int) -> dict[str, float]:
    """Train on the fixtures' pictures up to that step, from the checkpoint; the last losses."""
    for folder in ("contents", "styles"):
        (out / folder).mkdir(parents=True)
        shutil.copy(PHOTO, out / folder / "photo.png")
        shutil.copy(STYLE, out / folder / "style.png")
    if checkpoint is not None:
        (out / "run").mkdir()
        shutil.copy(checkpoint, out / "run" / CHECKPOINT)
    known = {one.name for one in declared(about(name).training or TrainConfig)}
    options = {key: value for key, value in (TRAINING | RUNS[name]).items() if key in known}
    last: dict[str, float] = {}
    train(
        *(name, out / "contents", out / "styles", out / "run"), encoder=ENCODER, steps=steps,
        resume=checkpoint is not None, on_step=lambda _, values: last.update(values), **options,
    )  # fmt: skip
    return last


def main() -> None:
    """Write what is not there."""
    styles = {"style": STYLE, "other": PHOTO}
    for name, save in (
        ("wct", tiny_files.save_decoders), ("avatar_net", tiny_files.save_hourglass),
        ("style_swap", tiny_files.save_inverse),
        ("conditional_in", lambda path: tiny_files.save_bank(path, styles)),
    ):  # fmt: skip
        if not (RELEASED / f"{name}.safetensors").exists():
            save(RELEASED / f"{name}.safetensors")
    for name, options in CARDS.items():
        path = RELEASED / f"{name}.card.safetensors"
        if not path.exists():
            style = gesso.read_image(STYLE)
            style = style.flip(-1) if name.endswith("-learned") else style  # no style of the bank
            card = loaded(name.partition("-")[0]).adapt(style, [gesso.read_image(PHOTO)], **options)
            card.save(path)
            made = picture(name, StyleCard.load(path))
            write_image(RELEASED / f"{name}.picture.png", made[0])
    totals = json.loads(TOTALS.read_text()) if TOTALS.exists() else {}
    for name in RUNS:
        path = RELEASED / f"{name}.checkpoint.safetensors"
        with tempfile.TemporaryDirectory() as folder:
            if not path.exists():
                resumed(name, None, Path(folder, "one"), 2)
                shutil.copy(Path(folder, "one/run", CHECKPOINT), path)
            if name not in totals:
                totals[name] = resumed(name, path, Path(folder, "two"), 3)["total"]
    TOTALS.write_text(json.dumps(totals, indent=1) + "\n")


if __name__ == "__main__":
    main()
