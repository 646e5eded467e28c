# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is made of the recording of a drive."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from segformer_ros import carla
from segformer_ros.bags import message_types
from segformer_ros.bags.synced_frames import read_synced_frames, SyncedFrame
from segformer_ros.bags.writer import BagWriter
from segformer_ros.demo import output_video
from segformer_ros.files.video import VideoReader

_IMAGE = 'sensor_msgs/msg/Image'
_TOPICS = {
    'image': '/camera/image',
    'labels': '/label/image',
    'depth': '/depth/image',
    'true_labels': '/truth/labels',
    'true_depth': '/truth/depth',
}
_HEIGHT, _WIDTH = 32, 64


def _images(number):
    """Return the images of one frame by field, with their encodings."""
    bgra = np.full((_HEIGHT, _WIDTH, 4), number * 20 % 256, np.uint8)
    labels = np.full((_HEIGHT, _WIDTH), 1, np.uint8)
    labels[:8] = 11
    depth = np.full((_HEIGHT, _WIDTH), 5.0 + number, np.float32)
    depth[:8] = np.nan
    true = np.where(labels == 11, np.inf, 6.0).astype(np.float32)
    return {
        'image': ('bgra8', bgra),
        'labels': ('mono8', labels),
        'depth': ('32FC1', depth),
        'true_labels': ('bgra8', carla.encode_labels(labels)),
        'true_depth': ('32FC1', carla.encode_depth(true)),
    }


@pytest.fixture
def bag(tmp_path) -> Path:
    """Record six frames at 10 Hz; results come a frame late, one of frame 2 not at all."""
    return _record(tmp_path / 'bag', 6, late=1, without=(2, 'depth'))


def _record(path, frames, *, late, without=None):
    store = message_types.make_store()
    types = store.types
    events = []
    for number in range(frames):
        for name, (encoding, pixels) in _images(number).items():
            if (number, name) != without:
                events.append((number + late * (name in {'labels', 'depth'}), name, number))
                events[-1] += (encoding, pixels)
    with BagWriter(path, 'sqlite3', store) as writer:
        connections = {name: writer.add_topic(topic, _IMAGE) for name, topic in _TOPICS.items()}
        for order, name, number, encoding, pixels in sorted(events, key=lambda item: item[0]):
            stamp = types['builtin_interfaces/msg/Time'](
                sec=1 + number // 10, nanosec=number % 10 * 100_000_000
            )
            header = types['std_msgs/msg/Header'](stamp=stamp, frame_id='camera')
            message = types[_IMAGE](
                header=header,
                height=_HEIGHT,
                width=_WIDTH,
                encoding=encoding,
                is_bigendian=0,
                step=pixels.strides[0],
                data=pixels.reshape(-1).view(np.uint8),
            )
            writer.write_message(connections[name], order * 100_000_000, message)
    return path


def test_images_of_one_stamp_become_one_frame(bag):
    """A frame without one of its results is left out; the others are whole."""
    found = list(read_synced_frames(bag, _TOPICS))
    assert [round(item.stamp_ns / 1e8) for item in found] == [10, 11, 13, 14, 15]
    last = found[-1]
    assert last.image.shape == (_HEIGHT, _WIDTH, 3)
    assert last.image[0, 0, 0] == 100
    assert last.depth[-1, -1] == 10.0
    np.testing.assert_array_equal(last.labels, last.true_labels)
    assert np.isinf(last.true_depth[0, 0])


def test_results_may_be_recorded_any_number_of_frames_later(tmp_path):
    """A recorder on a full disk, or a slow network: a frame is whole when its last image is."""
    found = list(read_synced_frames(_record(tmp_path / 'bag', 80, late=70), _TOPICS))
    assert [item.stamp_ns // 10**8 for item in found] == list(range(10, 90))
    assert [item.image[0, 0, 0] for item in found] == [n * 20 % 256 for n in range(80)]


def test_only_the_frames_that_are_wanted_are_read(bag):
    """A contact sheet needs a few frames of a long drive, of some topics."""
    topics = {name: _TOPICS[name] for name in ('image', 'labels')}
    found = list(read_synced_frames(bag, topics, frozenset({1_200_000_000})))
    assert [item.stamp_ns for item in found] == [1_200_000_000]
    assert found[0].depth is None


def test_the_video_shows_every_frame_at_its_time(bag, tmp_path):
    """A frame that is missing leaves a longer look at the one before."""
    path, counts = tmp_path / 'video.mp4', []
    stamps = output_video.write_video(
        path, read_synced_frames(bag, _TOPICS), rate_hz=10.0, progress=counts.append
    )

    assert stamps == [1_000_000_000 + step * 100_000_000 for step in (0, 1, 3, 4, 5)]
    assert counts == [1, 2, 3, 4, 5]
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [round(frame.time_s, 2) for frame in frames] == [0.0, 0.1, 0.3, 0.4, 0.5]
    assert frames[0].image.shape == (_HEIGHT, 3 * _WIDTH, 3)


def test_the_sheet_has_the_ground_truth_below_the_results(bag, tmp_path):
    """Each frame is two rows of three pictures."""
    path = tmp_path / 'sheet.png'
    output_video.write_sheet(path, read_synced_frames(bag, _TOPICS), columns=2)
    sheet = cv2.imread(str(path))
    assert sheet.shape[0] > 3 * 2 * _HEIGHT
    assert sheet.shape[1] > 2 * 3 * _WIDTH


def test_without_ground_truth_the_sheet_has_the_results_alone(tmp_path):
    """Nobody knows the truth of a video."""
    images = _images(1)
    one = SyncedFrame(
        7,
        image=np.ascontiguousarray(images['image'][1][..., :3]),
        labels=images['labels'][1],
        depth=images['depth'][1],
    )
    path = tmp_path / 'sheet.png'
    output_video.write_sheet(path, [one], columns=2)
    assert _HEIGHT < cv2.imread(str(path)).shape[0] < 2 * _HEIGHT


@pytest.mark.parametrize(('count', 'expected'), [(2, {20, 60}), (4, {10, 30, 50, 70})])
def test_frames_are_spread_evenly(count, expected):
    """The sheet shows the whole drive."""
    assert output_video.evenly(list(range(0, 80, 10)), count) == expected


def test_a_short_drive_has_fewer_frames():
    """No frame is shown twice, and none is made up."""
    assert output_video.evenly([5, 6], 8) == {5, 6}
    assert output_video.evenly([], 8) == frozenset()
