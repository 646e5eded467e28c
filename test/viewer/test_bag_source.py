# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a bag has of each of its cameras."""

from pathlib import Path

from bag_builder import camera_info, compressed, header, image, Message, STORE, write_bag
from damaged_images import encoded, picture, with_hole
import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg
from segformer_ros import carla
from segformer_ros.carla.topics import truth_topic
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from segformer_ros.viewer.bag_source import BagView, of_bag
from segformer_ros.viewer.scene import ViewFrame

STATS = 'segformer_ros/msg/FrameStats'
VEHICLE = '/carla/ego_vehicle'
CAMERAS = ('rgb_front', 'rgb_left')
LATENCY_MS = {'rgb_front': 10.0, 'rgb_left': 20.0, '': 30.0}
RGB = np.full((8, 16, 3), 90, np.uint8)


class Predictor:
    """One that must not be needed: every frame has results."""

    classes = ()

    def camera(self, image, model):
        """Know no camera."""
        return None


def stats(camera, stamp_ns):
    """Make statistics whose latency tells the camera."""
    text = (Path(__file__).parents[2] / 'msg' / 'FrameStats.msg').read_text('utf-8')
    if STATS not in STORE.types:
        STORE.register(get_types_from_msg(text, STATS))
    kind = STORE.types[STATS]
    values = dict.fromkeys(kind.__dataclass_fields__, 0)
    del values['__msgtype__']
    values |= {'header': header(stamp_ns), 'camera': camera, 'latency_ms': LATENCY_MS[camera]}
    return kind(**values)


def bag(path, cameras, *, stats_topic, named=True):
    """Write two frames of each camera with results, ground truth and statistics."""
    messages = []

    def add(topic, kind, at, message):
        messages.append(Message(topic, kind, at, message))

    for at in (10**9, 2 * 10**9):
        for number, camera in enumerate(cameras):
            view = camera.removeprefix('rgb_')
            labels = np.full((8, 16), 1 + number, np.uint8)
            depth = np.full((8, 16), 5.0 + number, np.float32)
            truth = image(carla.encode_labels(labels), 'bgra8', at)
            add(f'{VEHICLE}/{camera}/image', IMAGE, at, image(RGB, 'rgb8', at))
            add(f'{VEHICLE}/{camera}/label/image', IMAGE, at, image(labels, 'mono8', at))
            add(f'{VEHICLE}/semantic_segmentation_{view}/image', IMAGE, at, truth)
            add(f'{VEHICLE}/depth_{view}/image', IMAGE, at, image(depth, '32FC1', at))
            add(stats_topic, STATS, at, stats(camera if named else '', at))
    write_bag(path, messages)
    return path


def shown(path, *cameras):
    """Return the frames of cameras by name."""
    found = {}
    for frame in of_bag(path, BagView(tuple(cameras)), Predictor()).frames:
        found.setdefault(frame.camera, []).append(frame)
    return found


def test_each_camera_has_its_own_statistics_and_ground_truth(tmp_path):
    """Those of one stamp are on one topic, and tell their cameras apart."""
    topics = [f'{VEHICLE}/{camera}/image' for camera in CAMERAS]
    path = bag(tmp_path / 'bag', CAMERAS, stats_topic=f'{VEHICLE}/segformer_node/frame_stats')
    found = shown(path, *topics)
    assert [len(frames) for frames in found.values()] == [2, 2]
    for number, camera in enumerate(CAMERAS):
        for frame in found[f'carla/ego_vehicle/{camera}']:
            assert frame.times_ms['latency'] == LATENCY_MS[camera]
            assert (frame.true_labels == 1 + number).all()
            assert (frame.true_depth == 5.0 + number).all()


