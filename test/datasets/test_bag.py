# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded bag as a dataset."""

from concurrent.futures import ThreadPoolExecutor
import multiprocessing
import pickle

from bag_builder import camera_info, write_bag
from drive_frames import drive_frames, drive_messages, VEHICLE
import numpy as np
import pytest
from segformer_ros.bags.rosbag import qos
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset, recognise
from segformer_ros.drive_dataset.recording import Losses, read_frames, Recording
from segformer_ros.labels import CARLA_0914, SHIFT_23

FRAMES = 5


@pytest.fixture(params=['sqlite3', 'mcap'])
def bag(request, tmp_path):
    """Write a drive as the bridge publishes it."""
    return write_bag(tmp_path / 'town03', drive_messages(drive_frames(FRAMES)), request.param)


def open_bag(path, split='train', **options):
    """Open a bag as a recipe does."""
    return open_dataset(DatasetSpec('bag', str(path), split, options))


def check(data, frames):
    """See that the samples are the frames."""
    assert len(data) == len(frames)
    for index in reversed(range(len(frames))):
        frame, sample = frames[index], data[index]
        assert sample.name == data.name(index) == f'town03/{frame.stamp_ns}'
        np.testing.assert_array_equal(sample.image, frame.image)
        np.testing.assert_array_equal(sample.labels, frame.labels)
        np.testing.assert_allclose(sample.depth, frame.depth, atol=1e-4)


def test_the_frames_are_those_that_were_recorded(bag):
    """In any order, with the camera_info that came last."""
    data = open_bag(bag)
    check(data, list(drive_frames(FRAMES)))
    assert data.label_set is CARLA_0914
    assert data[1].intrinsics == Intrinsics(33.0, 33.0, 20.0, 12.0, 40, 24)


