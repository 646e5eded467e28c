# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which classes a network is evaluated in."""

from dataclasses import replace

import numpy as np
import pytest
from segformer_ros.evaluation import LabelRules, NetworkFacts
from segformer_ros.evaluation.evaluated_classes import evaluated_classes, SHIFT_IGNORED
from segformer_ros.evaluation.label_scores import LabelScores
from segformer_ros.labels import (
    CARLA_0914,
    CITYSCAPES_19,
    LabelClass,
    LabelSet,
    SHIFT_23,
    VOID,
)

OWN = NetworkFacts('own', CARLA_0914.classes, 'carla_0914')


def _names(evaluated):
    return [item.name for item in evaluated.classes]


def test_one_label_set_is_evaluated_in_its_own_classes():
    """What is no class, such as 'none', is not evaluated."""
    evaluated = evaluated_classes(OWN, CARLA_0914, LabelRules())
    assert _names(evaluated) == [item.name for item in CARLA_0914.classes if item.name != 'none']
    assert evaluated.left_out == ('none',)
    assert evaluated.truth[0] == VOID


def test_a_network_is_not_asked_for_classes_that_it_lacks():
    """Unless it is evaluated in the classes of the dataset, all of them."""
    road = CARLA_0914.by_name('road')
    facts = replace(OWN, classes=(road, CARLA_0914.by_name('sky')))
    evaluated = evaluated_classes(facts, CARLA_0914, LabelRules())
    assert _names(evaluated) == ['road', 'sky']
    assert 'car' in evaluated.left_out


def test_two_label_sets_are_evaluated_in_what_they_share():
    """A road line of CARLA is the road of Cityscapes, and nobody is asked to tell them apart."""
    evaluated = evaluated_classes(OWN, CITYSCAPES_19, LabelRules())
    road = CITYSCAPES_19.by_name('road').id
    for name in ('road', 'road_line'):
        assert evaluated.prediction[CARLA_0914.by_name(name).id] == road
    assert len(evaluated.classes) == 19


def test_the_classes_of_network_or_dataset_can_be_asked_for():
    """SHIFT has one vehicle: read as a car of the network, or every car as a vehicle."""
    vehicle, car = SHIFT_23.by_name('vehicle').id, CARLA_0914.by_name('car').id
    truck = CARLA_0914.by_name('truck').id
    as_network = evaluated_classes(OWN, SHIFT_23, LabelRules(classes_of='network'))
    assert (as_network.truth[vehicle], as_network.prediction[truck]) == (car, truck)
    as_dataset = evaluated_classes(OWN, SHIFT_23, LabelRules(classes_of='dataset'))
    assert (as_dataset.prediction[truck], as_dataset.truth[vehicle]) == (vehicle, vehicle)


def test_shift_is_evaluated_in_14_classes():
    """Those that its authors name; ignored truth counts in unions, unlabelled truth nowhere."""
    facts = NetworkFacts('shift', SHIFT_23.classes, 'shift_23')
    rules = LabelRules(ignore=SHIFT_IGNORED, count_ignored=True)
    evaluated = evaluated_classes(facts, SHIFT_23, rules)
    assert set(_names(evaluated)) == {
        'building', 'fence', 'pedestrian', 'pole', 'road_line', 'road', 'sidewalk', 'vegetation',
        'vehicle', 'wall', 'traffic_sign', 'sky', 'traffic_light', 'terrain',
    }  # fmt: skip
    ignored = {SHIFT_23.by_name(name).id for name in SHIFT_IGNORED if name != 'unlabeled'}
    assert set(evaluated.counted) == ignored
    road, water = SHIFT_23.by_name('road').id, SHIFT_23.by_name('water').id
    scores = LabelScores(evaluated, boundaries=False)
    row = scores.add(
        np.array([[road, road, road, water]], np.uint8),
        np.array([[road, water, 0, water]], np.uint8),
    )
    assert (row['miou'], row['accuracy']) == (0.5, 1.0)
    assert scores.summary()['iou']['road'] == 0.5


def test_unknown_label_sets_need_a_map():
    """A table of names does it; so does one network class for several of the dataset."""
    toy = LabelSet('toy', (LabelClass(0, 'street', (1, 2, 3)), LabelClass(1, 'lane', (4, 5, 6))))
    with pytest.raises(ValueError, match='no map from the classes of toy'):
        evaluated_classes(OWN, toy, LabelRules())
    rules = LabelRules(rules={'street': 'road', 'lane': 'road'})
    evaluated = evaluated_classes(OWN, toy, rules)
    road = CARLA_0914.by_name('road').id
    assert evaluated.truth[:3].tolist() == [road, road, VOID]


def test_a_network_of_one_class_is_wrong_on_all_others():
    """Road or not: road that is predicted on the sidewalk counts in its union."""
    road, sidewalk = (CARLA_0914.by_name(name) for name in ('road', 'sidewalk'))
    evaluated = evaluated_classes(replace(OWN, classes=(road,)), CARLA_0914, LabelRules())
    assert _names(evaluated) == ['road']
    scores = LabelScores(evaluated, boundaries=False)
    scores.add(
        np.array([[road.id, road.id, VOID]], np.uint8),
        np.array([[road.id, sidewalk.id, sidewalk.id]], np.uint8),
    )
    assert scores.summary()['iou'] == {'road': 0.5}


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        ({'ignore': ('bottle',)}, 'classes to ignore from .*, got bottle'),
        ({'ignore': tuple(item.name for item in CARLA_0914.classes)}, 'no class of own'),
        ({'classes_of': 'nobody'}, 'classes_of must be one of'),
    ],
)
def test_rules_without_sense_are_refused(rules, message):
    """A misspelt class is not silently evaluated."""
    with pytest.raises(ValueError, match=message):
        evaluated_classes(OWN, CARLA_0914, LabelRules(**rules))
