# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One camera image through the node: what comes out, for whom, and with which header."""

import sys

import cv2
from node_rig import camera_info, HEIGHT, image_message, IMAGES, pixels_of, WIDTH
import numpy as np
import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from segformer_ros.labels import CARLA_0914, LabelSet, with_palette
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField

_RGB = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
_DEPTH = _RGB[..., 1].astype(np.float32) / 10


@pytest.fixture
def rig(make_rig):
    """Return an active node with a camera."""
    made = make_rig()
    made.connect()
    return made


def _set(rig, **values):
    """Change parameters as ros2 param set would."""
    changes = [rclpy.Parameter(name, value=value) for name, value in values.items()]
    assert rig.node.set_parameters_atomically(changes).successful


def test_outputs_are_what_the_network_says_at_the_size_of_the_image(rig):
    """Labels, confidence and depth bit for bit; colours from the table of classes."""
    for topic in IMAGES:
        rig.listen(f'/{topic}')
    rig.send(image_message(_RGB))
    label, color, confidence, depth, overlay = (rig.get(f'/{topic}') for topic in IMAGES)

    assert [label.encoding, color.encoding, confidence.encoding] == ['mono8', 'rgb8', 'mono8']
    assert [depth.encoding, overlay.encoding] == ['32FC1', 'rgb8']
    np.testing.assert_array_equal(pixels_of(label), _RGB[..., 0])
    np.testing.assert_array_equal(pixels_of(confidence), _RGB[..., 2])
    np.testing.assert_array_equal(pixels_of(depth), _DEPTH)
    colors = CARLA_0914.palette()[_RGB[..., 0]]
    np.testing.assert_array_equal(pixels_of(color), colors)
    shown = LabelSet('', with_palette(CARLA_0914.classes)).palette()[_RGB[..., 0]]
    mixed = (shown.astype(int) + _RGB) / 2
    np.testing.assert_allclose(pixels_of(overlay), mixed, atol=1)


def test_header_is_copied_bit_for_bit(rig, own):
    """Stamp and frame of every output, also of its camera_info and its statistics."""
    kinds = dict.fromkeys((f'/{topic}' for topic in IMAGES), None)
    kinds = {**{topic: {} for topic in kinds}, '/depth/points': {'kind': PointCloud2}}
    for name in ('label', 'depth'):
        kinds[f'/{name}/camera_info'] = {'kind': CameraInfo}
    kinds['/segformer_node/frame_stats'] = {'kind': own.FrameStats}
    for topic, options in kinds.items():
        rig.listen(topic, **options)
    message = image_message(_RGB, stamp_ns=1_234_567_890_123_456_789, frame_id='a/ b\u00fc')

    rig.send(message, camera_info())
    for topic in kinds:
        assert rig.get(topic).header == message.header


def test_camera_info_next_to_the_outputs_is_that_of_the_camera(rig):
    """Only the header is another one."""
    for name in ('label', 'depth'):
        rig.listen(f'/{name}/image')
        rig.listen(f'/{name}/camera_info', CameraInfo)
    message, info = image_message(_RGB), camera_info()
    rig.send(message, info)
    info.header = message.header
    assert rig.get('/label/camera_info') == info
    assert rig.get('/depth/camera_info') == info
    assert rig.pipeline.calls[-1].focal == [100.0]


def test_field_of_view_replaces_a_wrong_camera_info(make_rig):
    """Depth is scaled with it, and nobody gets the wrong K from us."""
    rig = make_rig(camera_fov_deg=90.0)
    rig.connect()
    rig.listen('/depth/camera_info', CameraInfo)
    rig.send(image_message(_RGB), camera_info(focal_px=289307.0))
    assert rig.get('/depth/camera_info').k[0] == pytest.approx(WIDTH / 2)
    assert rig.pipeline.calls[-1].focal == [pytest.approx(WIDTH / 2)]


@pytest.mark.parametrize(
    ('camera_fov_deg', 'advice'),
    [(0.0, 'set camera_fov_deg'), (80.0, 'using camera_fov_deg (80)')],
)
def test_the_wrong_camera_info_of_carla_is_reported_once(make_rig, capfd, camera_fov_deg, advice):
    """The tangent of 80 radians in place of degrees looks like a telephoto lens."""
    rig = make_rig(camera_fov_deg=camera_fov_deg)
    rig.connect()
    rig.listen('/depth/image')
    wrong = WIDTH / (2.0 * np.tan(80.0) * np.pi / 360.0)
    for count in (1, 2):
        rig.send(image_message(_RGB), camera_info(focal_px=wrong))
        rig.get('/depth/image', count)
    said = capfd.readouterr().err
    assert said.count('/camera_info is wrong') == 1
    assert f'for a field of view of 80 degrees; {advice}' in said
    known = rig.pipeline.calls[-1].focal[0]
    assert (
        known is None if not camera_fov_deg else known == pytest.approx(WIDTH / 1.6782, rel=1e-4)
    )


