# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a label set is: ids, names and colours of classes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from segformer_ros.nearest import did_you_mean

VOID: int = 255

# Colours by equal steps of the golden angle are far apart, however many there are.
_STEP = 0.61803398875


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
        """Return the ids in table order."""
        return tuple(item.id for item in self.classes)

    def palette(self) -> npt.NDArray[np.uint8]:
        """
        Return the colours by id.

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
        names = [item.name for item in self.classes]
        near = did_you_mean(name, names)
        raise ValueError(
            f'label set {self.name} has no class {name!r}, it has: {", ".join(names)}{near}'
        )


def parse(name: str, rows: str) -> LabelSet:
    """Make a label set of lines 'name red green blue', numbered from 0."""
    classes = []
    for number, row in enumerate(rows.split('\n')):
        words = row.split()
        red, green, blue = (int(word) for word in words[1:])
        classes.append(LabelClass(number, words[0], (red, green, blue)))
    return LabelSet(name, tuple(classes))


def distinct_color(number: int) -> tuple[int, int, int]:
    """Return an RGB colour that differs from those of all other numbers below 255."""
    hue = (number * _STEP) % 1.0
    saturation, value = 1.0 - 0.35 * (number % 3) / 2, 1.0 - 0.45 * (number // 3 % 3) / 2
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)
