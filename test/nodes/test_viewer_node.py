# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The viewer node, fed with results that are known."""

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rerun_rows import rows
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes import own_messages
from segformer_ros.nodes.viewer_node import main, ViewerNode
from segformer_ros.output_topics import contents
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until
from std_msgs.msg import Header

pytest.importorskip('rerun', reason='rerun-sdk is not installed (it needs Python 3.11)')

CAMERA = Intrinsics(20.0, 20.0, 6.0, 4.0, 12, 8)


class Bench:
    """A viewer that records into a file, and a camera beside it."""

    def __init__(self, *parameters, cameras=('',)):
        rclpy.init(args=['--ros-args', *(word for item in parameters for word in ('-p', item))])
        self.node, self.source = ViewerNode(), Node('source')
        self.topics = {
            'image': 'image',
            'labels': 'label/image',
            'depth': 'depth/image',
            'info': 'camera_info',
        }
        self.publishers = {
            (camera, name): self.source.create_publisher(
                CameraInfo if name == 'info' else Image, f'{camera}/{topic}'.lstrip('/'), 10
            )
            for name, topic in self.topics.items()
            for camera in cameras
        }
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.source):
            self.executor.add_node(node)
        self.wait(lambda: all(item.get_subscription_count() for item in self.publishers.values()))

    def wait(self, condition):
        """Spin until it holds."""
        spin_until(self.executor, condition)

    def publish(self, stamp_s, *, depth=None, camera=''):
        """Publish a frame of 8x12 pixels."""
        header = Header()
        header.stamp.sec = stamp_s
        info = CameraInfo(header=header, height=8, width=12)
        info.k = [20.0, 0.0, 6.0, 0.0, 20.0, 4.0, 0.0, 0.0, 1.0]
        self.publishers[camera, 'info'].publish(info)
        pixels = {
            'image': ('rgb8', np.full((8, 12, 3), 90, np.uint8)),
            'labels': ('mono8', np.ones((8, 12), np.uint8)),
            'depth': ('32FC1', np.full((8, 12), 5.0, np.float32) if depth is None else depth),
        }
        for name, (encoding, array) in pixels.items():
            message = Image(header=header, height=array.shape[0], width=array.shape[1])
            message.encoding, message.step = encoding, array.strides[0]
            message.data.frombytes(array.tobytes())
            self.publishers[camera, name].publish(message)

    def close(self):
        """Destroy both nodes."""
        for node in (self.node, self.source):
            node.destroy_node()
        self.executor.shutdown()
        rclpy.try_shutdown()


