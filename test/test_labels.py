# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of classes."""

import pytest
from segformer_ros import labels


@pytest.mark.parametrize(('name', 'count'), [('carla_0914', 29), ('cityscapes_19', 19)])
def test_a_label_set_numbers_its_classes_from_zero(name, count):
    """Ids are 0, 1, 2... and names are unique."""
    table = labels.label_set(name)
    assert table.ids == tuple(range(count))
    assert len({item.name for item in table.classes}) == count


def test_shift_has_23_classes():
    """SHIFT is the table of CARLA 0.9.10 to 0.9.13."""
    assert labels.SHIFT_23.ids == tuple(range(23))


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


def test_colours_are_unique():
    """A coloured image can be turned back into ids."""
    for table in labels.LABEL_SETS.values():
        assert len({item.color for item in table.classes}) == len(table.classes)


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
