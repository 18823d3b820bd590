"""What is bundled: weights with a model card each, small contents to practise on, drawn styles."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent
CONTENTS, STYLES, GRAPHS = ROOT / "contents", ROOT / "styles", ROOT / "graphs"


def weights(name: str) -> Path:
    """The file of the bundled weights `name`, such as "metastyle".

    Those in the folder $GESSO_WEIGHTS come first, if it is set and holds them.
    """
    own = Path(os.environ.get("GESSO_WEIGHTS", "")) / f"{name}.safetensors"
    if os.environ.get("GESSO_WEIGHTS") and own.is_file():
        return own
    return ROOT / "weights" / f"{name}.safetensors"
