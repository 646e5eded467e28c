# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are cameras."""

import bag_builder
from bag_builder import Message, write_bag
import cv2
import numpy as np
import pytest
from segformer_ros.bags.cameras import Camera, choose
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.bags.writer import BagWriter
from segformer_ros.output_topics.contents import COMPRESSED_IMAGE, IMAGE

_PIXELS = {
    'bgr8': np.zeros((4, 4, 3), np.uint8),
    'bgra8': np.zeros((4, 4, 4), np.uint8),
    'mono8': np.zeros((4, 4), np.uint8),
    '32FC1': np.zeros((4, 4), np.float32),
    '8UC1': np.zeros((4, 4), np.uint8),
    '16UC1': np.zeros((4, 4), np.uint16),
}


def _png(encoding):
    """Make what a compressed image holds; of 'png16' a depth image, of 'png' a colour image."""
    if 'png' not in encoding:
        return b'x'
    pixels = _PIXELS['16UC1' if encoding == 'png16' else 'bgr8']
    return cv2.imencode('.png', pixels)[1].tobytes()


@pytest.fixture
def choose_in(tmp_path):
    """Choose in a bag that has one image on each of some topics, by encoding."""

    def run(encodings, names=(), empty=()):
        messages = []
        for index, (topic, encoding) in enumerate(encodings.items()):
            if encoding not in _PIXELS:
                message = bag_builder.compressed(_png(encoding), encoding.removesuffix('16'))
                messages.append(Message(topic, COMPRESSED_IMAGE, index, message))
            else:
                message = bag_builder.image(_PIXELS[encoding], encoding)
                messages.append(Message(topic, IMAGE, index, message))
        with BagWriter(tmp_path / 'bag', 'sqlite3', bag_builder.STORE) as writer:
            for topic in empty:
                writer.add_topic(topic, IMAGE)
            for item in messages:
                connection = writer.add_topic(item.topic, item.type)
                writer.write_message(connection, item.time_ns, item.message)
        with BagReader(tmp_path / 'bag') as reader:
            return choose(reader, names)

    return run


def test_the_only_colour_image_is_the_camera(choose_in):
    """Depth and label images beside it do not count."""
    found = choose_in({'/cam/image_raw': 'bgr8', '/depth': '32FC1', '/labels': 'mono8'})
    assert found == (Camera('/cam/image_raw', IMAGE, '/cam/camera_info', '/cam'),)
    assert found[0].output('label/image') == '/cam/label/image'


def test_a_mono_image_is_the_camera_where_there_is_no_colour(choose_in):
    """Yet 16-bit depth is not."""
    (camera,) = choose_in({'/image': 'mono8', '/depth': '16UC1'})
    assert (camera.topic, camera.camera_info, camera.namespace) == ('/image', '/camera_info', '')
    assert camera.output('depth/image') == '/depth/image'


def test_a_compressed_image_counts_where_there_is_no_raw_one(choose_in):
    """Its camera_info is that of the raw one."""
    (camera,) = choose_in({'/a/image/compressed': 'jpeg', '/b': '32FC1'})
    assert camera.type == COMPRESSED_IMAGE
    assert (camera.camera_info, camera.namespace) == ('/a/camera_info', '/a')


def test_the_raw_image_wins_over_its_compressed_twin(choose_in):
    """They are the same picture."""
    (camera,) = choose_in({'/a/image': 'bgr8', '/a/image/compressed': 'jpeg'})
    assert camera.type == IMAGE


def test_several_cameras_are_left_to_the_user(choose_in):
    """The sentence names them."""
    with pytest.raises(BagError, match=r'found 2 topics.*--topic from /a/image /b/image'):
        choose_in({'/a/image': 'bgr8', '/b/image': 'bgra8', '/c': '32FC1'})


@pytest.mark.parametrize('vehicle', ['ego_vehicle', 'hero'])
@pytest.mark.parametrize(('camera', 'end'), [('bgra8', ''), ('jpeg', '/compressed')])
def test_coloured_ground_truth_is_no_camera(choose_in, vehicle, camera, end):
    """Labels as colours and depth in 24 bits, of any vehicle; raw or compressed."""
    place = f'/carla/{vehicle}'
    sensors = ('depth_front', 'rgb_front', 'semantic_segmentation_front')
    (found,) = choose_in({f'{place}/{name}/image{end}': camera for name in sensors})
    assert found.topic == f'{place}/rgb_front/image{end}'


def test_coloured_ground_truth_is_not_offered(choose_in):
    """Of several cameras these alone are named."""
    place = '/carla/ego_vehicle'
    truth = f'{place}/semantic_segmentation_left/image'
    cameras = [f'{place}/rgb_front/image', f'{place}/rgb_left/image']
    with pytest.raises(BagError, match=rf'found 2 topics.*--topic from {" ".join(cameras)}$'):
        choose_in(dict.fromkeys([*cameras, truth], 'bgra8'))


