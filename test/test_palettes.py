# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Colours that people can tell apart."""

import numpy as np
import pytest
from segformer_ros.labels import CARLA_0914, CITYSCAPES_19, LabelClass, with_palette

# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0: protanopia and deuteranopia.
_SIGHTS = (
    np.eye(3),
    np.reshape(
        (
            0.152286,
            1.052583,
            -0.204868,
            0.114503,
            0.786281,
            0.099216,
            -0.003882,
            -0.048116,
            1.051998,
        ),
        (3, 3),
    ),
    np.reshape(
        (0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881),
        (3, 3),
    ),
)
_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
_EVALUATED = {*(item.name for item in CITYSCAPES_19.classes), 'pedestrian', 'road_line'}


def lab(rgb, sight):
    """Return colours as somebody sees them in CIE L*a*b* of D65."""
    share = np.asarray(rgb) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(sight), 0.0, 1.0)
    xyz = seen @ np.transpose(_XYZ) / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = f.T
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def nearest(classes):
    """Return the smallest distance of two classes for anybody."""
    colors = [item.color for item in classes if item.name in _EVALUATED]
    found = []
    for sight in _SIGHTS:
        points = lab(colors, sight)
        distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
        found.append(distances[np.triu_indices(len(points), 1)].min())
    return min(found)


@pytest.mark.parametrize('label_set', [CARLA_0914, CITYSCAPES_19])
def test_colour_blind_readers_can_tell_the_default_palette_apart(label_set):
    """The smallest distance is 15; those of CARLA and Cityscapes are under 4."""
    assert nearest(with_palette(label_set.classes)) > 15.0
    assert nearest(label_set.classes) < 4.0


def test_palettes_go_by_names():
    """Ids and names stay, synonyms count, and what a palette lacks keeps its colour."""
    classes = (
        LabelClass(3, 'person', (1, 2, 3)),
        LabelClass(7, 'forklift', (4, 5, 6)),
        LabelClass(9, 'road', (7, 8, 9)),
    )
    assert with_palette(classes, 'network') == classes
    person, forklift, road = with_palette(classes, 'carla')
    assert person == LabelClass(3, 'person', (220, 20, 60))
    assert forklift == classes[1]
    assert road.color == (128, 64, 128)
    assert with_palette(CITYSCAPES_19.classes, 'cityscapes') == CITYSCAPES_19.classes
    assert with_palette(CARLA_0914.classes, 'carla') == CARLA_0914.classes
    assert with_palette(classes)[0].color == (217, 4, 23)
    with pytest.raises(ValueError, match='palette must be one of distinct, network, carla, city'):
        with_palette(classes, 'rainbow')
