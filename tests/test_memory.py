import subprocess
import sys

import pytest

PROGRAM = """
import platform, resource, sys
import torch
from gesso.memory import keep_freed_memory

kept = sys.argv[1] == "kept" and keep_freed_memory()

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


def test_memory_that_was_freed_is_not_mapped_again() -> None:
    kept, faults = run("kept")
    if not kept:
        pytest.skip("not glibc")
    assert faults < run("freed")[1] / 10
