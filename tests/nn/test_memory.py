"""How much memory there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gesso.errors import OptionError
from gesso.nn import memory


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("1.5 gib", 3 * 2**29), ("800M", 8 * 10**8), ("3000000", 3 * 10**6)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert memory.parsed(text) == size


@pytest.mark.parametrize("text", ["", "much", "2TB", "-1GB", "100", "nan", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"memory: .*; allowed are sizes from 1MB, such as 2GB"):
        memory.parsed(text)


def system(root: Path, group: str, files: dict[str, str]) -> Path:
    """A system with 8 GB free, whose process is in a control group."""
    for name, text in {"proc/meminfo": "MemAvailable: 8000000 kB", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    (root / "proc/self").mkdir()
    (root / "proc/self/cgroup").write_text(group + "\n")
    return root


def test_the_least_of_all_limits_counts(tmp_path: Path) -> None:
    up, down = "sys/fs/cgroup/work", "sys/fs/cgroup/work/mine"
    files = {
        f"{up}/memory.max": "3000000000",
        f"{up}/memory.current": "1500000000",
        f"{up}/memory.stat": "anon 7\ninactive_file 500000000\nslab 3",
        f"{down}/memory.max": "max",
        f"{down}/memory.current": "9",
    }
    assert memory.free(system(tmp_path, "0::/work/mine", files)) == 2_000_000_000


def test_groups_of_version_1_count_too(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/memory/mine"
    files = {
        f"{folder}/memory.limit_in_bytes": "2000000000",
        f"{folder}/memory.usage_in_bytes": "500000000",
    }
    assert memory.free(system(tmp_path, "4:memory:/mine", files)) == 1_500_000_000


def test_without_limits_it_is_what_the_system_has(tmp_path: Path) -> None:
    assert memory.free(system(tmp_path, "0::/", {})) == 8_192_000_000
    assert memory.free(tmp_path / "another") is None


def test_what_may_be_taken_in_all_is_what_was_said() -> None:
    now = memory.resident()
    if now is None:
        pytest.skip("this system does not say what a process has")
    with memory.at_most(now + 10**9):
        assert abs(10**9 - (memory.allowed() or 0)) < 10**8
    with memory.at_most(1):
        assert memory.allowed() == 0
