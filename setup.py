"""The wheel's bill of materials (CycloneDX, PEP 770), its dates and its long description; all else
is in pyproject.toml.

The bill lists what gesso needs, with the floors, and every file that comes with the code, with its
SHA-256. Files in a wheel have one date, so that the same source gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel

ROOT = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NO_DATE = "315532800"  # 1980, the first that a zip file knows


def bill() -> dict[str, Any]:
    """The bill of materials as JSON values; of the same source always the same."""
    needed = {re.split(r"[<>=!~\[ ]", text)[0]: text for text in PROJECT["dependencies"]}
    name, version = PROJECT["name"], PROJECT["version"]
    own = {
        **{"type": "library", "bom-ref": name, "name": name, "version": version},
        **{"purl": f"pkg:pypi/{name}@{version}", "licenses": [{"license": {"id": "Apache-2.0"}}]},
    }
    libraries = [
        {
            **{"type": "library", "bom-ref": other, "name": other, "purl": f"pkg:pypi/{other}"},
            "properties": [{"name": "gesso:requires", "value": text}],
        }
        for other, text in needed.items()
    ]
    return {
        **{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1},
        "metadata": {"component": own},
        "components": [*libraries, *map(_file, _assets())],
        "dependencies": [{"ref": name, "dependsOn": list(needed)}],
    }


def _assets() -> list[Path]:
    found = (ROOT / "src/gesso/assets").rglob("*")
    return sorted(path for path in found if path.is_file() and path.suffix not in (".py", ".pyc"))


def _file(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = path.relative_to(ROOT / "src").as_posix()
    return {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def long_description() -> str:
    """README.md with absolute links; they begin with the `Source` of the project's URLs, and stay
    as they are where there is none."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    source = PROJECT.get("urls", {}).get("Source", "").rstrip("/")

    def absolute(link: re.Match[str]) -> str:
        bang, words, target = link.groups()
        if "://" in target or target.startswith("#") or not source:
            return link[0]
        kind = "raw" if bang else "blob"
        return f"{bang}[{words}]({source}/{kind}/v{PROJECT['version']}/{target})"

    return re.sub(r"(!?)\[([^\[\]]*)\]\(([^)\s]+)\)", absolute, text)


class Wheel(bdist_wheel):
    """A wheel with its bill of materials."""

    def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
        super().egg2dist(egginfo_path, distinfo_path)
        folder = Path(distinfo_path, "sboms")
        folder.mkdir(exist_ok=True)
        (folder / "gesso.cdx.json").write_text(json.dumps(bill(), indent=1) + "\n")


os.environ.setdefault("SOURCE_DATE_EPOCH", NO_DATE)
setup(
    cmdclass={"bdist_wheel": Wheel},
    long_description=long_description(),
    long_description_content_type="text/markdown",
)
