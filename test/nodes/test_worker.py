# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worker computes the newest item of every source."""

import queue
import threading
import time

import pytest
from segformer_ros.nodes.worker import Worker

_DEADLINE_S = 240.0


class _Bench:
    """A worker whose computation waits for permission."""

    def __init__(self):
        self.begun = queue.Queue()
        self.errors = queue.Queue()
        self.gate = threading.Semaphore(0)
        self.raises = []
        self.now_s = 100.0
        self.worker = Worker(
            self._compute, lambda sources, error: self.errors.put((sources, error)), self._steady
        )

    def _steady(self):
        return self.now_s

    def _compute(self, items):
        self.begun.put(items)
        assert self.gate.acquire(timeout=_DEADLINE_S)
        if self.raises:
            raise self.raises.pop()

    def next(self):
        """Wait until a computation begins, and give its items."""
        return self.begun.get(timeout=_DEADLINE_S)


@pytest.fixture
def bench():
    """Yield a started worker."""
    made = _Bench()
    made.worker.start()
    yield made
    made.gate.release(100)
    assert made.worker.stop(_DEADLINE_S)


def test_newest_item_wins(bench):
    """While one is computed, each new item takes the place of the one that waits."""
    assert not bench.worker.put('front', 1)
    assert bench.next() == {'front': 1}
    assert not bench.worker.put('front', 2)
    assert bench.worker.put('front', 3)
    assert bench.worker.put('front', 4)
    bench.gate.release()
    assert bench.next() == {'front': 4}


def test_waiting_sources_are_computed_together(bench):
    """A flood from one source costs another nothing."""
    bench.worker.put('front', 1)
    bench.next()
    for number in range(1000):
        bench.worker.put('front', number)
    assert not bench.worker.put('left', 7)
    bench.gate.release()
    assert bench.next() == {'front': 999, 'left': 7}


@pytest.mark.parametrize(
    'error', [ValueError('a'), RuntimeError('b'), MemoryError(), KeyError('c'), TypeError('d')]
)
def test_error_costs_one_item_and_not_the_thread(bench, error):
    """The error is reported with its sources, and the next item is computed."""
    bench.raises = [error]
    bench.worker.put('front', 1)
    bench.next()
    bench.gate.release()
    assert bench.errors.get(timeout=_DEADLINE_S) == (['front'], error)
    bench.worker.put('front', 2)
    assert bench.next() == {'front': 2}


def test_busy_time_is_that_of_the_present_item(bench):
    """A computation that hangs can be seen from outside."""
    assert bench.worker.busy_s() == 0.0
    bench.worker.put('front', 1)
    bench.next()
    bench.now_s += 3.0
    assert bench.worker.busy_s() == 3.0


def test_stop_forgets_what_waits():
    """Nothing is computed after the present item."""
    bench = _Bench()
    bench.worker.start()
    bench.worker.put('front', 1)
    bench.next()
    bench.worker.put('front', 2)
    assert not bench.worker.stop(timeout_s=0.0)
    bench.gate.release()
    assert bench.worker.stop(_DEADLINE_S)
    assert bench.begun.empty()


def test_worker_that_was_never_started_stops():
    """A node may end before it was active."""
    assert _Bench().worker.stop(0.0)


def test_let_begin_hands_over(bench, monkeypatch):
    """Its caller goes on when the thread has the item, and at once where the thread is busy."""
    monkeypatch.setattr('segformer_ros.nodes.worker._PATIENCE_S', _DEADLINE_S)
    bench.worker.put('front', 1)
    bench.worker.let_begin()
    assert not bench.worker.put('front', 2)
    start = time.monotonic()
    bench.worker.let_begin()
    assert time.monotonic() - start < _DEADLINE_S / 2
    assert bench.next() == {'front': 1}
