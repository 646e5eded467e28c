# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of classes."""

import pytest
from segformer_ros import labels


@pytest.mark.parametrize(
    ('name', 'count'),
    [
        ('carla_099', 13),
        ('carla_0914', 29),
        ('carla_010', 30),
        ('cityscapes_19', 19),
        ('cityscapes_34', 34),
        ('shift_23', 23),
        ('ade20k_150', 150),
        ('ade20k_4', 4),
        ('camvid_11', 11),
        ('camvid_32', 32),
    ],
)
def test_a_label_set_numbers_its_classes_from_zero(name, count):
    """Ids are 0, 1, 2... and names are unique."""
    table = labels.label_set(name)
    assert table.ids == tuple(range(count))
    assert len({item.name for item in table.classes}) == count


@pytest.mark.parametrize(
    ('name', 'number', 'color'),
    [
        ('road', 1, (128, 64, 128)),
        ('traffic_light', 7, (250, 170, 30)),
        ('terrain', 10, (152, 251, 152)),
        ('motorcycle', 18, (0, 0, 230)),
        ('road_line', 24, (157, 234, 50)),
        ('guard_rail', 28, (180, 165, 180)),
    ],
)
def test_carla_ids_and_colours(name, number, color):
    """The rows are those of carla.CityObjectLabel."""
    assert labels.CARLA_0914.by_name(name) == labels.LabelClass(number, name, color)


def test_the_first_carla_classes_are_those_of_cityscapes_moved_by_one():
    """CARLA ids 1 to 19 are the Cityscapes train ids plus one."""
    for item in labels.CITYSCAPES_19.classes[:11]:
        assert labels.CARLA_0914.by_name(item.name).id == item.id + 1


def test_the_tags_of_carla_grew_at_the_end():
    """A newer simulator kept the ids; 0.9.14 numbered them anew and took other colours."""
    assert [item.name for item in labels.CARLA_099.classes] == [
        item.name for item in labels.SHIFT_23.classes[:13]
    ]
    assert labels.CARLA_010.classes[:-1] == labels.CARLA_0914.classes
    assert labels.CARLA_010.by_name('rock') == labels.LabelClass(29, 'rock', (180, 130, 70))
    shared = {item.name: item.color for item in labels.SHIFT_23.classes}
    other = {
        item.name
        for item in labels.CARLA_0914.classes
        if item.color != shared.get(item.name, item.color)
    }
    assert other == {'fence', 'terrain'}


@pytest.mark.parametrize(('number', 'train'), [(7, 0), (11, 2), (23, 10), (26, 13), (33, 18)])
def test_the_ids_of_cityscapes_are_those_of_its_train_ids(number, train):
    """Both tables have the classes in their own order under one name."""
    item = labels.CITYSCAPES_19.classes[train]
    assert labels.CITYSCAPES_34.by_name(item.name) == labels.LabelClass(
        number, item.name, item.color
    )


def test_colours_are_unique():
    """A coloured image can be turned back into ids, but of Cityscapes' ids and of ADE20K."""
    for table in labels.LABEL_SETS.values():
        if table not in (labels.CITYSCAPES_34, labels.ADE20K_150):
            assert len({item.color for item in table.classes}) == len(table.classes)


@pytest.mark.parametrize(
    ('number', 'name', 'color'),
    [
        (0, 'wall', (120, 120, 120)),
        (6, 'road', (140, 140, 140)),
        (12, 'person', (150, 5, 61)),
        (20, 'car', (0, 102, 200)),
        (48, 'skyscraper', (140, 140, 140)),
        (80, 'bus', (255, 0, 245)),
        (127, 'bicycle', (255, 245, 0)),
        (149, 'flag', (92, 0, 255)),
    ],
)
def test_ade20k_ids_and_colours(number, name, color):
    """The order of the scene parsing benchmark, from 0."""
    assert labels.ADE20K_150.classes[number] == labels.LabelClass(number, name, color)


def test_void_and_unknown_ids_are_black_in_the_palette():
    """The palette covers every uint8 value."""
    palette = labels.CARLA_0914.palette()
    assert palette.shape == (256, 3)
    assert palette[1].tolist() == [128, 64, 128]
    assert not palette[29:].any()


def test_an_unknown_class_names_the_known_ones():
    """The message says what would have been right."""
    with pytest.raises(ValueError, match=r"no class 'person', .*pedestrian"):
        labels.CARLA_0914.by_name('person')


def test_an_unknown_label_set_names_the_known_ones():
    """The message says what would have been right."""
    with pytest.raises(ValueError, match='carla_0914, cityscapes_19, shift_23'):
        labels.label_set('coco')
