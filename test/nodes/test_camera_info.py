# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node takes from camera_info, and from whom it hears one."""

from diagnostic_msgs.msg import DiagnosticStatus
from node_rig import camera_info, HEIGHT, image_message, WIDTH
import numpy as np
import pytest
from rclpy.qos import (
    DurabilityPolicy,
    qos_profile_sensor_data,
    QoSProfile,
    ReliabilityPolicy,
)
from segformer_ros.demo.environment import free_domain
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_DISTORTION = [-0.3, 0.1, 0.0, 0.0, 0.0]


def _rectified(fx=20.0, fy=25.0, cx=3.0, cy=2.0, d=()):
    """Make a camera_info whose P is far from its K."""
    info = camera_info(focal_px=30.0)
    info.p = [fx, 0.0, cx, -7.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    info.d = list(d)
    return info


def _points(cloud):
    size = (cloud.height, cloud.width, cloud.point_step)
    raw = np.frombuffer(cloud.data, np.uint8).reshape(size)
    return np.ascontiguousarray(raw[..., :12]).view('<f4')


def test_points_are_those_of_depth_image_proc(make_rig):
    """Points are x = (u - cx) z / fx with the numbers of P, and depth is scaled with P too."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/points', PointCloud2)
    message = image_message()
    cloud = rig.exchange(message, '/depth/points', info=_rectified(d=_DISTORTION))
    z = np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH, 3)[..., 1] / np.float32(10)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    expected = np.stack([(u - 3.0) * z / 20.0, (v - 2.0) * z / 25.0, z], axis=-1)
    np.testing.assert_allclose(_points(cloud), expected, rtol=1e-5)
    assert rig.pipeline.calls[-1].focal == [20.0]
    assert rig.status().values['camera_info'] == 'P of camera_info: fx 20, fy 25'


def test_a_region_of_the_image_has_its_own_principal_point(make_rig):
    """The camera_info beside the outputs stays that of the driver, which says the same."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/points', PointCloud2)
    rig.listen('/depth/camera_info', CameraInfo)
    info = camera_info(4 * HEIGHT, 4 * WIDTH, 40.0)
    info.binning_x = info.binning_y = 2
    info.roi.x_offset, info.roi.y_offset = 8, 4
    info.roi.width, info.roi.height = 2 * WIDTH, 2 * HEIGHT
    cloud = rig.exchange(image_message(), '/depth/points', info=info)
    points = _points(cloud)
    u = points[..., 0] / points[..., 2] * 20.0 + (2 * WIDTH - 8) / 2
    np.testing.assert_allclose(u, np.mgrid[:HEIGHT, :WIDTH][1], atol=1e-4)
    assert rig.get('/depth/camera_info').roi == info.roi
    rig.until(lambda: rig.counts().published == 1)
    assert rig.status().level == DiagnosticStatus.OK


@pytest.mark.parametrize(
    ('info', 'reason'),
    [
        (_rectified(fy=0.0), 'not calibrated (P: fy = 0)'),
        (_rectified(cx=float('nan')), 'not calibrated (P: cx = nan in'),
        (_rectified(cy=HEIGHT + 1.0), 'not calibrated (P: cy = 7 in an image of 8x6)'),
        (_rectified(fx=float('inf')), 'not calibrated (P: fx = inf)'),
    ],
)
def test_a_camera_that_cannot_be_has_no_points(make_rig, info, reason):
    """Labels and depth go on."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/image')
    rig.listen('/depth/points', PointCloud2)
    rig.exchange(image_message(), '/depth/image', info=info)
    rig.until(lambda: rig.counts().published == 1)
    assert rig.pipeline.calls[-1].focal == [None]
    assert not rig.received['/depth/points']
    status = rig.status()
    assert status.level == DiagnosticStatus.WARN
    assert reason in status.message


def test_an_image_that_is_not_rectified_is_reported_once(make_rig, capfd):
    """A lens model whose P equals K; the node goes on, and the diagnostics keep saying it."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/image')
    info = camera_info(focal_px=30.0)
    info.p = [30.0, 0.0, WIDTH / 2, 0.0, 0.0, 30.0, HEIGHT / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    info.d = _DISTORTION
    for count in (1, 2):
        rig.send(image_message(), info)
        rig.get('/depth/image', count)
    rig.until(lambda: rig.counts().published == 2)
    assert capfd.readouterr().err.count('/camera_info has a lens model (D), but its P equals') == 1
    assert rig.pipeline.calls[-1].focal == [30.0]
    status = rig.status()
    assert status.level == DiagnosticStatus.OK
    assert 'its P equals K' in status.values['camera_info']


def _latch(node, topic='/camera_info'):
    publisher = node.create_publisher(CameraInfo, topic, _LATCHED)
    publisher.publish(camera_info(focal_px=44.0))
    return publisher


def _focal_from_now_on(rig):
    rig.exchange(image_message(), '/depth/image')
    rig.until(lambda: rig.pipeline.calls)
    return rig.pipeline.calls[-1].focal[0]


def _camera_alone(rig):
    """Be a camera that has no camera_info of its own."""
    images = rig.probe.create_publisher(Image, '/image', qos_profile_sensor_data)
    rig.until(images.get_subscription_count)
    rig.cameras[''] = (images, None)
    rig.listen('/depth/image')


def test_a_camera_info_published_once_before_the_node(make_rig, ros):
    """It was latched, and whoever published it says nothing more."""
    early = ros.create_node('early')
    publisher = _latch(early)
    rig = make_rig()
    _camera_alone(rig)
    rig.until(lambda: rig.node._streams[0]._camera_info is not None)
    assert _focal_from_now_on(rig) == 44.0
    assert publisher.get_subscription_count() == 1
    early.destroy_node()


def test_a_latched_camera_info_that_appears_later(make_rig, capfd):
    """Published before the node can have heard of its publisher; a volatile one is heard too."""
    rig = make_rig()
    _camera_alone(rig)
    publisher = _latch(rig.probe)
    rig.until(lambda: rig.node._streams[0]._camera_info is not None)
    assert _focal_from_now_on(rig) == 44.0
    rig.probe.destroy_publisher(publisher)
    live = rig.probe.create_publisher(CameraInfo, '/camera_info', qos_profile_sensor_data)
    rig.until(lambda: live.get_subscription_count() and not rig.node._streams[0]._infos._latched)
    rig.until(lambda: live.get_subscription_count() == 1)

    def heard():
        live.publish(camera_info(focal_px=55.0))
        return rig.node._streams[0]._camera_info.k[0] == 55.0

    rig.until(heard)
    assert _focal_from_now_on(rig) == 55.0


def test_volatile_publishers_get_no_warning_of_our_quality_of_service(make_rig, capfd):
    """A subscription that asks for latched messages would make both sides log one."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/image')
    rig.exchange(image_message(), '/depth/image', info=camera_info())
    assert 'incompatible QoS' not in capfd.readouterr().err


def test_camera_infos_of_other_names(make_rig):
    """One for each camera; an empty name is the one beside the image."""
    rig = make_rig(cameras=['front', 'left'], camera_info_topics=['', '/calibration/left'])
    topics = {'front': '/front/camera_info', 'left': '/calibration/left'}
    for focal, (name, topic) in zip((10.0, 12.0), topics.items(), strict=True):
        images = rig.probe.create_publisher(Image, f'/{name}/image', qos_profile_sensor_data)
        infos = rig.probe.create_publisher(CameraInfo, topic, qos_profile_sensor_data)
        rig.until(lambda: images.get_subscription_count() and infos.get_subscription_count())  # noqa: B023
        rig.cameras[name] = (images, infos)
        rig.listen(f'/{name}/depth/image')
        info = camera_info(focal_px=focal)
        rig.exchange(image_message(), f'/{name}/depth/image', info=info, camera=name)
        assert rig.pipeline.calls[-1].focal == [focal]


def test_there_are_as_many_camera_infos_as_cameras(ros):
    """One name for two cameras is a mistake."""
    from segformer_ros.nodes.parameters import Parameters

    with pytest.raises(ValueError, match=r'as many as cameras \(2\)'):
        Parameters(cameras=('a', 'b'), camera_info_topics=('/info',))


@pytest.fixture
def elsewhere(monkeypatch, ros):
    """Yield a node of another process: in one process a topic has one type."""
    ros.try_shutdown()
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain()))
    ros.init()
    context = ros.Context()
    context.init()
    node = ros.create_node('elsewhere', context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize(
    ('transport', 'topic', 'kind', 'expected'),
    [
        (
            'raw',
            '/image',
            CompressedImage,
            'it is published as sensor_msgs/msg/CompressedImage, expected sensor_msgs/msg/Image: '
            'set transport to compressed and remap image/compressed to /image',
        ),
        (
            'compressed',
            '/image/compressed',
            Image,
            'it is published as sensor_msgs/msg/Image, expected sensor_msgs/msg/CompressedImage: '
            'set transport to raw and remap image to /image/compressed',
        ),
    ],
)
def test_images_of_another_type_are_named(
    elsewhere, make_rig, capfd, transport, topic, kind, expected
):
    """Once in the log and as long as it lasts in the diagnostics; DDS says nothing."""
    rig = make_rig(transport=transport)
    elsewhere.create_publisher(kind, topic, qos_profile_sensor_data)
    statistics = rig.node._streams[0].statistics
    rig.until(lambda: statistics.summary().image_fault == expected)
    for _ in range(2):
        rig.clock.offset_s += 5.0
        status = rig.status()
        assert status.level == DiagnosticStatus.WARN
        assert status.message.startswith(f'no image on {topic} for ')
        assert status.message.endswith(f' s: {expected}')
    assert capfd.readouterr().err.count(f'nothing arrives on {topic}: {expected}') == 1


def test_two_cameras_on_one_topic_are_named(make_rig, capfd, ros):
    """Nobody can tell which camera_info belongs to which image."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/image')
    rig.exchange(image_message(), '/depth/image', info=camera_info())
    rig.until(lambda: rig.counts().published == 1)
    assert rig.status().level == DiagnosticStatus.OK
    second = ros.create_node('second', namespace='/left')
    other = second.create_publisher(CameraInfo, '/camera_info', 10)
    names = '/left/second, /probe'
    expected = f'/camera_info has 2 publishers ({names}), whose messages are mixed: remap them'
    rig.until(lambda: rig.node._streams[0].statistics.summary().mixed == expected)
    status = rig.status()
    assert (status.level, status.message) == (DiagnosticStatus.WARN, expected)
    assert capfd.readouterr().err.count(expected) == 1
    second.destroy_publisher(other)
    rig.until(lambda: rig.status().level == DiagnosticStatus.OK)
    second.destroy_node()


def test_a_topic_without_publishers_is_named_with_those_that_have_some(make_rig):
    """Images and camera_info are elsewhere; our own outputs are not proposed."""
    rig = make_rig()
    stream = rig.node._streams[0]
    rig.until(lambda: stream.statistics.summary().image_fault == 'it has no publisher')
    rig.probe.create_publisher(Image, '/camera/image_raw', qos_profile_sensor_data)
    expected = 'it has no publisher; sensor_msgs/msg/Image is on /camera/image_raw'
    rig.until(lambda: stream.statistics.summary().image_fault == expected)
    _camera_alone(rig)
    rig.exchange(image_message(), '/depth/image')
    rig.until(lambda: rig.counts().published == 1)
    message = rig.status().message
    assert message.startswith('no camera_info on /camera_info (it has no publisher): depth is')


def test_a_publisher_with_incompatible_qos_is_reported(make_rig):
    """Silence of somebody who publishes is another fault than nobody there."""
    rig = make_rig()
    reliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    rig.probe.create_publisher(Image, '/image', reliable)
    rig.until(lambda: not rig.node._streams[0].statistics.summary().image_fault)
    rig.clock.offset_s += 5.0
    rig.until(
        lambda: (
            'has a publisher, but nothing arrives from it; this node uses rmw_'
            in rig.status().message
        )
    )


def test_a_lens_model_is_no_matter_where_the_image_is_rectified(make_rig, capfd):
    """This is what image_proc publishes beside image_rect."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/image')
    rig.exchange(image_message(), '/depth/image', info=_rectified(d=_DISTORTION))
    assert 'lens model' not in capfd.readouterr().err
