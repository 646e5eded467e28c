# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node that records bags."""

from pathlib import Path
import shutil
import signal
import subprocess
import sys
import time

from bag_builder import drive, read_bag, STORE, write_bag
from builtin_interfaces.msg import Time
from kills import kill_once, stamps
from node_rig import camera_info, image_message
import numpy as np
import pytest
import rclpy
from rclpy.clock import ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import (
    DurabilityPolicy,
    qos_profile_sensor_data,
    QoSProfile,
    ReliabilityPolicy,
)
from rosgraph_msgs.msg import Clock
from segformer_ros.bags.parts import gather
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.demo.environment import free_domain
from segformer_ros.nodes import recorder_node
from segformer_ros.nodes.recorder_node import RecorderNode
from segformer_ros.nodes.replay_node import ReplayNode
from sensor_msgs.msg import CameraInfo, Image
from spinning import DEADLINE_S, spin_until
from stderr_lines import own_lines

_ROOT = Path(__file__).parents[2]
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class _Studio:
    """A recorder, and a node that publishes."""

    def __init__(self):
        self.recorder = RecorderNode()
        self.speaker = rclpy.create_node('speaker')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.recorder)
        self._executor.add_node(self.speaker)

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self._executor, condition)

    def connect(self, kind, topic, profile=10):
        """Publish a topic, and wait until the recorder hears it."""
        publisher = self.speaker.create_publisher(kind, topic, profile)
        self.until(publisher.get_subscription_count)
        return publisher

    def counts(self):
        """Return the messages recorded by topic."""
        return dict(self.recorder.counts)

    def close(self):
        """End everything."""
        self._executor.remove_node(self.recorder)
        self.recorder.destroy_node()
        self.speaker.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def record(monkeypatch, tmp_path):
    """Start a recorder with some parameters; it writes tmp_path / 'bag'."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')

    def start(topics, **parameters):
        words = ['--ros-args', '-p', f'topics:=[{", ".join(topics)}]']
        for name, value in {'output': tmp_path / 'bag', **parameters}.items():
            words += ['-p', f'{name}:={value}']
        rclpy.init(args=words)
        return _Studio()

    yield start
    rclpy.try_shutdown()


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_messages_are_recorded_as_they_were_sent(record, tmp_path, storage):
    """In order, with the time of their receipt; the bag appears at the end."""
    studio = record(['/image', '/camera_info'], storage=storage)
    images = studio.connect(Image, '/image')
    infos = studio.connect(CameraInfo, '/camera_info')
    before_ns = time.time_ns()
    sent = [image_message(stamp_ns=index * 1_000_000_007) for index in range(5)]
    for message in sent:
        infos.publish(camera_info())
        images.publish(message)
    studio.until(lambda: studio.counts() == {'/image': 5, '/camera_info': 5})
    assert not (tmp_path / 'bag').exists()
    studio.close()

    found = read_bag(tmp_path / 'bag')
    assert {name: len(items) for name, items in found.items()} == {
        '/image': 5,
        '/camera_info': 5,
    }
    times = [item.time_ns for item in found['/image']]
    assert before_ns <= times[0]
    assert times == sorted(times)
    for item, message in zip(found['/image'], sent, strict=True):
        assert item.message.header.stamp.nanosec == message.header.stamp.nanosec
        assert item.message.data.tobytes() == bytes(message.data)


def test_the_recorder_takes_what_is_offered(record, tmp_path):
    """Best effort and reliable, and what was latched before it came."""
    topics = ['/careless', '/careful', '/latched']
    studio = record(topics)
    careless = studio.connect(Image, '/careless', qos_profile_sensor_data)
    careful = studio.connect(Image, '/careful')
    studio.speaker.create_publisher(CameraInfo, '/latched', _LATCHED).publish(camera_info())
    for publisher in (careless, careful):
        publisher.publish(image_message())
    studio.until(lambda: studio.counts() == dict.fromkeys(topics, 1))
    assert studio.recorder.missing == ()
    studio.close()
    with BagReader(tmp_path / 'bag') as reader:
        profiles = {
            item.topic: item.ext.offered_qos_profiles[0] for item in reader.connections(topics)
        }
    assert [profiles[topic].reliability.name for topic in topics] == [
        'BEST_EFFORT', 'RELIABLE', 'RELIABLE',
    ]  # fmt: skip
    assert profiles['/latched'].durability.name == 'TRANSIENT_LOCAL'


def test_a_recording_continues_where_simulated_time_jumps_back(record, tmp_path):
    """A bag is read in the order of time: the second life comes after the first."""
    studio = record(['/image'], use_sim_time='true')
    clock = studio.speaker.create_publisher(Clock, '/clock', 10)
    images = studio.speaker.create_publisher(Image, '/image', 10)
    for number, second in enumerate((50, 51, 2, 3)):

        def time_has_come(second=second):
            clock.publish(Clock(clock=Time(sec=second)))
            return studio.recorder.get_clock().now().nanoseconds == second * 1_000_000_000

        studio.until(time_has_come)
        studio.until(images.get_subscription_count)
        images.publish(image_message(stamp_ns=second * 1_000_000_000))
        studio.until(lambda: studio.counts() == {'/image': number + 1})  # noqa: B023
    studio.close()

    found = read_bag(tmp_path / 'bag')['/image']
    assert [item.message.header.stamp.sec for item in found] == [50, 51, 2, 3]
    assert [item.time_ns // 1_000_000_000 for item in found] == [50, 51, 51, 52]


def test_a_topic_that_never_comes_is_missing(record, tmp_path):
    """The others are recorded."""
    studio = record(['/image', '/never'])
    studio.connect(Image, '/image').publish(image_message())
    studio.until(lambda: studio.counts() == {'/image': 1})
    assert studio.recorder.missing == ('/never',)
    studio.close()
    assert list(read_bag(tmp_path / 'bag')) == ['/image']


def test_a_replay_is_recorded_without_a_difference(record, tmp_path):
    """Bag to player to recorder to bag: the same stamps, the same bytes."""
    messages = drive(6, period_ns=10_000_000)
    source = write_bag(tmp_path / 'source', messages)
    # The player begins when the image has a subscriber: it gets the last one.
    topics = ['/front/camera_info', '/front/image']
    studio = record(topics, input=source, wait_for_subscribers_s=DEADLINE_S)
    player = ReplayNode()
    wanted = dict.fromkeys(topics, 6)
    studio.until(lambda: studio.counts() == wanted)
    player.destroy_node()
    studio.close()
    before, after = read_bag(source), read_bag(tmp_path / 'bag')
    for topic in wanted:
        for item, other in zip(before[topic], after[topic], strict=True):
            assert item.message.header == other.message.header
    for item, other in zip(before['/front/image'], after['/front/image'], strict=True):
        np.testing.assert_array_equal(item.message.data, other.message.data)


def test_a_failing_disk_ends_the_recording(record, monkeypatch):
    """With an error, rather than with a bag that silently lacks messages."""
    studio = record(['/image'])
    publisher = studio.connect(Image, '/image')

    def fail(*args):
        raise BagError('the disk is full')

    monkeypatch.setattr(studio.recorder._bag, 'write', fail)
    publisher.publish(image_message())
    studio.until(lambda: not rclpy.ok())
    assert studio.recorder.failed
    studio.close()


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        (['-p', 'topics:=[/a]'], 'expected a folder in output'),
        (['-p', 'output:={path}'], 'expected names in topics'),
        (['-p', 'output:={path}', '-p', 'topics:=[/a]'], 'already there'),
        (['-p', 'output:={path}/b', '-p', 'topics:=[/a]', '-p', 'storage:=x'], 'sqlite3, mcap'),
    ],
)
def test_wrong_parameters_are_one_line(parameters, sentence, monkeypatch, capfd, tmp_path):
    """And exit status 1; what is there stays."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    words = [word.format(path=tmp_path) for word in parameters]
    assert recorder_node.main(['--ros-args', *words]) == 1
    (line,) = own_lines(capfd.readouterr().err)
    assert sentence in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_bag(number, monkeypatch, tmp_path):
    """The process ends with 0, and the bag is whole."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    command = [sys.executable, '-m', 'segformer_ros.nodes.recorder_node', '--ros-args']
    command += ['-p', 'topics:=[/image]', '-p', f'output:={tmp_path / "bag"}']
    rclpy.init()
    node, executor = rclpy.create_node('speaker'), SingleThreadedExecutor()
    profile = QoSProfile(
        depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
    )
    publisher = node.create_publisher(Image, '/image', profile)
    process = subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True)
    try:
        executor.add_node(node)
        spin_until(executor, publisher.get_subscription_count)
        for _ in range(3):
            publisher.publish(image_message())
        assert publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=DEADLINE_S))
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    assert process.returncode == 0, said
    assert 'Traceback' not in said
    with BagReader(tmp_path / 'bag') as reader:
        assert [item.name for item in reader.topics] == ['/image']


def test_the_store_knows_the_messages_of_this_package(own):
    """Frame statistics are recorded too, once the messages are built."""
    from segformer_ros.bags import message_types

    assert message_types.learn_installed(STORE, 'segformer_ros/msg/FrameStats')


def _on_disk(folder, copy):
    """Return the stamps that a kill would leave of a recording that goes on."""
    shutil.copytree(folder / '.bag.part', copy)
    try:
        gather(copy, 'bag')
        return stamps(copy)
    except (BagError, OSError):
        return []
    finally:
        shutil.rmtree(copy)


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_a_killed_recorder_loses_nothing_that_has_its_half_second(storage, monkeypatch, tmp_path):
    """And the next one keeps what is there (bench/kills.py does that at many moments)."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    sent = []

    def wait(camera):
        """Send no more: it is the recorder's own timer that brings the latest to the disk."""
        sent.extend(camera.images_sent)
        end = time.monotonic() + DEADLINE_S
        while sent[-1] not in _on_disk(tmp_path, tmp_path / 'copy'):
            assert time.monotonic() < end, 'the latest image does not come to the disk'

    rclpy.init()
    node = rclpy.create_node('camera')
    try:
        kept, _ = kill_once(node, tmp_path, storage, wait)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    left = stamps(tmp_path / 'bag.unfinished')
    assert kept == len(left) > 5
    assert left == sent[-kept:]


def test_what_is_recorded_comes_to_the_disk_twice_a_second(record):
    """By a timer, also when simulated time stands still."""
    studio = record(['/image'], use_sim_time='true')
    commit = studio.recorder._commit
    (timer,) = (item for item in studio.recorder.timers if item.callback == commit)
    assert timer.timer_period_ns == 500_000_000
    assert timer.clock.clock_type is ClockType.STEADY_TIME
    studio.close()


def test_a_recorder_that_a_signal_keeps_from_being_made_leaves_nothing(record, tmp_path):
    """ROS may go away between the bag and the timers; nobody calls destroy_node then."""

    class Late(RecorderNode):
        def create_timer(self, *args, **kwargs):
            raise RuntimeError('the given context is not valid')

    record(['/image']).close()
    (tmp_path / 'bag').rename(tmp_path / 'former')
    with pytest.raises(RuntimeError, match='not valid'):
        Late()
    assert [item.name for item in tmp_path.iterdir()] == ['former']
