# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of the world: shapes, sameness, truth of the depth, light."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.camera import back_project

RIG = world.CameraRig(width=160, height=80, camera_fov_deg=80.0, height_m=1.5, pitch_deg=2.0)
STANDS_STILL = (1, 2, 3, 4, 5, 6, 8, 10, 20, 24)
_DIGEST = """
import hashlib
from segformer_ros import world
frame = world.random_frame({seed}, 96, 48)
parts = (frame.image, frame.labels, frame.depth)
print(hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest())
"""


def _digest(frame):
    parts = (frame.image, frame.labels, frame.depth)
    return hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest()


@pytest.fixture(scope='module')
def many():
    """Return 60 random frames."""
    return [world.random_frame(seed, 192, 96) for seed in range(60)]


def test_a_frame_has_image_labels_and_depth():
    """Shapes and types are those of the contract with the nodes and the training."""
    frame = world.random_frame(5, 200, 120)
    assert frame.image.shape == (120, 200, 3)
    assert frame.image.dtype == np.uint8
    assert frame.labels.shape == (120, 200)
    assert frame.labels.dtype == np.uint8
    assert frame.depth.shape == (120, 200)
    assert frame.depth.dtype == np.float32
    assert (frame.intrinsics.width, frame.intrinsics.height) == (200, 120)


def test_the_depth_of_the_sky_alone_is_infinite(many):
    """Everything else has a depth, at most that of the horizon."""
    for frame in many:
        assert np.array_equal(frame.labels == 11, np.isposinf(frame.depth))
        assert frame.depth[frame.labels != 11].min() > 0.0
        assert frame.depth[frame.labels != 11].max() <= 1000.0


def test_every_class_occurs_and_no_other(many):
    """The class list of the network is the class list of the world."""
    ids = np.unique(np.concatenate([np.unique(frame.labels) for frame in many]))
    assert ids.tolist() == sorted(world.CLASS_IDS)
    assert len(world.CLASS_IDS) == 20


@pytest.mark.parametrize('class_id', world.CLASS_IDS)
def test_every_class_is_in_at_least_15_percent_of_the_frames(many, class_id):
    """Rare classes can only be learned from pictures that have them."""
    assert np.mean([(frame.labels == class_id).any() for frame in many]) >= 0.15


@pytest.mark.parametrize('seed', [0, 7, 2**40])
def test_the_same_seed_gives_the_same_pixels(seed):
    """A frame does not depend on what was rendered before."""
    first = _digest(world.random_frame(seed, 96, 48))
    world.random_frame(seed + 1, 96, 48)
    assert _digest(world.random_frame(seed, 96, 48)) == first


def test_another_process_gives_the_same_pixels():
    """Nothing depends on the process, such as the hash seed of Python."""
    code = _DIGEST.format(seed=12)
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.stdout.strip() == _digest(world.random_frame(12, 96, 48)), result.stderr


def test_other_seeds_give_other_pixels():
    """Seeds are not ignored."""
    assert len({_digest(world.random_frame(seed, 96, 48)) for seed in range(8)}) == 8


def test_a_moment_does_not_depend_on_the_moments_before_it():
    """A scene keeps what it has built, but that never shows."""
    scene = world.Scene(21)
    world.render(scene, RIG, 0.0)
    world.render(scene, RIG, 63.0)
    assert _digest(world.render(scene, RIG, 9.0)) == _digest(
        world.render(world.Scene(21), RIG, 9.0)
    )


