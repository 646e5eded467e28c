# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From recorded drives to a dataset."""

from copy import deepcopy
import csv
import json
import math
import re

from bag_builder import _TYPES, camera_info, header, image, Message, write_bag
import cv2
import numpy as np
import pytest
from segformer_ros import carla
from segformer_ros.bags.rosbag import BagError
from segformer_ros.cli import main
from segformer_ros.drive_dataset.folder import DatasetError, DatasetFolder
from segformer_ros.drive_dataset.recording import (
    FrameAssembler,
    Losses,
    read_frames,
    Recording,
    topics,
)
from segformer_ros.labels import CARLA_0914, SHIFT_23

VEHICLE = '/carla/ego_vehicle'
IMAGE = 'sensor_msgs/msg/Image'
SIZE = (24, 40)
PERIOD_NS = 50_000_000


class Drive:
    """A recorded drive whose frames are known."""

    def __init__(self, count=4, seed=0):
        rng = np.random.default_rng(seed)
        self.images = rng.integers(0, 256, (count, *SIZE, 3), np.uint8)
        self.labels = rng.choice([1, 11, 14, 24], (count, *SIZE)).astype(np.uint8)
        self.depths = rng.uniform(1.0, 90.0, (count, *SIZE)).astype(np.float32)
        self.depths[self.labels == 11] = np.inf
        self.messages = [item for number in range(count) for item in self.frame(number)]

    def frame(self, number):
        """Yield the messages of a frame, in the order of the bridge."""
        stamp = number * PERIOD_NS
        bgra = cv2.cvtColor(self.images[number], cv2.COLOR_RGB2BGRA)
        coded = {
            'rgb_front': (bgra, 'bgra8'),
            'semantic_segmentation_front': (carla.encode_labels(self.labels[number]), 'bgra8'),
            'depth_front': (carla.encode_depth(self.depths[number]), '32FC1'),
        }
        info = camera_info(*SIZE, 33.0, stamp)
        path = f'{VEHICLE}/rgb_front/camera_info'
        yield Message(path, 'sensor_msgs/msg/CameraInfo', stamp, info)
        yield Message(
            f'{VEHICLE}/odometry', 'nav_msgs/msg/Odometry', stamp, odometry(stamp, number)
        )
        for sensor, (pixels, encoding) in coded.items():
            yield Message(
                f'{VEHICLE}/{sensor}/image', IMAGE, stamp, image(pixels, encoding, stamp)
            )


def odometry(stamp_ns, x):
    """Make an odometry at a place."""
    make = _TYPES
    zero = make['geometry_msgs/msg/Vector3'](x=0.0, y=0.0, z=0.0)
    pose = make['geometry_msgs/msg/Pose'](
        position=make['geometry_msgs/msg/Point'](x=float(x), y=2.0, z=0.5),
        orientation=make['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.6, w=0.8),
    )
    return make['nav_msgs/msg/Odometry'](
        header=header(stamp_ns),
        child_frame_id='',
        pose=make['geometry_msgs/msg/PoseWithCovariance'](pose=pose, covariance=np.zeros(36)),
        twist=make['geometry_msgs/msg/TwistWithCovariance'](
            twist=make['geometry_msgs/msg/Twist'](linear=zero, angular=zero),
            covariance=np.zeros(36),
        ),
    )


def test_the_frames_come_back_from_the_folder(tmp_path, capsys):
    """Images, ids, metres, intrinsics and poses; nothing is lost on the way."""
    drive = Drive()
    bag = write_bag(tmp_path / 'town03', drive.messages)
    out = tmp_path / 'dataset'
    assert main(['record-dataset', str(bag), '--out', str(out)]) == 0

    route = out / 'train' / 'town03'
    rows = list(csv.DictReader((route / 'frames.csv').read_text().splitlines()))
    assert [row['stamp_ns'] for row in rows] == [str(n * PERIOD_NS) for n in range(4)]
    for number, row in enumerate(rows):
        read = {
            name: cv2.imread(str(route / name / f'{row["name"]}.png'), cv2.IMREAD_UNCHANGED)
            for name in ('images', 'labels', 'depth')
        }
        np.testing.assert_array_equal(read['images'][..., ::-1], drive.images[number])
        np.testing.assert_array_equal(read['labels'], drive.labels[number])
        depth = carla.decode_depth_code(read['depth'])
        np.testing.assert_allclose(depth, drive.depths[number], atol=3.5e-5)
        assert (row['fx'], row['cx'], row['width'], row['x']) == ('33', '20', '40', str(number))
        assert (row['y'], row['z'], row['qz'], row['qw']) == ('2', '0.5', '0.6', '0.8')
    assert 'train/town03: 4 frames\n' in capsys.readouterr().out


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_images_of_a_stamp_may_lie_far_apart_in_a_bag(tmp_path, storage):
    """Truth that was rendered afterwards stands behind all images; poses are kept, too."""
    drive, losses = Drive(90), Losses()
    late = [
        item._replace(time_ns=item.time_ns + 10**10 * item.topic.count('_front/image'))
        if 'rgb' not in item.topic
        else item
        for item in drive.messages
    ]
    bag = write_bag(tmp_path / 'bag', sorted(late, key=lambda item: item.time_ns), storage)
    frames = list(read_frames(bag, Recording(), losses))
    assert [frame.stamp_ns for frame in frames] == [n * PERIOD_NS for n in range(90)]
    assert losses.incomplete == 0
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.image, drive.images[number])
        np.testing.assert_array_equal(frame.labels, drive.labels[number])
        assert frame.pose[0] == number


