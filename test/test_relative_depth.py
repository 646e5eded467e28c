# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Relative depth is written as what it is, and as metres only where the road gives the scale."""

import json

from bag_builder import drive, read_bag, write_bag
import cv2
import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.files import images
from segformer_ros.files.results import Results
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Pipeline
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Make a network of labels and of depth of unknown scale."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return make_tiny_bundle(folder, activation='metric', unit='relative_depth')


@pytest.fixture
def pixels():
    """Make an image."""
    return np.random.default_rng(4).integers(0, 256, (40, 64, 3), np.uint8)


def run(source, model, out, *words):
    """Run the command; the folders of the output that hold files."""
    common = ['--model', str(model), '--backend', 'onnxruntime', '--out', str(out)]
    assert main(['run', str(source), *common, *words]) == 0
    return {path.name for path in out.iterdir() if path.is_dir()}


def expected(model, image):
    """Compute the relative depth of an image."""
    found = Pipeline.load(model, backend='onnxruntime', compiled=False).predict(image)
    assert found.depth is None
    return found.relative


def test_an_image_has_a_file_of_numbers_and_no_metres(model, pixels, tmp_path):
    """In the size of the image, whatever format depth in metres has."""
    cv2.imwrite(str(tmp_path / 'a.png'), pixels)
    image = images.read(tmp_path / 'a.png')
    kinds = run(tmp_path / 'a.png', model, tmp_path / 'out', '--format', 'png16')
    assert kinds == {'label', 'relative_depth', 'overlay'}
    stored = np.load(tmp_path / 'out' / 'relative_depth' / 'a.npy')
    np.testing.assert_array_equal(stored, expected(model, image))
    assert stored.dtype == np.float32
    shown = cv2.imread(str(tmp_path / 'out' / 'overlay' / 'a.png'))
    assert shown.shape == (40, 3 * 64, 3)


def test_a_video_that_continues_draws_what_was_written(model, pixels, tmp_path):
    """Without the network."""
    with VideoWriter(tmp_path / 'a.mp4', 25) as writer:
        for index in range(3):
            writer.add(np.roll(pixels, index, axis=1), index / 25)
    for words in (('--max-frames', '2'), ()):
        run(tmp_path / 'a.mp4', model, tmp_path / 'out', *words)
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert (report['frames']['done'], report['frames']['reused']) == (1, 2)
    label, depth, relative = Results(tmp_path / 'out', ('label', 'relative_depth')).read('000001')
    assert (label.shape, depth, relative.shape) == ((40, 64), None, (40, 64))


def test_a_bag_has_the_topic_of_its_own(model, tmp_path):
    """With the header of the image, and no depth/image."""
    source = write_bag(tmp_path / 'in', drive(2))
    run(source, model, tmp_path / 'out', '--no-overlay', '--format', 'png16')
    found = read_bag(tmp_path / 'out' / 'bag')
    (topic,) = [name for name in found if name.endswith('depth/relative/image')]
    assert not [name for name in found if name.endswith(('depth/image', 'depth/camera_info'))]
    labels = found[topic.replace('depth/relative', 'label')]
    for relative, label in zip(
        [item.message for item in found[topic]], [item.message for item in labels], strict=True
    ):
        assert relative.encoding == '32FC1'
        assert relative.header == label.header
        assert (relative.height, relative.width) == (label.height, label.width)
    info = topic.replace('image', 'camera_info')
    found_infos = [item.message.k.tolist() for item in found[info]]
    expected_infos = [
        item.message.k.tolist() for item in found[info.replace('depth/relative', 'label')]
    ]
    assert found_infos == expected_infos
    assert len(found_infos) == 2


def test_scaled_relative_depth_is_metres(model, pixels, tmp_path):
    """In the place of relative depth."""
    cv2.imwrite(str(tmp_path / 'a.png'), pixels)
    words = ('--scale-by', 'camera_height=1.5', '--camera-fov', '60', '--format', 'npy')
    kinds = run(tmp_path / 'a.png', model, tmp_path / 'out', *words)
    assert kinds == {'label', 'depth', 'overlay'}
