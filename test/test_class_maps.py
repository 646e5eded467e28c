# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps between label sets."""

import numpy as np
import pytest
from segformer_ros.labels import (
    ADE20K_4,
    ADE20K_150,
    CAMVID_11,
    CAMVID_32,
    CARLA_010,
    CARLA_0914,
    CARLA_099,
    CITYSCAPES_19,
    CITYSCAPES_34,
    LABEL_SETS,
    LabelSet,
    SHIFT_23,
    VOID,
)
from segformer_ros.labels.class_maps import common_classes, map_classes
from segformer_ros.world import classes as world_classes

SETS = tuple(LABEL_SETS.values())
# SHIFT id: the tags of CARLA 0.9.14 that fold into it, and the train id of Cityscapes.
SHIFT_ROWS = {
    1: ([3], 2), 2: ([5], 4), 3: ([22], VOID), 4: ([12, 13], 11), 5: ([6], 5), 6: ([24], 0),
    7: ([1], 0), 8: ([2], 1), 9: ([9], 8), 10: ([14, 15, 16, 17, 18, 19], 13), 11: ([4], 3),
    12: ([8], 7), 13: ([11], 10), 14: ([25], VOID), 15: ([26], VOID), 16: ([27], VOID),
    17: ([28], VOID), 18: ([7], 6), 19: ([20], VOID), 20: ([21], VOID), 21: ([23], VOID),
    22: ([10], 9),
}  # fmt: skip
CITYSCAPES_BY_SHIFT = {
    1: 11, 2: 13, 4: 24, 5: 17, 6: 7, 7: 7, 8: 8, 9: 21, 10: 26, 11: 12, 12: 20, 13: 23, 14: 6,
    15: 15, 16: 10, 17: 14, 18: 19, 19: 4, 20: 5, 22: 22,
}  # fmt: skip


# Furniture and the like, which no driving set has.
_NO_MEANING = {item.name for item in ADE20K_150.classes} - {
    'building', 'sky', 'tree', 'road', 'grass', 'sidewalk', 'person', 'earth', 'plant', 'car',
    'water', 'house', 'sea', 'field', 'fence', 'rock', 'sand', 'skyscraper', 'river', 'bridge',
    'flower', 'palm', 'boat', 'bus', 'truck', 'streetlight', 'airplane', 'pole', 'van', 'ship',
    'minibike', 'animal', 'bicycle', 'lake', 'traffic_light',
}  # fmt: skip


def known(table):
    """Return a map as a dict, without what has no class."""
    return {int(index): int(table[index]) for index in np.flatnonzero(table != VOID)}


def test_tags_of_carla_become_shift():
    """Every tag but 'none' has its class."""
    expected = {tag: shift for shift, (tags, _) in SHIFT_ROWS.items() for tag in tags}
    assert known(map_classes(CARLA_0914, SHIFT_23).table) == expected
    assert known(map_classes(CARLA_010, SHIFT_23).table) == expected | {29: 3}


def test_shift_becomes_cityscapes():
    """A vehicle may be a truck: the map says so and takes the car."""
    found = map_classes(SHIFT_23, CITYSCAPES_19)
    expected = {shift: train for shift, (_, train) in SHIFT_ROWS.items() if train != VOID}
    assert known(found.table) == expected
    assert found.widened == {'vehicle': 'car', 'pedestrian': 'person'}
    assert set(found.lost) == {
        SHIFT_23.classes[shift].name for shift, (_, train) in SHIFT_ROWS.items() if train == VOID
    }
    assert known(map_classes(SHIFT_23, CITYSCAPES_34).table) == CITYSCAPES_BY_SHIFT


def test_the_first_tags_are_the_train_ids_moved_by_one():
    """The other tags have no train id, but the lines on the road."""
    expected = {train + 1: train for train in range(19)} | {24: 0}
    assert known(map_classes(CARLA_0914, CITYSCAPES_19).table) == expected


def test_cityscapes_knows_its_own_ids():
    """What is not evaluated has no train id."""
    expected = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    found = map_classes(CITYSCAPES_34, CITYSCAPES_19)
    assert known(found.table) == {number: train for train, number in enumerate(expected)}


@pytest.mark.parametrize('source', SETS, ids=lambda item: item.name)
@pytest.mark.parametrize('target', SETS, ids=lambda item: item.name)
def test_every_class_map_is_complete(source, target):
    """Each class of the source is mapped, lost or without a meaning, and ids stay in the sets."""
    found = map_classes(source, target)
    mapped = known(found.table)
    assert mapped.keys() <= set(source.ids)
    assert set(mapped.values()) <= set(target.ids)
    rest = {item.name for item in source.classes if item.id not in mapped} - set(found.lost)
    assert rest <= {
        'none', 'unlabeled', 'ego_vehicle', 'rectification_border', 'out_of_roi', 'parking',
        'polegroup', 'caravan', 'trailer', 'void', 'background',
    } | (_NO_MEANING if source is ADE20K_150 else set())  # fmt: skip
    if source is target:
        assert all(number == image for number, image in mapped.items())
        assert not found.lost


