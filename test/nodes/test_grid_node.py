# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node of the drivable grid, fed with a street whose geometry is known."""

import math
import sys
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import OccupancyGrid
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from segformer_ros.camera import Intrinsics
from segformer_ros.drivable_grid import observe, Placement, read_costs, View
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes.grid_node import GridNode
from segformer_ros.nodes.messages import ros_message
from segformer_ros.nodes.transforms import level_camera, matrix, TransformError
from segformer_ros.output_topics import contents
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until
from std_msgs.msg import Header

CAMERA = Intrinsics(60.0, 60.0, 47.5, 31.5, 96, 64)
ROAD, CAR, SKY = (CARLA_0914.by_name(name).id for name in ('road', 'car', 'sky'))
HEIGHT_M = 1.4


class StreetDouble:
    """Labels and depth of a flat road with a car 6 m ahead."""

    def __init__(self):
        rays = View(CAMERA, level_camera(HEIGHT_M, 0.0)).rays()
        with np.errstate(divide='ignore'):
            self.depth = np.where(rays[2] < 0, HEIGHT_M / -rays[2], np.nan).astype(np.float32)
        self.labels = np.where(np.isnan(self.depth), SKY, ROAD).astype(np.uint8)
        self.labels[24:46, 40:56], self.depth[24:46, 40:56] = CAR, 6.0
        self.certain = np.full(self.labels.shape, 200, np.uint8)


class Tf2Double:
    """What the node uses of tf2_ros: a buffer that knows what the test puts into it."""

    class TransformException(Exception):
        """As of tf2_py."""

    def __init__(self):
        self.known = {}
        self.asked = []
        self.until_s = math.inf

    def Buffer(self):
        """Make the buffer."""
        return SimpleNamespace(lookup_transform=self._lookup)

    def TransformListener(self, buffer, node):
        """Listen to nothing."""
        return SimpleNamespace(buffer=buffer, node=node)

    def _lookup(self, target, source, stamp):
        self.asked.append((target, source, stamp.nanoseconds))
        if (target, source) not in self.known:
            raise self.TransformException(f'frame {target} does not exist')
        if stamp.nanoseconds > self.until_s * 1e9:
            raise self.TransformException('extrapolation into the future')
        return self.known[target, source]


def transform(x=0.0, y=0.0, z=0.0, q=(0.0, 0.0, 0.0, 1.0)):
    """Make a transform of a place and a quaternion x, y, z, w."""
    result = TransformStamped()
    t, r = result.transform.translation, result.transform.rotation
    t.x, t.y, t.z = x, y, z
    r.x, r.y, r.z, r.w = q
    return result


class Rig:
    """The node, and a probe that feeds and hears it."""

    def __init__(self, **values):
        self.offset_s = 0.0
        values = {'rate_hz': 50.0, 'stride': 1, **values}
        self.node = GridNode(
            steady=lambda: 1000.0 + self.offset_s,
            parameter_overrides=[rclpy.Parameter(name, value=v) for name, v in values.items()],
        )
        self.probe = rclpy.create_node('probe')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.probe)
        self.grids, self.diagnostics = [], []
        self.probe.create_subscription(
            DiagnosticArray, '/diagnostics', lambda m: self.diagnostics.extend(m.status), 10
        )
        self.publishers = {
            kind: self.probe.create_publisher(Image, f'{kind}/image', 5)
            for kind in ('label', 'depth', 'depth/confidence')
        }
        self.infos = self.probe.create_publisher(CameraInfo, 'depth/camera_info', 5)

    def listen(self):
        """Subscribe to the grid, and wait until the node subscribes to the images."""
        self.probe.create_subscription(OccupancyGrid, 'drivable_grid', self.grids.append, 10)
        certain = self.publishers['depth/confidence']
        everyone = {*self.publishers.values(), self.infos}
        if not self.node.parameters.min_depth_confidence:
            everyone.remove(certain)
        self.until(lambda: all(item.get_subscription_count() for item in everyone))
        assert (certain in everyone) == bool(certain.get_subscription_count())

    def feed(self, street, stamp=7, info=True):
        """Publish one image."""
        header = Header(frame_id='camera')
        header.stamp.sec = stamp
        if info:
            self.infos.publish(ros_message(contents.camera_info(header, None, CAMERA)))
        for kind, pixels, encoding in (
            ('label', street.labels, 'mono8'),
            ('depth', street.depth, '32FC1'),
            ('depth/confidence', street.certain, 'mono8'),
        ):
            self.publishers[kind].publish(ros_message(contents.image(header, pixels, encoding)))

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self.executor, condition)

    def errors(self):
        """Return the errors in the diagnostics."""
        return [item.message for item in self.diagnostics if item.level == DiagnosticStatus.ERROR]

    def close(self):
        """Destroy everything."""
        self.node.destroy_node()
        self.probe.destroy_node()
        self.executor.shutdown()


