# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Live messages of one stamp."""

from segformer_ros.viewer.gather import Gather


class Clock:
    """Stands where it is put."""

    now_s = 0.0

    def __call__(self):
        """Read it."""
        return self.now_s


def test_a_stamp_is_complete_with_everything_that_is_received():
    """An image alone is shown until results come; then it waits for them."""
    gather = Gather(Clock())
    assert gather.add('image', 1, 'a') == {'image': 'a'}
    assert gather.add('labels', 2, 'l') is None
    assert gather.add('image', 2, 'b') == {'image': 'b', 'labels': 'l'}
    assert gather.add('image', 3, 'c') is None
    assert gather.add('image', 4, 'd') is None
    # Frame 3 was dropped by the network.
    assert gather.add('labels', 4, 'm') == {'image': 'd', 'labels': 'm'}
    assert gather.add('labels', 3, 'late') is None


def test_a_silent_topic_is_not_waited_for():
    """Ten seconds after its last message."""
    clock = Clock()
    gather = Gather(clock)
    gather.add('image', 1, 'a')
    gather.add('depth', 1, 'z')
    assert gather.add('image', 2, 'b') is None
    clock.now_s = 10.5
    assert gather.add('image', 3, 'c') == {'image': 'c'}


def test_few_stamps_wait():
    """The oldest gives way, whatever its number: simulated time may jump back."""
    gather = Gather(Clock())
    gather.add('labels', 10**9, 'l')
    for stamp in range(100):
        gather.add('image', stamp, stamp)
    assert gather.add('labels', 50, 'x') is None
    assert gather.add('labels', 99, 'y') == {'image': 99, 'labels': 'y'}
