import subprocess
import sys

import pytest

PROGRAM = """
import platform, resource, sys
import torch
from gesso.training.malloc import keep_freed_memory, keep_small_blocks

MODES = {"all": keep_freed_memory, "small": keep_small_blocks, "none": lambda: False}
kept = MODES[sys.argv[1]]()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(10, 2**20)  # 40 MB: above what glibc ever keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()  # aligned blocks leave gaps at first
print(int(kept), faults())
"""


def run(mode: str) -> tuple[int, int]:
    command = [sys.executable, "-c", PROGRAM, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    return int(kept), int(faults)


@pytest.mark.parametrize("mode", ["all", "small"])
def test_memory_that_was_freed_is_not_mapped_again(mode: str) -> None:
    kept, faults = run(mode)
    if not kept:
        pytest.skip("not glibc")
    assert faults < run("none")[1] / 10


LARGE = """
import sys
import torch
from gesso.training.malloc import keep_small_blocks

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

kept = keep_small_blocks()
before = resident_mb()
large = [torch.ones(25, 2**20) for _ in range(4)]  # 100 MB each
del large
print(int(kept), resident_mb() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_large_blocks_still_go_back_at_once() -> None:
    command = [sys.executable, "-c", LARGE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, growth = done.stdout.split()
    if not int(kept):
        pytest.skip("not glibc")
    assert float(growth) < 50
