"""`make audit`, and the hashes of what is pinned."""

from __future__ import annotations

import re

import audit
import pytest

PYPROJECT = (audit.ROOT / "pyproject.toml").read_text()
PINS = audit.pins((audit.ROOT / "constraints.txt").read_text())
CLEAN = {  # release from which on no fault is known that gesso's doors would open (November 2026)
    "pillow": (12, 3), "pillow-heif": (1, 8), "torch": (2, 10), "onnx": (1, 21),
    "starlette": (0, 49, 1), "h11": (0, 16), "setuptools": (78, 1, 1),
}  # fmt: skip


def numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def test_no_floor_lies_below_a_release_without_known_faults() -> None:
    floors = audit.floors(PYPROJECT)
    for name, clean in CLEAN.items():
        assert numbers(floors[name]) >= clean, name
    for name, release in floors.items():
        if name in PINS:
            assert numbers(release) <= numbers(PINS[name]), name


def test_every_pin_has_hashes_but_torch_which_has_several_builds() -> None:
    text = (audit.ROOT / "hashes.txt").read_text()
    hashed = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    pinned = {name: release for name, release in PINS.items() if name != "torch"}
    assert {audit.normal(name): release for name, release in hashed.items()} == pinned, (
        "make hashes (needs uv)"
    )
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE):
        if "==" in block:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block[:40]


def test_faults_are_named_unless_they_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
    answer = {
        "dependencies": [
            {"name": "a", "version": "1.0", "vulns": [fault]},
            {"name": "b", "version": "1.0", "vulns": []},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    assert audit.judged(answer) == (["a 1.0: PYSEC-1, mended in 2.0"], ["c"], 2)
    monkeypatch.setitem(audit.EXPLAINED, "CVE-1", "never called")
    assert audit.judged(answer)[0] == []


@pytest.mark.parametrize("broken", ["raises", "unknown"])
def test_an_audit_that_could_ask_nobody_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    def asked(releases: dict[str, str]) -> dict[str, list[dict[str, str]]]:
        if broken == "raises":
            raise OSError("no way")
        return {"dependencies": [{"name": name, "skip_reason": "?"} for name in releases]}

    monkeypatch.setattr(audit, "asked", asked)
    assert audit.main() == 2
    assert "nobody could be asked about the pinned releases" in capsys.readouterr().out
