# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The scene without its pictures: who is where at what time."""

import itertools
import math

import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.labels import CARLA_0914
from segformer_ros.world import frames
from segformer_ros.world.primitives import AXES, CENTER
from segformer_ros.world.signage import CYCLE_S, signal_state
from segformer_ros.world.street import ARM, EDGE_LEFT, EDGE_RIGHT, MEDIAN, PARKING_RIGHT
from segformer_ros.world.traffic import EGO_HALF_LENGTH_M, EGO_HALF_WIDTH_M

TIMES = (0.0, 3.3, 17.9, 100.1, 371.7)
EGO_HEIGHT_M = 2.2


def _gap_to_ego(scene, time_s):
    """Return the smallest gap between the ego vehicle and the box of any primitive."""
    moment = scene.at(time_s)
    x, t = scene.traffic.ego_place(time_s)
    foot = np.array(scene.street.point(x, t)) - moment.origin
    yaw = scene.street.yaw(x)
    turn = np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]])
    axes = moment.rows[:, AXES : AXES + 9].reshape(-1, 3, 3).astype(np.float64)
    center = moment.rows[:, CENTER : CENTER + 3] - foot
    half = np.abs(np.einsum('ij,njk->nik', turn, axes[:, :2])).sum(axis=2)
    place = np.abs(center[:, :2] @ turn.T) - half
    gap = np.maximum(place[:, 0] - EGO_HALF_LENGTH_M, place[:, 1] - EGO_HALF_WIDTH_M)
    bottom = center[:, 2] - np.abs(axes[:, 2]).sum(axis=1)
    return gap[bottom < EGO_HEIGHT_M].min()


@pytest.mark.parametrize('kind', ['urban', 'suburban', 'highway', 'rural'])
def test_the_ego_vehicle_is_never_inside_anything(kind):
    """Over seeds and times, every box keeps away from the vehicle that carries the camera."""
    for seed in range(25):
        scene = world.Scene(seed, kind=kind)
        for time_s in TIMES:
            assert _gap_to_ego(scene, time_s) > 0.1, (seed, time_s)


@pytest.mark.parametrize('kind', ['urban', 'suburban', 'highway', 'rural'])
def test_the_ego_vehicle_is_never_inside_anything_of_real_roads(kind):
    """Neither what is close, nor what stands beside and above the road."""
    for seed in range(12):
        scene = world.Scene(seed, kind=kind, variety='roads')
        for time_s in TIMES[:3]:
            assert _gap_to_ego(scene, time_s) > 0.1, (seed, time_s)


def test_the_ego_vehicle_passes_junctions_untouched():
    """People who cross the street are beside its lane when it comes."""
    for seed in range(20):
        scene = world.Scene(seed, kind='urban')
        for x in scene.street.junctions(0.0, 400.0):
            for before_m in (-8.0, -4.0, 0.0, 4.0, 8.0):
                time_s = scene.traffic.ego_passes(x + before_m)
                assert _gap_to_ego(scene, time_s) > 0.1, (seed, x, before_m)


def test_vehicles_of_a_lane_never_meet():
    """Their slots are longer than they are."""
    for seed in range(12):
        scene = world.Scene(seed)
        for lane in scene.traffic.lanes:
            for time_s in TIMES:
                turn = 0.0 if lane.direction > 0 else math.pi
                cars = sorted(
                    (actor.x, actor.half_length)
                    for actor in scene.actors(time_s)
                    if actor.turn == turn and actor.leans and abs(actor.t - lane.t) < 0.2
                )
                for (x0, half0), (x1, half1) in itertools.pairwise(cars):
                    assert x1 - x0 > half0 + half1, (seed, time_s)


def test_vehicles_and_people_move():
    """Both directions of the road, and walkers, are elsewhere a second later."""
    scene = world.Scene(3, kind='urban')
    places = [{(actor.rows.size, round(actor.x, 3)) for actor in scene.actors(t)} for t in (1, 2)]
    assert len(places[0]) > 10
    assert len(places[0] & places[1]) < 0.4 * len(places[0])


def test_each_lane_keeps_its_speed():
    """A vehicle is where its lane's speed takes it."""
    scene = world.Scene(14, kind='highway')
    lane = scene.traffic.lanes[-1]
    first, then = (
        {round(a.x - lane.direction * lane.speed * t, 6) for a in scene.actors(t) if a.turn != 0.0}
        for t in (10.0, 10.5)
    )
    assert first & then


def test_signals_go_through_green_yellow_red():
    """The cycle is 24 seconds: 10 green, 2 yellow, 12 red."""
    states = [signal_state(time_s, 0.0) for time_s in np.arange(0.0, CYCLE_S, 0.5)]
    assert [states.count(state) for state in (2, 1, 0)] == [20, 4, 24]
    assert states == sorted(states, reverse=True)


def test_crossing_signals_are_never_green_together():
    """Side streets have the phase of half a cycle."""
    for time_s in np.arange(0.0, CYCLE_S, 0.25):
        assert 0 in (signal_state(time_s, 3.0), signal_state(time_s, 15.0))


def test_lights_change_in_the_picture():
    """Half a cycle later a signal shines in another colour; nothing else has changed."""
    scene = world.Scene(8, kind='urban', time_of_day='day', weather='cloudy')
    time_s = scene.traffic.ego_passes(scene.street.junctions(100.0, 400.0)[0] - 22.0)
    rig = world.CameraRig(width=256, height=128, camera_fov_deg=60.0, pitch_deg=-4.0)
    one, two = (
        frames._compose(scene, rig, time_s, scene.sensor, frames.Shot(clock_s=clock_s))
        for clock_s in (0.0, 12.0)
    )
    lights = one.labels == CARLA_0914.by_name('traffic_light').id
    change = np.abs(one.image.astype(int) - two.image).max(axis=-1)
    assert np.array_equal(one.labels, two.labels)
    assert change[lights].max() > 60
    assert np.median(change[~lights]) <= 1


def test_streets_differ():
    """Lane counts, curves, hills, junctions and parking all occur."""
    streets = [world.Scene(seed).street for seed in range(60)]
    assert len({street.kind for street in streets}) == 4
    assert {street.edge(1) > street.edge(-1) for street in streets} == {True, False}
    assert any(street[PARKING_RIGHT] > 0.0 for street in streets)
    assert max(abs(street.grade(x)) for street in streets for x in range(0, 2000, 50)) > 0.04
    assert max(abs(street.yaw(x)) for street in streets for x in range(0, 2000, 50)) > 0.15
    with_junctions = [street for street in streets if street.junctions(0.0, 500.0)]
    assert 10 < len(with_junctions) < 60
    assert all(2.5 < street[ARM] < 8.0 for street in with_junctions)


def test_a_quarter_of_the_scenes_are_highways():
    """The share of the training data that looks like a highway."""
    kinds = [world.Scene(seed).kind for seed in range(200)]
    assert 0.17 < kinds.count('highway') / 200 < 0.35


def test_a_place_is_on_its_side_of_the_street():
    """T grows to the left, and the curb is higher than the road."""
    street = world.Scene(1, kind='urban').street
    x = street.junctions(0.0, 500.0)[0] + 30.0
    left, right = (
        street.point(x, street[EDGE_LEFT] + 0.5),
        street.point(x, -street[EDGE_RIGHT] / 2),
    )
    assert left[1] > right[1]
    assert left[2] > right[2] + 0.05
    assert street.lane_middle(1, 0) < -street[MEDIAN]
