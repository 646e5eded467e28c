# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small network, and pictures for it."""

import cv2
import numpy as np
import pytest
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Pipeline

pytest.importorskip('onnx', reason='the tiny networks of the tests are made with onnx')

from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='session')
def bundle(tmp_path_factory):
    """Make a tiny network."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


@pytest.fixture(scope='session')
def pipeline(bundle):
    """Load the tiny network."""
    pipeline = Pipeline.load(bundle, threads=2, at_once=2)
    assert pipeline.at_once == 2
    yield pipeline
    pipeline.close()


def picture(seed, height=48, width=96):
    """Make a picture of coloured blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture
def folder(tmp_path):
    """Make a folder with images of two sizes, one of them damaged, and a text."""
    folder = tmp_path / 'images'
    (folder / 'left').mkdir(parents=True)
    cv2.imwrite(str(folder / 'a2.png'), picture(1))
    cv2.imwrite(str(folder / 'a10.png'), picture(2))
    cv2.imwrite(str(folder / 'left' / 'b.png'), picture(3, 80, 64))
    (folder / 'damaged.png').write_bytes((folder / 'a2.png').read_bytes()[:60])
    (folder / 'notes.txt').write_text('no image')
    return folder


@pytest.fixture
def video(tmp_path):
    """Make a video of five frames, the last after a gap."""
    path = tmp_path / 'drive.mp4'
    with VideoWriter(path, 25) as writer:
        for index, time_s in enumerate([0.0, 0.04, 0.08, 0.12, 0.3]):
            writer.add(picture(index), time_s)
    return path
