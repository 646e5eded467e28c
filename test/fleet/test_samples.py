# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which frames become samples, and that they can be trained from."""

import csv
from dataclasses import replace
from types import SimpleNamespace

from bag_builder import drive, Message, STORE, write_bag
import cv2
import numpy as np
import pytest
from recordings_builder import write_images, write_video
from segformer_ros import cli
from segformer_ros.bags.frames import ODOMETRY
from segformer_ros.datasets import folder as folder_dataset
from segformer_ros.datasets import shards as shards_dataset
from segformer_ros.fleet.samples import disagreement_of, matching_ids, read_records, Record
from segformer_ros.fleet.selection import choose, farthest_points
from segformer_ros.fleet.source_frames import SourceFrame, Thinning
from segformer_ros.labels import CARLA_0914
from tiny_bundle import CLASSES, make_tiny_bundle

PIXEL = np.zeros((1, 1, 3), np.uint8)


@pytest.fixture
def label(model, capsys, tmp_path):
    """Make a training set; the result is its folder."""

    def run(*arguments):
        out = tmp_path / 'out'
        words = ['label', *map(str, arguments), '--out', str(out), '--model', str(model)]
        status = cli.main([*words, '--workers', '1'])
        assert status == 0, capsys.readouterr().err
        return out / 'dataset'

    return run


def taken(rate_hz, distance_m, frames):
    """Return which frames (camera, stamp in seconds, metres) are taken."""
    thinning = Thinning(rate_hz, distance_m)
    made = [
        SourceFrame('', camera, PIXEL, None if s is None else round(s * 1e9), None, way)
        for camera, s, way in frames
    ]
    return [index for index, frame in enumerate(made) if thinning.takes(frame)]


def test_frames_are_taken_by_rate_for_each_camera():
    """The first in every interval; frames without a stamp are all taken."""
    times = [0.0, 0.3, 0.49, 0.51, 0.9, 2.0, 2.1]
    assert taken(2.0, 0.0, [('a', s, None) for s in times]) == [0, 3, 5]
    assert taken(2.0, 0.0, [('a', 0.0, None), ('b', 0.1, None), ('a', 0.2, None)]) == [0, 1]
    assert taken(2.0, 0.0, [('', None, None)] * 3) == [0, 1, 2]
    assert taken(0.0, 0.0, [('a', s, None) for s in times]) == list(range(7))


def test_frames_are_taken_by_distance_where_it_is_known():
    """A vehicle that stands gives one frame; an unknown way leaves all."""
    ways = [0.0, 0.0, 4.0, 6.0, 11.0, 11.0]
    assert taken(0.0, 5.0, [('a', 0.0, way) for way in ways]) == [0, 3, 4]
    assert taken(0.0, 5.0, [('a', 0.0, None)] * 2) == [0, 1]
    both = [('a', 0.1 * index, way) for index, way in enumerate(ways)]
    assert taken(3.0, 5.0, both) == [0, 4]


def record(confidence, flicker=None):
    """Make the record of a sample."""
    return Record('', '', None, None, 1, 1, None, confidence, flicker)