@pytest.fixture
def make(ros):
    """Make rigs that are closed at the end."""
    rigs = []

    def build(**values):
        rigs.append(Rig(**values))
        return rigs[-1]

    yield build
    for rig in rigs:
        rig.close()


@pytest.fixture
def tf2(monkeypatch):
    """Put a double in the place of tf2_ros, which is not on PyPI."""
    double = Tf2Double()
    monkeypatch.setitem(sys.modules, 'tf2_ros', double)
    return double


ALONE = {
    'frame': 'base_link',
    'camera_height_m': HEIGHT_M,
    'label_set': 'carla_0914',
    'size_m': 20.0,
}


def as_array(message):
    """Return the (rows, columns) costs of a message."""
    return np.array(message.data, np.int8).reshape(message.info.height, message.info.width)


def test_the_grid_is_that_of_the_labels_and_the_depth(make):
    """A level camera needs no tf2: the message holds the cells of drivable_grid.observe."""
    rig, street = make(**ALONE), StreetDouble()
    rig.listen()
    rig.feed(street)
    rig.until(lambda: rig.grids)
    view = View(CAMERA, level_camera(HEIGHT_M, 0.0))
    tables = read_costs().tables(CARLA_0914.classes)
    expected = observe(street.labels, street.depth, view, tables, rig.node.parameters.spec)
    message = rig.grids[0]
    np.testing.assert_array_equal(as_array(message), expected)
    assert {0, 100, -1} <= set(np.unique(expected).tolist())
    assert (message.header.frame_id, message.header.stamp.sec) == ('base_link', 7)
    assert message.info.resolution == pytest.approx(0.2)
    assert (message.info.origin.position.x, message.info.origin.position.y) == (-10.0, -10.0)
    row, column = int(10.0 / 0.2), int(16.1 / 0.2)
    assert as_array(message)[row, column] == 100


def test_an_obstacle_of_low_confidence_disappears_from_the_grid(make):
    """Its pixels count as unseen; the road around it, of which depth is sure, stays."""
    rig, street = make(**ALONE, min_depth_confidence=0.5), StreetDouble()
    street.certain[street.labels == CAR] = 120
    rig.listen()
    rig.feed(street)
    rig.until(lambda: rig.grids)
    grid = as_array(rig.grids[0])
    assert 0 in grid
    assert 100 not in grid
    # The message of depth is as it was: nothing is written into it.
    street.certain[street.labels == CAR] = 130
    rig.feed(street, stamp=8)
    rig.until(lambda: len(rig.grids) == 2)
    assert 100 in as_array(rig.grids[1])


def test_without_depth_the_ground_is_flat(make):
    """Labels alone find the road, and the car where it stands."""
    rig, street = make(**ALONE, depth=False), StreetDouble()
    info = rig.probe.create_publisher(CameraInfo, 'label/camera_info', 5)
    rig.probe.create_subscription(OccupancyGrid, 'drivable_grid', rig.grids.append, 10)
    rig.until(info.get_subscription_count)
    info.publish(ros_message(contents.camera_info(Header(), None, CAMERA)))
    rig.until(lambda: rig.node._cameras[0].info is not None)
    rig.feed(street, info=False)
    rig.until(lambda: rig.grids)
    grid = as_array(rig.grids[0])
    assert (grid[50, 64:76] == 0).all()
    assert 100 in grid[50, 76:82]


