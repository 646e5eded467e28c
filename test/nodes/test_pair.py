# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A live node and a bag with a bundle of two networks."""

import json
import time

from bag_builder import compressed, drive, read_bag, write_bag
import cv2
from node_rig import camera_info, image_message, pixels_of
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.cli import main
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.nodes import own_messages
from segformer_ros.nodes.backend_switch import load_pipeline
from segformer_ros.output_topics.contents import COMPRESSED_IMAGE, IMAGE
from tiny_bundle import make_tiny_bundle

_MOSAIC = 'bayer_rggb8; jpeg compressed bayer_rggb8'
_COUNTS = {'label/image': 2, 'depth/image': 2, 'label/classes': 1}


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    """Make a bundle of two networks of different input sizes."""
    folder = tmp_path_factory.mktemp('pair')
    labels = make_tiny_bundle(folder / 'a', sizes=[(64, 128)])
    depth = make_tiny_bundle(folder / 'b', sizes=[(32, 96)], activation='metric')
    assert main(['export', str(labels), str(depth), str(folder / 'roads')]) == 0
    return folder / 'roads'


@pytest.mark.parametrize('schedule', ['sequential', 'parallel'])
@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_the_node_publishes_what_both_networks_say(make_rig, pair, backend, schedule):
    """Bit for bit, with the times of both, which are within the latency."""
    values = {'backend': backend, 'threads': 1, 'schedule': schedule, 'model': str(pair)}
    rig = make_rig(load=load_pipeline, clock=time.monotonic, **values)
    rig.connect()
    rig.listen('/label/image')
    rig.listen('/depth/image')
    stats_type = own_messages.frame_stats_type()
    rig.listen('/segformer_node/frame_stats', stats_type)
    pixels = bundle.golden_image(3, 60, 100)
    info = camera_info(60, 100, 90.0)
    label = rig.exchange(image_message(pixels), '/label/image', info=info)
    depth = rig.get('/depth/image')
    pipeline = Pipeline.load(pair, backend=backend, threads=1)
    expected = pipeline.predict(pixels, focal_length_px=90.0)
    np.testing.assert_array_equal(pixels_of(label), expected.labels)
    np.testing.assert_array_equal(pixels_of(depth), expected.depth)
    stats = rig.get('/segformer_node/frame_stats')
    assert stats.depth_network_ms > 0.0
    parts = stats.preprocess_ms + stats.network_ms + stats.postprocess_ms + stats.publish_ms
    assert parts + stats.wait_ms <= stats.latency_ms + 0.01
    if schedule == 'sequential':
        assert stats.depth_network_ms < stats.network_ms
    assert f'{schedule} as asked for' in rig.status('network').values['backend_reason']


def test_a_task_that_is_off_costs_nothing(make_rig, pair):
    """Without depth its network is not computed."""
    rig = make_rig(
        load=load_pipeline, model=str(pair), backend='onnxruntime', threads=1, depth=False
    )
    rig.connect()
    rig.listen('/label/image')
    rig.listen('/segformer_node/frame_stats', own_messages.frame_stats_type())
    rig.exchange(image_message(bundle.golden_image(3, 60, 100)), '/label/image')
    assert rig.get('/segformer_node/frame_stats').depth_network_ms == 0.0


def test_a_bag_gets_what_both_networks_say(pair, tmp_path):
    """In its topics, as from one network; also of a mosaic in JPEG with a damaged one between."""
    messages = drive(3, encoding='mono8')
    for index, item in enumerate(messages):
        if item.type == IMAGE:
            pixels = item.message.data.reshape(item.message.height, -1)
            data = b'damaged' if index == 3 else cv2.imencode('.jpg', pixels)[1].tobytes()
            stamp = item.message.header.stamp
            made = compressed(data, _MOSAIC, stamp.sec * 10**9 + stamp.nanosec)
            messages[index] = item._replace(
                topic='/front/image/compressed', type=COMPRESSED_IMAGE, message=made
            )
    source = write_bag(tmp_path / 'in', messages)
    common = ['--model', str(pair), '--backend', 'openvino', '--threads', '1', '--no-overlay']
    assert main(['run', str(source), '--out', str(tmp_path / 'out'), *common]) == 0
    found = read_bag(tmp_path / 'out' / 'bag')
    assert {name: len(found[f'/front/{name}']) for name in _COUNTS} == _COUNTS
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['frames'] == {'total': 3, 'done': 2, 'reused': 0, 'failed': 1}
