# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The appearance of the variety of real roads: leaves, paint, glass, lamps, worn asphalt."""

import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.world import foliage, paintwork, wear
from segformer_ros.world.land import bush
from segformer_ros.world.primitives import (
    AXES,
    CENTER,
    CLASS,
    COAT,
    COLOR,
    CUT,
    FOLIAGE,
    GLASS,
    KIND,
    LEAF,
    LENS,
    MATERIAL,
    PARAM,
    Parts,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.road_cars import road_car, SHAPES
from segformer_ros.world.road_people import road_person
from segformer_ros.world.road_variety import restyle, vary_street
from segformer_ros.world.street import ASPHALT, CALM, CRACKS, SEAMS, STONES
from segformer_ros.world.street_kinds import make_street
from segformer_ros.world.texture import tiles


def row(material, color, param=(0.0, 0.0, 0.0, 0.0), cut=0.0):
    """Return the row of a box of one metre to each side."""
    parts = Parts()
    parts.add(0, (0, 0, 0), (1, 1, 1), 14, color, material=material, param=param, cut=cut)
    return parts.rows()[0]


def test_leaves_are_ragged_at_the_outline():
    """Much of the middle of a crown is there, little of its rim."""
    crown = row(FOLIAGE, (0.1, 0.2, 0.05), cut=0.3)
    places = np.random.default_rng(3).uniform(-2.0, 2.0, (500, 3))
    middle, rim = (
        np.mean([foliage.grown(crown, *place, facing, 0.02, tiles()) for place in places])
        for facing in (1.0, 0.15)
    )
    assert middle > 0.75
    assert rim < 0.35


def test_leaves_are_light_and_dark():
    """Leaves close by differ; far away only branches do."""
    crown = row(FOLIAGE, (0.1, 0.2, 0.05))
    places = np.random.default_rng(4).uniform(-2.0, 2.0, (400, 3))
    near, far = (
        np.array([foliage.leaves(crown, *place, 0.0, pixel, tiles())[1] for place in places])
        for pixel in (0.01, 0.4)
    )
    assert near.std() > 1.5 * far.std()
    assert near.min() > 0.0


def test_dirt_is_at_the_foot_of_a_car():
    """Dusty paint is browner below; clean paint has its colour everywhere."""
    places = np.random.default_rng(5).uniform(-0.9, 0.9, (200, 2))

    def looks(dirt, pz):
        panel = row(COAT, (0.0, 0.0, 0.5), cut=dirt)
        args = (0.0, 1.0, 0.0, 1.0, 1.0, 1.0, tiles())
        return np.array([paintwork.coat(panel, px, 1.0, pz, *args)[:3] for px, _ in places])

    assert np.ptp(looks(0.0, -0.9), axis=0).max() == 0.0
    assert looks(0.9, -0.9)[:, 0].mean() > 3.0 * looks(0.9, 0.9)[:, 0].mean()


def test_glass_is_as_transparent_as_requested():
    """The share is what is seen through; pillars are black, the roof has the paint."""
    for through in (0.01, 0.3):
        cabin = row(GLASS, (0.5, 0.1, 0.1), (0.0, -0.5, through, -0.86))
        window = paintwork.glass(cabin, 0.55, 1.0, 0.3, 0.0, 1.0, 0.0, 1.0, 1.0, tiles())
        assert (window[1] > 0.1) == (through > 0.1)
        assert window[4] > 0.4
    pillar = paintwork.glass(cabin, 0.0, 1.0, 0.3, 0.0, 1.0, 0.0, 1.0, 1.0, tiles())
    roof = paintwork.glass(cabin, 0.3, 0.2, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, tiles())
    assert max(pillar[:3]) < 0.02
    assert roof[:3] == pytest.approx((0.5, 0.1, 0.1))


def test_a_lit_lamp_glows():
    """A dark one does not."""
    assert paintwork.lens(row(LENS, (0.9, 0.0, 0.0), (2.0, 1.0, 0.0, 0.0)), 0.0, 0.9)[3] > 1.0
    assert paintwork.lens(row(LENS, (0.2, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)), 0.0, 0.9)[3] == 0.0


def test_cars_have_the_sizes_of_real_ones():
    """Of all builds; they stand on the ground, and two of five brake."""
    cars = [road_car(RandomSource(seed)) for seed in range(300)]
    long = sorted(2.0 * car.half_length for car in cars)
    wide = sorted(2.0 * car.half_width for car in cars)
    assert 3.4 < long[0] < 3.9
    assert 5.2 < long[-1] < 6.0
    assert 1.55 < wide[0] < wide[-1] < 2.3
    assert len(SHAPES) == 10
    lit = [(car.rows[car.rows[:, MATERIAL] == LENS, PARAM] >= 1.2).any() for car in cars]
    assert 0.3 < np.mean(lit) < 0.75
    assert all((car.rows[:, CLASS] == 14).all() for car in cars)


def test_people_stand_on_the_ground():
    """Walking or standing, children and adults; every part is a pedestrian."""
    for seed in range(60):
        rows = road_person(RandomSource(seed), (seed % 5 - 2) / 2.0)
        high = np.abs(rows[:, AXES + 6 : AXES + 9]).sum(axis=1)
        top, foot = (rows[:, CENTER + 2] + high).max(), (rows[:, CENTER + 2] - high).min()
        assert 1.0 < top < 2.0
        assert -0.05 < foot < 0.12
        assert (rows[:, CLASS] == 12).all()
        assert np.abs(rows[:, CENTER : CENTER + 2]).max() < 0.7


def test_restyling_keeps_shapes_and_classes():
    """Leaves become foliage; nothing moves and nothing changes its class."""
    rows = bush(RandomSource(1), (0.1, 0.2, 0.05))
    found = restyle(rows, RandomSource(2))
    assert (rows[:, MATERIAL] == LEAF).all()
    assert (found[:, MATERIAL] == FOLIAGE).all()
    np.testing.assert_array_equal(found[:, KIND : CLASS + 1], rows[:, KIND : CLASS + 1])
    assert not np.array_equal(found[:, COLOR], rows[:, COLOR])
    assert found[:, CUT].min() >= 0.15


def test_worn_roads_have_cracks_and_tar():
    """A calm new road is even; an old one has dark lines, and is no brighter than patches."""
    street = vary_street(RandomSource(3), make_street(RandomSource(3), 'urban'))
    values = street.values.copy()
    values[[CALM, STONES, ASPHALT]] = 1.0, 0.0, 0.2
    places = np.random.default_rng(6).uniform((0.0, -6.0), (400.0, 6.0), (3000, 2))

    def grays(cracks, seams):
        values[[CRACKS, SEAMS]] = cracks, seams
        return np.array([wear.worn(0.2, at, t, 0.01, 0.01, values, tiles()) for at, t in places])

    new, old = grays(0.0, 0.0), grays(1.0, 1.0)
    assert np.mean(np.isclose(new, 0.2)) > 0.95
    assert np.mean(old < 0.12) > 0.02 + np.mean(new < 0.12)
    assert old.max() < 0.2 * 1.3
    assert old.min() > 0.0


def test_the_plain_world_has_none_of_it():
    """Its streets are calm by no measure, its rows of no material of real roads."""
    scene = world.Scene(3)
    assert not scene.street.values[[CALM, CRACKS, SEAMS, STONES]].any()
    assert not np.isin(scene.at(3.0).rows[:, MATERIAL], (COAT, GLASS, LENS, FOLIAGE)).any()
