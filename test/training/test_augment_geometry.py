# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Windows, resizes, mirror images and padding, seen through the camera."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from segformer_ros.camera import back_project, Intrinsics
from segformer_ros.datasets import Sample
from segformer_ros.labels import VOID
from segformer_ros.training.augment import CropConfig, PADDING_RGB, ResizeConfig
from segformer_ros.training.augment.geometry import (
    draw_geometry,
    Geometry,
    move,
    pad,
    resized_hw,
    splat,
    transform,
)

CAMERA = Intrinsics(70.0, 65.0, 43.2, 28.7, 84, 60)
CLASSES = np.arange(256) != VOID
WINDOWS = [
    Geometry(0, 0, 60, 84, (60, 84)),
    Geometry(0, 0, 60, 84, (30, 42)),
    Geometry(0, 0, 60, 84, (120, 168)),
    Geometry(11, 23, 40, 50, (64, 80)),
    Geometry(20, 5, 35, 41, (23, 27)),
    Geometry(7, 30, 30, 30, (30, 30)),
]


def ground(camera=CAMERA, height_m=1.5):
    """Return a picture whose colours tell row and column, of ground below a wall 12 m away."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    image = np.stack([3 * columns, 4 * rows, np.full_like(rows, 7)], axis=2).astype(np.uint8)
    with np.errstate(divide='ignore', invalid='ignore'):
        depth = height_m * camera.fy / (rows - camera.cy)
    depth = np.where((depth > 0.0) & (depth < 12.0), depth, 12.0).astype(np.float32)
    labels = np.where(depth < 12.0, 1, 3).astype(np.uint8)
    return Sample(image, labels, depth, camera, 'ground')


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize('window', WINDOWS)
def test_a_point_in_space_keeps_its_color(window, mirrored):
    """The intrinsics before and after lead from one point to one place of the picture."""
    sample = ground()
    result = transform(sample, replace(window, mirrored=mirrored))
    after = result.intrinsics
    row, column = np.mgrid[
        window.top + 3 : window.top + window.high - 3 : 5,
        window.left + 3 : window.left + window.wide - 3 : 5,
    ]
    x, y, z = back_project(sample.depth, CAMERA)[row, column].transpose(2, 0, 1)

    # A mirror image is the picture of the mirrored world.
    x = -x if mirrored else x
    u = (after.fx * x / z + after.cx).astype(np.float32)
    v = (after.fy * y / z + after.cy).astype(np.float32)
    found = cv2.remap(result.image.astype(np.float32), u, v, cv2.INTER_LINEAR)

    np.testing.assert_allclose(found, sample.image[row, column], atol=1.0)
    assert (after.height, after.width) == result.image.shape[:2]


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize('window', WINDOWS)
def test_planes_stay_where_they_are(window, mirrored):
    """Depth and intrinsics of the result give the height of the camera above the ground."""
    result = transform(ground(), replace(window, mirrored=mirrored))
    points = back_project(result.depth, result.intrinsics)
    on_ground = (result.labels == 1) & (result.depth < 4.0)

    assert (result.depth[result.labels == 3] == 12.0).all()
    # The nearest pixel is up to half a pixel away: 1 / 50 of the way down from the horizon.
    np.testing.assert_allclose(points[on_ground, 1], 1.5, rtol=0.04)


def test_scaling_scales_the_focal_length_and_not_the_metres():
    """A wall 12 m away is 12 m away in a picture of half the size, of half the focal length."""
    sample = replace(ground(), depth=np.full((60, 84), 12.0, np.float32))
    result = transform(sample, Geometry(0, 0, 60, 84, (30, 42)))

    assert (result.depth == 12.0).all()
    assert (result.intrinsics.fx, result.intrinsics.fy) == (35.0, 32.5)


def test_cropping_and_mirroring_move_the_principal_point():
    """By the columns cut away, and to the other side."""
    cropped = move(CAMERA, Geometry(10, 20, 40, 50, (40, 50)))
    mirrored = move(CAMERA, Geometry(0, 0, 60, 84, (60, 84), mirrored=True))

    assert (cropped.cx, cropped.cy) == pytest.approx((23.2, 18.7))
    assert (mirrored.cx, mirrored.cy) == pytest.approx((39.8, 28.7))
    assert cropped.fx == mirrored.fx == CAMERA.fx


def test_mirroring_twice_changes_nothing():
    """Image, labels, depth and intrinsics come back."""
    sample = ground()
    mirror = Geometry(0, 0, 60, 84, (60, 84), mirrored=True)
    once = transform(sample, mirror)
    twice = transform(once, mirror)

    assert not np.array_equal(once.image, sample.image)
    for name in ('image', 'labels', 'depth'):
        np.testing.assert_array_equal(getattr(twice, name), getattr(sample, name))
    assert twice.intrinsics.cx == pytest.approx(CAMERA.cx)


def test_labels_and_depth_come_from_the_same_pixel():
    """Whatever the scale, no label is beside its depth."""
    depth = np.random.default_rng(0).uniform(1.0, 90.0, (60, 84)).astype(np.float32)
    sample = replace(ground(), depth=depth, labels=depth.astype(np.uint8))
    for window in WINDOWS:
        result = transform(sample, window)
        np.testing.assert_array_equal(result.labels, result.depth.astype(np.uint8))
        assert np.isin(result.depth, depth).all()


def test_no_point_of_sparse_depth_is_lost_or_smeared():
    """Points go where they fall; growing makes no more of them."""
    depth = np.full((60, 84), np.nan, np.float32)
    rows, columns = np.mgrid[3:60:6, 3:84:6]
    depth[rows, columns] = np.arange(rows.size, dtype=np.float32).reshape(rows.shape) + 1.0
    camera = CAMERA
    for window in WINDOWS[:3]:
        result = transform(Sample(np.zeros((60, 84, 3), np.uint8), None, depth, camera), window)
        known = ~np.isnan(result.depth)
        assert sorted(result.depth[known]) == list(range(1, rows.size + 1))

        # The point seen by pixel (3, 9) of the original, projected.
        x, y, z = back_project(depth, camera)[3, 9]
        after = result.intrinsics
        u, v = after.fx * x / z + after.cx, after.fy * y / z + after.cy
        row, column = np.argwhere(result.depth == depth[3, 9])[0]
        assert abs(u - column) <= 0.51
        assert abs(v - row) <= 0.51


def test_the_nearest_of_the_points_in_a_pixel_stays():
    """What is behind is hidden; the sky counts as farthest."""
    depth = np.array([[5.0, 2.0, np.nan, np.inf], [9.0, np.nan, np.nan, np.nan]], np.float32)

    np.testing.assert_array_equal(splat(depth, (1, 2)), np.array([[2.0, np.inf]], np.float32))
    np.testing.assert_array_equal(
        splat(depth, (1, 4)), np.array([[5.0, 2.0, np.nan, np.inf]], np.float32)
    )


@pytest.mark.parametrize(
    ('config', 'hw', 'wanted'),
    [
        (ResizeConfig('none'), (375, 1242), (375, 1242)),
        (ResizeConfig('ratio', (512, 2048), ratio=(1.0, 1.0)), (375, 1242), (512, 1695.744)),
        (ResizeConfig('ratio', (512, 2048), ratio=(0.5, 0.5)), (1242, 375), (847.872, 256)),
        (ResizeConfig('ratio', ratio=(2.0, 2.0)), (375, 1242), (750, 2484)),
        (ResizeConfig('values', values=(1.75,)), (100, 200), (175, 350)),
        (ResizeConfig('fixed', (512, 1024), keep_aspect=False), (100, 100), (512, 1024)),
        (ResizeConfig('fixed', (512, 1024)), (100, 100), (512, 512)),
    ],
)
def test_the_size_of_the_whole_image_is_that_of_the_recipe(config, hw, wanted):
    """The long side fits the long side of the target and the short side the short one."""
    assert resized_hw(hw, config, np.random.default_rng(0)) == pytest.approx(wanted)


def test_factors_are_drawn_from_their_range_and_list():
    """All values of the list come; a logarithmic range is halved as often as doubled."""
    rng = np.random.default_rng(1)
    listed = {resized_hw((100, 200), ResizeConfig('values'), rng)[0] for _ in range(100)}
    assert listed == {50.0, 75.0, 100.0, 125.0, 150.0, 175.0}

    for logarithmic, share in ((True, 0.5), (False, 1 / 3)):
        config = ResizeConfig('ratio', ratio=(0.5, 2.0), logarithmic=logarithmic)
        heights = [resized_hw((100, 200), config, rng)[0] for _ in range(600)]
        assert 50.0 <= min(heights) < max(heights) <= 200.0
        assert np.mean(np.array(heights) < 100.0) == pytest.approx(share, abs=0.07)


def test_a_window_that_fits_is_not_padded():
    """An odd size at twice the scale is filled to its last row."""
    sample = ground()
    rng = np.random.default_rng(0)
    for scale in (0.5, 0.77, 1.0, 1.3, 2.0, 3.1):
        for size in ((23, 41), (25, 33), (17, 31)):
            whole = (60 * scale, 84 * scale)
            geometry = draw_geometry(sample, whole, size, CropConfig(), CLASSES, rng)
            assert geometry.resized == size
            assert geometry.top + geometry.high <= 60
            assert geometry.left + geometry.wide <= 84


def two_halves():
    """Return labels of which nine tenths are class 1 and the right tenth is class 2."""
    labels = np.full((60, 84), 1, np.uint8)
    labels[:, 76:] = 2
    labels[:, :20] = VOID
    return Sample(np.zeros((60, 84, 3), np.uint8), labels)


def test_windows_full_of_one_class_are_drawn_again():
    """Unknown pixels do not count; the rule holds where the tries suffice."""
    config = CropConfig(max_class_share=0.75, tries=200)
    free = CropConfig()

    def shares(rule):
        out = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            window = transform(
                two_halves(), draw_geometry(two_halves(), (60, 84), (16, 24), rule, CLASSES, rng)
            )
            counts = np.bincount(window.labels.ravel(), minlength=256)[:VOID]
            out.append(counts.max() / max(1, counts.sum()))
        return np.array(out)

    assert (shares(config) < 0.75).all()
    assert (shares(free) >= 0.75).mean() > 0.7


def test_the_last_try_is_taken_as_it_is():
    """An image of one class gives a window all the same, after as many draws as are allowed."""
    sample = replace(two_halves(), labels=np.ones((60, 84), np.uint8))
    one, ten = (np.random.default_rng(7) for _ in range(2))
    config = CropConfig(max_class_share=0.75, tries=10)
    taken = draw_geometry(sample, (60, 84), (16, 24), config, CLASSES, ten)
    for _ in range(10):
        plain = draw_geometry(sample, (60, 84), (16, 24), CropConfig(), CLASSES, one)
    assert taken == plain


def test_rare_windows_lie_around_the_classes_that_count():
    """A class that nobody learns draws no window to itself."""
    labels = np.full((120, 160), 1, np.uint8)
    labels[100:104, 140:144] = 7
    labels[10:14, 10:14] = 9
    sample = Sample(np.zeros((120, 160, 3), np.uint8), labels)
    counted = np.isin(np.arange(256), [7])

    def share(class_id, classes, rare_share):
        found = 0
        for seed in range(100):
            rng = np.random.default_rng(seed)
            config = CropConfig(rare_share=rare_share)
            window = draw_geometry(sample, (120, 160), (24, 24), config, classes, rng)
            found += (transform(sample, window).labels == class_id).any()
        return found / 100

    assert share(7, counted, 1.0) == 1.0
    assert share(9, counted, 1.0) == 0.0
    assert share(9, CLASSES, 1.0) > 0.2
    assert share(9, CLASSES, 0.0) < 0.2


def test_padding_is_unknown_and_leaves_the_camera_alone():
    """On the right and at the bottom, also of a mirror image."""
    mirrored = transform(ground(), Geometry(0, 0, 60, 84, (60, 84), mirrored=True))
    result = pad(mirrored, (64, 96))

    np.testing.assert_array_equal(result.image[:60, :84], mirrored.image)
    np.testing.assert_array_equal(result.labels[:60, :84], mirrored.labels)
    assert (result.image[60:] == PADDING_RGB).all()
    assert (result.labels[:, 84:] == VOID).all()
    assert np.isnan(result.depth[60:]).all()
    assert result.depth.dtype == np.float32
    assert result.intrinsics == replace(mirrored.intrinsics, height=64, width=96)


def test_confidence_moves_with_the_labels():
    """It comes from the same pixels, and padding is not trusted at all."""
    sample = ground()
    sample = replace(sample, confidence=sample.labels * np.uint8(50))

    moved = transform(sample, Geometry(11, 23, 40, 50, (64, 80), mirrored=True))
    padded = pad(moved, (70, 80))

    assert np.array_equal(moved.confidence, moved.labels * np.uint8(50))
    assert np.array_equal(padded.confidence[:64], moved.confidence)
    assert not padded.confidence[64:].any()


def test_soft_labels_move_with_the_labels():
    """All ranks of a pixel stay together, and padding has no probability."""
    sample = ground()
    ranks = [sample.labels, sample.labels + np.uint8(1), sample.labels * np.uint8(50)]
    soft = np.stack([*ranks, sample.labels * np.uint8(20)], axis=-1)
    sample = replace(sample, soft_labels=soft)

    moved = transform(sample, Geometry(11, 23, 40, 50, (64, 80), mirrored=True))
    padded = pad(moved, (70, 80))

    assert np.array_equal(moved.soft_labels[..., 0], moved.labels)
    assert np.array_equal(moved.soft_labels[..., 1], moved.labels + np.uint8(1))
    assert np.array_equal(moved.soft_labels[..., 3], moved.labels * np.uint8(20))
    assert np.array_equal(padded.soft_labels[:64], moved.soft_labels)
    assert not padded.soft_labels[64:, :, 2:].any()
