# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rule that holds the world back."""

from segformer_ros.nodes.lock_step import LockStep


def test_the_first_frame_waits_for_nothing():
    """Before the first frame there are no results to come."""
    assert LockStep(['labels'], timeout_s=1.0).ready(0.0)


def test_the_next_frame_waits_for_every_result():
    """Labels alone are not enough where depth is awaited too."""
    lock = LockStep(['labels', 'depth'], timeout_s=1.0)
    lock.sent(7, 0.0)
    lock.received('labels', 7)
    assert not lock.ready(0.1)
    assert lock.missing() == ('depth',)
    lock.received('depth', 7)
    assert lock.ready(0.1)
    assert lock.timeouts == 0


def test_results_of_another_frame_do_not_count():
    """A result that comes after its frame was given up must not release the next frame."""
    lock = LockStep(['labels'], timeout_s=1.0)
    lock.sent(7, 0.0)
    lock.received('labels', 6)
    assert not lock.ready(0.1)


def test_a_wait_ends_at_the_deadline_and_is_counted():
    """A network that drops a frame must not stop the world for ever."""
    lock = LockStep(['labels'], timeout_s=1.0)
    lock.sent(7, 10.0)
    assert not lock.ready(10.9)
    assert lock.ready(11.0)
    assert lock.timeouts == 1
    lock.sent(8, 11.0)
    assert not lock.ready(11.9)
