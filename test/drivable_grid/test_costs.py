# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of class costs."""

from __future__ import annotations

import pytest
from segformer_ros.drivable_grid import read_costs
from segformer_ros.labels import CARLA_0914, CITYSCAPES_19, label_set


def test_the_shipped_table_knows_the_ground_of_the_driving_sets():
    """Roads are free, cars are obstacles, the sky says nothing."""
    for name in ('carla_0914', 'cityscapes_19', 'shift_23', 'camvid_11'):
        found = label_set(name)
        costs, stands = read_costs().tables(found.classes)
        road, sky = found.by_name('road').id, found.by_name('sky').id
        assert (costs[road], stands[road]) == (0, False)
        assert costs[sky] == -1
    car = CARLA_0914.by_name('car').id
    costs, stands = read_costs().tables(CARLA_0914.classes)
    assert (costs[car], stands[car]) == (100, True)
    assert costs[255] == -1
    assert 'car' in read_costs().unlisted(CITYSCAPES_19.classes)
    assert 'road' not in read_costs().unlisted(CITYSCAPES_19.classes)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('[road]', 'expected the sections ground, obstacles, ignored'),
        ('grounds: {road: 0}', 'expected the sections'),
        ('ground: {road: 101}', "a cost of 0 to 100, found 'road': 101"),
        ('ground: {road: yes}', "found 'road': True"),
        ('ground: [road]', 'expected class names with costs'),
        ('ignored: sky', 'expected a list of class names'),
        ('ground: {road: 0}\nobstacles: {road: 1}', 'road: expected each class once'),
        ('ground: {', 'cannot read the class costs'),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(tmp_path, text, problem):
    """The message names the file, what was expected and what was found."""
    path = tmp_path / 'costs.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(ValueError, match=r'costs\.yaml') as caught:
        read_costs(path)
    assert problem in str(caught.value)


def test_a_missing_table_is_refused(tmp_path):
    """A path that leads nowhere is named."""
    with pytest.raises(ValueError, match=r'cannot read the class costs of .*nowhere\.yaml'):
        read_costs(tmp_path / 'nowhere.yaml')
