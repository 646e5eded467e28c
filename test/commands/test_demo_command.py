# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer demo, with a network that costs nothing."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.cli import main
from segformer_ros.commands import demo
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter
from tiny_bundle import make_tiny_bundle

pytest.importorskip('rclpy', reason='the demonstration needs ROS')

DEADLINE_S = 300.0


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Return a bundle that is computed in a millisecond."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp('model') / 'tiny'))


@pytest.mark.parametrize(
    ('words', 'name'), [([], 'world_b0_slim'), (['--input', 'drive.mp4'], 'road_b0')]
)
def test_a_video_is_shown_to_the_network_of_real_roads(words, name):
    """The built-in world has a network of its own."""
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)

    assert demo.default_model(parser.parse_args(words)) == name


def _video(path):
    with VideoReader(path) as reader:
        return list(reader)


@pytest.mark.slow
def test_the_world_is_shown_recorded_and_evaluated(tmp_path, capsys, model):
    """A newcomer gets a video, a sheet, a bag and figures, and is told where they are."""
    out = tmp_path / 'demo_output'
    assert main(['demo', '--out', str(out), '--seconds', '3', '--model', model]) == 0

    said = capsys.readouterr().out
    for name in ('video.mp4', 'contact_sheet.png', 'summary.json', 'bag'):
        assert str(out / name) in said
        assert (out / name).exists()
    assert 'mIoU' in said
    assert said.splitlines()[-1].startswith('Next: ')
    summary = json.loads((out / 'summary.json').read_text())
    assert summary['segmentation']['frames'] > 0
    with BagReader(out / 'bag') as reader:
        counts = {topic.name: topic.count for topic in reader.topics}
    video = _video(out / 'video.mp4')
    assert 0 < len(video) <= min(counts['/label/image'], counts['/depth/image'])
    assert video[0].image.shape == (256, 3 * 512, 3)
    assert cv2.imread(str(out / 'contact_sheet.png')) is not None


@pytest.mark.slow
def test_a_video_is_played_at_its_rate(tmp_path, capsys, model):
    """The user learns how fast frames came, and how fast they went."""
    video, out = tmp_path / 'drive.mp4', tmp_path / 'demo_output'
    with VideoWriter(video, 20.0) as writer:
        for number in range(40):
            writer.add(np.full((64, 128, 3), 6 * number, np.uint8), number / 20)
    arguments = ['--out', str(out), '--model', model, '--input', str(video)]
    assert main(['demo', *arguments]) == 0

    said = capsys.readouterr().out
    assert 'drive.mp4: 128x64 at 20 frames/s' in said
    assert re.search(r'^\d+( of \d+)? frames in \d+ s \(.* frames/s', said, re.M)
    assert ' on onnxruntime' in json.loads((out / 'summary.json').read_text())['network']
    assert 'trained by others on data unknown here' in said
    assert not {'mIoU', 'AbsRel'} & set(said.split())
    video = _video(out / 'video.mp4')
    assert 0 < len(video) <= 40
    for frame in video:
        # The camera panel is the frame of the video at the time of the output.
        number = round(frame.time_s * 20)
        assert abs(int(np.median(frame.image[32:, :128])) - 6 * number) <= 3


def test_an_unknown_network_is_one_line(tmp_path, capsys):
    """Nothing is started in vain."""
    assert main(['demo', '--out', str(tmp_path / 'out'), '--model', 'nothing']) == 1
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert 'nothing' in error


def test_a_network_that_the_node_refuses_is_one_line(tmp_path, capsys, model):
    """The files are as they were written, but this computer does not compute the same."""
    damaged = tmp_path / 'damaged'
    shutil.copytree(model, damaged)
    path = damaged / 'manifest.json'
    manifest = json.loads(path.read_text())
    manifest['mean'] = [0.1, 0.1, 0.1]
    path.write_text(json.dumps(manifest))
    assert main(['demo', '--out', str(tmp_path / 'out'), '--model', str(damaged)]) == 1
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert 'cannot be configured' in error


def test_a_folder_with_other_files_is_left_alone(tmp_path, capsys, model):
    """A video of somebody else is not overwritten."""
    (tmp_path / 'video.mp4').write_text('mine')
    assert main(['demo', '--out', str(tmp_path), '--model', model]) == 1
    assert 'choose another folder' in capsys.readouterr().err
    assert (tmp_path / 'video.mp4').read_text() == 'mine'


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [(('--seconds', '0'), '--seconds'), (('--input', 'absent.mp4'), 'absent.mp4')],
)
def test_a_wrong_argument_is_one_line(tmp_path, capsys, model, arguments, words):
    """Nothing is started in vain."""
    out = tmp_path / 'out'
    assert main(['demo', '--out', str(out), '--model', model, *arguments]) == 1
    error = capsys.readouterr().err.strip()
    assert words in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


def _children(pid):
    """Return the processes whose parent is the one of this id."""
    found = []
    for name in os.listdir('/proc'):
        try:
            with open(f'/proc/{name}/stat') as file:
                if int(file.read().rsplit(')', 1)[1].split()[1]) == pid:
                    found.append(int(name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_leaves_nothing_running(tmp_path, model, number):
    """Ctrl-C ends every node."""
    command = (sys.executable, '-m', 'segformer_ros.cli', 'demo', '--model', model)
    with subprocess.Popen((*command, '--out', str(tmp_path / 'out'))) as demo:
        end = time.monotonic() + DEADLINE_S
        while len(children := _children(demo.pid)) < 4:
            assert time.monotonic() < end
            time.sleep(0.05)
        demo.send_signal(number)
        assert demo.wait(DEADLINE_S) == 128 + number
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