def test_the_node_subscribes_to_images_only_while_the_grid_has_subscribers(make):
    """So segformer_node stays lazy."""
    rig = make(**ALONE)
    rig.until(lambda: rig.diagnostics)
    assert not any(item.get_subscription_count() for item in rig.publishers.values())
    assert rig.diagnostics[-1].message == 'idle: the grid has no subscriber'
    rig.listen()
    listener = next(item for item in rig.probe.subscriptions if 'grid' in item.topic_name)
    rig.probe.destroy_subscription(listener)
    rig.until(lambda: not any(item.get_subscription_count() for item in rig.publishers.values()))


def test_poses_come_from_tf2_at_the_stamp_of_the_image(make, tf2):
    """The camera lies in the robot and the robot in the world as tf2 says for this stamp."""
    rig, street = make(label_set='carla_0914', size_m=20.0), StreetDouble()
    optical = transform(z=HEIGHT_M, q=(-0.5, 0.5, -0.5, 0.5))
    tf2.known['base_link', 'camera'] = optical
    tf2.known['odom', 'base_link'] = transform(x=30.0, y=-5.0, q=(0, 0, 0.5**0.5, 0.5**0.5))
    rig.listen()
    rig.feed(street, stamp=12)
    rig.until(lambda: rig.grids)
    np.testing.assert_allclose(matrix(optical.transform), level_camera(HEIGHT_M, 0.0), atol=1e-9)
    assert set(tf2.asked) == {
        ('base_link', 'camera', 12 * 10**9),
        ('odom', 'base_link', 12 * 10**9),
    }
    view = View(CAMERA, matrix(optical.transform))
    placement = Placement(30.0, -5.0, np.pi / 2)
    tables = read_costs().tables(CARLA_0914.classes)
    expected = observe(
        street.labels, street.depth, view, tables, rig.node.parameters.spec, placement
    )
    np.testing.assert_array_equal(as_array(rig.grids[0]), expected)
    assert rig.grids[0].header.frame_id == 'odom'


def test_an_image_waits_for_its_transforms_and_is_dropped_without_them(make, tf2):
    """One that comes in time is used; one that does not is counted and reported."""
    rig, street = make(label_set='carla_0914', tf_timeout_s=60.0), StreetDouble()
    tf2.known['base_link', 'camera'] = transform(z=HEIGHT_M, q=(-0.5, 0.5, -0.5, 0.5))
    rig.listen()
    rig.feed(street)
    rig.until(lambda: len(tf2.asked) > 4)
    assert not rig.grids
    tf2.known['odom', 'base_link'] = transform()
    rig.until(lambda: rig.grids)
    del tf2.known['odom', 'base_link']
    rig.feed(street, stamp=8)
    rig.until(rig.node._cameras[0].waiting)
    rig.offset_s = 61.0
    rig.until(lambda: rig.node.dropped)
    rig.until(rig.errors)
    assert rig.errors() == ['1 images lost: no transform: frame odom does not exist']
    tf2.known['odom', 'base_link'] = transform()
    rig.feed(street, stamp=9)
    rig.until(lambda: len(rig.grids) == 2)


