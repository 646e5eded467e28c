# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small network for the bags."""

import pytest
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
    yield pipeline
    pipeline.close()
