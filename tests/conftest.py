"""For all tests: one thread, as in the processes that some of them start. Sums are added in an
order that depends on the number of threads, and two test processes share two cores as it is."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # again for every test: a command's --threads stays set
