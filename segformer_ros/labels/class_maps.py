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

# One row is one thing that the finest set tells apart, with what it is a kind of: a set that has
# no class of this name has it under the name of that kind, or not at all. A class that stands in
# several rows of another set is read as the first of them: a vehicle as a car.
_MEANINGS = """
road
road_line: road
lane_markings_non_driving: road_line
sidewalk
building
house: building
skyscraper: building
archway: building
wall
fence
pole
streetlight: pole
traffic_cone
traffic_sign
traffic_light
misc_text
vegetation
tree: vegetation
palm: tree
plant: vegetation
flower: vegetation
vegetation_misc: vegetation
terrain
grass: terrain
field: terrain
earth: terrain
sand: terrain
sky
pedestrian
child: pedestrian
rider
car
van: car
suv_pickup_truck: car
truck
bus
train
motorcycle
bicycle
static
dynamic
other_moving
other
water
sea: water
river: water
lake: water
ground
bridge
tunnel
rail_track
guard_rail
parking_block
road_shoulder
cart_luggage_pram
animal
rock
boat
ship
airplane
"""

# What a set calls otherwise, 'class: meanings', or '-: meanings' for what it names but means
# otherwise or has among other things. Rider to pedestrian and rock to other are our choice: SHIFT
# has neither. CamVid's bicyclist is the person with the bicycle and is read as a rider, the
# motorcycle with its rider too. What no row names (such as Cityscapes' ego_vehicle) and what the
# sets call none, unlabeled, void or background has no meaning and is not evaluated; nor have
# ADE20K's wall (most are those of rooms) and signboard (most are those of shops).
_NAMES: dict[str, str] = {
    'carla_010': '',
    'carla_0914': '',
    'shift_23': """
        pedestrian: rider
        vehicle: car truck bus train motorcycle bicycle
        other: rock""",
    'carla_099': """
        pedestrian: rider
        vehicle: car truck bus train motorcycle bicycle""",
    'cityscapes_34': 'person: pedestrian',
    'cityscapes_19': 'person: pedestrian',
    'camvid_32': """
        lane_markings_driving: road_line
        column_pole: pole
        sign_symbol: traffic_sign
        tree: vegetation
        bicyclist: rider
        motorcycle_scooter: motorcycle
        truck_bus: truck bus""",
    'camvid_11': """
        pavement: sidewalk parking_block road_shoulder
        building: wall bridge tunnel
        pole: traffic_cone
        sign_symbol: traffic_sign traffic_light misc_text
        tree: vegetation
        car: truck bus train other_moving
        pedestrian: cart_luggage_pram animal
        bicyclist: rider motorcycle""",
    'ade20k_150': """
        person: pedestrian
        tree: vegetation
        minibike: motorcycle
        -: wall""",
    'ade20k_4': """
        plant: vegetation grass flower
        person_animal: pedestrian animal
        vehicle: car truck boat ship airplane bicycle
        -: palm""",
}


@dataclass(frozen=True)
class ClassMap:
    """
    One label set read as another.

    :param table: (256,) ids of the target by id of the source; VOID where it has none.
    :param lost: Classes of the source that have a meaning, that the target has no class for.
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


def channel_table(
    source: LabelSet, target: LabelSet, rules: Mapping[str, str] | None = None
) -> npt.NDArray[np.uint8]:
    """
    Tabulate the class ids of a network by those of a dataset.

    The table of meanings counts where it has both label sets; where it does not, a class that
    rules do not name is the one of the same name.

    :param rules: Class names of the network by those of the dataset, '' for none: over what is
        known.
    :returns: (256,) ids of target; VOID where it has no such class, and for VOID itself.
    :raises ValueError: No map is known, there are no rules and target lacks a name; or a rule
        names no class.
    """
    if source.classes == target.classes:
        table = _by_name(source, target)
    else:
        try:
            table = map_classes(source, target).table.copy()
        except ValueError as error:
            lost = [name for name in _names(source) if name not in _names(target)]
            if not rules and lost:
                raise ValueError(
                    f'no map from the classes of {source.name} to those of {target.name} is '
                    f'known, and there is no class of the same name for {", ".join(lost)}: give '
                    'rules (--map DATA=NETWORK of evaluate, rules of a dataset in a recipe)'
                ) from error
            table = _by_name(source, target)
    for own, other in (rules or {}).items():
        table[_id(source, own)] = _id(target, other) if other else VOID
    return table


def _pairs(first: LabelSet, second: LabelSet) -> list[tuple[str, str]]:
    """Return the names of both sets row by row, '' where a set has no class."""
    return list(zip(_column(first), _column(second), strict=True))


@functools.lru_cache(maxsize=16)
def _column(label_set: LabelSet) -> tuple[str, ...]:
    """Return the name that a set has for each row, '' where it has no class."""
    if LABEL_SETS.get(label_set.name) != label_set or label_set.name not in _NAMES:
        known = ', '.join(_NAMES)
        raise ValueError(f'expected one of the label sets {known}, got {label_set.name}')
    names = {item.name: item.name for item in label_set.classes}
    for line in _NAMES[label_set.name].split('\n'):
        name, _, meanings = line.partition(':')
        names |= dict.fromkeys(meanings.split(), name.strip().strip('-'))
    rows = [line.partition(': ') for line in _MEANINGS.split('\n') if line]
    kinds = {row: kind for row, _, kind in rows}
    column = []
    for row, _, _ in rows:
        meaning = row
        while meaning not in names and kinds[meaning]:
            meaning = kinds[meaning]
        column.append(names.get(meaning, ''))
    return tuple(column)


def _names(label_set: LabelSet) -> list[str]:
    return [item.name for item in label_set.classes]


def _by_name(source: LabelSet, target: LabelSet) -> npt.NDArray[np.uint8]:
    ids = {item.name: item.id for item in target.classes}
    table = np.full(256, VOID, np.uint8)
    for item in source.classes:
        table[item.id] = ids.get(item.name, VOID)
    return table


def _id(label_set: LabelSet, name: str) -> int:
    try:
        return label_set.by_name(name).id
    except ValueError as error:
        raise ValueError(f'rules: {error}') from error
