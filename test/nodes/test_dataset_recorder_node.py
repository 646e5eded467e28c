# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node that records a dataset while a simulator runs."""

import csv
import json

import cv2
from node_rig import camera_info, image_message
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from segformer_ros import carla
from segformer_ros.datasets import DatasetSpec, open_dataset
from segformer_ros.nodes import dataset_recorder_node
from segformer_ros.nodes.dataset_recorder_node import DatasetRecorderNode
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until

_VEHICLE = '/carla/ego_vehicle'
_SENSORS = {
    'image': 'rgb_front',
    'labels': 'semantic_segmentation_front',
    'depth': 'depth_front',
}
_SIZE = (24, 40)


class _Session:
    """A recorder beside a simulator that publishes frames drawn from a seed."""

    def __init__(self):
        self.recorder = DatasetRecorderNode()
        self.simulator = rclpy.create_node('simulator')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.recorder)
        self._executor.add_node(self.simulator)
        self._publishers = {
            name: self.simulator.create_publisher(Image, f'{_VEHICLE}/{sensor}/image', 50)
            for name, sensor in _SENSORS.items()
        }
        self._infos = self.simulator.create_publisher(
            CameraInfo, f'{_VEHICLE}/rgb_front/camera_info', 50
        )
        for publisher in (*self._publishers.values(), self._infos):
            self.until(publisher.get_subscription_count)
        self._rng = np.random.default_rng(2)
        self.frames = []
        self._closed = False

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self._executor, condition)

    def publish(self, stamp_ns, streams=('depth', 'image', 'labels')):
        """Publish one frame, the truth in the coding of the bridge."""
        image = self._rng.integers(0, 256, (*_SIZE, 3), np.uint8)
        labels = self._rng.choice([1, 11, 14], _SIZE).astype(np.uint8)
        depth = self._rng.uniform(1.0, 90.0, _SIZE).astype(np.float32)
        coded = {
            'image': (cv2.cvtColor(image, cv2.COLOR_RGB2BGRA), 'bgra8'),
            'labels': (carla.encode_labels(labels), 'bgra8'),
            'depth': (carla.encode_depth(depth), '32FC1'),
        }
        self._infos.publish(camera_info(*_SIZE, 33.0))
        self.until(lambda: self.recorder._assembler._info is not None)
        for name in streams:
            pixels, encoding = coded[name]
            self._publishers[name].publish(
                image_message(pixels, stamp_ns=stamp_ns, encoding=encoding)
            )
        if len(streams) == len(coded):
            self.frames.append((stamp_ns, image, labels, depth))

    def close(self):
        """End everything, once."""
        if self._closed:
            return
        self._closed = True
        self._executor.remove_node(self.recorder)
        self.recorder.destroy_node()
        self.simulator.destroy_node()
        self._executor.shutdown()