def test_routes_are_added_and_counted_by_split(tmp_path, capsys):
    """The shares are those of the pixels, and the page shows every route."""
    drives = {'town01': Drive(2, 1), 'town02': Drive(3, 2), 'town05': Drive(1, 3)}
    bags = {name: write_bag(tmp_path / name, drive.messages) for name, drive in drives.items()}
    out = tmp_path / 'dataset'
    first = [str(bags['town01']), str(bags['town02'])]
    assert main(['record-dataset', *first, '--out', str(out)]) == 0
    assert main(['record-dataset', str(bags['town05']), '--out', str(out), '--split', 'val']) == 0

    facts = json.loads((out / 'dataset.json').read_text())
    assert [(item['split'], item['name'], item['frames']) for item in facts['routes']] == [
        ('train', 'town01', 2), ('train', 'town02', 3), ('val', 'town05', 1),
    ]  # fmt: skip
    labels = np.concatenate([drives['town01'].labels, drives['town02'].labels])
    assert facts['shares']['train']['car'] == np.count_nonzero(labels == 14) / labels.size
    assert facts['shares']['val'].keys() == {'road', 'sky', 'car', 'road_line'}
    assert facts['classes'][14] == {'id': 14, 'name': 'car', 'color': [0, 0, 142]}
    page = (out / 'index.html').read_text()
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert shown == [f'{item["split"]}/{item["name"]}/preview.jpg' for item in facts['routes']]
    assert all(cv2.imread(str(out / path)) is not None for path in shown)
    assert '6 frames of 3 routes' in page
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[-6:-1]] == [
        'class',
        'road',
        'sky',
        'car',
        'road_line',
    ]


def test_a_route_is_in_a_dataset_once(tmp_path, capsys):
    """Frames of one drive in two splits would evaluate a network on what it has seen."""
    bag = write_bag(tmp_path / 'town01', Drive(1).messages)
    words = ['record-dataset', str(bag), '--out', str(tmp_path / 'dataset')]
    assert main(words) == 0
    assert main([*words, '--split', 'val']) == 1
    assert 'route town01 is in' in capsys.readouterr().err


