# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded drive evaluated."""

import json

from bag_builder import image, Message, write_bag
import numpy as np
import pytest
from result_stream import frame, message
from segformer_ros.bags.rosbag import BagError
from segformer_ros.cli import main
from segformer_ros.evaluation.bag_score import evaluate_bag, Sources
from segformer_ros.evaluation.drive import DriveEvaluation, DriveOptions, STREAMS

VEHICLE = '/carla/ego_vehicle'
TOPICS = {
    'labels': '/label/image',
    'depth': '/depth/image',
    'true_labels': f'{VEHICLE}/semantic_segmentation_front/image',
    'true_depth': f'{VEHICLE}/depth_front/image',
}
IMAGE = 'sensor_msgs/msg/Image'


def record(path, frames, topics=TOPICS):
    """Write a bag: the truth at once, the results two frames later, as it happens."""
    messages = []
    for number, coded in enumerate(frames):
        for stream, topic in topics.items():
            encoding, pixels = coded[stream]
            delay = 0 if stream.startswith('true') else 120_000_000
            stamp_ns = number * 50_000_000
            messages.append(
                Message(topic, IMAGE, stamp_ns + delay, image(pixels, encoding, stamp_ns))
            )
    messages.sort(key=lambda item: item.time_ns)
    return write_bag(path, messages)


@pytest.fixture
def frames():
    """Return what is coded of some frames."""
    rng = np.random.default_rng(5)
    return [frame(rng)[0] for _ in range(4)]


def test_a_bag_gives_the_figures_of_its_messages(tmp_path, frames):
    """Those of an evaluation that gets the same images live, to the last bit."""
    live = DriveEvaluation(DriveOptions())
    for number, coded in enumerate(frames):
        for stream in STREAMS:
            live.add(stream, message(*coded[stream], number * 50_000_000))
    drive = evaluate_bag(record(tmp_path / 'bag', frames), Sources(), DriveOptions())
    assert drive.summary() == live.summary()
    for stamp_ns, row in live.scores.rows.items():
        assert drive.scores.rows[stamp_ns] == pytest.approx(row, abs=0.0, rel=0.0, nan_ok=True)
    assert drive.summary()['segmentation']['frames'] == 4


def test_results_are_found_in_their_namespace(tmp_path, frames):
    """Beside the camera, where `segformer run` puts them, and under another vehicle."""
    topics = {
        'labels': '/carla/hero/rgb_front/label/image',
        'true_labels': '/carla/hero/tags/image',
    }
    bag = record(tmp_path / 'bag', frames, topics)
    sources = Sources(role_name='hero', label_sensor='tags')
    drive = evaluate_bag(bag, sources, DriveOptions())
    assert drive.scores.evaluated == {'labels': 4}
    named = Sources('/carla/hero/rgb_front', 'hero', 'tags')
    assert evaluate_bag(bag, named, DriveOptions()).summary() == drive.summary()


def test_a_bag_without_ground_truth_is_refused(tmp_path, frames):
    """The sentence names what there is."""
    bag = record(tmp_path / 'bag', frames, {'labels': '/label/image'})
    with pytest.raises(BagError, match=r'under /carla/ego_vehicle .*: /label/image'):
        evaluate_bag(bag, Sources(), DriveOptions())


def test_results_of_several_cameras_need_a_choice(tmp_path, frames):
    """No camera is taken by chance."""
    topics = {'labels': '/left/label/image', 'depth': '/right/depth/image'}
    bag = record(tmp_path / 'bag', frames, topics)
    with pytest.raises(BagError, match='choose a namespace: /left, /right'):
        evaluate_bag(bag, Sources(), DriveOptions())


def test_the_command_prints_and_writes(tmp_path, frames, capsys):
    """A table or JSON, and the report."""
    bag = record(tmp_path / 'bag', frames)
    folder = tmp_path / 'report'
    assert main(['evaluate', '--bag', str(bag), '--report', str(folder)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert main(['evaluate', '--bag', str(bag), '--json']) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((folder / 'summary.json').read_text())
    shown = {line.split()[0]: line.split()[1] for line in table if len(line.split()) > 1}
    assert shown['mIoU'] == f'{summary["segmentation"]["miou"]:.4f}'
    assert shown['AbsRel'] == f'{summary["depth"]["abs_rel"]:.4f}'
    assert shown['flicker'] == f'{summary["segmentation"]["flicker"]:.4f}'
    assert shown['car'] == f'{summary["segmentation"]["iou"]["car"]:.4f}'


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_pairs_may_lie_as_far_apart_as_they_like(tmp_path, storage):
    """Results that were made afterwards stand behind all of the truth."""
    rng = np.random.default_rng(5)
    coded = [frame(rng)[0] for _ in range(3)]
    frames = [coded[index % 3] for index in range(40)]
    near = evaluate_bag(record(tmp_path / 'near', frames), Sources(), DriveOptions())
    messages = []
    for number, item in enumerate(frames):
        for stream, topic in TOPICS.items():
            time_ns = number + (0 if stream.startswith('true') else 10_000)
            content = image(item[stream][1], item[stream][0], number * 50_000_000)
            messages.append(Message(topic, IMAGE, time_ns, content))
    messages.sort(key=lambda item: item.time_ns)
    far = evaluate_bag(write_bag(tmp_path / 'far', messages, storage), Sources(), DriveOptions())
    assert far.scores.evaluated == {'labels': 40, 'depth': 40}
    assert far.summary() == near.summary()


def test_a_bag_without_a_single_pair_is_a_failure(tmp_path, frames, capsys):
    """With one line that says what there was; nothing is printed that looks like a figure."""
    messages = []
    for number, coded in enumerate(frames):
        for stream, topic in TOPICS.items():
            stamp_ns = number * 50_000_000 + stream.startswith('true')
            content = image(coded[stream][1], coded[stream][0], stamp_ns)
            messages.append(Message(topic, IMAGE, stamp_ns, content))
    bag = write_bag(tmp_path / 'bag', messages)
    assert main(['evaluate', '--bag', str(bag)]) == 1
    said = capsys.readouterr()
    assert said.out == ''
    assert said.err.count('\n') == 1
    assert '4 results of segmentation without a partner; 4 truths' in said.err


@pytest.mark.parametrize('arguments', [[], ['road_b0', '--bag', 'x']])
def test_the_command_needs_a_network_or_a_bag(arguments, capsys):
    """Both at once would be two different things."""
    assert main(['evaluate', *arguments]) == 1
    assert 'expected either a model or --bag' in capsys.readouterr().err