@pytest.fixture
def bench(monkeypatch):
    """Make benches that no other process hears, and that are closed."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    made = []

    def make(*parameters, **options):
        made.append(Bench(*parameters, **options))
        return made[-1]

    yield make
    for item in made:
        item.close()


def test_a_frame_is_shown_with_its_results_and_points(tmp_path, bench):
    """What is broken is refused, counted, and followed by the next frame."""
    path = tmp_path / 'live.rrd'
    it = bench(f'save:={path}')
    it.publish(1)
    it.wait(lambda: it.node.shown)
    # The topics are in use: from here on a frame is complete with all three.
    it.wait(lambda: len(it.node._cameras[0]._gather._received_s) == 3)
    before = it.node.shown
    it.publish(2, depth=np.full((4, 4), 5.0, np.float32))
    it.wait(lambda: it.node.refused)
    it.publish(3)
    it.wait(lambda: it.node.shown > before)
    # No one asked for it, so that the network does not compute it.
    assert not it.source.count_subscribers('depth/confidence/image')
    it.close()
    assert {'/camera/image', '/camera/label', '/camera/depth', '/points'} <= rows(path).keys()


def test_depth_confidence_is_subscribed_to_where_it_is_asked_for(tmp_path, bench):
    """It is shown with the images of its stamp."""
    path = tmp_path / 'live.rrd'
    it = bench(f'save:={path}', 'depth_confidence:=true')
    it.wait(lambda: it.source.count_subscribers('depth/confidence/image'))
    message = Image(height=8, width=12, encoding='mono8', step=12, data=bytes(96))
    message.header.stamp.sec = 1
    it.node._cameras[0].add('depth_confidence', message)
    it.publish(1)
    it.wait(lambda: it.node.shown)
    it.close()
    assert '/camera/depth_confidence' in rows(path)


def test_every_camera_has_its_part_of_the_recording(tmp_path, bench):
    """One that is broken costs the others nothing, and statistics find their camera."""
    path = tmp_path / 'live.rrd'
    cameras = ('front', 'rear')
    it = bench(f'save:={path}', 'cameras:=[front, rear]', cameras=cameras)
    for camera in cameras:
        it.publish(1, camera=camera)
    received = [camera._gather._received_s for camera in it.node._cameras]
    it.wait(lambda: all(len(item) == 3 for item in received))
    it.wait(lambda: it.node.shown)
    kind = own_messages.frame_stats_type()
    if kind is not None:
        it.node._on_stats(kind(camera='rear', latency_ms=5.0))
        assert [len(item) for item in received] == [3, 4]
        # From here on no frame waits for statistics.
        del received[1]['stats']
    before = it.node.shown
    it.publish(2, camera='front', depth=np.full((4, 4), 5.0, np.float32))
    it.publish(2, camera='rear')
    it.wait(lambda: it.node.refused and it.node.shown > before)
    before = it.node.shown
    it.publish(3, camera='front')
    it.wait(lambda: it.node.shown > before)
    it.close()
    names = ('camera/image', 'camera/label', 'camera/depth', 'points')
    found = rows(path)
    assert {f'/{camera}/{name}' for camera in cameras for name in names} <= found.keys()
    assert '/camera/image' not in found


def test_every_camera_of_the_vehicle_has_its_ground_truth(tmp_path, bench):
    """In its own view; one that is not of the vehicle has none."""
    cameras = ('/carla/ego_vehicle/rgb_left', 'rear')
    it = bench(f'save:={tmp_path / "a.rrd"}', f'cameras:=[{", ".join(cameras)}]', cameras=cameras)
    count = it.source.count_subscribers
    for sensor in ('semantic_segmentation_left', 'depth_left'):
        it.wait(lambda sensor=sensor: count(f'/carla/ego_vehicle/{sensor}/image') == 1)
    assert not count('/carla/ego_vehicle/depth_front/image')


def test_classes_come_from_the_network(tmp_path, bench):
    """Names and colours are those of label/classes."""
    kind = own_messages.label_classes_type()
    if kind is None:
        pytest.skip('the messages of this package are not built')
    path = tmp_path / 'live.rrd'
    it = bench(f'save:={path}')
    told = []
    it.node._scene.set_classes = told.append
    content = contents.label_classes(Header(), CARLA_0914.classes[:3], '')
    rows_of = own_messages._own.LabelClass
    message = kind(class_map=[rows_of(**item.fields) for item in content.fields['class_map']])
    it.node._on_classes(message)
    it.wait(lambda: told)
    assert told == [CARLA_0914.classes[:3]]


@pytest.mark.parametrize(
    ('parameter', 'text'),
    [
        ('address:=192.0.2.1', 'expected an IP address of this computer'),
        ('transport:=zstd', 'transport must be one of raw, compressed'),
        ('save:=live.mcap', 'expected a name that ends in .rrd'),
        ('tag_table:=t9', 'tag_table must be one of'),
        ('cameras:=[a, a]', 'cameras must be different names'),
    ],
)
def test_a_wrong_parameter_is_one_line(parameter, text, monkeypatch, capfd):
    """And exit code 1."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    assert main(['--ros-args', '-p', parameter]) == 1
    assert text in capfd.readouterr().err


def test_a_server_that_dies_ends_the_node(bench):
    """There is nothing that it could do."""
    it = bench('port:=0')
    it.node._server._process.kill()
    it.wait(lambda: it.node.exit_code == 1)