def test_points_need_a_camera_info_and_carry_the_labels(rig):
    """Organised like the image."""
    rig.listen('/depth/points', PointCloud2)
    rig.send(image_message(_RGB), camera_info())
    cloud = rig.get('/depth/points')
    assert (cloud.height, cloud.width) == (HEIGHT, WIDTH)
    points = _points(cloud)
    np.testing.assert_array_equal(points['label'], _RGB[..., 0])
    np.testing.assert_array_equal(points['z'], _DEPTH)
    packed = points['rgb'].view(np.uint32)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)
    np.testing.assert_array_equal(colors, CARLA_0914.palette()[_RGB[..., 0]])


def _points(cloud):
    """Return the points by the names, offsets and types that the message gives."""
    kinds = {PointField.UINT8: 'u1', PointField.UINT32: '<u4', PointField.FLOAT32: '<f4'}
    layout = {
        'names': [item.name for item in cloud.fields],
        'formats': [kinds[item.datatype] for item in cloud.fields],
        'offsets': [item.offset for item in cloud.fields],
        'itemsize': cloud.point_step,
    }
    return np.frombuffer(cloud.data, np.dtype(layout)).reshape(cloud.height, cloud.width)


def test_points_follow_their_parameters_at_run_time(rig):
    """Colours of the image, confidence, every second pixel, one class, one point of a voxel."""
    rig.listen('/depth/points', PointCloud2)
    _set(rig, points_color='image', points_confidence=True, points_stride=2)
    rig.send(image_message(_RGB), camera_info())
    points = _points(rig.get('/depth/points'))
    packed = points['rgb'].view(np.uint32)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)
    np.testing.assert_array_equal(colors, _RGB[::2, ::2])
    np.testing.assert_array_equal(points['confidence'], _RGB[::2, ::2, 2])

    labels = _RGB[..., 0]
    name = next(item.name for item in CARLA_0914.classes if (labels == item.id).any())
    wanted = labels == CARLA_0914.by_name(name).id
    _set(
        rig, points_color='class', points_confidence=False, points_stride=1, points_classes=[name]
    )
    rig.send(image_message(_RGB), camera_info())
    cloud = rig.get('/depth/points', 2)
    assert (cloud.height, cloud.width, cloud.is_dense) == (1, wanted.sum(), True)
    np.testing.assert_array_equal(_points(cloud)['z'][0], _DEPTH[wanted])

    _set(rig, points_classes=[''], points_voxel_m=100.0)
    rig.send(image_message(_RGB), camera_info())
    assert 1 <= rig.get('/depth/points', 3).width <= 4


def test_a_class_that_the_network_does_not_have_is_refused(rig):
    """The value from before stays, and no frame is lost."""
    rig.listen('/depth/points', PointCloud2)
    change = rclpy.Parameter('points_classes', value=['roda'])
    answer = rig.node.set_parameters_atomically([change])
    assert not answer.successful
    assert "points_classes: the network has no class 'roda'; did you mean 'road'" in answer.reason
    _set(rig, points_classes=['road'])
    rig.send(image_message(_RGB), camera_info())
    rig.get('/depth/points')


def test_without_subscribers_nothing_is_computed(rig):
    """The network rests, and the image counts as idle, not as lost."""
    rig.send(image_message(_RGB))
    rig.until(lambda: rig.counts().idle == 1)
    assert not rig.pipeline.calls
    assert rig.counts().replaced == 0
    assert 'idle' in rig.status().message


def test_only_what_is_subscribed_is_computed(rig):
    """Depth alone needs no labels, labels alone no depth, neither needs the confidence."""
    rig.listen('/depth/image')
    rig.exchange(image_message(_RGB), '/depth/image')
    asked = rig.pipeline.calls[-1].options
    assert (asked.segmentation, asked.depth, asked.confidence) == (False, True, False)
    rig.listen('/label/confidence/image')
    rig.exchange(image_message(_RGB), '/label/confidence/image')
    asked = rig.pipeline.calls[-1].options
    assert (asked.segmentation, asked.depth, asked.confidence) == (True, True, True)


