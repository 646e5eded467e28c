# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node scales depth by the road, and its diagnostics say by what."""

from dataclasses import replace
from types import SimpleNamespace

from node_rig import camera_info, FakePipeline, image_message, pixels_of
import numpy as np
import pytest
from segformer_ros.inference.road_scale import read_scale
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes.parameters import Parameters
from sensor_msgs.msg import CameraInfo, Image

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


@pytest.fixture
def relative():
    """Make a network whose depth has no unit: the double's, halved."""
    pipeline = FakePipeline()
    pipeline.manifest.depth = SimpleNamespace(unit='relative_depth', scale=None)
    pipeline.manifest.results = lambda scaled=False: (
        ('segmentation', 'depth' if scaled else 'relative_depth')
    )
    metric = pipeline.predict_batch

    def predict_batch(*arguments, **kwargs):
        return [
            replace(found, depth=None, relative=None if found.depth is None else found.depth / 2)
            for found in metric(*arguments, **kwargs)
        ]

    pipeline.predict_batch = predict_batch
    return pipeline


def test_relative_depth_has_a_topic_of_its_own(make_rig, relative):
    """As what it is: numbers with the header of the image, and neither metres nor points."""
    rig = make_rig(pipeline=relative, lazy=False, depth_encoding='16UC1')
    rig.connect()
    for topic in ('/depth/image', '/depth/camera_info', '/label/image'):
        rig.listen(topic, CameraInfo if topic.endswith('info') else Image)
    rig.listen('/depth/relative/image')
    rig.listen('/depth/relative/camera_info', CameraInfo)
    sent = image_message(road_image())
    info = camera_info(H, W, FOCAL_PX)
    message = rig.exchange(sent, '/depth/relative/image', info=info)
    assert (message.header, message.encoding) == (sent.header, '32FC1')
    np.testing.assert_allclose(pixels_of(message), road_image()[..., 1] / 20.0, rtol=1e-6)
    rig.get('/label/image')
    found = rig.get('/depth/relative/camera_info')
    assert (found.header, list(found.k)) == (sent.header, list(info.k))
    assert not rig.received['/depth/image']
    assert not rig.received['/depth/camera_info']


def test_relative_depth_becomes_metres_by_the_road(make_rig, relative):
    """On depth/image; the topic of relative depth is silent then."""
    rig = make_rig(pipeline=relative, camera_height_m=HEIGHT_M)
    rig.connect()
    rig.listen('/depth/image')
    rig.listen('/depth/relative/image')
    pixels = road_image()
    info = camera_info(H, W, FOCAL_PX)
    found = pixels_of(rig.exchange(image_message(pixels), '/depth/image', info=info))
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known] / (pixels[..., 1] / 10.0)[known], 2.0, rtol=0.03)
    assert not rig.received['/depth/relative/image']


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


@pytest.mark.parametrize('height_m', [0.05, 10.5, -1.0])
def test_the_node_and_the_command_refuse_the_same_heights(height_m):
    """Before anything starts."""
    with pytest.raises(ValueError, match='camera_height_m must be 0 or 0'):
        Parameters(camera_height_m=height_m)
    with pytest.raises(ValueError, match='expected a camera height of'):
        read_scale(f'camera_height={height_m}')


@pytest.mark.parametrize('height_m', [0.1, 10.0])
def test_node_and_command_accept_the_limits_of_the_height(height_m):
    """As the documents say."""
    assert Parameters(camera_height_m=height_m).camera_height_m == height_m
    assert read_scale(f'camera_height={height_m}').height_m == height_m


def test_scaling_by_the_road_is_off_by_default(make_rig):
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
