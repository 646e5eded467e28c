# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wheels: tires with rims and spokes, and the arches above them."""

import numpy as np
import pytest
from segformer_ros.world import vehicle_shading
from segformer_ros.world.primitives import (
    AXES,
    BODY,
    CENTER,
    COLOR,
    MATERIAL,
    PARAM,
    Parts,
    TIRE,
    VAN,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.vehicles import car, DARK, wheels

ARCH = (0.015, 0.015, 0.015, 0.0, 0.0)


@pytest.fixture(scope='module')
def wheel():
    """Return the row of one wheel."""
    parts = Parts()
    wheels(parts, 14, (1.0,), 0.9, 0.33)
    return parts.rows()[0]


def look(wheel, radius, angle, side=1.0):
    """Look at a point of a wheel in polar coordinates, as a share of its radius."""
    return vehicle_shading.tire(wheel, radius * np.cos(angle), radius * np.sin(angle), side)


def test_a_wheel_stands_on_the_ground(wheel):
    """It is round, and its lowest point has the height 0."""
    half_length, half_height = wheel[AXES], wheel[AXES + 8]

    assert half_length == half_height == pytest.approx(0.33)
    assert wheel[CENTER + 2] - half_height == pytest.approx(0.0)


def test_a_rim_has_five_spokes(wheel):
    """Within a bright ring; the gaps between them are dark, and both shine like metal."""
    angles = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)

    spokes = [look(wheel, 0.4, angle)[0] for angle in angles]
    ring = {look(wheel, 0.6, angle) for angle in angles}

    assert set(spokes) == {0.1, 0.45}
    assert sum(one < other for one, other in zip(spokes, np.roll(spokes, -1), strict=True)) == 5
    assert ring == {(0.45, 0.45, 0.45, 0.0, 0.1)}


@pytest.mark.parametrize(('radius', 'side'), [(0.7, 1.0), (1.0, -1.0), (0.3, 0.0), (1.0, 0.0)])
def test_around_the_rim_is_dull_rubber(wheel, radius, side):
    """So is the tread, where the outward direction is not along the axle."""
    rubber = (*(float(value) for value in wheel[COLOR : COLOR + 3]), 0.0, 0.0)

    assert rubber[:3] == pytest.approx(DARK)
    assert {look(wheel, radius, angle, side) for angle in np.arange(0.0, 6.3, 0.1)} == {rubber}


def test_both_sides_of_a_wheel_look_the_same(wheel):
    """A rim on either end of the axle."""
    assert look(wheel, 0.4, 0.7, 1.0) == look(wheel, 0.4, 0.7, -1.0)


@pytest.mark.parametrize('material', [BODY, VAN])
def test_an_arch_is_above_every_wheel(material):
    """The body is black wherever the upper half of a wheel is in front of it."""
    cars = (car(RandomSource(seed)).rows for seed in range(60))
    rows = next(item for item in cars if material in item[:, MATERIAL])
    body = rows[rows[:, MATERIAL] == material][0]
    paint = vehicle_shading.body if material == BODY else vehicle_shading.van
    half = (body[AXES], body[AXES + 4], body[AXES + 8])
    seen = 0
    for wheel in rows[rows[:, MATERIAL] == TIRE]:
        for angle in np.linspace(0.0, np.pi, 19):
            x = wheel[CENTER] + 0.98 * wheel[AXES] * np.cos(angle)
            z = wheel[CENTER + 2] + 0.98 * wheel[AXES] * np.sin(angle)
            px, pz = (x - body[CENTER]) / half[0], (z - body[CENTER + 2]) / half[2]
            assert paint(body, px, 1.0, pz, 0.0, 1.0, 0.0, *half) == ARCH
            seen += 1

    assert seen == 4 * 19
    assert body[PARAM + 2] > wheel[AXES]
