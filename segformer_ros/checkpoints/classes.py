# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which classes the channels of a network are, told by their names and never by their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segformer_ros.labels import distinct_color, LABEL_SETS, LabelClass, VOID
from segformer_ros.network.checkpoint import CheckpointError

UNKNOWN = 'unknown'


def plain(name: str) -> str:
    """Write a class name as our tables do: 'Traffic Light' is traffic_light."""
    return '_'.join(name.lower().replace('-', ' ').replace('_', ' ').split())


def find_label_set(names: Sequence[str] | None) -> tuple[str | None, list[int]]:
    """
    Find the label set that has exactly these classes.

    :param names: In the order of the channels; None when the file has none.
    :returns: Its name and the ids of the channels; without such a set None and 0, 1, 2...
    """
    known = [plain(name) for name in names or ()]
    for item in LABEL_SETS.values():
        ids = {row.name: row.id for row in item.classes}
        if known and len(known) == len(ids) and set(known) == set(ids):
            return item.name, [ids[name] for name in known]
    return None, list(range(len(known)))


def class_facts(names: Sequence[str] | None, count: int) -> dict[str, Any]:
    """
    Return the facts 'label_set', 'classes' and 'class_names' of a file that names its classes.

    :param count: Channels of the network; names of another number are not those of its channels.
    """
    if names is None or len(names) != count:
        return {'label_set': None, 'classes': list(range(count)), 'class_names': None}
    label_set, ids = find_label_set(names)
    return {'label_set': label_set, 'classes': ids, 'class_names': list(names)}


def named(label_set: str, count: int) -> dict[str, Any]:
    """
    Return the same facts for a label set that a person names.

    :raises CheckpointError: There is no such set or it has another number of classes.
    """
    if label_set not in LABEL_SETS:
        known = ', '.join(LABEL_SETS)
        raise CheckpointError(f'label set must be one of {known}, not {label_set!r}')
    rows = LABEL_SETS[label_set].classes
    if len(rows) != count:
        raise CheckpointError(
            f'label set {label_set} has {len(rows)} classes, the network has {count}: '
            'choose another set or none'
        )
    return {
        'label_set': label_set,
        'classes': [item.id for item in rows],
        'class_names': [item.name for item in rows],
    }


def check_label_images(count: int) -> None:
    """
    Refuse a network whose class ids do not fit into label images.

    :param count: Channels of the network.
    :raises CheckpointError: There are more than 255.
    """
    if count > VOID:
        raise CheckpointError(
            f'expected a network of at most {VOID} classes, found {count}: label images hold one '
            f'byte, {VOID} for unknown; convert and init-from take it'
        )


def class_table(facts: Mapping[str, Any], count: int) -> tuple[str, tuple[LabelClass, ...]]:
    """
    Return the classes of the channels, in their order, as a bundle names them.

    :param facts: With label_set, classes and class_names as far as they are known.
    :returns: The label set, 'unknown' where there is none, and its rows; classes without a
        name are class_0, class_1...
    :raises CheckpointError: The facts and the number of channels contradict each other.
    """
    label_set = facts.get('label_set')
    if label_set is not None and label_set in LABEL_SETS:
        rows = {item.id: item for item in LABEL_SETS[label_set].classes}
        ids = list(facts['classes'])
        if len(ids) != count or any(number not in rows for number in ids):
            raise CheckpointError(
                f'the checkpoint names {len(ids)} classes of {label_set} for {count} channels'
            )
        return label_set, tuple(rows[number] for number in ids)
    names = facts.get('class_names') or []
    if len(names) != count or len({plain(name) for name in names}) != count:
        names = [f'class_{number}' for number in range(count)]
    table = (
        LabelClass(number, plain(name), distinct_color(number))
        for number, name in enumerate(names)
    )
    return label_set or UNKNOWN, tuple(table)
