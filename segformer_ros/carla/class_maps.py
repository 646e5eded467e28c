# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the classes of one label set to those of another, by one table of what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import functools

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import LABEL_SETS, LabelClass, LabelSet, VOID

# A row is one thing that the finest set tells apart; '-' where a set has no class for it. The
# classes of shift_23 that are coarser stand in several rows. Rider to pedestrian and rock to
# other are our choice: SHIFT has neither. What no row names (such as Cityscapes' ego_vehicle)
# and what the sets call none or unlabeled has no meaning and is not judged.
_SETS = ('carla_010', 'carla_0914', 'shift_23', 'carla_099', 'cityscapes_34', 'cityscapes_19')
_ROWS = """
road road road road road road
road_line road_line road_line road_line road road
sidewalk sidewalk sidewalk sidewalk sidewalk sidewalk
building building building building building building
wall wall wall wall wall wall
fence fence fence fence fence fence
pole pole pole pole pole pole
traffic_light traffic_light traffic_light - traffic_light traffic_light
traffic_sign traffic_sign traffic_sign traffic_sign traffic_sign traffic_sign
vegetation vegetation vegetation vegetation vegetation vegetation
terrain terrain terrain - terrain terrain
sky sky sky - sky sky
pedestrian pedestrian pedestrian pedestrian person person
rider rider pedestrian pedestrian rider rider
car car vehicle vehicle car car
truck truck vehicle vehicle truck truck
bus bus vehicle vehicle bus bus
train train vehicle vehicle train train
motorcycle motorcycle vehicle vehicle motorcycle motorcycle
bicycle bicycle vehicle vehicle bicycle bicycle
static static static - static -
dynamic dynamic dynamic - dynamic -
other other other other - -
water water water - - -
ground ground ground - ground -
bridge bridge bridge - bridge -
rail_track rail_track rail_track - rail_track -
guard_rail guard_rail guard_rail - guard_rail -
rock - other - - -
"""


@dataclass(frozen=True)
class ClassMap:
    """
    One label set read as another.

    :param table: (256,) ids of the target by id of the source; VOID where it has none.
    :param lost: Classes of the source, judged ones only, that the target has no class for.
    :param widened: Classes of the source that stand for several of the target, with the one that
        the table takes: a vehicle of SHIFT may be a truck of Cityscapes and is read as a car.
    """

    source: LabelSet
    target: LabelSet
    table: npt.NDArray[np.uint8]
    lost: tuple[str, ...]
    widened: Mapping[str, str]


@dataclass(frozen=True)
class CommonClasses:
    """
    The finest classes that two label sets share, so that neither is asked for what it lacks.

    :param label_set: With the ids and colours of the second set; a class that unites several is
        named after all of them, such as 'road+road_line', and has the id of the first.
    :param first: (256,) common ids by id of the first set, VOID where there is none.
    :param second: The same of the second set.
    """

    label_set: LabelSet
    first: npt.NDArray[np.uint8]
    second: npt.NDArray[np.uint8]


@functools.lru_cache(maxsize=16)
def map_classes(source: LabelSet, target: LabelSet) -> ClassMap:
    """
    Read a label set as another.

    :raises ValueError: A set is not in the table of meanings.
    """
    pairs = _pairs(source, target)
    table = np.full(256, VOID, np.uint8)
    lost, widened = [], {}
    for item in source.classes:
        found = list(dict.fromkeys(name for own, name in pairs if own == item.name and name))
        if found:
            table[item.id] = target.by_name(found[0]).id
        elif any(own == item.name for own, _ in pairs):
            lost.append(item.name)
        if len(found) > 1:
            widened[item.name] = found[0]
    return ClassMap(source, target, table, tuple(lost), widened)


@functools.lru_cache(maxsize=16)
def common_classes(first: LabelSet, second: LabelSet) -> CommonClasses:
    """
    Unite the classes of two label sets until they agree.

    :raises ValueError: A set is not in the table of meanings.
    """
    groups: list[tuple[set[str], set[str]]] = []
    for own, other in _pairs(first, second):
        if not (own and other):
            continue
        merged = ({own}, {other})
        for group in [item for item in groups if own in item[0] or other in item[1]]:
            merged[0].update(group[0])
            merged[1].update(group[1])
            groups.remove(group)
        groups.append(merged)
    tables = np.full((2, 256), VOID, np.uint8)
    classes = []
    for firsts, seconds in groups:
        united = [item for item in second.classes if item.name in seconds]
        name = '+'.join(item.name for item in united)
        classes.append(LabelClass(united[0].id, name, united[0].color))
        for table, label_set, names in zip(
            tables, (first, second), (firsts, seconds), strict=True
        ):
            table[[label_set.by_name(name).id for name in names]] = united[0].id
    classes.sort(key=lambda item: item.id)
    name = second.name if first == second else f'{first.name} and {second.name}'
    return CommonClasses(LabelSet(name, tuple(classes)), tables[0], tables[1])


def _pairs(first: LabelSet, second: LabelSet) -> list[tuple[str, str]]:
    """Give the names of both sets row by row, '' where a set has no class."""
    columns = [_column(item) for item in (first, second)]
    return [
        tuple('' if row[index] == '-' else row[index] for index in columns)  # type: ignore[misc]
        for row in (line.split() for line in _ROWS.split('\n') if line)
    ]


def _column(label_set: LabelSet) -> int:
    if LABEL_SETS.get(label_set.name) != label_set or label_set.name not in _SETS:
        known = ', '.join(_SETS)
        raise ValueError(f'expected one of the label sets {known}, got {label_set.name}')
    return _SETS.index(label_set.name)