def test_unusable_frames_are_counted(tmp_path):
    """A lost image, one of another size, a colour of no class, a wrong camera_info."""
    drive = Drive(5)
    messages = list(drive.messages)
    labels = f'{VEHICLE}/semantic_segmentation_front/image'

    def place(topic, number):
        return next(
            index
            for index, item in enumerate(messages)
            if item.topic == topic and item.time_ns == number * PERIOD_NS
        )

    wide = image(np.zeros((24, 41, 4), np.uint8), 'bgra8', PERIOD_NS)
    messages[place(labels, 1)] = Message(labels, IMAGE, PERIOD_NS, wide)
    foreign = carla.encode_labels(drive.labels[2])
    foreign[0, 0, :3] = 1, 2, 3
    stamp = 2 * PERIOD_NS
    messages[place(labels, 2)] = Message(labels, IMAGE, stamp, image(foreign, 'bgra8', stamp))
    info = f'{VEHICLE}/rgb_front/camera_info'
    other = camera_info(9, 9, 33.0, 3 * PERIOD_NS)
    messages[place(info, 3)] = Message(info, messages[0].type, 3 * PERIOD_NS, other)
    del messages[place(f'{VEHICLE}/depth_front/image', 0)]
    bag = write_bag(tmp_path / 'bag', messages)

    losses = Losses()
    frames = list(read_frames(bag, Recording(), losses))

    assert [frame.stamp_ns // PERIOD_NS for frame in frames] == [2, 3, 4]
    assert losses.incomplete == 1
    assert list(losses.refused.values()) == [1]
    assert losses.unknown == {'color 3 2 1': 1}
    assert frames[0].labels[0, 0] == 255
    assert [frame.k is None for frame in frames] == [False, True, False]


@pytest.mark.parametrize(
    ('fov', 'expected'), [('0', ['', '', '', '']), ('90', ['20', '20', '20', '12'])]
)
def test_a_wrong_camera_info_gives_no_intrinsics(tmp_path, capsys, fov, expected):
    """That of CARLA itself up to 0.9.16 would spoil the depth of whoever trains on it."""
    wrong = 40 / (2 * math.tan(90.0)) * 360 / math.pi
    drive = Drive(1)
    message = drive.messages[0]
    drive.messages[0] = message._replace(message=camera_info(*SIZE, wrong, 0))
    bag = write_bag(tmp_path / 'bag', drive.messages)
    out = tmp_path / 'out'
    assert main(['record-dataset', str(bag), '--out', str(out), '--camera-fov', fov]) == 0
    with (out / 'train' / 'bag' / 'frames.csv').open(newline='') as file:
        (row,) = csv.DictReader(file)
    assert [row[name] for name in ('fx', 'fy', 'cx', 'cy')] == expected
    said = capsys.readouterr().out
    assert ('for a field of view of 90 degrees; set --camera-fov (1)' in said) is (fov == '0')


def test_the_intrinsics_are_those_of_p(tmp_path):
    """What is written of a frame is what the live node would take."""
    drive = Drive(2)
    p = [44.0, 0.0, 21.0, 0.0, 0.0, 45.0, 11.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    for number, item in enumerate(drive.messages):
        if item.topic.endswith('camera_info'):
            message = camera_info(*SIZE, 0.0, 0, p=p)
            drive.messages[number] = item._replace(message=message)
    bag = write_bag(tmp_path / 'bag', drive.messages)
    frames = list(read_frames(bag, Recording(), Losses()))
    assert frames[0].k == (44.0, 0.0, 21.0, 0.0, 45.0, 11.0, 0.0, 0.0, 1.0)


def test_a_world_that_is_reloaded_gives_no_mixed_frames():
    """A stamp that comes again means another place: nothing of the former one is used."""
    drive = Drive(2)
    streams = topics(Recording())
    losses = Losses()
    assembler = FrameAssembler(Recording(), losses)
    late = 30 * PERIOD_NS

    def add(message, stamp_ns):
        content = deepcopy(message.message)
        content.header.stamp.sec, content.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        return assembler.add(streams[message.topic], content)

    before, after = list(drive.frame(0)), list(drive.frame(1))
    assert all(add(message, late) is None for message in before[:4])
    assert all(add(message, 0) is None for message in after[:4])
    # Of the former life, too late: the stamp comes again as well.
    add(before[4], late)
    assert add(after[4], 0).pose[0] == 1.0
    assert all(add(message, late) is None for message in after[1:4])
    found = add(after[4], late)
    np.testing.assert_array_equal(found.labels, drive.labels[1])
    np.testing.assert_allclose(found.depth, drive.depths[1], atol=1e-4)
    # The former frame, and its late depth.
    assert losses.incomplete == 2


def test_a_bag_without_ground_truth_is_refused_and_nothing_is_written(tmp_path):
    """The sentence names the topics."""
    only = [item for item in Drive(1).messages if 'depth' not in item.topic]
    bag = write_bag(tmp_path / 'bag', only)
    dataset = DatasetFolder(tmp_path / 'dataset', CARLA_0914)
    with pytest.raises(BagError, match=r'expected /carla/ego_vehicle/depth_front/image in'):
        dataset.add('train', 'bag', read_frames(bag, Recording(), Losses()))
    assert not (tmp_path / 'dataset').exists()
    with pytest.raises(DatasetError, match='expected frames with their ground truth'):
        dataset.add('train', 'bag', [])
    assert not (tmp_path / 'dataset').exists()
    dataset.folder.mkdir()
    with pytest.raises(DatasetError, match='expected frames with their ground truth'):
        dataset.add('train', 'bag', [])
    assert not list(dataset.folder.iterdir())


def test_other_folders_and_names_are_refused(tmp_path):
    """Nothing of anybody else is overwritten."""
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'file').touch()
    with pytest.raises(DatasetError, match='found other files'):
        DatasetFolder(tmp_path / 'other', CARLA_0914)
    dataset = DatasetFolder(tmp_path / 'new', CARLA_0914)
    with pytest.raises(DatasetError, match='split must be one of train, val, test'):
        dataset.add('all', 'a', [])
    with pytest.raises(DatasetError, match='as a route'):
        dataset.add('train', '../a', [])
    with pytest.raises(DatasetError, match='with their ground truth in a, found none'):
        dataset.add('train', 'a', [])
    (tmp_path / 'new' / 'train' / 'a').mkdir(parents=True)
    with pytest.raises(DatasetError, match=r'not in dataset\.json: delete it'):
        dataset.add('train', 'a', [])


def test_a_dataset_has_one_label_set(tmp_path):
    """Ids of two simulators would mean different classes."""
    bag = write_bag(tmp_path / 'bag', Drive(1).messages)
    folder = tmp_path / 'dataset'
    frames = read_frames(bag, Recording(), Losses())
    DatasetFolder(folder, CARLA_0914).add('train', 'bag', frames)
    with pytest.raises(DatasetError, match='has the classes of carla_0914, the drive those'):
        DatasetFolder(folder, SHIFT_23)
    (folder / 'dataset.json').write_text('{"format": "theirs"}')
    with pytest.raises(DatasetError, match='found another format'):
        DatasetFolder(folder, CARLA_0914)
    (folder / 'dataset.json').write_text('{')
    with pytest.raises(DatasetError, match='expected JSON'):
        DatasetFolder(folder, CARLA_0914)


def _broken_drive(bag, error):
    for number, frame in enumerate(read_frames(bag, Recording(), Losses())):
        if number == 2:
            raise error
        yield frame


@pytest.mark.parametrize(
    ('error', 'expected'),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, 'No space left'), DatasetError)],
)
def test_the_frames_before_an_interruption_stay(tmp_path, error, expected):
    """In a folder of their own, with their list; the same route can be recorded again."""
    bag = write_bag(tmp_path / 'town03', Drive().messages)
    dataset = DatasetFolder(tmp_path / 'dataset', Recording().label_set)
    with pytest.raises(expected):
        dataset.add('train', 'town03', _broken_drive(bag, error))
    kept = tmp_path / 'dataset' / 'train' / 'town03.unfinished'
    rows = list(csv.DictReader((kept / 'frames.csv').read_text().splitlines()))
    assert [row['name'] for row in rows] == ['000000', '000001']
    assert all((kept / 'depth' / f'{row["name"]}.png').is_file() for row in rows)
    assert dataset.add('train', 'town03', read_frames(bag, Recording(), Losses())).frames == 4
    assert {item.name for item in kept.parent.iterdir()} == {'town03', 'town03.unfinished'}


def test_what_a_killed_recording_left_of_a_route_stays(tmp_path):
    """The next one of that name says where."""
    bag = write_bag(tmp_path / 'town03', Drive().messages)
    left = tmp_path / 'dataset' / 'train' / '.town03.part' / 'depth'
    left.mkdir(parents=True)
    (left / '000000.png').write_bytes(b'png')
    dataset = DatasetFolder(tmp_path / 'other', Recording().label_set)
    dataset.folder = tmp_path / 'dataset'
    dataset.add('train', 'town03', read_frames(bag, Recording(), Losses()))
    assert dataset.left == tmp_path / 'dataset' / 'train' / 'town03.unfinished'
    assert (dataset.left / 'depth' / '000000.png').read_bytes() == b'png'
