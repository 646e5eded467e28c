# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live node and the bag path give the same images for the same input, bit for bit."""

from collections import defaultdict
from dataclasses import replace

import bag_builder
from bag_builder import camera_info, drive, image, Message, read_bag, write_bag
import cv2
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.bags.cameras import choose
from segformer_ros.bags.process import BagOptions, process
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.bags.writer import BagWriter
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.nodes.segformer_node import SegformerNode
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from segformer_ros.output_topics.frame import OutputOptions
from segformer_ros.run_folder import Report
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from spinning import spin_until
from tiny_bundle import make_tiny_bundle

_IMAGES = ('label/image', 'label/confidence/image', 'depth/image', 'depth/confidence/image')
_SHOWN = {
    'label/color/image': Image,
    'overlay/image': Image,
    'depth/points': PointCloud2,
    'label/image/compressed': CompressedImage,
    'overlay/image/compressed': CompressedImage,
    'depth/image/compressedDepth': CompressedImage,
}
_INFOS = ('label/camera_info', 'depth/camera_info')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Return a network of a few hundred weights, for two sizes of images."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return make_tiny_bundle(folder, sizes=((64, 128), (96, 96)), scale=True)


def _noise(encoding='bgr8', size=(50, 90), **kwargs):
    channels = {'bgr8': 3, 'bgra8': 4, 'mono8': 1, 'yuv422_yuy2': 2, 'mono16': 2}[encoding]
    pixels = np.random.default_rng(5).integers(0, 256, (*size, channels), np.uint8)
    return image(pixels, encoding, 3_000_000_007, padding=6, **kwargs)


def _changing_camera():
    """Make images before any camera_info, and beside right, wrong and uncalibrated ones."""
    yield Message('/front/image', IMAGE, 10, _noise())
    for index, (height, focal) in enumerate([(50, 70.5), (25, 70.5), (50, 0.0), (50, 140.0)]):
        info = camera_info(height, 90, focal, index)
        yield Message('/front/camera_info', CAMERA_INFO, 20 + 10 * index, info)
        yield Message('/front/image', IMAGE, 25 + 10 * index, _noise())


