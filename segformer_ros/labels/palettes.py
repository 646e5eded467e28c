# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Colours of classes by their names, for pictures that people look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segformer_ros.labels.driving import CARLA_010, CITYSCAPES_34
from segformer_ros.labels.table import LabelClass, parse

DISTINCT = 'distinct'
PALETTES: tuple[str, ...] = (DISTINCT, 'network', 'carla', 'cityscapes')
"""'network' keeps the colours that the network itself has."""

# Any two of those that Cityscapes evaluates, and road lines, are 15 apart in CIE L*a*b*, also for
# people without the cones of long or of medium waves (Machado et al. 2009, severity 1); in the
# palette of CARLA and Cityscapes it is 2.8. Found by annealing from colours that one expects.
_DISTINCT = parse(
    'distinct',
    """none 0 0 0
road 134 116 113
sidewalk 216 158 188
building 191 144 76
wall 168 130 93
fence 166 178 143
pole 242 241 227
traffic_light 255 184 20
traffic_sign 184 159 3
vegetation 18 119 33
terrain 111 220 131
sky 96 192 243
pedestrian 217 4 23
rider 120 0 22
car 15 43 221
truck 16 1 91
bus 49 140 179
train 58 29 139
motorcycle 45 97 252
bicycle 108 38 193
static 64 59 48
dynamic 143 73 59
other 62 99 91
water 22 74 122
road_line 252 249 190
ground 71 64 35
bridge 142 98 127
rail_track 175 94 54
guard_rail 179 191 178""",
)
# What other label sets call the same.
_SAME = {
    'person': 'pedestrian',
    'vehicle': 'car',
    'pavement': 'sidewalk',
    'tree': 'vegetation',
    'column_pole': 'pole',
    'sign_symbol': 'traffic_sign',
    'bicyclist': 'rider',
    'unlabeled': 'none',
    'void': 'none',
}
_TABLES = {
    DISTINCT: _DISTINCT.classes,
    'network': (),
    'carla': CARLA_010.classes,
    'cityscapes': CITYSCAPES_34.classes,
}


def with_palette(classes: Sequence[LabelClass], palette: str = DISTINCT) -> tuple[LabelClass, ...]:
    """
    Return classes the colours that a palette has for their names.

    :param palette: One of PALETTES.
    :returns: The same ids and names; a class whose name the palette lacks keeps its colour.
    :raises ValueError: There is no such palette.
    """
    if palette not in _TABLES:
        raise ValueError(f'palette must be one of {", ".join(PALETTES)}, not {palette!r}')
    colors = {item.name: item.color for item in _TABLES[palette]}
    synonyms = {old: new for new, old in _SAME.items()} | _SAME
    return tuple(
        replace(
            item, color=colors.get(item.name, colors.get(synonyms.get(item.name, ''), item.color))
        )
        for item in classes
    )