def test_named_topics_are_taken_in_their_order(choose_in):
    """Any image topic may be named, once."""
    found = choose_in(
        {'/a/image': 'bgr8', '/b/image': 'bgra8'}, ['/b/image', '/a/image', '/b/image']
    )
    assert [(item.topic, item.namespace) for item in found] == [
        ('/b/image', '/b'),
        ('/a/image', '/a'),
    ]


def test_outputs_of_two_cameras_never_meet(choose_in):
    """Two topics in one namespace each get one of their own."""
    found = choose_in({'/left': 'bgr8', '/right': 'bgr8'}, ['/left', '/right'])
    assert [item.namespace for item in found] == ['/left', '/right']
    assert [item.camera_info for item in found] == ['/camera_info', '/camera_info']


def test_a_topic_that_is_not_there_is_refused(choose_in):
    """Those that are there are named."""
    with pytest.raises(BagError, match=r'expected images on /x in .*found /a \(bgr8\)'):
        choose_in({'/a': 'bgr8'}, ['/x'])


def test_a_topic_without_messages_is_refused(choose_in):
    """A run that finds nothing must not end well."""
    with pytest.raises(BagError, match=r'on /x in .*found /a \(bgr8\), /x \(no messages\)'):
        choose_in({'/a': 'bgr8'}, ['/x'], empty=['/x'])


def test_a_raw_topic_without_messages_does_not_hide_its_compressed_twin(choose_in):
    """A recorder subscribes to both, and the camera publishes one."""
    (camera,) = choose_in({'/a/image/compressed': 'jpeg'}, empty=['/a/image'])
    assert camera.topic == '/a/image/compressed'


@pytest.mark.parametrize(
    'other',
    [
        '16UC1; png compressed ',
        '16UC1; compressedDepth png',
        '32FC1; compressedDepth png',
        'mono8; png compressed ',
        'png16',
        'h264',
    ],
)
@pytest.mark.parametrize('camera', ['jpeg', 'png', 'bgr8; jpeg compressed bgr8', 'rgb8'])
def test_compressed_depth_and_labels_are_no_cameras(choose_in, other, camera):
    """The field `format` says what was compressed, or else the header of the PNG."""
    encodings = {'/depth/image/compressed': other, '/cam/image_raw': 'bgr8'}
    if camera != 'rgb8':
        del encodings['/cam/image_raw']
        encodings['/cam/image_raw/compressed'] = camera
    (found,) = choose_in(encodings)
    assert found.namespace == '/cam'


def test_a_mono_camera_is_found_next_to_compressed_depth(choose_in):
    """Where nothing is in colour."""
    (found,) = choose_in({'/cam/mono': 'mono8', '/d/compressed': '16UC1; png compressed '})
    assert found.topic == '/cam/mono'


def test_a_raw_topic_and_its_compressed_twin_keep_apart(choose_in):
    """Where the user names both."""
    names = ['/a/image', '/a/image/compressed', '/a/other', '/a/image/raw']
    kinds = ['bgr8', 'jpeg', 'bgr8', 'bgr8']
    found = choose_in(dict(zip(names, kinds, strict=True)), names)
    assert len({item.namespace for item in found}) == 4
    assert {item.camera_info for item in found[:3]} == {'/a/camera_info'}


def test_a_bag_without_cameras_is_refused(choose_in):
    """Depth is not a camera image."""
    with pytest.raises(BagError, match=r'expected camera images in .*: /depth \(32FC1\)'):
        choose_in({'/depth': '32FC1'})


def test_an_8uc1_image_is_a_mono_camera(choose_in):
    """Some drivers call grey images that; the decoder takes them as mono8."""
    (camera,) = choose_in({'/image': '8UC1', '/depth': '16UC1'})
    assert camera.topic == '/image'


@pytest.mark.parametrize(
    ('infos', 'reason'),
    [
        (['/nowhere'], r'expected camera_info on /nowhere in .*, found it on /a/camera_info'),
        (['/a/image'], r'expected camera_info on /a/image in'),
        (['/a/camera_info', '/a/camera_info'], r'each of 1 cameras, got 2'),
    ],
)
def test_a_camera_info_that_is_not_there_is_refused(tmp_path, infos, reason):
    """So is one that no camera is left for."""
    path = write_bag(tmp_path / 'bag', bag_builder.drive(1, namespace='/a'))
    with BagReader(path) as reader, pytest.raises(BagError, match=reason):
        choose(reader, (), infos)


@pytest.mark.parametrize('depth', ['16UC1', '32FC1', '16UC1; compressedDepth png'])
def test_a_depth_topic_that_is_named_is_refused(choose_in, depth):
    """A mistyped --topic would make labels of distances; what else there is gets listed."""
    found = depth.partition(';')[0]
    with pytest.raises(BagError, match=rf'on /depth in .*, found depth \({found}\); .*/cam'):
        choose_in({'/cam': 'bgr8', '/depth': depth}, ['/depth'])