def test_network_that_is_not_lazy_runs_without_subscribers(make_rig):
    """Labels and depth are computed and published, what is drawn from them is not."""
    rig = make_rig(lazy=False)
    rig.connect()
    rig.send(image_message(_RGB))
    rig.until(lambda: rig.counts().published == 1)
    asked = rig.pipeline.calls[-1].options
    assert (asked.segmentation, asked.depth, asked.confidence) == (True, True, False)


def test_tasks_and_outputs_can_be_switched_while_the_node_runs(rig):
    """A task that is off is neither computed nor published; on again, it is."""
    rig.listen('/label/image')
    rig.listen('/depth/image')
    rig.listen('/overlay/image')
    _set(rig, segmentation=False)
    rig.exchange(image_message(_RGB), '/depth/image')
    _set(rig, segmentation=True, depth=False, overlay=False)
    rig.exchange(image_message(_RGB), '/label/image')
    assert [len(rig.received[f'/{topic}']) for topic in ('label/image', 'depth/image')] == [1, 1]
    assert not rig.received['/overlay/image']
    _set(rig, depth=True, overlay=True, overlay_opacity=0.0)
    rig.exchange(image_message(_RGB), '/overlay/image')
    np.testing.assert_array_equal(pixels_of(rig.received['/overlay/image'][-1]), _RGB)


def test_depth_settings_hold_from_the_next_frame_on(rig):
    """Encoding, range and sky."""
    rig.listen('/depth/image')
    _set(rig, depth_encoding='16UC1', min_depth_m=1.0, max_depth_m=9.0, sky_depth='keep')
    message = rig.exchange(image_message(_RGB), '/depth/image')
    assert message.encoding == '16UC1'
    np.testing.assert_allclose(pixels_of(message), _DEPTH * 1000, atol=1)
    asked = rig.pipeline.calls[-1].options
    assert (asked.min_depth_m, asked.max_depth_m, asked.sky_depth) == (1.0, 9.0, 'keep')
    _set(rig, min_depth_m=0.0, max_depth_m=0.0)
    rig.exchange(image_message(_RGB), '/depth/image')
    asked = rig.pipeline.calls[-1].options
    assert (asked.min_depth_m, asked.max_depth_m) == (None, None)


def test_task_that_the_network_lacks_is_off(make_rig):
    """A network for depth alone publishes depth."""
    rig = make_rig(lazy=False, start=False)
    manifest = rig.pipeline.manifest
    manifest.tasks, manifest.classes = ('depth',), ()
    manifest.results = lambda scaled=False: ('depth',)
    rig.until(lambda: rig.node.state == 'active')
    rig.connect()
    rig.listen('/depth/image')
    rig.exchange(image_message(_RGB), '/depth/image')
    assert not rig.pipeline.calls[-1].options.segmentation


def test_compressed_images_are_taken_where_asked_for(make_rig):
    """The topic is that of image_transport."""
    rig = make_rig(transport='compressed')
    rig.connect()
    rig.listen('/label/image')
    message = CompressedImage(header=image_message().header, format='png')
    message.data.frombytes(cv2.imencode('.png', _RGB[..., ::-1])[1].tobytes())
    label = rig.exchange(message)
    assert label.header == message.header
    np.testing.assert_array_equal(pixels_of(label), _RGB[..., 0])


def test_frame_stats_split_the_latency(rig, own):
    """The parts are those of the pipeline and of the node, and their sum is no more."""
    rig.listen('/label/image')
    rig.listen('/segformer_node/frame_stats', own.FrameStats)
    rig.send(image_message(_RGB), camera_info())
    stats = rig.get('/segformer_node/frame_stats')
    assert (stats.camera, stats.height, stats.width, stats.batch_size) == ('', HEIGHT, WIDTH, 1)
    assert stats.network_ms == pytest.approx(2.0)
    assert stats.postprocess_ms == pytest.approx(3.0)
    assert stats.preprocess_ms > 1.0
    assert min(stats.wait_ms, stats.publish_ms) > 0.0
    assert stats.age_ms > 0.0
    assert (stats.received, stats.published, stats.failed) == (1, 1, 0)
    assert stats.overhead_ms == pytest.approx(
        stats.latency_ms - stats.network_ms - stats.wait_ms, abs=1e-3
    )