def test_a_camera_alone_has_nothing_of_the_others(tmp_path):
    """It is chosen from several; the coloured ground truth of all is not taken for cameras."""
    path = bag(tmp_path / 'bag', CAMERAS, stats_topic=f'{VEHICLE}/segformer_node/frame_stats')
    for frame in shown(path, f'{VEHICLE}/rgb_left/image')['']:
        assert frame.times_ms['latency'] == LATENCY_MS['rgb_left']
        assert (frame.true_labels == 2).all()
        assert (frame.true_depth == 6.0).all()


def test_a_camera_named_like_ground_truth_is_shown(tmp_path):
    """Colours of a depth camera, next to which there is no rgb_cam, are what a camera sees."""
    place, at = f'{VEHICLE}/depth_cam', 10**9
    labels = image(np.full((8, 16), 3, np.uint8), 'mono8', at)
    messages = [
        Message(f'{place}/image', IMAGE, at, image(RGB, 'rgb8', at)),
        Message(f'{place}/label/image', IMAGE, at, labels),
    ]
    write_bag(tmp_path / 'bag', messages)
    ((frame,),) = shown(tmp_path / 'bag').values()
    assert (frame.image == RGB).all()
    assert (frame.labels == 3).all()


@pytest.mark.parametrize('topic', ['/segformer_node/frame_stats', '/far/away/frame_stats'])
def test_statistics_without_a_name_are_those_of_the_only_camera(tmp_path, topic):
    """Wherever its node is."""
    path = bag(tmp_path / 'bag', CAMERAS[:1], stats_topic=topic, named=False)
    assert [frame.times_ms['latency'] for frame in shown(path)['']] == [LATENCY_MS['']] * 2


@pytest.mark.parametrize(
    ('image_topic', 'sensor', 'alone', 'found'),
    [
        ('/image', 'depth_front', True, 'depth_front'),
        ('/image', 'depth_front', False, None),
        ('/carla/ego_vehicle/rgb_back_left/image/compressed', 'd_front', False, 'd_back_left'),
        ('/carla/ego_vehicle/rgb_left/image', 'lidar', True, 'lidar'),
        ('/carla/ego_vehicle/rgb_left/image', 'lidar', False, None),
        ('/carla/other/rgb_left/image', 'depth_front', False, None),
    ],
)
def test_ground_truth_looks_where_its_camera_looks(image_topic, sensor, alone, found):
    """Of the vehicle that is named."""
    topic = truth_topic(image_topic, 'ego_vehicle', sensor, alone=alone)
    assert topic == (None if found is None else f'/carla/ego_vehicle/{found}/image')


class FocalLengths(Predictor):
    """One whose frames tell which camera_info they were computed with."""

    def frame(self, at, image, model):
        """Take the focal length as a time."""
        return ViewFrame(at, image, times_ms={'focal': 0.0 if model is None else model.k[0]})


def test_a_damaged_image_is_reported_and_the_others_are_shown(tmp_path):
    """As by `segformer run`."""
    whole = encoded(picture())
    messages = [
        Message('/image/compressed', COMPRESSED_IMAGE, at, compressed(data, 'jpeg', at))
        for at, data in ((1, whole), (2, with_hole(whole)), (3, whole))
    ]
    path = write_bag(tmp_path / 'bag', messages)
    with pytest.warns(UserWarning, match='/image/compressed at 2 ns: expected a whole image'):
        assert [item.at for item in of_bag(path, BagView(), FocalLengths()).frames] == [1, 3]


def test_frames_have_the_camera_info_that_held_when_they_came(tmp_path):
    """As by `segformer run`: the latest one, not the first."""
    messages = []
    for at, focal_px in ((1, None), (2, 80.0), (3, None), (4, 160.0)):
        if focal_px is not None:
            info = camera_info(8, 16, focal_px, at)
            messages.append(Message('/camera_info', CAMERA_INFO, at, info))
        messages.append(Message('/image', IMAGE, at, image(RGB, 'rgb8', at)))
    path = write_bag(tmp_path / 'bag', messages)
    frames = of_bag(path, BagView(), FocalLengths()).frames
    assert [item.times_ms['focal'] for item in frames] == [0.0, 80.0, 80.0, 160.0]
