# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of the launch files, started for real."""

from contextlib import contextmanager
import json
import os
from pathlib import Path
import sys
import time

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.demo.environment import demo_environment
from segformer_ros.demo.processes import Processes
from segformer_ros.evaluation.bag_score import evaluate_bag, Sources
from segformer_ros.evaluation.drive import DriveOptions
from segformer_ros.files.video_writer import VideoWriter
from sensor_msgs.msg import Image
import stand_in
from tiny_bundle import make_tiny_bundle
from unfinished_bag import stamps_on_disk

ROOT = Path(__file__).parents[2]
# Never the time that a test takes: it only ends one that fails.
DEADLINE_S = 300.0


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Return a bundle that is computed in a millisecond."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp('model') / 'tiny'))


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Return the test and its processes a ROS of their own."""
    made = demo_environment(os.environ, tmp_path / 'ros')
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


class Listener:
    """Takes the images of some topics."""

    def __init__(self, topics):
        rclpy.init()
        self.images = {topic: [] for topic in topics}
        self._node = rclpy.create_node('listener')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        for topic in topics:
            self._node.create_subscription(Image, topic, self.images[topic].append, 10)

    def spin(self, until):
        """Take messages until a condition is true."""
        end = time.monotonic() + DEADLINE_S
        while not until():
            assert time.monotonic() < end, {name: len(item) for name, item in self.images.items()}
            self._executor.spin_once(timeout_sec=0.1)

    def close(self):
        """Leave ROS."""
        self._node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def listen(environment):
    """Yield listeners that are gone after the test."""
    made = []

    def make(*topics):
        made.append(Listener(topics))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@contextmanager
def started(name, logs, environment, **arguments):
    """Start what a launch file starts."""
    path = ROOT / 'launch' / f'{name}.launch.py'
    context = stand_in.launch(path, share=ROOT, environment=environment, **arguments)
    logs.mkdir()
    with Processes(logs, environment, patience_s=DEADLINE_S) as processes:
        for item in context.commands:
            module = f'segformer_ros.nodes.{item.executable}'
            processes.start(item.executable, (sys.executable, '-m', module, *item.arguments))
        yield processes


def wait_for_line(processes, name, matches):
    """Wait until a process says something; on a busy machine nodes meet after seconds."""
    end = time.monotonic() + DEADLINE_S
    while True:
        assert time.monotonic() < end, f'{name} did not say it'
        processes.check()
        said = processes.next_line(0.2)
        if said is not None and said[0] == name and matches(said[1]):
            return


def wait_until(processes, condition, what):
    """Wait until a condition is true, while all processes run."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f'{what} did not come'
        processes.check()
        time.sleep(0.2)


def evaluated(text):
    """Return the frames that a line of the evaluation's table tells, 0 for any other line."""
    last = text.split()[-1]
    return int(last) if last.isdigit() else 0


def stamps(images):
    """Return the stamps of images."""
    return [(item.header.stamp.sec, item.header.stamp.nanosec) for item in images]


def test_the_demo_labels_the_world_and_evaluates_it(tmp_path, environment, listen, model):
    """World, network and evaluation find each other."""
    heard = listen('/label/image', '/carla/ego_vehicle/rgb_front/image')
    summary = tmp_path / 'summary.json'
    arguments = {'width': '64', 'height': '32', 'summary': str(summary)}
    with started('demo', tmp_path / 'logs', environment, model=model, **arguments) as processes:
        wait_for_line(processes, 'evaluation_node', evaluated)
        heard.spin(
            lambda: set.intersection(*(set(stamps(item)) for item in heard.images.values()))
        )
        for name in ('world_node', 'segformer_node', 'evaluation_node'):
            processes.end(name)
    labels = heard.images['/label/image']
    assert labels[0].header.frame_id == 'ego_vehicle/rgb_front'
    assert (labels[0].encoding, labels[0].width, labels[0].height) == ('mono8', 64, 32)
    assert json.loads(summary.read_text())['segmentation']['frames'] > 0


def test_carla_is_labelled_evaluated_and_recorded(tmp_path, environment, model):
    """The world node publishes what the bridge does, in the place of somebody else's CARLA."""
    report, bag = tmp_path / 'report', tmp_path / 'bag'
    truth = '/carla/ego_vehicle/semantic_segmentation_front/image'

    arguments = {'report': str(report), 'record': str(bag), 'label_set': 'carla_0914'}
    with started('carla', tmp_path / 'logs', environment, model=model, **arguments) as processes:
        world = ('width:=64', 'height:=32', 'rate_hz:=5.0')
        words = [word for item in world for word in ('-p', item)]
        module = 'segformer_ros.nodes.world_node'
        processes.start('world_node', (sys.executable, '-m', module, '--ros-args', *words))
        wait_for_line(processes, 'evaluation_node', lambda text: evaluated(text) >= 5)
        # The recorder meets each topic at a time of its own.
        wait_until(processes, lambda: recorded(bag, '/label/image', truth), 'a recorded pair')
        for name in ('world_node', 'segformer_node', 'evaluation_node', 'recorder_node'):
            processes.end(name)
    summary = json.loads((report / 'summary.json').read_text())
    assert summary['segmentation']['frames'] >= 5
    assert summary['segmentation']['unknown_pixels'] == 0
    with BagReader(bag) as reader:
        counts = {topic.name: topic.count for topic in reader.topics}
    assert counts['/label/image'] > 0
    assert counts[truth] > 0
    assert evaluate_bag(bag, Sources(), DriveOptions()).scores.evaluated['labels'] > 0


def recorded(bag, *topics):
    """Return the stamps of which a recording that still runs has messages of all topics."""
    found = stamps_on_disk(bag)
    return set.intersection(*(found[topic] for topic in topics))


def test_a_replay_labels_a_video_and_records(tmp_path, environment, model):
    """The recording of the results is whole."""
    video, bag = tmp_path / 'drive.mp4', tmp_path / 'results'
    with VideoWriter(video, 25.0) as writer:
        for number in range(25):
            writer.add(np.full((48, 96, 3), 5 * number, np.uint8), number / 25)
    arguments = {'input': str(video), 'record': str(bag), 'camera_fov_deg': '70', 'loop': 'true'}
    with started('replay', tmp_path / 'logs', environment, model=model, **arguments) as processes:
        wait_for_line(processes, 'recorder_node', lambda text: 'recording' in text)
        wait_until(processes, lambda: len(stamps_on_disk(bag)) == 4, 'a message of each topic')
        for name in ('replay_node', 'segformer_node', 'recorder_node'):
            processes.end(name)
    with BagReader(bag) as reader:
        counts = {topic.name: topic.count for topic in reader.topics}
    # The recorder names every topic that it listens to; this network has no relative depth.
    relative = {name for name in counts if '/relative/' in name}
    assert len(counts) == 6
    assert {name for name, count in counts.items() if not count} == relative
    assert len(relative) == 2


def test_the_node_alone_takes_the_camera_of_another_program(tmp_path, environment, listen, model):
    """The remapped topic is labelled in the namespace that was asked for."""
    heard = listen('/front/label/image')
    camera = heard._node.create_publisher(Image, '/driver/image_raw', 10)
    frame = Image(height=48, width=96, encoding='mono8', step=96)
    frame.data.frombytes(bytes(48 * 96))
    arguments = {'image': '/driver/image_raw', 'namespace': 'front'}
    with started('segformer', tmp_path / 'logs', environment, model=model, **arguments):

        def labelled():
            camera.publish(frame)
            return heard.images['/front/label/image']

        heard.spin(labelled)
