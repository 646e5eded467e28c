# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node that plays bags and videos."""

from collections import defaultdict
import time
from types import SimpleNamespace

from bag_builder import compressed, drive, header, Message, STORE, write_bag
from damaged_images import encoded
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from segformer_ros.bags.rosbag import BagReader, qos
from segformer_ros.bags.writer import BagWriter
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.nodes import recordings, replay_node
from segformer_ros.nodes.replay_node import ReplayNode
from segformer_ros.output_topics.contents import COMPRESSED_IMAGE
from sensor_msgs.msg import CameraInfo, Image
from spinning import DEADLINE_S, spin_until
from std_msgs.msg import Header
from stderr_lines import own_lines

_LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_FRONT = {'/front/camera_info': CameraInfo, '/front/image': Image}


class _Theatre:
    """A player, and a listener to whom it plays."""

    def __init__(self, kinds, latched=()):
        self.received = defaultdict(list)
        self._listener = rclpy.create_node('listener')
        for topic, kind in kinds.items():
            profile = _LATCHED if topic in latched else 100
            callback = self.received[topic].append
            self._listener.create_subscription(kind, topic, callback, profile)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._listener)
        self.player = ReplayNode()

    def until(self, condition):
        """Spin the listener until the condition holds; an error after the deadline."""
        spin_until(self._executor, condition)

    def hear(self, count):
        """Wait for so many messages of every topic, then let the player end the play."""
        self.until(lambda: all(len(found) >= count for found in self.received.values()))
        self._executor.add_node(self.player)
        self.until(lambda: not rclpy.ok())
        return self.received

    def close(self):
        """End everything."""
        self.player.destroy_node()
        self._listener.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def play(monkeypatch):
    """Play with some parameters."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    theatres = []

    def start(kinds, *arguments, latched=(), **parameters):
        values = {'wait_for_subscribers_s': DEADLINE_S, **parameters}
        words = ['--ros-args', *arguments]
        for name, value in values.items():
            words += ['-p', f'{name}:={value}']
        rclpy.init(args=words)
        theatres.append(_Theatre(kinds, latched))
        return theatres[-1]

    yield start
    for theatre in theatres:
        theatre.close()
    rclpy.try_shutdown()


@pytest.fixture
def video(tmp_path):
    """Make a video of five frames, each of one colour, with a gap before the last."""
    path = tmp_path / 'drive.mp4'
    with VideoWriter(path, 50.0) as writer:
        for index, time_s in enumerate([0.0, 0.02, 0.04, 0.06, 0.16]):
            writer.add(np.full((48, 64, 3), (40 * index, 100, 200), np.uint8), time_s)
    return path


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_a_bag_is_played_as_it_was_recorded(play, tmp_path, storage):
    """The same stamps and the same bytes, in order."""
    messages = drive(5, period_ns=10_000_000)
    path = write_bag(tmp_path / 'bag', messages, storage)
    found = play(_FRONT, input=path).hear(5)
    for topic in _FRONT:
        expected = [item.message for item in messages if item.topic == topic]
        for message, other in zip(found[topic], expected, strict=True):
            assert message.header.stamp.sec == other.header.stamp.sec
            assert message.header.stamp.nanosec == other.header.stamp.nanosec
            assert message.header.frame_id == other.header.frame_id
    for message, other in zip(found['/front/image'], messages[1::2], strict=True):
        assert bytes(message.data) == other.message.data.tobytes()


def test_what_an_unfinished_bag_has_is_played(play, tmp_path, capfd):
    """What is lost is logged once, as by commands; not as a warning of Python."""
    whole = write_bag(tmp_path / 'bag', drive(5, period_ns=1_000_000), 'mcap') / 'bag.mcap'
    cut = tmp_path / 'cut.mcap'
    cut.write_bytes(whole.read_bytes()[:-30])
    play(_FRONT, input=cut).hear(5)
    error = capfd.readouterr().err
    assert error.count(f'{cut} is unfinished or cut off: its whole chunks, 10 messages') == 1
    assert 'BagWarning' not in error


def test_a_bag_is_played_at_its_own_pace(play, tmp_path):
    """Not faster; the rate stretches the time."""
    path = write_bag(tmp_path / 'bag', drive(6, period_ns=100_000_000))
    start = time.monotonic()
    theatre = play(_FRONT, input=path, rate=4.0)
    theatre.hear(6)
    assert time.monotonic() - start >= 0.5 / 4.0
    assert theatre.player.published == 12


def test_what_was_latched_is_latched(play, tmp_path):
    """A listener who comes late still gets it."""
    item = Message('/latched', 'std_msgs/msg/Header', 1, header(5, 'latched'))
    messages = [item, *drive(2, period_ns=1_000_000)]
    path = write_bag(tmp_path / 'bag', messages, offered={'/latched': qos(latched=True)})
    kinds = {'/latched': Header, '/front/image': Image}
    found = play(kinds, input=path, latched=['/latched'], rate=100.0)
    found.until(lambda: found.received['/latched'])
    assert found.received['/latched'][0].frame_id == 'latched'


def test_topics_may_be_chosen_and_renamed(play, tmp_path):
    """By the parameter and by the remapping of ROS."""
    path = write_bag(tmp_path / 'bag', drive(2, period_ns=1_000_000))
    remap = ('-r', '/front/image:=/rear/image')
    theatre = play({'/rear/image': Image}, *remap, input=path, topics='[/front/image]')
    theatre.hear(2)
    assert theatre.player.published == 2


def test_a_loop_starts_again(play, tmp_path):
    """With the first message."""
    # Slow enough for a busy listener: its queue keeps the newest messages alone.
    path = write_bag(tmp_path / 'bag', drive(2, period_ns=40_000_000))
    theatre = play(_FRONT, input=path, loop='true')
    theatre.until(lambda: len(theatre.received['/front/image']) >= 5)
    stamps = [item.header.stamp.nanosec for item in theatre.received['/front/image'][:5]]
    assert stamps == [0, 40_000_000, 0, 40_000_000, 0]


def test_the_clock_tells_the_recorded_time(play, tmp_path):
    """It never falls and reaches the last message."""
    messages = drive(3, period_ns=50_000_000)
    path = write_bag(tmp_path / 'bag', messages)
    theatre = play({**_FRONT, '/clock': Clock}, input=path, clock='true')
    found = theatre.received['/clock']

    def times_ns():
        return [item.clock.sec * 1_000_000_000 + item.clock.nanosec for item in found]

    theatre.until(lambda: times_ns() and times_ns()[-1] >= messages[-2].time_ns)
    times = times_ns()
    assert times == sorted(times)
    assert times[0] == messages[0].time_ns


def test_a_type_that_is_not_installed_is_left_out(play, tmp_path, monkeypatch):
    """The rest is played."""
    monkeypatch.setattr(
        recordings, 'message_class', lambda name: Image if name.endswith('/Image') else None
    )
    path = write_bag(tmp_path / 'bag', drive(2, period_ns=1_000_000))
    theatre = play({'/front/image': Image}, input=path)
    theatre.hear(2)
    assert theatre.player.published == 2


@pytest.mark.parametrize(('encoding', 'order'), [('bgr8', -1), ('rgb8', 1)])
def test_a_video_is_a_camera(play, video, encoding, order):
    """Frames in order, each stamped with its time of publication."""
    before_ns = time.time_ns()
    theatre = play({'/image': Image}, input=video, encoding=encoding, frame_id='front')
    found = theatre.hear(5)['/image']
    with VideoReader(video) as reader:
        for message, frame in zip(found, reader, strict=True):
            assert (message.height, message.width, message.step) == (48, 64, 192)
            assert (message.encoding, message.header.frame_id) == (encoding, 'front')
            assert bytes(message.data) == frame.image[..., ::order].tobytes()
    stamps = [item.header.stamp.sec * 10**9 + item.header.stamp.nanosec for item in found]
    assert stamps == sorted(stamps)
    assert stamps[0] >= before_ns
    assert stamps[-1] - stamps[0] >= 140_000_000


def test_a_known_field_of_view_gives_a_camera_info(play, video):
    """Before each image, with the same header."""
    theatre = play({'/camera_info': CameraInfo, '/image': Image}, input=video, camera_fov_deg=90.0)
    found = theatre.hear(5)
    for info, message in zip(found['/camera_info'], found['/image'], strict=True):
        assert info.header == message.header
        assert (info.height, info.width) == (48, 64)
        assert info.k[0] == pytest.approx(32.0)


def test_a_video_in_a_loop_keeps_its_pace(play, video):
    """The first frame follows the last after one period."""
    theatre = play({'/image': Image}, input=video, loop='true', rate=2.0)
    theatre.until(lambda: len(theatre.received['/image']) >= 12)
    first, sixth = theatre.received['/image'][0], theatre.received['/image'][5]
    assert bytes(first.data) == bytes(sixth.data)


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        ([], 'expected a bag or a video in input, got nothing'),
        (['-p', 'input:=/nowhere.mp4'], '/nowhere.mp4: No such file or directory'),
        (['-p', 'input:=/nowhere.mcap'], 'expected a bag in /nowhere.mcap, found nothing'),
        (['-p', 'input:=x', '-p', 'encoding:=bgra8'], 'encoding must be one of bgr8, rgb8'),
        (['-p', 'input:=x', '-p', 'rate:=0.0'], 'rate'),
    ],
)
def test_wrong_parameters_are_one_line(parameters, sentence, monkeypatch, capfd):
    """And exit status 1."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    assert replay_node.main(['--ros-args', *parameters]) == 1
    (line,) = own_lines(capfd.readouterr().err)
    assert sentence in line


