# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of classes: ids, names and colours of the label sets in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

VOID: int = 255


@dataclass(frozen=True)
class LabelClass:
    """One class; color is RGB."""

    id: int
    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """A named table of classes with unique ids and unique names."""

    name: str
    classes: tuple[LabelClass, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Give the ids in table order."""
        return tuple(item.id for item in self.classes)

    def palette(self) -> npt.NDArray[np.uint8]:
        """
        Give the colours by id.

        :returns: (256, 3) RGB; VOID and ids outside the table are black.
        """
        colors = np.zeros((256, 3), np.uint8)
        for item in self.classes:
            colors[item.id] = item.color
        return colors

    def by_name(self, name: str) -> LabelClass:
        """
        Find a class.

        :raises ValueError: The table has no class of this name.
        """
        for item in self.classes:
            if item.name == name:
                return item
        known = ', '.join(item.name for item in self.classes)
        raise ValueError(f'label set {self.name} has no class {name!r}, it has: {known}')


def _table(name: str, rows: str) -> LabelSet:
    classes = []
    for number, row in enumerate(rows.split('\n')):
        words = row.split()
        red, green, blue = (int(word) for word in words[1:])
        classes.append(LabelClass(number, words[0], (red, green, blue)))
    return LabelSet(name, tuple(classes))


# The semantic tags of CARLA up to 0.9.9; the colours are its CityScapes palette.
CARLA_099 = _table(
    'carla_099',
    """unlabeled 0 0 0
building 70 70 70
fence 190 153 153
other 250 170 160
pedestrian 220 20 60
pole 153 153 153
road_line 157 234 50
road 128 64 128
sidewalk 244 35 232
vegetation 107 142 35
vehicle 0 0 142
wall 102 102 156
traffic_sign 220 220 0""",
)

# carla.CityObjectLabel of CARLA 0.9.14 to 0.9.16; the colours are its CityScapes palette.
CARLA_0914 = _table(
    'carla_0914',
    """none 0 0 0
road 128 64 128
sidewalk 244 35 232
building 70 70 70
wall 102 102 156
fence 190 153 153
pole 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
pedestrian 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32
static 110 190 160
dynamic 170 120 50
other 55 90 80
water 45 60 150
road_line 157 234 50
ground 81 0 81
bridge 150 100 100
rail_track 230 150 140
guard_rail 180 165 180""",
)

# CARLA on Unreal Engine 5 (0.10), which adds one class.
CARLA_010 = LabelSet('carla_010', (*CARLA_0914.classes, LabelClass(29, 'rock', (180, 130, 70))))

# The train ids of Cityscapes.
CITYSCAPES_19 = _table(
    'cityscapes_19',
    """road 128 64 128
sidewalk 244 35 232
building 70 70 70
wall 102 102 156
fence 190 153 153
pole 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
person 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32""",
)

# The label ids of Cityscapes. What its authors do not judge shares colours, mostly black.
CITYSCAPES_34 = _table(
    'cityscapes_34',
    """unlabeled 0 0 0
ego_vehicle 0 0 0
rectification_border 0 0 0
out_of_roi 0 0 0
static 0 0 0
dynamic 111 74 0
ground 81 0 81
road 128 64 128
sidewalk 244 35 232
parking 250 170 160
rail_track 230 150 140
building 70 70 70
wall 102 102 156
fence 190 153 153
guard_rail 180 165 180
bridge 150 100 100
tunnel 150 120 90
pole 153 153 153
polegroup 153 153 153
traffic_light 250 170 30
traffic_sign 220 220 0
vegetation 107 142 35
terrain 152 251 152
sky 70 130 180
person 220 20 60
rider 255 0 0
car 0 0 142
truck 0 0 70
bus 0 60 100
caravan 0 0 90
trailer 0 0 110
train 0 80 100
motorcycle 0 0 230
bicycle 119 11 32""",
)

# SHIFT, equal to CARLA 0.9.10 to 0.9.13.
SHIFT_23 = _table(
    'shift_23',
    """unlabeled 0 0 0
building 70 70 70
fence 100 40 40
other 55 90 80
pedestrian 220 20 60
pole 153 153 153
road_line 157 234 50
road 128 64 128
sidewalk 244 35 232
vegetation 107 142 35
vehicle 0 0 142
wall 102 102 156
traffic_sign 220 220 0
sky 70 130 180
ground 81 0 81
bridge 150 100 100
rail_track 230 150 140
guard_rail 180 165 180
traffic_light 250 170 30
static 110 190 160
dynamic 170 120 50
water 45 60 150
terrain 145 170 100""",
)

LABEL_SETS: dict[str, LabelSet] = {
    item.name: item
    for item in (CARLA_0914, CITYSCAPES_19, SHIFT_23, CARLA_099, CARLA_010, CITYSCAPES_34)
}


def label_set(name: str) -> LabelSet:
    """
    Find a label set.

    :raises ValueError: There is no label set of this name.
    """
    if name not in LABEL_SETS:
        raise ValueError(f'label set must be one of {", ".join(LABEL_SETS)}, not {name!r}')
    return LABEL_SETS[name]
