"""Write the graphs that run without torch anew: `python recipes/graphs.py`.

To be done after any change of a network's `written`, and of the bundled weights of these methods.
"""

from __future__ import annotations

import gesso
from gesso import assets
from gesso.export.bundle import bundle

METHODS = ("meta_networks", "adain", "matching")

if __name__ == "__main__":
    for name in METHODS:
        for path in bundle(gesso.load(name), assets.GRAPHS):
            print(f"{path.name}: {path.stat().st_size} bytes")