def test_novelty_takes_the_farthest_points():
    """One of each cluster before a second one of any; none twice."""
    points = np.array([[0, 0], [0.1, 0], [9, 9], [9, 9.1], [0, 9], [4, 4]], np.float16)
    chosen = farthest_points(points, 4)
    assert chosen[0] == 5
    assert {index // 2 for index in chosen if index < 4} == {0, 1}
    assert 4 in chosen
    assert sorted(farthest_points(np.zeros((5, 2), np.float16), 5)) == [0, 1, 2, 3, 4]


def test_uncertainty_takes_the_lowest_confidence_or_the_most_flicker():
    """Those where it is unknown come last."""
    records = [record(0.9, 0.1), record(0.2, None), record(None, 0.7), record(0.5, 0.3)]
    none = np.zeros((4, 1), np.float16)
    assert choose('confidence', 2, records, none) == [1, 3]
    assert choose('flicker', 2, records, none) == [2, 3]
    assert choose('flicker', 9, records, none) == [0, 1, 2, 3]


def test_disagreement_counts_classes_that_both_networks_know():
    """By their names, whatever the ids; what one does not know is left out."""
    names = {1: 'road', 2: 'sky', 3: 'car'}
    first = SimpleNamespace(classes=[SimpleNamespace(id=i, name=n) for i, n in names.items()])
    others = {7: 'car', 8: 'road', 9: 'tree'}
    second = SimpleNamespace(classes=[SimpleNamespace(id=i, name=n) for i, n in others.items()])
    table = matching_ids(first, second)
    assert (table[7], table[8], table[9], table[0]) == (3, 1, 255, 255)
    labels = np.array([[1, 1, 3, 2, 1]], np.uint8)
    other = np.array([[8, 7, 7, 8, 9]], np.uint8)
    assert disagreement_of(labels, other, table) == pytest.approx(1 / 3)
    assert disagreement_of(labels[:, 3:4], other[:, 3:4], table) is None
    records = [replace(record(0.5), disagreement=share) for share in (0.1, None, 0.7, 0.3)]
    assert choose('disagreement', 2, records, np.zeros((4, 1), np.float16)) == [2, 3]


def test_the_frames_where_two_networks_differ_most_are_taken(label, model, tmp_path):
    """A network never differs from itself; another one of the same classes does."""
    other = make_tiny_bundle(tmp_path / 'other', classes=CLASSES[::-1])
    folder = write_images(tmp_path / 'night', 5)
    chosen = ('--format', 'dataset', '--select', 'disagreement', '--samples', 2, '--second')
    made = label(folder, *chosen, other)
    rows = list(csv.DictReader((made / 'index.csv').read_text().splitlines()))
    records = read_records(made.parent / 'results' / 'night')
    shares = sorted(item.disagreement for item in records)
    assert sorted(float(row['disagreement']) for row in rows) == shares[-2:]
    assert shares[-1] > 0.1
    (made.parent).rename(tmp_path / 'before')
    made = label(folder, *chosen, model)
    rows = list(csv.DictReader((made / 'index.csv').read_text().splitlines()))
    assert [row['disagreement'] for row in rows] == ['0.0', '0.0']


@pytest.mark.parametrize('form', ['dataset', 'webdataset'])
def test_soft_labels_are_there_to_train_from(label, tmp_path, form):
    """The first class is the label, its probability the confidence."""
    folder = write_images(tmp_path / 'night', 2)
    made = label(folder, '--format', form, '--soft-labels', 3)
    if form == 'dataset':
        found = folder_dataset.open_dataset(
            made, 'train', confidence='confidence', soft_labels='soft_labels'
        )
    else:
        found = shards_dataset.open_dataset(made, 'train')
    sample = found[1]
    assert sample.soft_labels.shape == (*sample.labels.shape, 6)
    assert np.array_equal(sample.soft_labels[..., 0], sample.labels)
    difference = sample.soft_labels[..., 3].astype(int) - sample.confidence
    assert np.abs(difference).max() <= 1
    assert set(np.unique(sample.soft_labels[..., :3])) <= {item.id for item in CLASSES}


def odometry(time_ns, metres):
    """Make an odometry message."""
    types = STORE.types
    point = types['geometry_msgs/msg/Point'](metres, 0.0, 0.0)
    turn = types['geometry_msgs/msg/Quaternion'](0.0, 0.0, 0.0, 1.0)
    zero = types['geometry_msgs/msg/Vector3'](0.0, 0.0, 0.0)
    none = np.zeros(36)
    header = types['std_msgs/msg/Header'](types['builtin_interfaces/msg/Time'](0, 0), 'odom')
    pose = types['geometry_msgs/msg/PoseWithCovariance'](
        types['geometry_msgs/msg/Pose'](point, turn), none
    )
    twist = types['geometry_msgs/msg/TwistWithCovariance'](
        types['geometry_msgs/msg/Twist'](zero, zero), none
    )
    return Message('/odom', ODOMETRY, time_ns, types[ODOMETRY](header, 'base', pose, twist))


def test_a_bag_becomes_a_folder_to_train_from(label, tmp_path):
    """Images, labels, confidence, depth and intrinsics; frames by the way driven."""
    messages = drive(6)
    images = [item for item in messages if item.topic.endswith('image')]
    ways = [
        odometry(item.time_ns - 9, metres) for item, metres in zip(images, range(6), strict=True)
    ]
    bag = write_bag(tmp_path / 'bag', sorted([*messages, *ways], key=lambda item: item.time_ns))
    made = label(bag, '--format', 'dataset', '--distance', 2)
    found = folder_dataset.open_dataset(made, 'train', confidence='confidence')
    assert len(found) == 3
    sample = found[1]
    assert sample.name == 'train/bag/5200000000'
    assert sample.labels.shape == sample.confidence.shape == sample.depth.shape == (48, 96)
    assert set(np.unique(sample.labels)) <= {item.id for item in found.label_set.classes}
    assert sample.intrinsics.fx == 80.0
    rows = list(csv.DictReader((made / 'index.csv').read_text().splitlines()))
    assert [row['driven_m'] for row in rows] == ['0.0', '2.0', '4.0']
    assert [row['stamp_ns'] for row in rows] == ['5000000000', '5200000000', '5400000000']


def test_images_and_a_video_become_shards_to_train_from(label, tmp_path):
    """Of WebDataset; another choice of the same frames computes nothing again."""
    folder = write_images(tmp_path / 'night', 3)
    write_video(folder / 'a.mp4', 6)
    chosen = (folder, '--format', 'webdataset', '--rate', 12.5, '--camera-fov', 90)
    made = label(*chosen, '--select', 'confidence', '--samples', 2)
    assert len(shards_dataset.open_dataset(made, 'train')) == 2
    times = {p: p.stat().st_mtime_ns for p in (made.parent / 'results').rglob('*.png')}
    made = label(*chosen, '--select', 'novelty', '--samples', 5)
    found = shards_dataset.open_dataset(made, 'train')
    assert len(found) == 5
    assert found[0].confidence.shape == found[0].labels.shape
    assert found[4].intrinsics.fx == pytest.approx(32.0)
    assert times == {p: p.stat().st_mtime_ns for p in (made.parent / 'results').rglob('*.png')}


@pytest.mark.parametrize('form', ['dataset', 'webdataset'])
def test_images_too_long_for_a_jpeg_are_samples_too(label, tmp_path, form):
    """As PNG; the picture of an image that is high and narrow is no larger than others."""
    night = tmp_path / 'night'
    night.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 65504, 3), np.uint8)
    cv2.imwrite(str(night / 'wide.png'), pixels)
    cv2.imwrite(str(night / 'high.png'), pixels[:1, :3000].transpose(1, 0, 2))
    made = label(night, '--format', form)
    kind = shards_dataset if form == 'webdataset' else folder_dataset
    high, wide = kind.open_dataset(made, 'train')
    assert (high.image.shape, wide.image.shape) == ((3000, 1, 3), (2, 65504, 3))
    assert (wide.image == pixels[..., ::-1]).all()
    picture = cv2.imread(str(made.parent / 'results' / 'night' / 'picture.jpg'))
    assert picture.shape[0] <= 960


