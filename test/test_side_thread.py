# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reading ahead and writing behind: in order, complete, and with the errors of the work."""

from contextlib import closing
import threading

import pytest
from segformer_ros.side_thread import ahead, Behind, in_order, Together


def test_items_come_in_order_from_another_thread():
    """All of them, and none is made by the thread that takes them."""
    makers = []

    def items():
        for number in range(20):
            makers.append(threading.current_thread())
            yield number

    assert list(ahead(items(), 2)) == list(range(20))
    assert threading.current_thread() not in makers


def test_items_are_made_while_the_first_is_used():
    """Two wait, a third is ready."""
    made = threading.Semaphore(0)

    def items():
        for number in range(100):
            made.release()
            yield number

    with closing(ahead(items(), 2)) as found:
        assert next(found) == 0
        for _ in range(4):
            assert made.acquire(timeout=240.0)
    assert 'ahead' not in [thread.name for thread in threading.enumerate()]


def test_an_error_comes_behind_the_items_before_it():
    """And it is the error itself."""

    def items():
        yield 1
        raise ValueError('damaged further on')

    found = ahead(items(), 4)

    assert next(found) == 1
    with pytest.raises(ValueError, match='further on'):
        next(found)


def test_tasks_are_done_in_order_before_the_block_ends():
    """Also where the block ends with an error."""
    done = []

    def work():
        with Behind(2) as behind:
            for number in range(20):
                behind.do(done.append, number)
            raise KeyError('of the main work')

    with pytest.raises(KeyError):
        work()
    assert done == list(range(20))


def test_the_error_of_the_work_ends_it():
    """The next call raises it, and nothing behind it is done."""
    done = []

    def fail():
        raise OSError('the disk is full')

    def work():
        with Behind(1) as behind:
            behind.do(fail)
            for number in range(20):
                behind.do(done.append, number)

    with pytest.raises(OSError, match='disk is full'):
        work()
    assert done == []
    with pytest.raises(OSError, match='disk is full'), Behind(1) as behind:
        behind.do(fail)


@pytest.mark.parametrize('count', [1, 3])
def test_results_come_in_the_order_of_the_items(count):
    """However long each takes; with one thread it is the one that asks."""
    turns = [threading.Event() for _ in range(21)]
    turns[1].set()

    def work(number):
        # Every even one ends behind the odd one that follows it.
        if count > 1 and number % 2 == 0:
            assert turns[number + 1].wait(timeout=240.0)
        turns[number].set()
        return number * number, threading.current_thread()

    with closing(in_order(range(20), work, count)) as found:
        pairs = list(found)
    assert [(item, square) for item, (square, _) in pairs] == [(n, n * n) for n in range(20)]
    alone = {thread for _, (_, thread) in pairs} == {threading.current_thread()}
    assert alone == (count == 1)


@pytest.mark.parametrize('count', [1, 3])
def test_what_ends_the_items_comes_behind_their_results(count):
    """And the error of a work in the place of its result."""

    def items():
        yield from (4, 2, 1)
        raise ValueError('damaged further on')

    found = in_order(items(), lambda number: 8 // number, count)
    assert [next(found) for _ in range(3)] == [(4, 2), (2, 4), (1, 8)]
    with pytest.raises(ValueError, match='further on'):
        next(found)
    found = in_order((4, 0, 1), lambda number: 8 // number, count)
    assert next(found) == (4, 2)
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('in_order')]


@pytest.mark.parametrize('count', [1, 2])
def test_together_gives_results_in_the_order_of_the_items(count):
    """Two are worked on at once, or the calling thread does all."""
    both = threading.Barrier(count)
    pool = Together(count)

    def work(number):
        both.wait(timeout=240.0)
        return number * number, threading.current_thread()

    for _ in range(2):
        found = pool.all(work, range(4))
        assert [square for square, _ in found] == [0, 1, 4, 9]
        assert ({thread for _, thread in found} == {threading.current_thread()}) == (count == 1)
    pool.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('together')]


def test_together_ends_all_before_it_tells_of_a_failure():
    """What the others use may be gone afterwards."""
    done, failed = [], threading.Event()

    def work(number):
        if number == 0:
            failed.set()
            raise OSError('disk is full')
        assert failed.wait(timeout=240.0)
        done.append(number)

    pool = Together(2)
    with pytest.raises(OSError, match='disk is full'):
        pool.all(work, range(3))
    assert sorted(done) == [1, 2]
    pool.close()
