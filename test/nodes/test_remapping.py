# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Names are remapped once, with the arguments that every ROS user gives.

Two topics that are swapped show it: remapped twice they are where they were.
"""

from types import SimpleNamespace

from bag_builder import camera_info as bag_camera_info
from bag_builder import image as bag_image
from bag_builder import Message, read_bag, write_bag
import cv2
from node_rig import camera_info, image_message, pixels_of
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.camera import Intrinsics
from segformer_ros.nodes.dataset_recorder_node import DatasetRecorderNode
from segformer_ros.nodes.evaluation_node import EvaluationNode
from segformer_ros.nodes.recorder_node import RecorderNode
from segformer_ros.nodes.replay_node import ReplayNode
from segformer_ros.nodes.world_node import WorldNode
from segformer_ros.output_topics.contents import CAMERA_INFO, IMAGE
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from spinning import DEADLINE_S, spin_until


def _swapped(*pairs):
    """Return the arguments that swap the topics of each pair."""
    rules = [f'{one}:={other}' for pair in pairs for one, other in (pair, pair[::-1])]
    return ['--ros-args', *(word for rule in rules for word in ('-r', rule))]


def _grey(value):
    return np.full((6, 8, 3), value, np.uint8)


def test_swapped_cameras_are_swapped(make_rig):
    """Images and camera_info; outputs keep the name that they have in the node."""
    swap = _swapped(('/left/image', '/right/image'), ('/left/camera_info', '/right/camera_info'))
    rig = make_rig(cameras=['left', 'right'], cli_args=swap)
    for name in ('left', 'right'):
        rig.connect(name)
        rig.listen(f'/{name}/label/image')
        rig.listen(f'/{name}/depth/image')
    for value, name, output in ((1, 'left', 'right'), (2, 'right', 'left')):
        info = camera_info(focal_px=10.0 * value)
        sent = image_message(_grey(value))
        label = rig.exchange(sent, f'/{output}/label/image', info=info, camera=name)
        np.testing.assert_array_equal(pixels_of(label), value)
        assert rig.pipeline.calls[-1].focal == [10.0 * value]
    assert [item.topic for item in rig.node._streams] == ['/right/image', '/left/image']


@pytest.mark.parametrize(
    'pairs',
    [
        [('/left/image', '/right/image')],
        [('/left/image/compressed', '/right/image/compressed')],
        [
            ('/left/image', '/right/image'),
            ('/left/image/compressed', '/right/image/compressed'),
        ],
    ],
    ids=['of the raw topic', 'of the compressed topic', 'of both'],
)
def test_swapped_compressed_cameras_are_swapped(make_rig, pairs):
    """A rule for the raw topic holds for the compressed one, as with image_transport."""
    rig = make_rig(cameras=['left', 'right'], transport='compressed', cli_args=_swapped(*pairs))
    png = cv2.imencode('.png', _grey(7))[1].tobytes()
    images = rig.probe.create_publisher(
        CompressedImage, '/left/image/compressed', qos_profile_sensor_data
    )
    rig.until(images.get_subscription_count)
    rig.listen('/right/label/image')
    images.publish(CompressedImage(format='png', data=png))
    np.testing.assert_array_equal(pixels_of(rig.get('/right/label/image')), 7)
    assert rig.node._streams[1].topic == '/left/image/compressed'


_FRAME = SimpleNamespace(
    image=np.zeros((16, 32, 3), np.uint8),
    labels=np.full((16, 32), 14, np.uint8),
    depth=np.full((16, 32), 25.0, np.float32),
    intrinsics=Intrinsics.from_fov(32, 16, 90.0),
)


class _Stage:
    """A node under test that was given arguments, and a node beside it."""

    def __init__(self, make, args):
        rclpy.init(args=args)
        self.node = make()
        # The rules are of the whole process: the other node must not take them.
        self.other = rclpy.create_node('other', use_global_arguments=False)
        self.received = []
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.other)

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self._executor, condition)

    def publisher(self, topic, kind=Image):
        """Publish a topic, and wait until the node hears it."""
        made = self.other.create_publisher(kind, topic, 10)
        self.until(made.get_subscription_count)
        return made

    def subscribed(self):
        """Return the topics of sensor_msgs that the node has subscribed to."""
        kinds = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo')
        found = self.other.get_subscriber_names_and_types_by_node(
            self.node.get_name(), self.node.get_namespace()
        )
        return {name for name, types in found if types[0] in kinds}

    def close(self):
        """End everything."""
        self._executor.remove_node(self.node)
        self.node.destroy_node()
        self.other.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def stage(monkeypatch):
    """Start nodes under test."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    stages = []

    def start(make, args):
        stages.append(_Stage(make, args))
        return stages[-1]

    yield start
    for item in stages:
        item.close()
    rclpy.try_shutdown()