def test_a_topic_that_is_not_in_the_bag_is_refused(tmp_path, monkeypatch, capfd):
    """The sentence names those that are."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    path = write_bag(tmp_path / 'bag', drive(1))
    arguments = ['--ros-args', '-p', f'input:={path}', '-p', 'topics:=[/x]']
    assert replay_node.main(arguments) == 1
    assert 'found /front/camera_info, /front/image' in capfd.readouterr().err


def test_a_bag_with_nothing_to_play_is_refused(tmp_path, monkeypatch, capfd):
    """A replay that has published nothing must not end well."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    path = tmp_path / 'bag'
    with BagWriter(path, 'mcap', STORE) as writer:
        writer.add_topic('/image', 'sensor_msgs/msg/Image')
    arguments = ['--ros-args', '-p', f'input:={path}']
    assert replay_node.main(arguments) == 1
    assert 'expected messages to play' in capfd.readouterr().err
    assert replay_node.main([*arguments, '-p', 'topics:=[/image]']) == 1
    assert 'found /image (no messages)' in capfd.readouterr().err


def test_main_ends_by_itself(tmp_path, monkeypatch):
    """After the last message, with status 0."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    path = write_bag(tmp_path / 'bag', drive(3, period_ns=1_000_000))
    assert replay_node.main(['--ros-args', '-p', f'input:={path}']) == 0


def test_recorded_bytes_are_those_of_ros(tmp_path):
    """What rosbags writes, rclpy reads."""
    path = write_bag(tmp_path / 'bag', drive(1))
    with BagReader(path) as reader:
        for connection, _, raw in reader.messages(['/front/image']):
            message = deserialize_message(bytes(raw), Image)
            other = STORE.deserialize_cdr(raw, connection.msgtype)
            assert bytes(message.data) == other.data.tobytes()


def test_images_that_are_not_in_the_bag_are_refused(tmp_path, monkeypatch, capfd):
    """With those that are, rather than played to nobody."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    bag = write_bag(tmp_path / 'bag', drive(2))
    words = ['--ros-args', '-p', f'input:={bag}', '-p', 'image:=image']
    assert replay_node.main(words) == 1
    error = capfd.readouterr().err
    assert f'expected the images /image in {bag}, found /front/image: set image to' in error


