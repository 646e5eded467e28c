# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The world node, with a camera that costs nothing."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock
from segformer_ros import carla
from segformer_ros.camera import Intrinsics
from segformer_ros.nodes.world_node import main, WorldNode
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until
from stderr_lines import own_lines

_WIDTH, _HEIGHT = 32, 16
_SIZE = ('width:=32', 'height:=16', 'rate_hz:=200.0')
_VEHICLE = '/carla/ego_vehicle'


@dataclass(frozen=True)
class _Frame:
    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    intrinsics: Intrinsics


def _frame(time_s):
    """Return a frame whose red channel tells its moment."""
    image = np.full((_HEIGHT, _WIDTH, 3), (round(time_s * 200) % 256, 20, 30), np.uint8)
    labels = np.full((_HEIGHT, _WIDTH), 14, np.uint8)
    depth = np.full((_HEIGHT, _WIDTH), 25.0, np.float32)
    labels[:4], depth[:4] = 11, np.inf
    return _Frame(image, labels, depth, Intrinsics.from_fov(_WIDTH, _HEIGHT, 90.0))


class _Listener:
    """Takes every message of the world in the order of arrival."""

    def __init__(self, node, sensors):
        self.messages = defaultdict(list)
        self.order = []
        self._subscribe(node, Clock, '/clock')
        for sensor in sensors:
            self._subscribe(node, CameraInfo, f'{_VEHICLE}/{sensor}/camera_info')
            self._subscribe(node, Image, f'{_VEHICLE}/{sensor}/image')

    def _subscribe(self, node, kind, topic):
        messages = self.messages[topic]

        def take(msg):
            messages.append(msg)
            self.order.append(topic)

        node.create_subscription(kind, topic, take, 100)

    def until(self, executor, count):
        """Spin until so many messages of every topic have come, and leave out what came after."""
        spin_until(executor, lambda: all(len(item) >= count for item in self.messages.values()))
        for messages in self.messages.values():
            del messages[count:]

    def images(self, sensor):
        return self.messages[f'{_VEHICLE}/{sensor}/image']

    def infos(self, sensor):
        return self.messages[f'{_VEHICLE}/{sensor}/camera_info']


