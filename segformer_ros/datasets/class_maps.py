# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the class ids of a dataset to those of a network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from segformer_ros.carla import map_classes
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.labels import LabelSet, VOID


def channel_table(
    source: LabelSet, target: LabelSet, rules: Mapping[str, str] | None = None
) -> npt.NDArray[np.uint8]:
    """
    Tabulate the class ids of a network by those of a dataset.

    What carla.class_maps knows of both label sets counts; where it does not know them, a class
    that rules do not name is the one of the same name.

    :param rules: Class names of the network by those of the dataset, '' for none: over what is
        known.
    :returns: (256,) ids of target; VOID where it has no such class, and for VOID itself.
    :raises DatasetError: No map is known, there are no rules and target lacks a name; or a rule
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
                raise DatasetError(
                    f'no map from the classes of {source.name} to those of {target.name} is '
                    f'known, and there is no class of the same name for {", ".join(lost)}: give '
                    'rules (--map DATA=NETWORK of evaluate, rules of a dataset in a recipe)'
                ) from error
            table = _by_name(source, target)
    for own, other in (rules or {}).items():
        table[_id(source, own)] = _id(target, other) if other else VOID
    return table


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
        raise DatasetError(f'rules: {error}') from error
