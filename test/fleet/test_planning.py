# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where inputs are cut: what comes out of the parts is what comes out of the whole."""

from bag_builder import drive, write_bag
import numpy as np
import pytest
from recordings_builder import write_video
from segformer_ros.bags.cameras import last_message
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.files.video import VideoReader
from segformer_ros.fleet.inputs import BAG, Input, VIDEO
from segformer_ros.fleet.planning import content_of, plan
from segformer_ros.fleet.settings import Settings
from segformer_ros.output_topics.contents import CAMERA_INFO

SETTINGS = Settings('', '', '')


def frames_of(path, **part):
    """Read a video, or a part of it."""
    with VideoReader(path, **part) as reader:
        return list(reader)


def same(first, second):
    """Return whether two lists of frames are one, bit for bit."""
    assert [(f.index, f.time_s, f.error) for f in first] == [
        (f.index, f.time_s, f.error) for f in second
    ]
    for one, other in zip(first, second, strict=True):
        assert (one.image is None) == (other.image is None)
        assert one.image is None or np.array_equal(one.image, other.image)
    return True


@pytest.mark.parametrize('open_gop', [0, 1])
@pytest.mark.parametrize('damage', [False, True])
def test_parts_of_a_video_are_its_frames(tmp_path, open_gop, damage):
    """Frames before a key frame that are built from it too, and damaged ones included."""
    parameters = f'keyint=5:min-keyint=5:scenecut=0:bframes=2:open-gop={open_gop}'
    path = write_video(tmp_path / 'a.mkv', 23, parameters)
    if damage:
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 2000] = bytes(2000)
        path.write_bytes(data)
    whole = frames_of(path)
    assert any(frame.error for frame in whole) == damage
    cuts = plan(Input(VIDEO, path), SETTINGS, 3).cuts
    assert len(cuts) >= 3
    parts = [frames_of(path, first=first or 0, last=last) for first, last in cuts]
    assert all(parts)
    assert same(whole, [frame for part in parts for frame in part])


def test_a_video_of_few_frames_stays_whole(tmp_path):
    """It is not cut below the size that is asked for."""
    path = write_video(tmp_path / 'a.mp4', 8)
    assert plan(Input(VIDEO, path), SETTINGS, 8).cuts == [(None, None)]
    assert plan(Input(VIDEO, path), SETTINGS, 4).cuts == [(None, 4), (4, None)]


def test_a_bag_is_cut_by_time_and_each_part_knows_its_camera(tmp_path):
    """The latest camera_info before the part, however long before."""
    messages = drive(6)
    first = next(item for item in messages if item.topic.endswith('camera_info'))
    kept = [item for item in messages if not item.topic.endswith('camera_info')]
    bag = write_bag(tmp_path / 'bag', [first._replace(time_ns=first.time_ns - 10**11), *kept])
    found = plan(Input(BAG, bag), SETTINGS, 2)
    assert found.frames == 6
    assert len(found.cuts) == 3
    assert found.cuts[0][0] is None
    assert found.cuts[-1][1] is None
    assert [cut[1] for cut in found.cuts[:-1]] == [cut[0] for cut in found.cuts[1:]]
    with BagReader(bag) as reader:
        before = last_message(reader, first.topic, CAMERA_INFO, kept[-1].time_ns)
        assert before is not None
        assert reader.deserialize(before[1], CAMERA_INFO).k[0] == first.message.k[0]
        assert last_message(reader, '/none', CAMERA_INFO, kept[-1].time_ns) is None


def test_content_is_that_of_the_files_wherever_they_lie(tmp_path):
    """A copy is the same content, a changed byte another one."""
    one = write_bag(tmp_path / 'one' / 'bag', drive(1))
    other = tmp_path / 'other'
    one.parent.rename(other)
    moved = content_of(Input(BAG, other / 'bag'))
    again = write_bag(tmp_path / 'one' / 'bag', drive(2))
    assert content_of(Input(BAG, again)) != moved
    assert moved == content_of(Input(BAG, other / 'bag'))
