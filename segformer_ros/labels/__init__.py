# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of classes: ids, names and colours of the label sets in use."""

from segformer_ros.labels.driving import (
    CAMVID_11,
    CAMVID_32,
    CARLA_010,
    CARLA_0914,
    CARLA_099,
    CITYSCAPES_19,
    CITYSCAPES_34,
    SHIFT_23,
)
from segformer_ros.labels.palettes import DISTINCT, PALETTES, with_palette
from segformer_ros.labels.scenes import ADE20K_4, ADE20K_150
from segformer_ros.labels.table import distinct_color, LabelClass, LabelSet, VOID
from segformer_ros.nearest import did_you_mean

LABEL_SETS: dict[str, LabelSet] = {
    item.name: item
    for item in (
        CARLA_0914,
        CITYSCAPES_19,
        SHIFT_23,
        CARLA_099,
        CARLA_010,
        CITYSCAPES_34,
        ADE20K_150,
        ADE20K_4,
        CAMVID_11,
        CAMVID_32,
    )
}


def label_set(name: str) -> LabelSet:
    """
    Find a label set.

    :raises ValueError: There is no label set of this name.
    """
    if name not in LABEL_SETS:
        known = ', '.join(LABEL_SETS)
        near = did_you_mean(name, LABEL_SETS)
        raise ValueError(f'label set must be one of {known}, not {name!r}{near}')
    return LABEL_SETS[name]


__all__ = [
    'ADE20K_4',
    'ADE20K_150',
    'CAMVID_11',
    'CAMVID_32',
    'CARLA_010',
    'CARLA_0914',
    'CARLA_099',
    'CITYSCAPES_19',
    'CITYSCAPES_34',
    'DISTINCT',
    'LABEL_SETS',
    'PALETTES',
    'SHIFT_23',
    'VOID',
    'LabelClass',
    'LabelSet',
    'distinct_color',
    'label_set',
    'with_palette',
]