def test_frames_that_are_read_are_not_those_that_are_taken(model, capsys, tmp_path):
    """The last line says both."""
    video = write_video(tmp_path / 'a.mp4', 8)
    words = ['label', str(video), '--out', str(tmp_path / 'out'), '--model', str(model)]
    assert cli.main([*words, '--format', 'dataset', '--rate', '6']) == 0
    assert '2 frames are done, 8 frames read now in' in capsys.readouterr().out


def test_flicker_is_the_share_of_pixels_that_change_their_class(label, tmp_path):
    """Against the frame before, also where that one is no sample."""
    video = write_video(tmp_path / 'a.mp4', 8)
    made = label(video, '--format', 'dataset', '--rate', 6, '--select', 'flicker', '--samples', 9)
    rows = list(csv.DictReader((made / 'index.csv').read_text().splitlines()))
    assert rows[0]['flicker'] == ''
    assert all(0 < float(row['flicker']) < 1 for row in rows[1:])


def test_frames_of_one_stamp_are_all_there(label, tmp_path):
    """A driver that leaves the stamp at 0."""
    messages = drive(3)
    for item in messages:
        item.message.header.stamp.sec = item.message.header.stamp.nanosec = 0
    made = label(write_bag(tmp_path / 'bag', messages), '--format', 'dataset')
    assert len(folder_dataset.open_dataset(made, 'train')) == 3


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--rate', '2'], '--rate applies to --format dataset and webdataset, not to run'),
        (['--format', 'dataset', '--samples', '2'], '--select and --samples belong together'),
        (['--format', 'dataset', '--rate', '-1'], '--rate must be at least 0, not -1.0'),
        (['--soft-labels', '2'], '--soft-labels applies to --format dataset and webdataset'),
        (['--format', 'dataset', '--soft-labels', '-2'], '--soft-labels must be at least 0'),
        (['--format', 'dataset', '--second', 'x'], '--select disagreement and --second MODEL'),
        (
            ['--format', 'dataset', '--soft-labels', '2', '--only', 'depth'],
            '--second and --soft-labels are about labels: leave --only depth out',
        ),
        (['--gpus', '1'], '--gpus applies to --runner ray, not to local'),
    ],
)
def test_options_without_sense_are_one_sentence(model, capsys, tmp_path, arguments, words):
    """Before anything is written."""
    folder = write_images(tmp_path / 'night', 1)
    out = tmp_path / 'out'
    words_in = ['label', str(folder), '--out', str(out), '--model', str(model), *arguments]
    assert cli.main(words_in) == 1
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_two_networks_without_a_class_in_common_are_refused(model, capsys, tmp_path):
    """Nothing could be compared."""
    classes = [item for item in CARLA_0914.classes if item not in CLASSES][:3]
    other = make_tiny_bundle(tmp_path / 'other', classes=classes)
    words = ['label', str(write_images(tmp_path / 'night', 1)), '--out', str(tmp_path / 'out')]
    words += ['--model', str(model), '--format', 'dataset', '--select', 'disagreement']
    assert cli.main([*words, '--samples', '1', '--second', str(other)]) == 1
    assert 'expected classes of the same name in' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