_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def record(monkeypatch, tmp_path):
    """Start a recorder with some parameters; it writes into tmp_path / 'dataset'."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')

    def start(**parameters):
        words = ['--ros-args']
        for name, value in {'dataset': tmp_path / 'dataset', **parameters}.items():
            words += ['-p', f'{name}:={value}']
        rclpy.init(args=words)
        sessions.append(_Session())
        return sessions[-1]

    sessions = []
    yield start
    for session in sessions:
        session.close()
    rclpy.try_shutdown()


def test_what_is_published_can_be_trained_from(record, tmp_path):
    """Image, ids, metres and intrinsics come back; a stamp without its truth does not."""
    session = record(route='town03', split='val')
    session.publish(10)
    session.publish(20, ('image', 'depth'))
    session.publish(30)
    session.until(lambda: session.recorder.written == 2)
    session.close()

    assert session.recorder.losses.incomplete == 1
    root = tmp_path / 'dataset'
    dataset = open_dataset(DatasetSpec('drive', str(root), 'val'))
    assert len(dataset) == 2
    for sample, (_, image, labels, depth) in zip(dataset, session.frames, strict=True):
        np.testing.assert_array_equal(sample.image, image)
        np.testing.assert_array_equal(sample.labels, labels)
        np.testing.assert_allclose(sample.depth, depth, atol=3.5e-5)
        assert (sample.intrinsics.fx, sample.intrinsics.width) == (33.0, _SIZE[1])
    rows = list(csv.DictReader((root / 'val' / 'town03' / 'frames.csv').read_text().splitlines()))
    assert [row['stamp_ns'] for row in rows] == ['10', '30']


def test_one_of_several_frames_is_kept_until_there_are_enough(record, tmp_path):
    """Then the node ends by itself."""
    session = record(route='short', every=3, max_frames=2)
    for number in range(5):
        session.publish(number + 1)
    session.until(lambda: not rclpy.ok())
    session.close()
    facts = json.loads((tmp_path / 'dataset' / 'dataset.json').read_text())
    assert [item['frames'] for item in facts['routes']] == [2]


def test_a_session_without_frames_leaves_no_route(record, tmp_path, capfd):
    """It is an error that says so."""
    session = record(route='empty')
    session.publish(5_000_000_000, ('depth', 'labels'))
    session.until(lambda: len(session.recorder._silent._faults) == 1)
    session.close()
    assert session.recorder.failed
    topic = f'{_VEHICLE}/rgb_front/image'
    assert f'; nothing came on {topic} (it has a publisher)' in capfd.readouterr().err
    assert not (tmp_path / 'dataset' / 'train' / 'empty').exists()


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        ({}, 'expected a folder in dataset'),
        ({'dataset': 'out', 'split': 'all'}, "split must be one of train, val, test, not 'all'"),
        ({'dataset': 'out', 'coding': 'other'}, 'coding must be bridge or native'),
    ],
)
def test_impossible_recordings_are_refused_at_the_start(
    parameters, sentence, tmp_path, monkeypatch, capfd
):
    """In one line, before a frame is lost."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    monkeypatch.chdir(tmp_path)
    words = [word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')]
    assert dataset_recorder_node.main(['--ros-args', *words]) == 1
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize('coding', ['bridge', 'native'])
def test_a_camera_info_that_was_published_once_before(monkeypatch, tmp_path, coding):
    """Latched, and before the recorder was there; CARLA itself may be heard unreliably."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    rclpy.init(args=['--ros-args', '-p', f'dataset:={tmp_path / "d"}', '-p', f'coding:={coding}'])
    simulator = rclpy.create_node('simulator', use_global_arguments=False)
    topic = f'{_VEHICLE}/rgb_front/camera_info'
    simulator.create_publisher(CameraInfo, topic, _LATCHED).publish(camera_info(*_SIZE, 33.0))
    recorder = DatasetRecorderNode()
    executor = SingleThreadedExecutor()
    executor.add_node(recorder)
    spin_until(executor, lambda: recorder._assembler._info is not None)
    assert recorder._assembler._info.k[0] == 33.0
    executor.remove_node(recorder)
    recorder.destroy_node()
    simulator.destroy_node()
    executor.shutdown()
    rclpy.try_shutdown()


def test_incomplete_frames_are_said_at_the_end(record, capfd):
    """Nothing is lost in silence: also what waits for its partners to the last."""
    session = record(route='short')
    session.publish(5_000_000_000)
    session.publish(5_100_000_000, ('depth', 'labels'))
    session.until(lambda: session.recorder._seen == 1 and session.recorder._assembler._waiting)
    session.close()
    assert 'recorded 1 frames, 1 incomplete -> ' in capfd.readouterr().err


def test_a_recorder_that_a_signal_keeps_from_being_made_leaves_nothing(tmp_path):
    """ROS may go away before the timer; nobody calls destroy_node then."""

    class Late(DatasetRecorderNode):
        def create_timer(self, *args, **kwargs):
            assert not self._thread.is_alive()
            raise RuntimeError('the given context is not valid')

    rclpy.init(args=['--ros-args', '-p', f'dataset:={tmp_path / "dataset"}'])
    try:
        with pytest.raises(RuntimeError, match='not valid'):
            Late()
        assert not list(tmp_path.iterdir())
    finally:
        rclpy.try_shutdown()