def _rectified_camera():
    """Make images beside a camera_info whose P is not its K, one of them of a region."""
    p = [60.0, 0.0, 40.0, 0.0, 0.0, 61.0, 20.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    whole, region = (camera_info(50, 90, 0.0, index, p=p) for index in range(2))
    region = replace(region, height=110, width=200, binning_x=2, binning_y=2)
    region = replace(region, roi=replace(region.roi, x_offset=20, width=180, height=100))
    for index, info in enumerate((whole, region)):
        yield Message('/front/camera_info', CAMERA_INFO, 10 + 10 * index, info)
        yield Message('/front/image', IMAGE, 15 + 10 * index, _noise())


def _of_all_kinds():
    """Make images of several encodings and shapes, with padded rows."""
    for index, encoding in enumerate(['bgra8', 'mono8', 'yuv422_yuy2', 'mono16']):
        yield Message('/front/image', IMAGE, 10 + index, _noise(encoding))
    yield Message('/front/image', IMAGE, 20, _noise(size=(90, 70)))


def _tiny_images():
    """Make images of one pixel, of one row or column, and of odd sides."""
    for index, size in enumerate([(1, 1), (1, 7), (9, 1), (33, 17)]):
        yield Message('/front/image', IMAGE, 10 + index, _noise(size=size))


def _steady_camera():
    """Make a picture that moves, then a cut, then time that goes back."""
    for index, (seed, stamp) in enumerate([(1, 10), (1, 11), (1, 12), (2, 13), (2, 9), (2, 10)]):
        coarse = np.random.default_rng(seed).uniform(0, 255, (12, 40, 3)).astype(np.float32)
        picture = np.clip(cv2.resize(coarse, (320, 96), interpolation=cv2.INTER_CUBIC), 0, 255)
        pixels = np.ascontiguousarray(picture.astype(np.uint8)[:, 4 * index :][:, :192])
        yield Message('/front/image', IMAGE, 10 + index, image(pixels, 'bgr8', stamp * 10**8))


def _compressed():
    """Make a JPEG and a PNG."""
    pixels = np.random.default_rng(6).integers(0, 256, (40, 60, 3), np.uint8)
    for index, kind in enumerate(['jpeg', 'png']):
        data = cv2.imencode(f'.{kind}', pixels)[1].tobytes()
        message = bag_builder.compressed(data, kind, 1_000_000_000 + index)
        yield Message('/front/image/compressed', COMPRESSED_IMAGE, 10 + index, message)


@pytest.fixture
def from_bag(tmp_path, model):
    """Return the outputs of the bag path for some messages."""

    def run(messages, name='', **options):
        pipeline = Pipeline.load(model, threads=1)
        source, result = write_bag(tmp_path / f'in{name}', messages), tmp_path / f'out{name}'
        with BagReader(source) as reader, BagWriter(result, 'sqlite3', reader.store) as writer:
            cameras = choose(reader, ())
            process(reader, writer, cameras, pipeline, BagOptions(**options), Report())
        pipeline.close()
        return read_bag(result)

    return run


@pytest.fixture
def from_node(ros, tmp_path, model):
    """Yield the outputs of the live node for the messages of the same bag."""
    nodes = []

    def run(expected, **parameters):
        values = {'model': str(model), 'threads': 1, **parameters}
        overrides = [rclpy.Parameter(name, value=value) for name, value in values.items()]
        nodes.append(SegformerNode(namespace='/front', parameter_overrides=overrides))
        nodes.append(rclpy.create_node('camera'))
        executor = SingleThreadedExecutor()
        for node in nodes:
            executor.add_node(node)
        player = _Player(executor, *nodes, expected)
        player.until(lambda: nodes[0].state == 'active')
        player.play(tmp_path / 'in', expected)
        return player.received

    yield run
    for node in nodes:
        node.destroy_node()


class _Player:
    """Publishes the bytes of a bag, one image after the answer to the last."""

    def __init__(self, executor, node, camera, expected):
        self.received = defaultdict(list)
        self._executor = executor
        compressed = node.get_parameter('transport').value == 'compressed'
        kinds = {'/front/camera_info': CameraInfo, '/front/image': Image}
        if compressed:
            kinds['/front/image/compressed'] = CompressedImage
            del kinds['/front/image']
        self._publishers = {
            topic: camera.create_publisher(kind, topic, qos_profile_sensor_data)
            for topic, kind in kinds.items()
        }
        outputs = dict.fromkeys(_IMAGES, Image) | dict.fromkeys(_INFOS, CameraInfo)
        outputs |= {name: kind for name, kind in _SHOWN.items() if f'/front/{name}' in expected}
        subscriptions = [
            camera.create_subscription(
                kind, f'/front/{name}', self.received[f'/front/{name}'].append, 50
            )
            for name, kind in outputs.items()
        ]
        self.until(
            lambda: (
                all(item.get_subscription_count() for item in self._publishers.values())
                and all(item.get_publisher_count() for item in subscriptions)
            )
        )

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self._executor, condition)

    def play(self, path, expected):
        """Publish, and wait for as many messages as are expected of every topic."""
        images = 0
        with BagReader(path) as reader:
            for connection, _, raw in reader.messages():
                self._publishers[connection.topic].publish(bytes(raw))
                if connection.msgtype != CAMERA_INFO:
                    images += 1
                    self._wait_for_answers(images)
        self.until(
            lambda: all(len(self.received[name]) >= len(expected[name]) for name in expected)
        )

    def _wait_for_answers(self, count):
        topics = [f'/front/{name}' for name in _IMAGES]
        self.until(lambda: all(len(self.received[topic]) == count for topic in topics))


