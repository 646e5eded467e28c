# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle to look at and one to damage."""

import pytest

pytest.importorskip('onnx', reason='the tiny networks of the tests are made with onnx')

from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    """Return a bundle that nobody writes to."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


@pytest.fixture
def folder(original, tmp_path):
    """Return a bundle to damage."""
    copy = tmp_path / 'tiny'
    copy.mkdir()
    for path in original.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy
