"""Work that waits for a bell: begun soon after the first ring, and together for rings that follow each other closely."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from jobs.background import BREATH_SECONDS, GATHER_SECONDS, keep_doing
from tests.waiting import until

PATIENCE = 5.0
Work = tuple[threading.Event, list[float]]


@pytest.fixture
def work() -> Iterator[Work]:
    """What rings for the work, and when it was begun; once already, as at every start."""
    rung, begun = threading.Event(), list[float]()
    stop = keep_doing(lambda: begun.append(time.monotonic()), rung, name='answering')
    wait_until_begun(begun, 1)
    yield rung, begun
    stop()


def wait_until_begun(begun: list[float], times: int, since: float = 0.0) -> None:
    until(lambda: len(begun) >= times and begun[-1] >= since)


def test_what_rings_all_the_time_is_answered_together_and_the_last_ring_too(work):
    rung, begun = work
    end = time.monotonic() + 4 * GATHER_SECONDS
    while (last_rung := time.monotonic()) < end:
        rung.set()
        time.sleep(0.01)
    rung.set()
    wait_until_begun(begun, 2, last_rung)
    pauses = [after - before for before, after in pairwise(begun)]
    assert len(pauses) <= 6
    assert sum(pauses) > (GATHER_SECONDS - 0.05) * len(pauses)


def test_the_longer_it_rings_the_more_is_answered_together_and_after_a_rest_one_is_answered_at_once():
    rung, begun, pressed = threading.Event(), list[float](), 4 * GATHER_SECONDS
    stop = keep_doing(lambda: begun.append(time.monotonic()), rung, name='pressed', pressed=pressed)
    try:
        wait_until_begun(begun, 1)
        end = time.monotonic() + 3 * pressed
        while time.monotonic() < end:
            rung.set()
            time.sleep(0.01)
        assert len(begun) <= 6, 'after 0.2, 0.4 and then every 0.8 s'
        assert begun[-1] - begun[-2] > pressed - 0.05
        time.sleep(2 * pressed)
        last_rung = time.monotonic()
        rung.set()
        wait_until_begun(begun, len(begun) + 1)
        assert begun[-1] - last_rung < pressed / 2
    finally:
        stop()


def test_after_a_rest_a_ring_is_answered_at_once(work):
    rung, begun = work
    time.sleep(2 * GATHER_SECONDS)
    last_rung = time.monotonic()
    rung.set()
    wait_until_begun(begun, 2)
    assert BREATH_SECONDS - 0.01 < begun[-1] - last_rung < PATIENCE / 2