def _as_dict(message):
    """Return all fields of a message of ROS or of rosbags in the same plain types."""
    if hasattr(message, 'get_fields_and_field_types'):
        names = message.get_fields_and_field_types()
    elif hasattr(message, '__dataclass_fields__'):
        fields = message.__dataclass_fields__
        # Constants are upper case.
        names = [name for name in fields if name != '__msgtype__' and not name.isupper()]
    elif isinstance(message, list):
        return [_as_dict(item) for item in message]
    else:
        return bytes(memoryview(message)) if hasattr(message, 'tobytes') else message
    return {name: _as_dict(getattr(message, name)) for name in names}


@pytest.mark.parametrize(
    ('make', 'options', 'parameters'),
    [
        (lambda: drive(3), {}, {}),
        (lambda: drive(1), {'outputs': OutputOptions('16UC1')}, {'depth_encoding': '16UC1'}),
        (lambda: drive(1), {'camera_fov_deg': 62.5}, {'camera_fov_deg': 62.5}),
        (
            lambda: drive(1),
            {'inference': Options(confidence=True, max_depth_m=11.0, sky_depth='inf')},
            {'max_depth_m': 11.0, 'sky_depth': 'inf'},
        ),
        (_changing_camera, {}, {}),
        (_rectified_camera, {}, {}),
        (_of_all_kinds, {}, {}),
        (_compressed, {}, {'transport': 'compressed'}),
        (lambda: drive(2), {'all_outputs': True}, {}),
        (
            _tiny_images,
            {
                'all_outputs': True,
                'camera_fov_deg': 62.5,
                'inference': Options(confidence=True, image_rotation=90),
                'outputs': OutputOptions('16UC1'),
            },
            {'camera_fov_deg': 62.5, 'image_rotation': 90, 'depth_encoding': '16UC1'},
        ),
        (
            lambda: drive(2),
            {'inference': Options(confidence=True, image_rotation=90)},
            {'image_rotation': 90},
        ),
        (_steady_camera, {'temporal': 'both'}, {'temporal': 'both'}),
        (
            lambda: drive(1),
            {'inference': Options(confidence=True, min_depth_confidence=0.5)},
            {'min_depth_confidence': 0.5},
        ),
    ],
    ids=[
        'drive',
        '16UC1',
        'fov',
        'options',
        'changing camera',
        'rectified camera',
        'encodings',
        'compressed',
        'all outputs',
        'all outputs of tiny rotated images',
        'rotated',
        'temporal',
        'depth confidence',
    ],
)
def test_bag_and_node_agree_bit_for_bit(from_bag, from_node, make, options, parameters):
    """Labels, depth, the confidence of both and camera_info, in every field."""
    inference = options.get('inference', Options(confidence=True))
    options = options | {'inference': replace(inference, depth_confidence=True)}
    found = from_bag(make(), **options)
    names = [*_IMAGES, *_INFOS, *(_SHOWN if options.get('all_outputs') else ())]
    expected = {f'/front/{name}': found.get(f'/front/{name}', []) for name in names}
    if options.get('all_outputs'):
        assert all(expected.values())
    live = from_node(expected, **parameters)
    for name, messages in expected.items():
        assert len(live[name]) == len(messages), name
        for message, other in zip(messages, live[name], strict=True):
            assert _as_dict(message.message) == _as_dict(other), name


def test_temporal_mixes_only_frames_that_follow_each_other(from_bag):
    """The first frame, that of a cut and that of a time that goes back are as without."""
    inference = Options(confidence=True)
    off = from_bag(_steady_camera(), inference=inference)
    both = from_bag(_steady_camera(), '_both', inference=inference, temporal='both')
    for name in ('label/confidence/image', 'depth/image'):
        pairs = zip(off[f'/front/{name}'], both[f'/front/{name}'], strict=True)
        same = [np.array_equal(one.message.data, other.message.data) for one, other in pairs]
        assert same == [True, False, False, True, True, False]
