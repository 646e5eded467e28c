# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small network, and inputs of every kind."""

from importlib.util import find_spec
import os

import pytest

if 'fleet' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(','):
    absent = [name for name in ('ray', 'aiohttp_cors', 's3fs', 'moto') if find_spec(name) is None]
    if absent:
        raise ImportError(f'SEGFORMER_TEST_REQUIRES names fleet, but {absent} are not installed')

pytest.importorskip('onnx', reason='the tiny networks of the tests are made with onnx')

from bag_builder import drive, write_bag
from recordings_builder import write_images, write_video
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='session')
def model(tmp_path_factory):
    """Make a network of a few hundred weights."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


@pytest.fixture(scope='session')
def recordings(tmp_path_factory):
    """Make a folder with a bag, a video and images."""
    folder = write_images(tmp_path_factory.mktemp('recordings') / 'night', 5)
    write_video(folder / 'drive.mp4', 11)
    write_bag(folder / 'bag', drive(6))
    return folder
