# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is missing between two messages."""

import pytest
from segformer_ros.nodes.subscriptions import SequenceGaps


def _info(number, publisher=b'a'):
    return {
        'publication_sequence_number': number,
        'publisher_gid': {'implementation_identifier': 'x', 'data': publisher},
    }


def test_gaps_are_those_of_each_publisher():
    """Where one begins is no gap, and neither is a message that came late."""
    gaps = SequenceGaps(lambda: False)
    sent = [
        (7, b'a'),
        (8, b'a'),
        (1, b'b'),
        (11, b'a'),
        (2, b'b'),
        (5, b'b'),
        (4, b'b'),
        (5, b'b'),
    ]
    assert [gaps.add(_info(*item)) for item in sent] == [0, 0, 0, 2, 0, 2, 0, 0]


def test_gaps_of_an_unnamed_publisher_are_those_of_the_only_one():
    """As in Jazzy; with a second publisher, and at first after it, nothing is known."""
    alone = True
    gaps = SequenceGaps(lambda: alone)
    assert [gaps.add({'publication_sequence_number': number}) for number in (3, 4, 7)] == [0, 0, 2]
    alone = False
    assert [gaps.add({'publication_sequence_number': number}) for number in (9, 90)] == [0, 0]
    alone = True
    assert [gaps.add({'publication_sequence_number': number}) for number in (15, 17)] == [0, 1]


@pytest.mark.parametrize('name', ['publication_sequence_number', 'publisher_gid'])
def test_a_middleware_that_does_not_number_has_no_gaps(name):
    """Neither where the key is missing nor where it holds None."""
    for change in ({}, {name: None}):
        gaps = SequenceGaps(lambda: False)
        for number in (1, 5):
            info = _info(number)
            del info[name]
            assert gaps.add({**info, **change}) == 0