def test_playing_waits_for_the_recorder(play, tmp_path):
    """Results that nobody records yet are not computed yet; it waits, and ends with 1 at last."""
    bag = write_bag(tmp_path / 'bag', drive(2))
    parameters = {'input': bag, 'image': '/front/image', 'recorded': '[label/image]'}
    theatre = play({'/front/image': Image}, wait_for_subscribers_s=1.0, **parameters)
    theatre.hear(0)
    assert theatre.player.exit_code == 1
    assert theatre.player.published == 0


def test_a_recorder_that_listens_lets_it_begin(play, tmp_path):
    """Of the results that are published all must have one."""
    bag = write_bag(tmp_path / 'bag', drive(2))
    parameters = {'input': bag, 'image': '/front/image', 'recorded': '[label/image, depth/image]'}
    theatre = play({'/front/image': Image}, wait_for_subscribers_s=DEADLINE_S, **parameters)
    recorder = rclpy.create_node('recorder_node')
    recorder.create_publisher(Image, '/label/image', 1)
    assert theatre.player._lacking() == ['/label/image']
    recorder.create_subscription(Image, '/label/image', lambda message: None, 1)
    theatre.hear(2)
    recorder.destroy_node()
    assert theatre.player.exit_code == 0
    assert theatre.player.published == 4


