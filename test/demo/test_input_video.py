# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A video of the user in the place of the camera."""

import numpy as np
import pytest
from segformer_ros.bags.synced_frames import SyncedFrame
from segformer_ros.demo import input_video
from segformer_ros.files.video_writer import VideoWriter
from tiny_bundle import make_tiny_bundle

_START_NS = 1_700_000_000_123_456_789


@pytest.fixture
def path(tmp_path):
    """Write a video of ten frames at 25 Hz, each brighter than the one before."""
    path = tmp_path / 'drive.mp4'
    with VideoWriter(path, 25.0) as writer:
        for number in range(10):
            writer.add(np.full((48, 96, 3), 20 * number + 20, np.uint8), number / 25)
    return path


def _number(item):
    return round((item.image.mean() - 20) / 20)


def test_a_video_is_described(path):
    """The user sees what was understood of the file."""
    found = input_video.probe(path)
    assert (found.width, found.height) == (96, 48)
    assert found.rate_hz == pytest.approx(25.0)
    assert found.duration_s == pytest.approx(0.4, abs=0.05)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    """One sentence says what was expected."""
    path = tmp_path / 'notes.mp4'
    path.write_text('not a video')
    with pytest.raises(ValueError, match='expected a video'):
        input_video.probe(path)


@pytest.mark.parametrize('late_ms', [(0,) * 10, (5, 0, 12, 3, 20, 1, 0, 15, 2, 9)])
@pytest.mark.parametrize('kept', [range(10), (0, 1, 4, 5, 9), (0,), ()])
def test_results_find_the_frames_they_belong_to(path, kept, late_ms):
    """Frames that the network left out are left out; late ones keep their place."""
    stamps = [_START_NS + number * 40_000_000 + late_ms[number] * 1_000_000 for number in kept]
    found = list(input_video.with_images(path, (SyncedFrame(stamp) for stamp in stamps)))
    assert [_number(item) for item in found] == list(kept)
    assert [item.stamp_ns for item in found] == [number * 40_000_000 for number in kept]


def test_the_trained_field_of_view_leaves_depth_as_it_comes(path, tmp_path):
    """The focal length, made smaller as the image is, is that of the network."""
    model = make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128),))
    camera_fov_deg = input_video.trained_camera_fov_deg(str(model), input_video.probe(path))
    # 96 x 48 pixels are enlarged to 128 x 64, where the focal length must be 100 pixels.
    assert camera_fov_deg == pytest.approx(2 * np.degrees(np.arctan(48 / 75)))
