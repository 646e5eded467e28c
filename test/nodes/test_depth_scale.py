# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node scales depth by the road, and its diagnostics say by what."""

from node_rig import camera_info, image_message, pixels_of
import numpy as np
from segformer_ros.labels import CARLA_0914

H, W, FOCAL_PX, HEIGHT_M = 60, 80, 60.0, 2.0
ROAD = CARLA_0914.by_name('road').id


def road_image():
    """Show a level road 1 m below the camera to the fake network: depth in decimetres is green."""
    pixels = np.zeros((H, W, 3), np.uint8)
    rows = np.arange(H) - H / 2
    metres = FOCAL_PX / np.maximum(rows, 3.0)
    pixels[..., 1] = np.clip(np.rint(10.0 * metres), 0, 255)[:, None]
    pixels[rows >= 3, :, 0] = ROAD
    return pixels


def test_depth_is_scaled_by_the_height_of_the_camera(make_rig):
    """Twice as high, so everything is twice as far; labels need not be wanted."""
    rig = make_rig(camera_height_m=HEIGHT_M, segmentation=False)
    rig.connect()
    rig.listen('/depth/image')
    pixels = road_image()
    info = camera_info(H, W, FOCAL_PX)
    found = pixels_of(rig.exchange(image_message(pixels), '/depth/image', info=info))
    expected = pixels[..., 1] / 10.0
    assert rig.pipeline.calls[-1].options.segmentation
    # The fake network counts whole decimetres.
    known = np.isfinite(found)
    assert known.mean() > 0.9
    np.testing.assert_allclose(found[known] / expected[known], 2.0, rtol=0.03)
    status = rig.status()
    assert status.values['depth_scale'].startswith('factor 2')
    assert status.values['frames_without_road'] == '0'


def test_without_a_road_there_is_no_depth(make_rig):
    """Nor where the camera is unknown; the diagnostics say why."""
    rig = make_rig(camera_height_m=HEIGHT_M)
    rig.connect()
    rig.listen('/depth/image')
    pixels = road_image()
    pixels[..., 0] = CARLA_0914.by_name('car').id
    info = camera_info(H, W, FOCAL_PX)
    found = pixels_of(rig.exchange(image_message(pixels), '/depth/image', info=info))
    assert np.isnan(found).all()
    values = rig.status().values
    assert '0 pixels of road' in values['depth_scale']
    assert values['frames_without_road'] == '1'


def test_it_is_off_by_default(make_rig):
    """Depth is what the network says, and labels are asked for only where they are wanted."""
    rig = make_rig(segmentation=False)
    rig.connect()
    rig.listen('/depth/image')
    pixels = road_image()
    info = camera_info(H, W, FOCAL_PX)
    found = pixels_of(rig.exchange(image_message(pixels), '/depth/image', info=info))
    np.testing.assert_allclose(found, pixels[..., 1] / 10.0, rtol=1e-6)
    assert not rig.pipeline.calls[-1].options.segmentation
    assert 'depth_scale' not in rig.status().values
