# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The variety of real roads: true labels and depth, close vehicles, any camera; plain as ever."""

import hashlib
import itertools

import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.camera import back_project
from segformer_ros.world.classes import NONE
from segformer_ros.world.mounting import road_rig
from segformer_ros.world.queues import _span
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.traffic import EGO_HALF_LENGTH_M, EGO_HALF_WIDTH_M

VEHICLES = (14, 15, 16)
# Of seeds: pixels of road, of the sky, of vehicles; mean of the image; median depth.
PLAIN = {
    0: (2079, 1149, 142, 150.8, 5.47),
    3: (2247, 169, 432, 149.4, 10.22),
    12: (1342, 559, 939, 130.1, 14.6),
    77: (763, 0, 0, 49.9, 8.0),
}


def digest(frame):
    """Return a number for all of a frame."""
    parts = (frame.image, frame.labels, frame.depth)
    return hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest()


@pytest.fixture(scope='module')
def many():
    """Return 60 frames of real roads."""
    return [world.random_frame(seed, 192, 96, 'roads') for seed in range(60)]


@pytest.mark.parametrize('seed', PLAIN)
def test_plain_frames_are_those_of_the_first_release(seed):
    """Networks were evaluated on them: the other variety has changed nothing of the plain one."""
    frame = world.random_frame(seed, 96, 48)
    road, sky, vehicles, mean, median = PLAIN[seed]
    assert (frame.labels == 1).sum() == pytest.approx(road, abs=3)
    assert (frame.labels == 11).sum() == pytest.approx(sky, abs=3)
    assert np.isin(frame.labels, VEHICLES).sum() == pytest.approx(vehicles, abs=3)
    assert frame.image.mean() == pytest.approx(mean, abs=0.1)
    assert np.median(frame.depth[np.isfinite(frame.depth)]) == pytest.approx(median, rel=0.01)
    assert digest(frame) == digest(world.random_frame(seed, 96, 48, 'plain'))


@pytest.mark.parametrize('seed', [0, 9, 2**40])
def test_the_same_seed_gives_the_same_pixels(seed):
    """A frame does not depend on what was rendered before, and is not the plain one."""
    first = digest(world.random_frame(seed, 96, 48, 'roads'))
    world.random_frame(seed + 1, 96, 48, 'roads')
    assert digest(world.random_frame(seed, 96, 48, 'roads')) == first
    assert digest(world.random_frame(seed, 96, 48)) != first


def test_labels_are_classes_or_the_own_bonnet(many):
    """All twenty occur; the sky alone has no depth."""
    ids = np.unique(np.concatenate([np.unique(frame.labels) for frame in many]))
    assert ids.tolist() == [NONE, *sorted(world.CLASS_IDS)]
    for frame in many:
        assert np.array_equal(frame.labels == 11, np.isposinf(frame.depth))
        assert frame.depth.min() >= 0.2
        assert frame.depth[frame.labels != 11].max() <= 1000.0


def test_the_bonnet_is_close_and_below(many):
    """A part of the frames has one; it touches the lower edge of the picture."""
    with_bonnet = [frame for frame in many if (frame.labels == NONE).any()]
    assert 0.1 < len(with_bonnet) / len(many) < 0.5
    for frame in with_bonnet:
        own = frame.labels == NONE
        assert own[-1].any()
        assert frame.depth[own].max() < 2.5
        assert own.mean() < 0.4


def test_close_vehicles_fill_a_good_part_of_many_frames(many):
    """Queues, the side of the next car, what the edge of the image cuts."""

    def share(frames):
        close = [np.isin(f.labels, VEHICLES) & (f.depth < 10.0) for f in frames]
        return np.mean([mask.mean() > 0.12 for mask in close])

    plain = [world.random_frame(seed, 192, 96) for seed in range(60)]
    assert share(many) > 0.25
    assert share(many) > 2.0 * share(plain)
    cut = [np.isin(f.labels[:, [0, -1]], VEHICLES).mean(axis=0).max() > 0.2 for f in many]
    assert np.mean(cut) > 0.3


