# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two streams brought together by stamp."""

import numpy as np
import pytest
from segformer_ros.stamp_pairs import StampPairs

_SECOND = 1_000_000_000


def test_equal_stamps_meet_in_any_order():
    """Truth may be published before or after the prediction."""
    pairs = StampPairs()
    assert pairs.add_first(1, 'a1') is None
    assert pairs.add_second(1, 'b1') == ('a1', 'b1')
    assert pairs.add_second(2, 'b2') is None
    assert pairs.add_first(2, 'a2') == ('a2', 'b2')


def test_neighbouring_stamps_never_meet():
    """The stamp of the camera image is copied bit for bit, so nearly equal is another frame."""
    pairs = StampPairs()
    pairs.add_first(100, 'a')
    assert pairs.add_second(101, 'b') is None


def test_loss_and_reorder_keep_every_complete_pair():
    """Whatever is lost or late within the limit, exactly the complete frames are paired."""
    rng = np.random.default_rng(5)
    kept = {side: set(rng.permutation(200)[:150].tolist()) for side in ('first', 'second')}
    events = [(stamp + rng.integers(0, 8), side, stamp) for side in kept for stamp in kept[side]]
    pairs = StampPairs(limit=32)

    found = []
    for _, side, stamp in sorted(events):
        add = pairs.add_first if side == 'first' else pairs.add_second
        found.append(add(stamp * _SECOND // 10, stamp))

    paired = {pair[0] for pair in found if pair is not None}
    assert all(pair[0] == pair[1] for pair in found if pair is not None)
    assert paired == kept['first'] & kept['second']


def test_what_is_kept_is_bounded_and_the_rest_counted():
    """A stream without partners must not fill the memory."""
    pairs = StampPairs(limit=4)
    for stamp in range(10):
        pairs.add_first(stamp, stamp)

    assert pairs.unpaired == [6, 0]
    assert pairs.add_second(5, 5) is None
    assert pairs.add_second(6, 6) == (6, 6)


def test_small_items_are_kept_without_a_limit():
    """An image of a file can be read again; each is told once that its turn is over."""
    told = []

    def shrink(item):
        told.append(item)
        return True

    pairs = StampPairs(4, shrink)
    for stamp in range(10):
        pairs.add_first(stamp, stamp)
    assert told == [0, 1, 2, 3, 4, 5]
    assert pairs.unpaired == [0, 0]
    assert pairs.add_second(0, 'b') == (0, 'b')
    assert pairs.add_second(9, 'b') == (9, 'b')
    assert [pairs.add_first(stamp, stamp) for stamp in (10, 11)] == [None, None]
    assert told == [0, 1, 2, 3, 4, 5, 6]
    pairs.finish()
    assert pairs.unpaired == [10, 0]


def test_a_restarted_world_does_not_meet_its_former_life():
    """Simulated time starts again at zero: a stamp comes twice and means another frame."""
    pairs = StampPairs()
    for stamp in (8, 9, 10):
        pairs.add_first(stamp * _SECOND, 'old')
    pairs.add_first(1 * _SECOND, 'new')

    assert pairs.restarts == 1
    assert pairs.unpaired == [3, 0]
    assert pairs.add_second(9 * _SECOND, 'late') is None
    assert pairs.add_second(1 * _SECOND, 'new') == ('new', 'new')


def test_a_stream_that_lags_loses_nothing_of_the_new_life():
    """The truth is seconds ahead of the results when these jump back too: one restart."""
    pairs = StampPairs()
    pairs.add_second(20 * _SECOND, 'old')
    pairs.add_first(19 * _SECOND, 'old')
    for stamp in (1, 2, 3, 4):
        pairs.add_second(stamp * _SECOND, 'new')
    pairs.add_first(20 * _SECOND, 'late')
    found = [pairs.add_first(stamp * _SECOND, 'new') for stamp in (1, 2, 3, 4)]

    assert found == [('new', 'new')] * 4
    assert (pairs.restarts, pairs.unpaired) == (1, [2, 1])


def test_every_restart_counts_once():
    """Whichever stream notices it, and where one was too young to notice the last."""
    pairs = StampPairs()
    young = [('first', 3), ('second', 1), ('first', 0), ('second', 0), ('second', 9), ('first', 9)]
    for stream, stamp in young:
        getattr(pairs, f'add_{stream}')(stamp * _SECOND, 'a')
    assert pairs.restarts == 1
    for stream, stamp in (('second', 0), ('first', 0), ('first', 9), ('first', 1)):
        getattr(pairs, f'add_{stream}')(stamp * _SECOND, 'b')
    assert pairs.restarts == 3


def test_a_limit_below_one_is_refused():
    """Nothing could ever be paired."""
    with pytest.raises(ValueError, match='at least 1'):
        StampPairs(limit=0)