def test_the_intrinsics_are_those_of_p(tmp_path):
    """K may be unknown, and is of another image where P differs."""
    p = [44.0, 0.0, 21.0, 0.0, 0.0, 45.0, 11.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    messages = [
        item._replace(message=camera_info(24, 40, 0.0, p=p)) if 'info' in item.topic else item
        for item in drive_messages(drive_frames(1))
    ]
    data = open_bag(write_bag(tmp_path / 'town03', messages))
    assert data[0].intrinsics == Intrinsics(44.0, 45.0, 21.0, 11.0, 40, 24)


def test_a_latched_camera_info_holds_from_the_start(tmp_path):
    """It was there before the recorder, and comes into the bag after the first frame."""
    messages = list(drive_messages(drive_frames(1)))
    messages.append(messages.pop(0)._replace(time_ns=messages[-1].time_ns + 1))
    offered = {messages[-1].topic: qos(latched=True)}
    latched = write_bag(tmp_path / 'latched', messages, offered=offered)
    assert open_bag(latched)[0].intrinsics == Intrinsics(33.0, 33.0, 20.0, 12.0, 40, 24)
    assert open_bag(write_bag(tmp_path / 'volatile', messages))[0].intrinsics is None
    for path, known in ((latched, True), (tmp_path / 'volatile', False)):
        (frame,) = read_frames(path, Recording(), Losses())
        assert (frame.k is not None) is known


def test_the_topics_of_the_simulator_itself(tmp_path):
    """Tags in the red channel and depth in 24 bits."""
    frames = list(drive_frames(2))
    path = write_bag(tmp_path / 'town03', drive_messages(frames, coding='native'))
    check(open_bag(path, coding='native'), frames)
    assert open_bag(path, coding='native', tag_table='t2').label_set is SHIFT_23


def test_one_bag_can_be_split_by_time(bag):
    """What is held out is never trained on; without, every split is the whole bag."""
    names = [open_bag(bag).name(index) for index in range(FRAMES)]
    train, val = (open_bag(bag, split, held_out=0.4) for split in ('train', 'val'))
    assert [train.name(index) for index in range(len(train))] == names[:3]
    assert [val.name(index) for index in range(len(val))] == names[3:]
    assert len(open_bag(bag, 'val')) == FRAMES
    with pytest.raises(DatasetError, match=r'5 frames: too few for held_out=0\.05'):
        open_bag(bag, 'val', held_out=0.05)
    with pytest.raises(DatasetError, match='held_out must be 0 or more'):
        open_bag(bag, held_out=1.0)


def test_frames_of_two_recorders_at_one_time(tmp_path):
    """Equal times of receipt are told apart by their stamps."""
    messages = [item._replace(time_ns=77) for item in drive_messages(drive_frames(3))]
    check(open_bag(write_bag(tmp_path / 'town03', messages)), list(drive_frames(3)))


def test_threads_and_processes_read_at_the_same_time(bag):
    """Each has a reader of its own."""
    data = open_bag(bag)
    wanted = [frame.labels.tobytes() for frame in drive_frames(FRAMES)] * 4
    order = [*range(FRAMES)] * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda index: data[index].labels.tobytes(), order)) == wanted
    assert data[0].labels.tobytes() == wanted[0]
    context = multiprocessing.get_context('fork')
    readers = [context.Process(target=_read_all, args=(data, order, wanted)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60.0)
    assert [reader.exitcode for reader in readers] == [0, 0]
    assert pickle.loads(pickle.dumps(data))[2].labels.tobytes() == wanted[2]


def _read_all(data, order, wanted):
    assert [data[index].labels.tobytes() for index in order] == wanted


def test_incomplete_frames_are_left_out(tmp_path):
    """A stamp without its depth is no sample."""
    frames = list(drive_frames(3))
    messages = [
        item
        for item in drive_messages(frames)
        if not ('depth' in item.topic and item.message.header.stamp.nanosec == 50_000_000)
    ]
    check(open_bag(write_bag(tmp_path / 'town03', messages)), [frames[0], frames[2]])


def test_unusable_bags_are_reported(bag, tmp_path):
    """A missing bag, topic or coding, truth of another size, colours of no class."""
    with pytest.raises(DatasetError, match='found nothing'):
        open_bag(tmp_path / 'none')
    with pytest.raises(DatasetError, match=r'expected /carla/ego_vehicle/rear/image in'):
        open_bag(bag, camera='rear')
    with pytest.raises(DatasetError, match="coding must be one of bridge, native, not 'raw'"):
        open_bag(bag, coding='raw')
    with pytest.raises(DatasetError, match=r"tag_table must be one of auto, t1, .* not 't9'"):
        open_bag(bag, tag_table='t9')
    messages = list(drive_messages(drive_frames(1)))
    messages[-1].message.header.stamp.nanosec = 5
    late = write_bag(tmp_path / 'late', messages)
    with pytest.raises(DatasetError, match='found no stamp that all three have'):
        open_bag(late)


def test_an_unreadable_image_names_its_frame(tmp_path):
    """Truth as plain numbers is not what the recorder writes."""
    messages = list(drive_messages(drive_frames(1)))
    label = next(item for item in messages if 'semantic' in item.topic)
    label.message.encoding = 'mono8'
    data = open_bag(write_bag(tmp_path / 'town03', messages))
    with pytest.raises(
        DatasetError,
        match=r'town03/1000000000 of .*: expected ground-truth labels in a colour image',
    ):
        data[0]
    assert VEHICLE in label.topic


def test_a_bag_is_recognised(bag):
    """By its metadata, or by the suffix of its file."""
    assert recognise(bag) == 'bag'
    file = next(path for path in bag.iterdir() if path.suffix in {'.db3', '.mcap'})
    assert recognise(file) == 'bag'
    check(open_dataset(DatasetSpec('', str(bag))), list(drive_frames(FRAMES)))


def test_a_world_that_is_reloaded_gives_no_mixed_frames(tmp_path):
    """A depth that is missing is not that of the same stamp in another place."""
    before, after = list(drive_frames(60)), list(drive_frames(60, seed=1))
    depth, labels = (
        f'{VEHICLE}/{name}/image' for name in ('depth_front', 'semantic_segmentation_front')
    )
    messages = [
        item._replace(time_ns=item.time_ns // 10)
        for frame in before
        for item in drive_messages([frame])
        if frame.stamp_ns != before[0].stamp_ns or item.topic != depth
    ]
    messages += [item for item in drive_messages(after[:1]) if item.topic != labels]
    messages += drive_messages(after[1:2])
    data = open_bag(write_bag(tmp_path / 'town03', messages))
    assert len(data) == 60
    assert data.name(0) == data.name(1) == f'town03/{after[1].stamp_ns}'
    for sample, frame in zip((data[0], data[1]), (before[1], after[1]), strict=True):
        np.testing.assert_array_equal(sample.labels, frame.labels)
        np.testing.assert_allclose(sample.depth, frame.depth, atol=1e-4)