@pytest.mark.parametrize('first', SETS, ids=lambda item: item.name)
@pytest.mark.parametrize('second', SETS, ids=lambda item: item.name)
def test_common_classes_contradict_no_map(first, second):
    """Whatever a class may be in the other set is the same common class there."""
    common = common_classes(first, second)
    ids = set(common.label_set.ids)
    assert set(known(common.first).values()) == set(known(common.second).values()) == ids
    for number, image in known(map_classes(first, second).table).items():
        assert common.second[image] == common.first[number]
    for number, image in known(map_classes(second, first).table).items():
        assert common.first[image] == common.second[number]


def test_one_label_set_is_common_with_itself():
    """Every class that means something stays what it is."""
    common = common_classes(CARLA_0914, CARLA_0914)
    assert common.label_set.name == 'carla_0914'
    assert common.label_set.classes == CARLA_0914.classes[1:]
    assert known(common.first) == known(common.second) == {tag: tag for tag in range(1, 29)}


def test_a_network_is_not_asked_for_what_it_cannot_tell():
    """SHIFT has no truck and Cityscapes no line on the road."""
    common = common_classes(CITYSCAPES_19, SHIFT_23)
    names = {item.name for item in common.label_set.classes}
    assert {'vehicle', 'pedestrian', 'road_line+road'} <= names
    assert 'water' not in names
    truck, vehicle = CITYSCAPES_19.by_name('truck').id, SHIFT_23.by_name('vehicle').id
    assert common.first[truck] == common.second[vehicle] == vehicle
    road = SHIFT_23.by_name('road').id
    line = SHIFT_23.by_name('road_line').id
    assert common.second[road] == common.second[line] == common.first[0] == line
    assert common.second[SHIFT_23.by_name('water').id] == VOID


def test_the_oldest_tags_have_no_sky():
    """It was unlabeled before 0.9.10."""
    assert 'sky' in map_classes(SHIFT_23, CARLA_099).lost


def test_the_world_has_the_tags_of_carla():
    """The constants of the world are those of the table."""
    constants = {
        name.lower(): value for name, value in vars(world_classes).items() if type(value) is int
    }
    assert {CARLA_0914.by_name(name).id for name in constants} == set(constants.values())
    assert all(CARLA_0914.by_name(name).id == value for name, value in constants.items())
    assert set(world_classes.CLASS_IDS) <= set(constants.values())


def test_camvid_is_read_with_its_eleven_classes():
    """The grouping that SegNet's authors published."""
    groups = {
        'sky': 'sky',
        'building': 'archway bridge building tunnel wall',
        'pole': 'column_pole traffic_cone',
        'road': 'road lane_markings_driving lane_markings_non_driving',
        'pavement': 'sidewalk parking_block road_shoulder',
        'tree': 'tree vegetation_misc',
        'sign_symbol': 'sign_symbol misc_text traffic_light',
        'fence': 'fence',
        'car': 'car suv_pickup_truck truck_bus train other_moving',
        'pedestrian': 'pedestrian child cart_luggage_pram animal',
        'bicyclist': 'bicyclist motorcycle_scooter',
    }
    expected = {
        CAMVID_32.by_name(name).id: CAMVID_11.by_name(group).id
        for group, names in groups.items()
        for name in names.split()
    }
    found = map_classes(CAMVID_32, CAMVID_11)
    assert known(found.table) == expected
    assert len(expected) == 31
    assert not found.lost


def test_ade20k_becomes_cityscapes_where_its_meaning_is_clear():
    """Its walls are mostly those of rooms and its signboards mostly those of shops."""
    table = map_classes(ADE20K_150, CITYSCAPES_19).table
    for name, expected in {
        'skyscraper': 'building', 'earth': 'terrain', 'palm': 'vegetation', 'van': 'car',
        'minibike': 'motorcycle', 'streetlight': 'pole', 'person': 'person',
    }.items():  # fmt: skip
        assert table[ADE20K_150.by_name(name).id] == CITYSCAPES_19.by_name(expected).id
    assert table[ADE20K_150.by_name('wall').id] == VOID
    assert table[ADE20K_150.by_name('signboard').id] == VOID


def test_the_four_classes_have_no_background_elsewhere():
    """Background is many things; the rest is known."""
    assert known(map_classes(ADE20K_4, CITYSCAPES_19).table) == {1: 8, 2: 11, 3: 13}


def test_an_unknown_label_set_is_refused():
    """The table does not know what its classes mean."""
    with pytest.raises(ValueError, match='got mine'):
        map_classes(LabelSet('mine', CARLA_0914.classes), SHIFT_23)