def test_age_of_a_frame_without_a_stamp_is_unknown(rig, own):
    """Zero is no time, and the future has no age."""
    rig.listen('/label/image')
    rig.listen('/segformer_node/frame_stats', own.FrameStats)
    for count, stamp_ns in enumerate((0, 2_000_000_000 * 1_000_000_000), start=1):
        rig.send(image_message(_RGB, stamp_ns=stamp_ns))
        assert np.isnan(rig.get('/segformer_node/frame_stats', count).age_ms)


@pytest.fixture
def with_vision_msgs(monkeypatch, own):
    """Let the messages of this package stand in for those of vision_msgs, their likeness."""

    class Vision:
        LabelInfo, VisionClass = own.LabelClasses, own.LabelClass

    monkeypatch.setitem(sys.modules, 'vision_msgs.msg', Vision)


@pytest.mark.parametrize('topic', ['/label/classes', '/label/info'])
def test_late_subscriber_gets_the_classes(with_vision_msgs, make_rig, own, topic):
    """Reliable and transient local; ids and names of the network."""
    rig = make_rig()
    latched = QoSProfile(
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    rig.listen(topic, own.LabelClasses, latched)
    class_map = rig.get(topic).class_map
    found = [(item.class_id, item.class_name) for item in class_map]
    assert found == [(item.id, item.name) for item in CARLA_0914.classes]
    if topic == '/label/classes':
        assert (class_map[1].red, class_map[1].green, class_map[1].blue) == (128, 64, 128)
        assert rig.get(topic).source.startswith('tiny; ')


def test_outputs_are_reliable_and_inputs_best_effort_unless_overridden(make_rig):
    """RViz subscribes reliably by default; the qos of an input is a parameter."""
    rig = make_rig(**{'qos_overrides./image.subscription.reliability': 'reliable'})
    for topic in IMAGES:
        (found,) = rig.node.get_publishers_info_by_topic(f'/{topic}')
        assert found.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        assert found.qos_profile.durability == DurabilityPolicy.VOLATILE
    expected = {
        '/image': ReliabilityPolicy.RELIABLE,
        '/camera_info': ReliabilityPolicy.BEST_EFFORT,
    }
    for topic, reliability in expected.items():
        (found,) = rig.node.get_subscriptions_info_by_topic(topic)
        assert found.qos_profile.reliability == reliability


def test_the_confidence_of_depth_is_published_and_filters(rig):
    """While somebody subscribes it is computed; the minimum is handed to the network."""
    rig.listen('/depth/image')
    rig.send(image_message(_RGB))
    rig.get('/depth/image')
    asked = rig.pipeline.calls[-1].options
    assert (asked.depth_confidence, asked.min_depth_confidence) == (False, 0.0)
    _set(rig, min_depth_confidence=0.25)
    rig.listen('/depth/confidence/image')
    rig.send(image_message(_RGB))
    message = rig.get('/depth/confidence/image')
    assert message.encoding == 'mono8'
    np.testing.assert_array_equal(pixels_of(message), _RGB[..., 0])
    asked = rig.pipeline.calls[-1].options
    assert (asked.depth_confidence, asked.min_depth_confidence) == (True, 0.25)


def test_a_network_without_a_scale_of_depth_has_no_confidence(make_rig):
    """Its topic stays silent, and filtering by it is refused."""
    rig = make_rig()
    rig.pipeline.manifest.depth.scale = None
    rig.connect()
    rig.listen('/depth/confidence/image')
    rig.listen('/depth/image')
    rig.send(image_message(_RGB))
    rig.get('/depth/image')
    assert not rig.pipeline.calls[-1].options.depth_confidence
    assert not rig.received['/depth/confidence/image']
    change = [rclpy.Parameter('min_depth_confidence', value=0.5)]
    result = rig.node.set_parameters_atomically(change)
    assert not result.successful
    assert 'expected a network with a confidence of depth' in result.reason


def test_a_rotated_camera_has_the_focal_length_of_the_upright_image(rig):
    """Across the upright image of a camera on its side lies fy; the points stay the camera's."""
    _set(rig, image_rotation=90)
    rig.listen('/depth/image')
    info = camera_info()
    info.k[4] = info.p[5] = 125.0
    rig.send(image_message(_RGB), info)
    rig.get('/depth/image')
    assert rig.pipeline.calls[-1].focal == [125.0]
    assert rig.pipeline.calls[-1].options.image_rotation == 90
