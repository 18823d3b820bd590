"""Work ahead and behind: in order, bounded, and nothing that goes wrong is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event, active_count

import pytest

from gesso.video.threads import ON_THE_WAY, Behind, ahead


def test_items_come_in_order_and_are_made_ahead_but_not_far() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    seen = []
    for number in ahead(numbers()):
        seen.append(number)
        if number == 10:
            limit = time.monotonic() + 10
            while len(made) < 12 and time.monotonic() < limit:
                time.sleep(0.001)
            assert 12 <= len(made) <= 11 + ON_THE_WAY + 1
    assert seen == list(range(50))


def test_what_stops_the_maker_is_raised_and_an_early_end_stops_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(ahead(failing()))
    threads = active_count()
    with closing(ahead(iter(int, 1))) as endless:
        assert next(endless) == 0
    assert active_count() == threads


def test_all_items_are_done_in_order_by_the_end() -> None:
    done: list[int] = []
    behind = Behind(done.append)
    for number in range(30):
        behind.put(number)
    behind.finish()
    assert done == list(range(30))


def test_what_stops_the_worker_is_raised_by_whoever_hands_on() -> None:
    failed = Event()

    def fail(item: int) -> None:
        failed.set()
        raise OSError("disk full")

    behind = Behind(fail)
    with pytest.raises(OSError, match="disk full"):
        for number in range(100):
            behind.put(number)
            failed.wait(10)
    with pytest.raises(OSError, match="disk full"):
        behind.finish()