def test_a_subscriber_of_raw_or_compressed_images_suffices(play, tmp_path):
    """Of a bag that has both; a viewer that listens too is not the network that is waited for."""
    picture = compressed(encoded(np.zeros((8, 8, 3), np.uint8)), 'jpeg', 1)
    both = Message('/front/image/compressed', COMPRESSED_IMAGE, 1_700_000_005_000_000_000, picture)
    bag = write_bag(tmp_path / 'bag', [both, *drive(2)])
    parameters = {'input': bag, 'image': '/front/image', 'subscriber': 'segformer_node'}
    theatre = play({'/front/image': Image}, wait_for_subscribers_s=DEADLINE_S, **parameters)
    assert theatre.player._lacking() == ['/front/image', '/front/image/compressed']
    network = rclpy.create_node('segformer_node')
    network.create_subscription(Image, '/front/image', lambda message: None, 1)
    theatre.hear(2)
    network.destroy_node()
    assert theatre.player.exit_code == 0
    assert theatre.player.published == 5


def test_subscribers_that_vanish_are_waited_for_again():
    """Those that vanish again are waited for again; after that time nothing is expected."""
    now, looks = [0.0], [['/image'], [], ['/image'], *[[]] * 1000]

    def wait(seconds):
        now[0] += seconds
        return False

    player = SimpleNamespace(
        parameters=SimpleNamespace(wait_for_subscribers_s=60.0),
        _steady=lambda: now[0],
        _stopping=SimpleNamespace(wait=wait),
        _is_strict=lambda: True,
        _lacking=lambda: looks.pop(0),
    )
    assert ReplayNode._wait_for_subscribers(player) == []
    assert now[0] == pytest.approx(0.54)
    looks[:] = [['/image']] * 10000
    assert ReplayNode._wait_for_subscribers(player) == ['/image']
    assert now[0] == pytest.approx(60.54, abs=0.1)


def test_a_shutdown_while_it_waits_for_subscribers_is_no_error():
    """Its thread asks a node that is gone; while ROS is up, that would be a fault."""

    def wait():
        raise RuntimeError("Failed to get information by topic: rcl node's context is invalid")

    def player(*, is_up):
        context, recording = (
            SimpleNamespace(ok=lambda: is_up),
            SimpleNamespace(skipped=(), notes=()),
        )
        return SimpleNamespace(_recording=recording, _wait_for_subscribers=wait, context=context)

    ReplayNode._run(player(is_up=False))
    with pytest.raises(RuntimeError, match='is invalid'):
        ReplayNode._run(player(is_up=True))
