"""One thread where others take the cores, measured with clocks that the tests move."""

from __future__ import annotations

import pytest

from gesso.nn.threads import LEAST_SECONDS, ThreadWatch


def run(share: float, threads: int = 2, steps: int = 40, step_s: float = 0.2) -> list[int]:
    """What is set when the process gets `share` seconds of processor time a second."""
    now, chosen = [100.0], []
    watch = ThreadWatch(
        threads,
        wall=lambda: now[0],
        processor=lambda: share * now[0],
        set_threads=chosen.append,
    )
    for _ in range(steps):
        watch()
        now[0] += step_s
    return chosen


@pytest.mark.parametrize(("share", "chosen"), [(1.95, []), (1.5, []), (1.02, [1]), (0.4, [1])])
def test_one_thread_where_the_others_get_no_core(share: float, chosen: list[int]) -> None:
    assert run(share) == chosen


def test_many_threads_that_share_more_than_a_core_stay() -> None:
    assert run(2.0, threads=16) == [] and run(1.0, threads=16) == [1]


def test_one_thread_is_never_changed() -> None:
    assert run(0.5, threads=1) == []


def test_nothing_is_concluded_from_a_moment_or_from_one_long_step() -> None:
    assert run(0.5, steps=4, step_s=LEAST_SECONDS / 4) == []
    assert run(0.5, steps=3, step_s=LEAST_SECONDS) == []


def test_what_was_decided_stays() -> None:
    now = [0.0]
    chosen: list[int] = []
    shares = iter([1.9] * 30 + [0.1] * 200)
    worked = [0.0]
    watch = ThreadWatch(
        2, wall=lambda: now[0], processor=lambda: worked[0], set_threads=chosen.append
    )
    for share in shares:
        watch()
        now[0] += 0.2
        worked[0] += 0.2 * share
    assert chosen == []
