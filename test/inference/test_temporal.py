# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Calmer outputs: what is kept from frame to frame, and what is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from segformer_ros.inference.motion import find_motion, moved
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.temporal import TemporalMemories, TemporalMemory

HEIGHT, WIDTH, STRIDE = 160, 320, 4
GEOMETRY = Geometry(HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH)
CELLS = (HEIGHT // STRIDE, WIDTH // STRIDE)
STEP_NS = 100_000_000


def texture(seed, height=HEIGHT, width=2 * WIDTH):
    """Return a picture that flow can follow."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height // 4, width // 4, 3))
    picture = cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def gray(picture):
    """Return a picture as flow takes it."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def logits_of(labels, rng, *, margin=2.0, noise=1.0):
    """Return what an unsure network says of (h, w) class numbers: (C, h, w)."""
    right = np.eye(3, dtype=np.float32)[labels] * margin
    return np.moveaxis(right + rng.normal(0, noise, right.shape), -1, 0).astype(np.float32)


def test_a_shift_is_found_and_trusted():
    """A picture that moves 12 pixels to the left was 3 cells to the right before."""
    picture = gray(texture(0))
    motion = find_motion(picture[:, :WIDTH], picture[:, 12 : WIDTH + 12]).on_grid(CELLS)
    column = np.broadcast_to(np.arange(CELLS[1], dtype=np.float32), CELLS)
    good = motion.trust > 0.5
    assert good[:, : CELLS[1] - 5].mean() > 0.9
    assert not good[:, CELLS[1] - 2 :].any()
    assert np.abs(motion.places[..., 0] - column - 3)[good].mean() < 0.1
    noise = np.random.default_rng(1).normal(size=(5, *CELLS)).astype(np.float32)
    field = np.stack([cv2.GaussianBlur(plane, (0, 0), 3) for plane in noise])
    shifted = moved(field, motion.places)
    assert np.abs(shifted[:, 5:-5, 5:-10] - field[:, 5:-5, 8:-7]).max() < 0.1 * np.abs(field).max()


def test_what_is_thin_stays_sharp():
    """A post of two columns that moves half a column in each of eight frames is still there."""
    post = np.zeros((1, 8, 32), np.float32)
    post[..., 20:22] = 1.0
    row, column = np.indices(post.shape[1:], dtype=np.float32)
    for _ in range(8):
        post = moved(post, np.dstack([column + 0.5, row]))
    assert post[0, 4, 16:18].min() > 0.7  # Bilinear: 0.49.
    assert np.abs(post[0, 4, :14]).max() < 0.1


def test_a_cut_is_not_trusted():
    """Flow between two pictures that have nothing in common exists, and is not believed."""
    motion = find_motion(gray(texture(0))[:, :WIDTH], gray(texture(1))[:, :WIDTH])
    assert motion.share < 0.1


@pytest.mark.parametrize(('levels', 'trusted'), [(10, True), (14, False)])
def test_a_place_that_has_changed_its_brightness_is_not_trusted(levels, trusted):
    """A picture that stands still, and is brighter by some of 255 levels."""
    picture = gray(texture(17))[:, :WIDTH] // 2 + 40
    assert (find_motion(picture, picture + levels).share > 0.5) == trusted


def drive(memory, frames=12, pixels=8):
    """Return how often labels change where the scene moves by `pixels`, following the scene."""
    rng, picture = np.random.default_rng(2), texture(3)
    classes = (np.arange(2 * WIDTH // STRIDE) // 10 % 3)[np.newaxis].repeat(CELLS[0], 0)
    changes, before = [], None
    for index in range(frames):
        left = index * pixels
        image = picture[:, left : left + WIDTH]
        labels = classes[:, left // STRIDE : left // STRIDE + CELLS[1]]
        outputs = {'logits': logits_of(labels, rng)}
        if memory is not None:
            memory.next_stamp(index * STEP_NS)
            outputs = memory.steady(image, GEOMETRY, outputs, log_depth=True)
        found = outputs['logits'].argmax(axis=0)
        if before is not None and index > 3:
            step = pixels // STRIDE
            changes.append(np.mean(found[:, :-step] != before[:, step:]))
        before = found
    return np.mean(changes)


def test_labels_of_an_unsure_network_flicker_less():
    """At most 0.6 of the changes of labels remain."""
    assert drive(TemporalMemory()) <= 0.6 * drive(None)


def alone(before, now, *, stamps=(0, STEP_NS), geometries=(GEOMETRY, GEOMETRY)):
    """Return whether the second of two frames is left as it is."""
    memory, rng = TemporalMemory(), np.random.default_rng(4)
    for image, stamp, geometry in zip((before, now), stamps, geometries, strict=True):
        cells = (geometry.input_h // STRIDE, geometry.input_w // STRIDE)
        own = rng.normal(size=(3, *cells)).astype(np.float32)
        memory.next_stamp(stamp)
        found = memory.steady(image, geometry, {'logits': own}, log_depth=True)['logits']
    return np.array_equal(found, own)


def test_only_the_next_frame_of_the_same_scene_is_mixed():
    """A cut, time that goes back, stands still or leaps, and another size begin anew."""
    picture = texture(5)
    first, second = picture[:, :WIDTH], picture[:, 4 : WIDTH + 4]
    assert not alone(first, second)
    assert alone(first, texture(6)[:, :WIDTH])
    for stamps in ((STEP_NS, 0), (STEP_NS, STEP_NS), (0, 600_000_000)):
        assert alone(first, second, stamps=stamps)
    other = Geometry(HEIGHT, WIDTH, 128, 256, 128, 256)
    assert alone(first, second, geometries=(GEOMETRY, other))
    tiny = Geometry(48, 96, 48, 96, 48, 96)
    assert alone(first[:48, :96], second[:48, :96], geometries=(tiny, tiny))


def test_padding_is_left_alone():
    """Cells that see nothing of the image keep what the network says."""
    picture, rng = texture(7), np.random.default_rng(8)
    padded = Geometry(HEIGHT, WIDTH, HEIGHT + 32, WIDTH, HEIGHT, WIDTH)
    memory = TemporalMemory()
    for index in range(2):
        own = rng.normal(size=(3, CELLS[0] + 8, CELLS[1])).astype(np.float32)
        image = picture[:, 4 * index : WIDTH + 4 * index]
        found = memory.steady(image, padded, {'logits': own}, log_depth=True)['logits']
    np.testing.assert_array_equal(found[:, CELLS[0] :], own[:, CELLS[0] :])
    assert not np.array_equal(found, own)


@pytest.mark.parametrize('log_depth', [True, False])
def test_depth_is_calmer_and_follows_the_camera(log_depth):
    """A camera that drives 1 m per frame toward a scene: less noise, and no lag behind it."""
    rng, picture = np.random.default_rng(9), texture(10)[:, :WIDTH]
    memory = TemporalMemory('both')
    scene = np.linspace(20.0, 60.0, CELLS[1] // 2, dtype=np.float32)
    errors = {'own': [], 'mixed': []}
    for index in range(8):
        true = np.broadcast_to(scene - index, (1, CELLS[0] // 2, CELLS[1] // 2))
        own = (true * np.exp(rng.normal(0, 0.03, true.shape))).astype(np.float32)
        labels = np.zeros(CELLS, np.int64)
        outputs = {'logits': logits_of(labels, rng), 'depth': np.log(own) if log_depth else own}
        memory.next_stamp(index * STEP_NS)
        found = memory.steady(picture, GEOMETRY, outputs, log_depth=log_depth)['depth']
        if index > 3:
            errors['own'].append(np.log(own / true))
            errors['mixed'].append((found if log_depth else np.log(found)) - np.log(true))
    assert np.std(errors['mixed']) < 0.7 * np.std(errors['own'])
    assert abs(np.mean(errors['mixed'])) < 0.004


def test_depth_is_left_alone_where_only_labels_are_asked_for():
    """The array is the one that came."""
    memory, rng = TemporalMemory('labels'), np.random.default_rng(11)
    picture = texture(12)[:, :WIDTH]
    for _ in range(2):
        outputs = {
            'logits': logits_of(np.zeros(CELLS, np.int64), rng),
            'depth': rng.uniform(1, 2, (1, *CELLS)).astype(np.float32),
        }
        found = memory.steady(picture, GEOMETRY, outputs, log_depth=True)
    assert found['depth'] is outputs['depth']
    assert found['logits'] is not outputs['logits']


def emerge(memory):
    """Return the first frame in which half of a pedestrian who steps out is labelled as one."""
    rng, street = np.random.default_rng(13), texture(14)
    car, person = texture(15, 80, 120), texture(16, 72, 24)
    for index in range(20):
        image = street[:, :WIDTH].copy()
        classes = np.zeros((HEIGHT, WIDTH), np.int64)
        # He walks to the right from behind the car, 6 pixels per frame.
        left = 110 + 6 * index
        image[68:140, left : left + 24], classes[68:140, left : left + 24] = person, 2
        image[60:140, 40:160], classes[60:140, 40:160] = car, 1
        own = logits_of(classes[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE], rng)
        outputs = {'logits': own}
        if memory is not None:
            memory.next_stamp(index * STEP_NS)
            outputs = memory.steady(image, GEOMETRY, outputs, log_depth=True)
        found = cv2.resize(
            np.moveaxis(outputs['logits'], 0, -1), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR
        ).argmax(axis=-1)
        visible = classes == 2
        if visible.any() and (found[visible] == 2).mean() >= 0.5:
            return index
    raise AssertionError('the pedestrian is never labelled')


def test_a_pedestrian_from_behind_a_car_is_labelled_at_once():
    """A pedestrian from behind a car is labelled at most one frame later than without memory."""
    without, with_memory = emerge(None), emerge(TemporalMemory())
    assert 5 <= without <= 10
    assert with_memory <= without + 1


def test_each_camera_has_its_memory_until_the_mode_changes():
    """Off is none at all; another mode begins anew."""
    memories = TemporalMemories()
    assert memories.of('front', 'off', 0) is None
    front = memories.of('front', 'labels', 0)
    assert memories.of('front', 'labels', STEP_NS) is front
    assert memories.of('rear', 'labels', STEP_NS) is not front
    assert memories.of('front', 'both', 2 * STEP_NS) is not front
    with pytest.raises(ValueError, match='temporal must be labels or both'):
        memories.of('front', 'depth', 0)
