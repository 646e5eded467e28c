# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer attention, run as a user runs it."""

import argparse
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.commands.attention import pixel
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter
from tiny_bundle import make_tiny_bundle

torch = pytest.importorskip('torch', reason='attention comes from a checkpoint')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Return a random checkpoint of B0."""
    from segformer_ros.network import build, checkpoint

    torch.manual_seed(0)
    network = build('b0', 2, decoder_dim=16, depth_dim=16, depth_stride=4)
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    facts = {'network': asdict(network.config), 'classes': [0, 1], 'label_set': 'cityscapes'}
    checkpoint.write(path, network.state_dict(), facts)
    return str(path)


@pytest.fixture
def image(tmp_path):
    """Return the file of an image of 64 x 48 pixels."""
    path = tmp_path / 'street.jpg'
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    assert cv2.imwrite(str(path), picture)
    return path


def test_an_image_becomes_one_picture(tmp_path, capsys, weights, image):
    """Another pixel gives another one."""
    pictures = []
    for query in ((), ('--query', '3,4')):
        out = tmp_path / 'maps' / 'attention.png'
        arguments = ['attention', str(image), '--model', weights, '--out', str(out), *query]
        assert main(arguments) == 0
        pictures.append(cv2.imread(str(out)))

    assert f'{out}: 1944x' in capsys.readouterr().out
    assert pictures[0].shape == (34 + 4 + 4 * (24 + 288 + 4), 4 + 5 * 388, 3)
    assert (pictures[0] != pictures[1]).any()
    assert [path.name for path in out.parent.iterdir()] == ['attention.png']


def test_the_encoder_of_a_pre_training_has_attention_too(tmp_path, image):
    """No other part of a network is needed."""
    from segformer_ros.network import checkpoint, NetworkConfig
    from segformer_ros.network.classifier import MixTransformerClassifier

    path, out = tmp_path / 'pretrained.safetensors', tmp_path / 'maps.png'
    config = NetworkConfig('b0', 5, depth=False, segmentation=False)
    facts = {'network': asdict(config), 'classes': []}
    checkpoint.write(path, MixTransformerClassifier('b0', 5).state_dict(), facts)

    assert main(['attention', str(image), '--model', str(path), '--out', str(out)]) == 0

    assert cv2.imread(str(out)) is not None


def test_a_video_becomes_a_video(tmp_path, capsys, weights):
    """Frame by frame, with the times of the source."""
    video, out = tmp_path / 'drive.mp4', tmp_path / 'attention.mp4'
    with VideoWriter(video, 5.0) as writer:
        for number in range(3):
            writer.add(np.full((32, 64, 3), 80 * number, np.uint8), number / 5)

    arguments = ['attention', str(video), '--model', weights, '--out', str(out)]
    assert main([*arguments, '--max-frames', '2']) == 0

    assert f'{out}: 2 frames\n' in capsys.readouterr().out
    with VideoReader(out) as reader:
        frames = list(reader)
    assert [round(frame.time_s, 3) for frame in frames] == [0.0, 0.2]
    assert frames[0].image.shape[1] == 1944


def test_a_bundle_has_no_attention_to_show(tmp_path, capsys, image):
    """It says what to give instead."""
    folder = make_tiny_bundle(tmp_path / 'tiny')
    for model in ('road_b0', str(folder)):
        out = tmp_path / 'out.png'
        assert main(['attention', str(image), '--model', model, '--out', str(out)]) == 1
        error = capsys.readouterr().err.strip()
        assert f'{model} is a bundle' in error
        assert 'give the checkpoint' in error
        assert len(error.splitlines()) == 1
        assert not out.exists()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('absent.png', '--out', 'a.png'), 'found nothing at absent.png'),
        (('.', '--out', 'a.png'), 'found a folder at .'),
        (('street.jpg', '--out', 'a.mp4'), '--out of an image must end in .png'),
        (('street.mp4', '--out', 'a.png'), '--out of a video must end in .mp4'),
        (('street.jpg', '--out', 'a.png', '--max-frames', '0'), '--max-frames'),
        (('street.jpg', '--out', 'a.png', '--query', '64,0'), 'lies outside the image of 64x48'),
        (('street.jpg', '--out', 'a.png', '--size', '33x64'), 'multiples of 32'),
        (('street.mp4', '--out', 'a.mp4'), 'expected a video in street.mp4'),
    ],
)
def test_a_wrong_argument_is_one_line(
    tmp_path, monkeypatch, capsys, weights, image, arguments, words
):
    """Nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'street.mp4').write_bytes(b'no video')
    before = sorted(tmp_path.iterdir())

    assert main(['attention', '--model', weights, *arguments]) == 1

    error = capsys.readouterr().err.strip()
    assert words in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_pixel_is_column_and_row():
    """As in the coordinates of an image viewer."""
    assert pixel('640,400') == (640, 400)
    with pytest.raises(argparse.ArgumentTypeError, match='640,400'):
        pixel('640')