def test_transforms_later_than_the_next_image_are_waited_for(make, tf2):
    """Of a stream whose newest image never has transforms yet, earlier ones are used."""
    rig, street = make(label_set='carla_0914', tf_timeout_s=60.0), StreetDouble()
    tf2.known['base_link', 'camera'] = transform(z=HEIGHT_M, q=(-0.5, 0.5, -0.5, 0.5))
    tf2.known['odom', 'base_link'] = transform()
    tf2.until_s = 0
    rig.listen()
    for stamp in range(7, 12):
        rig.feed(street, stamp=stamp)
        rig.until(lambda stamp=stamp: any(item[2] == stamp * 10**9 for item in tf2.asked))
        # The newest image never has transforms.
        tf2.until_s = stamp - 1
    rig.until(lambda: rig.grids)
    tf2.until_s = math.inf
    rig.until(lambda: rig.grids[-1].header.stamp.sec == 11)
    stamps = [grid.header.stamp.sec for grid in rig.grids]
    assert stamps == sorted(set(stamps))
    assert rig.node.dropped == 0


def test_missing_transforms_are_reported_while_images_keep_coming(make, tf2):
    """Every image is newer than the last by less than tf_timeout_s: the frame is named."""
    rig, street = make(label_set='carla_0914', tf_timeout_s=0.5), StreetDouble()
    rig.listen()
    for stamp in range(7, 13):
        rig.feed(street, stamp=stamp)
        rig.until(lambda stamp=stamp: any(item[2] == stamp * 10**9 for item in tf2.asked))
        rig.offset_s += 0.3
    rig.until(lambda: rig.node.dropped >= 2)
    rig.until(rig.errors)
    assert rig.errors()[0].endswith('no transform: frame base_link does not exist')


def test_an_image_that_cannot_be_used_costs_itself_alone(make):
    """An unknown camera drops the image with the reason, and the next one is used."""
    rig, street = make(**ALONE), StreetDouble()
    rig.listen()
    rig.feed(street, info=False)
    rig.until(lambda: rig.node.dropped)
    rig.until(rig.errors)
    assert rig.errors() == ['1 images lost: the camera is unknown: no camera_info']
    rig.feed(street, stamp=8)
    rig.until(lambda: rig.grids)


def test_the_classes_come_from_the_network(make, own):
    """label/classes says which id is which class."""
    rig, street = make(**{**ALONE, 'label_set': ''}), StreetDouble()
    rig.listen()
    rig.feed(street)
    rig.until(lambda: rig.node.dropped)
    assert 'classes of the network are not known' in rig.node._last_error
    latched = rclpy.qos.QoSProfile(depth=1, durability=rclpy.qos.DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = rig.probe.create_publisher(own.LabelClasses, 'label/classes', latched)
    publisher.publish(ros_message(contents.label_classes(Header(), CARLA_0914.classes, '')))
    rig.until(lambda: rig.node._tables is not None)
    rig.feed(street, stamp=8)
    rig.until(lambda: rig.grids)
    assert 100 in as_array(rig.grids[0])


def test_without_tf2_the_node_says_what_to_install(ros, monkeypatch):
    """One sentence names the package and the way without it."""
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    with pytest.raises(ValueError, match=r'tf2_ros is missing .* install the package tf2_ros_py'):
        GridNode()


@pytest.mark.parametrize(
    ('values', 'problem'),
    [
        ({'size_m': 1000.0, 'resolution_m': 0.01}, 'expected 4 to 4000'),
        ({'cameras': ['a', 'b']}, 'camera_height_m places one camera alone'),
        ({'label_set': 'carla'}, 'label set must be one of'),
        ({'costs': '/nowhere.yaml'}, 'cannot read the class costs of /nowhere.yaml'),
        ({'robot_frame': ''}, 'frame and robot_frame must not be empty'),
        ({'min_depth_confidence': 0.5, 'depth': False}, 'min_depth_confidence is about depth'),
    ],
)
def test_wrong_parameters_are_refused(ros, values, problem):
    """The node does not start, and says why."""
    overrides = [rclpy.Parameter(k, value=v) for k, v in {**ALONE, **values}.items()]
    with pytest.raises(ValueError, match=problem):
        GridNode(parameter_overrides=overrides)


def test_a_rotation_of_nothing_is_refused():
    """A quaternion of zeros is no rotation."""
    with pytest.raises(TransformError, match='expected a rotation'):
        matrix(transform(q=(0.0, 0.0, 0.0, 0.0)).transform)