@pytest.mark.parametrize('seed', [4, 11, 14, 18])
def test_depth_and_labels_are_exact_for_all_that_is_seen(seed):
    """What one camera sees is, for a second one elsewhere at that moment, where depth put it."""
    scene = world.Scene(seed, variety='roads', time_of_day='day', weather='clear')
    rigs = [
        world.CameraRig(240, 160, 75.0, 1.5, 2.0, 3.0, roll_deg=2.0),
        world.CameraRig(240, 160, 80.0, 1.6, -1.0, 1.0, roll_deg=-1.0),
    ]
    one, two = (world.render(scene, rig, 7.0) for rig in rigs)
    depth = np.where(np.isinf(one.depth), np.nan, one.depth).astype(np.float32)
    points = back_project(depth, one.intrinsics).reshape(-1, 3).astype(np.float64)
    kept = np.isfinite(points).all(axis=1)
    axes_one, axes_two = (
        np.array((frame.pose.right, frame.pose.down, frame.pose.forward)) for frame in (one, two)
    )
    np.testing.assert_allclose(axes_one @ axes_one.T, np.eye(3), atol=1e-9)
    points = points[kept] @ axes_one + np.array(one.pose.position_m)
    points = (points - np.array(two.pose.position_m)) @ axes_two.T
    camera = two.intrinsics
    columns = np.rint(camera.fx * points[:, 0] / points[:, 2] + camera.cx).astype(int)
    rows = np.rint(camera.fy * points[:, 1] / points[:, 2] + camera.cy).astype(int)
    seen = (points[:, 2] > 0.5) & (columns >= 0) & (columns < camera.width)
    seen &= (rows >= 0) & (rows < camera.height)
    found = two.depth[rows[seen], columns[seen]]
    error = np.abs(found - points[seen, 2]) / points[seen, 2]
    labels = one.labels.ravel()[kept][seen]
    vehicles = np.isin(labels, VEHICLES)
    assert vehicles.sum() > 1000
    assert np.median(error[vehicles]) < 0.01
    assert np.median(error) < 0.01
    assert np.mean(error[vehicles] < 0.06) > 0.85
    assert np.mean(two.labels[rows[seen], columns[seen]] == labels) > 0.85


@pytest.mark.parametrize('kind', ['urban', 'suburban', 'highway', 'rural'])
def test_road_users_never_collide(kind):
    """Neither the ego vehicle nor the others, at any time."""
    for seed in range(12):
        scene = world.Scene(seed, kind=kind, variety='roads')
        for time_s in (0.0, 41.7):
            x, t = scene.traffic.ego_place(time_s)
            spans = [
                _span(actor.x - x, actor, 0.0)
                for actor in scene.actors(time_s)
                if -12.0 < actor.x - x < 40.0 and actor.leans
            ]
            for one, two in itertools.combinations(spans, 2):
                assert not one.meets(two), (seed, time_s)
            for span in spans:
                inside = span.x0 < EGO_HALF_LENGTH_M and span.x1 > -EGO_HALF_LENGTH_M
                inside &= span.t0 < t + EGO_HALF_WIDTH_M and span.t1 > t - EGO_HALF_WIDTH_M
                assert not inside, (seed, time_s)


def test_cameras_are_mounted_anywhere():
    """Lenses, heights and angles reach their ends."""
    rigs = [road_rig(RandomSource(seed), 64, 32) for seed in range(400)]
    ends = {
        name: (min(getattr(rig, name) for rig in rigs), max(getattr(rig, name) for rig in rigs))
        for name in ('camera_fov_deg', 'height_m', 'pitch_deg', 'roll_deg')
    }
    assert 35.0 <= ends['camera_fov_deg'][0] < 38.0
    assert 107.0 < ends['camera_fov_deg'][1] <= 110.0
    assert 1.0 <= ends['height_m'][0] < 1.05
    assert 2.15 < ends['height_m'][1] <= 2.2
    assert -6.0 <= ends['pitch_deg'][0] < -5.5 < 5.5 < ends['pitch_deg'][1] <= 6.0
    assert -2.5 <= ends['roll_deg'][0] < -1.5 < 1.5 < ends['roll_deg'][1] <= 2.5


def test_a_camera_rolls_clockwise():
    """Its right axis points down, so that it sees less of the sky on the right."""
    scene = world.Scene(3, kind='highway', time_of_day='day', weather='clear')
    level, rolled = (
        world.render(scene, world.CameraRig(160, 120, roll_deg=roll), 2.0) for roll in (0.0, 8.0)
    )
    assert rolled.pose.forward == level.pose.forward
    assert rolled.pose.right[2] == pytest.approx(-np.sin(np.radians(8.0)), abs=1e-3)
    tilt = [
        np.subtract(
            *((frame.labels == 11)[:, part].mean() for part in (slice(0, 40), slice(120, 160)))
        )
        for frame in (level, rolled)
    ]
    assert tilt[1] - tilt[0] > 0.05


def test_an_unknown_variety_is_refused():
    """The message names the known ones."""
    with pytest.raises(ValueError, match="variety must be one of plain, roads, not 'pink'"):
        world.random_frame(0, 64, 32, 'pink')