@pytest.fixture
def drive(monkeypatch):
    """Start a world of its own with the given parameters, beside an empty node."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    started = []

    def start(*parameters):
        args = ['--ros-args']
        for item in (*_SIZE, *parameters):
            args += ['-p', item]
        rclpy.init(args=args)
        executor = SingleThreadedExecutor()
        world, other = WorldNode(lambda parameters: _frame), rclpy.create_node('other')
        started.extend((world, other))
        executor.add_node(other)
        executor.add_node(world)
        return world, other, executor

    yield start
    for node in started:
        node.destroy_node()
    rclpy.try_shutdown()


def _stamp_ns(msg):
    return msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec


def test_topics_encodings_and_sizes_are_those_of_the_bridge(drive):
    """A node that is set up for CARLA works with the world as it is."""
    _, other, executor = drive()
    heard = _Listener(other, ['rgb_front', 'depth_front', 'semantic_segmentation_front'])
    spin_until(
        executor, lambda: all(len(heard.images(s)) > 2 for s in ('rgb_front', 'depth_front'))
    )
    spin_until(executor, lambda: len(heard.images('semantic_segmentation_front')) > 2)

    rgb, depth = heard.images('rgb_front')[0], heard.images('depth_front')[0]
    labels = heard.images('semantic_segmentation_front')[0]
    for msg, encoding in ((rgb, 'bgra8'), (depth, '32FC1'), (labels, 'bgra8')):
        assert (msg.encoding, msg.width, msg.height) == (encoding, _WIDTH, _HEIGHT)
        assert msg.step == 4 * _WIDTH
        assert len(msg.data) == 4 * _WIDTH * _HEIGHT
        assert not msg.is_bigendian
    pixels = np.frombuffer(rgb.data, np.uint8).reshape(_HEIGHT, _WIDTH, 4)
    assert pixels[0, 0, [0, 1, 3]].tolist() == [30, 20, 255]
    metres = np.frombuffer(depth.data, np.float32).reshape(_HEIGHT, _WIDTH)
    assert (metres[0, 0], metres[-1, 0]) == (1000.0, 25.0)
    truth = carla.decode_labels(np.frombuffer(labels.data, np.uint8).reshape(_HEIGHT, _WIDTH, 4))
    assert not truth.unknown
    np.testing.assert_array_equal(truth.labels, _frame(0.0).labels)


def test_all_sensors_of_a_frame_share_the_stamp(drive):
    """Consumers pair images, camera_info and ground truth by exact stamp."""
    _, other, executor = drive()
    sensors = ['rgb_front', 'depth_front', 'semantic_segmentation_front']
    heard = _Listener(other, sensors)
    heard.until(executor, 5)

    expected = [number * 5_000_000 for number in range(1, 6)]
    for sensor in sensors:
        assert [_stamp_ns(msg) for msg in heard.images(sensor)] == expected
        for info, image in zip(heard.infos(sensor), heard.images(sensor), strict=True):
            assert info.header == image.header
            assert image.header.frame_id == f'ego_vehicle/{sensor}'


def test_camera_info_describes_the_camera_and_comes_before_the_image(drive):
    """The node has the focal length before it gets the first image."""
    _, other, executor = drive()
    heard = _Listener(other, ['rgb_front'])
    heard.until(executor, 3)

    info = heard.infos('rgb_front')[0]
    assert (info.width, info.height, info.distortion_model) == (_WIDTH, _HEIGHT, 'plumb_bob')
    assert list(info.k) == pytest.approx([16.0, 0.0, 16.0, 0.0, 16.0, 8.0, 0.0, 0.0, 1.0])
    assert list(info.p)[:3] == list(info.k)[:3]
    assert list(info.d) == [0.0] * 5
    assert len(heard.infos('rgb_front')) == len(heard.images('rgb_front')) == 3


def test_the_clock_only_goes_forward_and_is_never_behind_a_stamp(drive):
    """A node under use_sim_time must not see an image from the future."""
    _, other, executor = drive()
    heard = _Listener(other, ['rgb_front'])
    heard.until(executor, 20)

    times = [msg.clock for msg in heard.messages['/clock']]
    clocks = [item.sec * 1_000_000_000 + item.nanosec for item in times]
    assert clocks == sorted(set(clocks))
    assert clocks == [_stamp_ns(msg) for msg in heard.images('rgb_front')]


def test_without_ground_truth_there_is_only_the_camera(drive):
    """A camera on a vehicle knows no truth."""
    world, _, _ = drive('ground_truth:=false')
    topics = {name for name, _ in world.get_topic_names_and_types()}
    assert f'{_VEHICLE}/rgb_front/image' in topics
    assert not any('depth_front' in name or 'semantic' in name for name in topics)


def test_the_role_name_is_in_topics_and_frames(drive):
    """CARLA calls the vehicle by the name that its user gave it."""
    _, other, executor = drive('role_name:=hero')
    got = []
    other.create_subscription(Image, '/carla/hero/rgb_front/image', got.append, 10)
    spin_until(executor, lambda: got)
    assert got[0].header.frame_id == 'hero/rgb_front'


def test_a_loop_repeats_the_pixels_but_not_the_time(drive):
    """The repeated drive costs nothing, and its stamps go on."""
    _, other, executor = drive('loop_frames:=3')
    heard = _Listener(other, ['rgb_front'])
    heard.until(executor, 7)

    red = [msg.data[2] for msg in heard.images('rgb_front')]
    assert red == [1, 2, 3, 1, 2, 3, 1]
    assert [_stamp_ns(msg) for msg in heard.images('rgb_front')] == [
        number * 5_000_000 for number in range(1, 8)
    ]


def test_a_drive_ends_after_its_frames(drive):
    """By itself, and with it ROS."""
    world, _, executor = drive('max_frames:=3')
    spin_until(executor, lambda: not rclpy.ok())
    assert world.published == 3


class _Consumer:
    """Answers every image, but only when told to."""

    def __init__(self, node):
        self.images = []
        self.labels = node.create_publisher(Image, 'label/image', 10)
        self.depth = node.create_publisher(Image, 'depth/image', 10)
        node.create_subscription(Image, f'{_VEHICLE}/rgb_front/image', self.images.append, 10)

    def answer(self, publisher, image):
        publisher.publish(Image(header=image.header))


def test_lock_step_never_outruns_the_results(drive):
    """The next frame comes after both results, and never without them."""
    world, other, executor = drive(
        'lock_step:=true', 'real_time:=false', 'wait_timeout_s:=3600.0', 'max_frames:=5'
    )
    consumer = _Consumer(other)
    for number in range(1, 6):
        spin_until(executor, lambda: len(consumer.images) == number)  # noqa: B023
        consumer.answer(consumer.labels, consumer.images[-1])
        for _ in range(10):
            executor.spin_once(timeout_sec=0.01)
        assert world.published == number
        consumer.answer(consumer.depth, consumer.images[-1])
    spin_until(executor, lambda: not rclpy.ok())
    assert [_stamp_ns(msg) for msg in consumer.images] == [
        number * 5_000_000 for number in range(1, 6)
    ]


def test_lock_step_gives_up_a_result_that_never_comes(drive):
    """A network that drops one frame does not stop the world."""
    _, other, executor = drive('lock_step:=true', 'real_time:=false', 'wait_timeout_s:=0.05')
    consumer = _Consumer(other)
    spin_until(executor, lambda: len(consumer.images) >= 3)


def test_lock_step_starts_with_its_first_subscriber(drive):
    """Nothing is published, and no time is lost, before somebody takes the images."""
    world, other, executor = drive('lock_step:=true', 'real_time:=false', 'wait_timeout_s:=0.01')
    for _ in range(20):
        executor.spin_once(timeout_sec=0.02)
    assert world.published == 0
    consumer = _Consumer(other)
    spin_until(executor, lambda: consumer.images)
    assert _stamp_ns(consumer.images[0]) == 5_000_000


@pytest.mark.parametrize(
    ('parameter', 'words'),
    [
        ('width:=4', 'width'),
        ('wait_for:=[""]', 'wait_for'),
        ('camera_fov_deg:=190.0', 'camera_fov_deg'),
    ],
)
def test_a_wrong_parameter_is_one_line_and_no_start(monkeypatch, capfd, parameter, words):
    """The user is told which one, not where in the code it was noticed."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    code = main(['--ros-args', '-p', parameter, '-p', 'lock_step:=true'])
    (line,) = own_lines(capfd.readouterr().err)
    assert code == 1
    assert words in line
