# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The coloured semantic cloud as plain arrays."""

from __future__ import annotations

import numpy as np
import pytest
from segformer_ros.camera import back_project, Intrinsics
from segformer_ros.labels import CITYSCAPES_19, VOID
from segformer_ros.point_cloud import (
    CloudOptions,
    find_class_ids,
    make_points,
    packed_palette,
    point_type,
)

HEIGHT, WIDTH = 21, 34
CAMERA = Intrinsics(30.0, 31.0, 16.2, 9.7, WIDTH, HEIGHT)


@pytest.fixture
def scene():
    """Depth with unknown and infinite pixels, labels, colours and confidence."""
    rng = np.random.default_rng(3)
    depth = rng.uniform(1.0, 20.0, (HEIGHT, WIDTH)).astype(np.float32)
    depth[0, 0], depth[20, 3] = np.nan, np.inf
    labels = rng.integers(0, 19, (HEIGHT, WIDTH), np.uint8)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return depth, labels, image, labels * 10


def test_every_pixel_is_a_point_of_its_place_color_class_and_confidence(scene):
    """The organised cloud holds what each array says of the pixel; unknown depth is NaN."""
    depth, labels, image, confidence = scene
    points = make_points(depth, CAMERA, labels=labels, colors=image, confidence=confidence)
    assert points.shape == (HEIGHT, WIDTH)
    expected = back_project(np.where(np.isfinite(depth), depth, np.nan), CAMERA)
    for axis, name in enumerate('xyz'):
        np.testing.assert_array_equal(points[name], expected[..., axis])
    assert np.isnan(points['x'][0, 0])
    assert np.isnan(points['z'][20, 3])
    packed = points['rgb'].view(np.uint32)
    red, green, blue = (int(value) for value in image[7, 11])
    assert packed[7, 11] == red << 16 | green << 8 | blue
    np.testing.assert_array_equal(points['label'], labels)
    np.testing.assert_array_equal(points['confidence'], confidence)


def test_class_colors_are_those_of_the_palette(scene):
    """A packed palette colours each point as its class."""
    depth, labels, _, _ = scene
    palette = CITYSCAPES_19.palette()
    points = make_points(depth, CAMERA, labels=labels, colors=packed_palette(palette))
    packed = points['rgb'].view(np.uint32)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)
    np.testing.assert_array_equal(colors, palette[labels])


def test_the_layout_is_that_of_pcl():
    """The first 20 bytes are those of x, y, z, rgb (floats) and label (uint32)."""
    plain, rated = point_type(confidence=False), point_type(confidence=True)
    assert plain.itemsize == 20
    assert rated.itemsize == 24
    for kind in (plain, rated):
        fields = {name: (kind[name].str, kind.fields[name][1]) for name in kind.names[:5]}
        assert fields == {
            'x': ('<f4', 0),
            'y': ('<f4', 4),
            'z': ('<f4', 8),
            'rgb': ('<f4', 12),
            'label': ('<u4', 16),
        }
    assert rated.fields['confidence'] == (np.dtype(np.uint8), 20)


def test_without_labels_the_class_is_void(scene):
    """A network of depth alone has points of no class, and black where nothing colours them."""
    points = make_points(scene[0], CAMERA)
    assert (points['label'] == VOID).all()
    assert not points['rgb'].view(np.uint32).any()


def test_a_stride_keeps_every_nth_pixel_exactly(scene):
    """The points are those of the whole cloud at every third row and column."""
    depth, labels, image, confidence = scene
    arrays = {'labels': labels, 'colors': image, 'confidence': confidence}
    whole = make_points(depth, CAMERA, **arrays)
    part = make_points(depth, CAMERA, **arrays, options=CloudOptions(stride=3))
    assert part.tobytes() == whole[::3, ::3].tobytes()


def test_a_class_filter_leaves_only_known_points_of_the_classes(scene):
    """The cloud is then a list without NaN."""
    depth, labels, image, _ = scene
    options = CloudOptions(class_ids=frozenset([2, 5]))
    points = make_points(depth, CAMERA, labels=labels, colors=image, options=options)
    wanted = np.isin(labels, (2, 5)) & np.isfinite(depth)
    assert points.shape == (wanted.sum(),)
    assert wanted.any()
    whole = make_points(depth, CAMERA, labels=labels, colors=image)
    assert points.tobytes() == whole[wanted].tobytes()


def test_padding_bytes_of_points_are_zero(scene):
    """The bytes that fill a point up are 0, in a list of points too, whatever memory held."""
    depth, labels, image, confidence = scene
    arrays = {'labels': labels, 'colors': image, 'confidence': confidence}
    options = CloudOptions(class_ids=frozenset(range(19)))
    rest = []
    for chosen in (CloudOptions(), options):
        # What is freed here is what comes next.
        used = [np.full(HEIGHT * WIDTH * 24 - size, 255, np.uint8) for size in range(0, 72, 24)]
        del used
        points = make_points(depth, CAMERA, **arrays, options=chosen)
        rest.append(np.frombuffer(points.tobytes(), np.uint8).reshape(-1, 24)[:, 21:])
    assert not np.concatenate(rest).any()


@pytest.mark.parametrize('smooth', [True, False])
def test_each_voxel_keeps_its_first_point(scene, smooth):
    """Of every cube that holds points there is one: the first in the order of the image."""
    depth, labels, image, _ = scene
    if smooth:
        depth = np.full_like(depth, 4.0)
        depth[:, 17:] = 9.0
    options = CloudOptions(voxel_m=0.7)
    points = make_points(depth, CAMERA, labels=labels, colors=image, options=options)
    whole = make_points(depth, CAMERA, labels=labels, colors=image).ravel()
    first = {}
    for index, point in enumerate(whole):
        if np.isfinite(point['z']):
            cube = tuple(int(np.floor(point[name] / 0.7)) for name in 'xyz')
            first.setdefault(cube, index)
    assert 1 < len(first) < np.isfinite(depth).sum()
    assert points.tobytes() == whole[sorted(first.values())].tobytes()


def test_classes_are_found_by_name():
    """Empty names mean all classes; a wrong one is named with the one that was meant."""
    classes = CITYSCAPES_19.classes
    assert find_class_ids(classes, ('',)) == (None, '')
    ids, problem = find_class_ids(classes, ('road', 'car'))
    assert ids == {0, 13}
    assert not problem
    ids, problem = find_class_ids(classes, ('road', 'caar'))
    assert ids == {0}
    assert "'caar'" in problem
    assert "'car'" in problem


@pytest.mark.parametrize('options', [{'stride': 0}, {'voxel_m': -0.1}, {'voxel_m': np.nan}])
def test_wrong_options_are_refused(options):
    """A stride below 1 or a voxel that is no length has no points."""
    with pytest.raises(ValueError, match='expected a stride of at least 1'):
        CloudOptions(**options)


@pytest.mark.parametrize('name', ['labels', 'colors', 'confidence'])
def test_arrays_of_another_size_are_refused(scene, name):
    """Each array has the size of the camera."""
    depth = scene[0]
    wrong = np.zeros((HEIGHT, WIDTH - 1, 3) if name == 'colors' else (HEIGHT, WIDTH - 1), np.uint8)
    with pytest.raises(ValueError, match=f'expected {name} of'):
        make_points(depth, CAMERA, **{name: wrong})
    with pytest.raises(ValueError, match='expected depth of'):
        make_points(depth[1:], CAMERA)