@pytest.mark.parametrize(('seed', 'kind'), [(2, 'urban'), (4, 'suburban'), (6, 'highway')])
def test_depth_is_exact(seed, kind):
    """What stands still is where its depth has put it when it is seen from further on."""
    scene = world.Scene(seed, kind=kind, time_of_day='day', weather='clear')
    one, two = (world.render(scene, RIG, time_s) for time_s in (5.0, 5.1))
    depth = np.where(np.isinf(one.depth), np.nan, one.depth).astype(np.float32)
    points = back_project(depth, one.intrinsics).reshape(-1, 3).astype(np.float64)
    kept = np.isfinite(points).all(axis=1) & np.isin(one.labels.ravel(), STANDS_STILL)
    axes_one, axes_two = (
        np.array((frame.pose.right, frame.pose.down, frame.pose.forward)) for frame in (one, two)
    )
    points = points[kept] @ axes_one + np.array(one.pose.position_m)
    points = (points - np.array(two.pose.position_m)) @ axes_two.T
    camera = two.intrinsics
    columns = np.rint(camera.fx * points[:, 0] / points[:, 2] + camera.cx).astype(int)
    rows = np.rint(camera.fy * points[:, 1] / points[:, 2] + camera.cy).astype(int)
    seen = (points[:, 2] > 1.0) & (columns >= 0) & (columns < camera.width)
    seen &= (rows >= 0) & (rows < camera.height)
    found = two.depth[rows[seen], columns[seen]]
    error = np.abs(found - points[seen, 2]) / points[seen, 2]
    same = two.labels[rows[seen], columns[seen]] == one.labels.ravel()[kept][seen]
    assert seen.sum() > 2000
    assert np.median(error) < 0.015
    assert np.mean(error < 0.06) > 0.8
    assert same.mean() > 0.8


def test_night_is_darker_than_day():
    """The exposure does not hide what time it is."""
    means = []
    for time_of_day in ('night', 'day'):
        frames = [
            world.render(world.Scene(seed, time_of_day=time_of_day, weather='clear'), RIG, 3.0)
            for seed in range(6)
        ]
        means.append(np.mean([frame.image.mean() for frame in frames]))
    assert means[0] < 0.75 * means[1]


@pytest.mark.parametrize('weather', ['clear', 'cloudy', 'rain', 'fog'])
@pytest.mark.parametrize('time_of_day', ['day', 'dusk', 'night'])
def test_light_changes_the_image_alone(weather, time_of_day):
    """Labels and depth are those of the scene, in any light."""
    plain = world.render(world.Scene(3, time_of_day='day', weather='cloudy'), RIG, 2.0)
    other = world.render(world.Scene(3, time_of_day=time_of_day, weather=weather), RIG, 2.0)
    assert np.mean(plain.labels == other.labels) > 0.99
    if (weather, time_of_day) != ('cloudy', 'day'):
        assert np.abs(plain.image.astype(float) - other.image).mean() > 2.0


def test_fog_takes_the_contrast_of_what_is_far():
    """Far pixels differ less from each other in fog."""
    spread = {}
    for weather in ('cloudy', 'fog'):
        frame = world.render(world.Scene(9, time_of_day='day', weather=weather), RIG, 2.0)
        far = (frame.depth > 60.0) & np.isfinite(frame.depth)
        spread[weather] = frame.image[far].mean(axis=-1).std()
    assert spread['fog'] < 0.6 * spread['cloudy']


def test_a_drive_gives_frames_at_its_rate():
    """The time of the frames is that of the rate, and the camera moves on."""
    frames = list(world.drive(4, RIG, rate_hz=10.0, count=3))
    assert [frame.time_s for frame in frames] == [0.0, 0.1, 0.2]
    assert frames[2].pose.position_m[0] > frames[0].pose.position_m[0]


def test_a_rate_of_zero_is_refused():
    """Time must go on."""
    with pytest.raises(ValueError, match='rate_hz must be positive'):
        next(world.drive(4, RIG, rate_hz=0.0, count=1))


def test_a_picture_too_small_is_refused():
    """The lens effects need some pixels."""
    with pytest.raises(ValueError, match='at least 16 x 16'):
        world.CameraRig(width=8, height=80)


@pytest.mark.parametrize('option', ['time_of_day', 'weather', 'kind'])
def test_an_unknown_choice_names_the_known_ones(option):
    """The message says what would have been right."""
    with pytest.raises(ValueError, match=f"{option} must be one of .*, not 'pink'"):
        world.Scene(0, **{option: 'pink'})
