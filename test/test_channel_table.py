# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the ids of a dataset to those of a network."""

import numpy as np
import pytest
from segformer_ros.labels import CARLA_0914, CITYSCAPES_19, LabelClass, LabelSet, SHIFT_23, VOID
from segformer_ros.labels.class_maps import channel_table, map_classes

YARD = LabelSet(
    'yard',
    (
        LabelClass(0, 'ground', (1, 1, 1)),
        LabelClass(1, 'road', (2, 2, 2)),
        LabelClass(9, 'robot', (3, 3, 3)),
    ),
)


def known(table):
    """Return a map as a dict, without what has no class."""
    return {int(index): int(table[index]) for index in np.flatnonzero(table != VOID)}


def test_known_sets_are_mapped_by_what_is_known_of_them():
    """The one table is that of CARLA's ground truth; nothing written here changes it."""
    table = channel_table(SHIFT_23, CITYSCAPES_19)
    assert table.dtype == np.uint8
    assert np.array_equal(table, map_classes(SHIFT_23, CITYSCAPES_19).table)
    channel_table(SHIFT_23, CITYSCAPES_19, {'vehicle': 'truck'})[:] = 0
    assert np.array_equal(table, map_classes(SHIFT_23, CITYSCAPES_19).table)


def test_a_set_is_itself():
    """Also what has no meaning elsewhere, and sets that nobody else knows."""
    assert known(channel_table(CARLA_0914, CARLA_0914)) == {number: number for number in range(29)}
    assert known(channel_table(YARD, LabelSet('other name', YARD.classes))) == {0: 0, 1: 1, 9: 9}


def test_rules_are_over_what_is_known():
    """An empty name is none; the other classes stay."""
    table = channel_table(SHIFT_23, CITYSCAPES_19, {'vehicle': 'truck', 'terrain': ''})
    assert table[SHIFT_23.by_name('vehicle').id] == CITYSCAPES_19.by_name('truck').id
    assert table[SHIFT_23.by_name('terrain').id] == VOID
    assert table[SHIFT_23.by_name('sky').id] == CITYSCAPES_19.by_name('sky').id


def test_rules_of_a_set_of_ones_own():
    """What they do not name is the class of the same name, or none."""
    assert known(channel_table(YARD, CITYSCAPES_19, {'robot': 'car'})) == {1: 0, 9: 13}


def test_an_unknown_set_needs_rules():
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r'cityscapes_19 is known, .* for ground, robot: .*--map'):
        channel_table(YARD, CITYSCAPES_19)


def test_equal_names_need_no_rules():
    """Whatever their ids and colours are, and whatever else the network knows."""
    own = LabelSet('own', (LabelClass(7, 'sky', (1, 1, 1)), LabelClass(3, 'road', (2, 2, 2))))
    assert known(channel_table(own, CITYSCAPES_19)) == {
        7: CITYSCAPES_19.by_name('sky').id,
        3: CITYSCAPES_19.by_name('road').id,
    }


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        (
            {'robt': 'car'},
            "rules: label set yard has no class 'robt', it has: ground, road, robot",
        ),
        ({'robot': 'cab'}, "rules: label set cityscapes_19 has no class 'cab'"),
    ],
)
def test_a_rule_names_classes(rules, message):
    """The message says which there are."""
    with pytest.raises(ValueError, match=message):
        channel_table(YARD, CITYSCAPES_19, rules)