def test_swapped_topics_are_recorded_swapped(stage, tmp_path):
    """The bag has the names that the topics have outside."""
    swap = _swapped(('/left/image', '/right/image'))
    parameters = ['-p', f'output:={tmp_path / "bag"}', '-p', 'topics:=[/left/image]']
    running = stage(RecorderNode, [*swap, *parameters])
    images = running.publisher('/right/image')
    images.publish(image_message(_grey(3)))
    running.until(lambda: running.node.counts['/right/image'] == 1)
    running.close()
    (message,) = read_bag(tmp_path / 'bag')['/right/image']
    assert message.message.data[0] == 3
    running.close = lambda: None


def test_swapped_topics_are_played_swapped(stage, tmp_path):
    """Each message is published by the other name."""
    source = write_bag(
        tmp_path / 'in',
        [
            Message('/left/image', IMAGE, 10, bag_image(_grey(4), 'rgb8', 1)),
            Message('/right/image', IMAGE, 20, bag_image(_grey(5), 'rgb8', 2)),
            Message('/left/camera_info', CAMERA_INFO, 30, bag_camera_info(6, 8, 10.0)),
        ],
    )
    wait = ['-p', f'input:={source}', '-p', f'wait_for_subscribers_s:={DEADLINE_S}']
    running = stage(ReplayNode, [*_swapped(('/left/image', '/right/image')), *wait])
    found = {}
    for name in ('left', 'right'):
        topic = f'/{name}/image'
        running.other.create_subscription(
            Image, topic, lambda message, name=name: found.update({name: message.data[0]}), 10
        )
    running.until(lambda: len(found) == 2)
    assert found == {'left': 5, 'right': 4}


def test_the_world_in_lock_step_waits_for_remapped_results(stage):
    """Who publishes the results is asked for by the name that they have outside."""
    args = ['--ros-args', '-r', 'label/image:=/net/labels', '-p', 'lock_step:=true']
    args += ['-p', 'wait_for:=[label/image]', '-p', 'max_frames:=2', '-p', 'width:=32']
    args += ['-p', 'height:=16', '-p', 'wait_timeout_s:=0.2']
    running = stage(lambda: WorldNode(make=lambda parameters: lambda seconds: _FRAME), args)
    running.publisher('/net/labels')
    rgb = '/carla/ego_vehicle/rgb_front/image'
    running.other.create_subscription(Image, rgb, running.received.append, 10)
    running.until(lambda: running.received)


@pytest.mark.parametrize(
    ('make', 'args', 'names'),
    [
        (
            DatasetRecorderNode,
            ['-p', 'dataset:={folder}'],
            ('rgb_front/image', 'rgb_front/camera_info', 'depth_front/image'),
        ),
        (EvaluationNode, ['-p', 'report_period_s:=0.0'], ('depth_front/image',)),
    ],
    ids=['dataset recorder', 'evaluation'],
)
def test_topics_of_the_simulator_are_remapped_once(stage, tmp_path, make, args, names):
    """A chain of rules is followed for one step, whether it is for images or for camera_info."""
    words = ['--ros-args']
    for name in names:
        topic = f'/carla/ego_vehicle/{name}'
        words += ['-r', f'{topic}:=/once/{name}', '-r', f'/once/{name}:=/twice/{name}']
    args = [word.format(folder=tmp_path / 'dataset') for word in args]
    running = stage(make, [*words, *args])
    expected = {f'/once/{name}' for name in names}
    running.until(lambda: expected <= running.subscribed())
    assert not any(name.startswith('/twice') for name in running.subscribed())


def test_camera_info_is_followed_by_its_name_before_remapping(make_rig):
    """The publishers that are looked at are those that the subscription hears."""
    swap = _swapped(('/left/camera_info', '/right/camera_info'))
    rig = make_rig(cameras=['left', 'right'], cli_args=swap)
    infos = rig.probe.create_publisher(CameraInfo, '/left/camera_info', 10)
    rig.until(infos.get_subscription_count)
    rig.until(lambda: not rig.node._streams[1]._info_fault)
    rig.until(lambda: rig.node._streams[0]._info_fault.startswith('it has no publisher'))
