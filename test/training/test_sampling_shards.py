# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The order of samples that lie in shards."""

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.sampling import Sampling

SHARDS = tuple(range(10 * number, 10 * number + 10) for number in range(20))


def test_few_shards_are_in_use_at_a_time():
    """A round has every sample once; eight shards are mixed before others are touched."""
    sampling = Sampling([1.0], 5, groups=[SHARDS])
    rounds = [[sampling.pick(200 * turn + n, [200])[1] for n in range(200)] for turn in (0, 1)]
    for order in rounds:
        assert sorted(order) == list(range(200))
        for first, shards in ((0, 8), (80, 8), (160, 4)):
            assert len({index // 10 for index in order[first : first + 80]}) == shards
    assert rounds[0] != rounds[1]


def test_datasets_without_shards_are_shuffled_as_before():
    """A second dataset with shards changes nothing for the first."""
    plain = Sampling([1.0, 1.0], 5)
    mixed = Sampling([1.0, 1.0], 5, groups=[(), SHARDS])
    picks = [[one.pick(place, [60, 200]) for place in range(300)] for one in (plain, mixed)]
    firsts = [[row for number, row in found if number == 0] for found in picks]
    assert firsts[0] == firsts[1]
    assert picks[0] != picks[1]
