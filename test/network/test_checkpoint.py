# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights files as files: who may read them, and what is left when they cannot be written."""

import os
import stat

import pytest

torch = pytest.importorskip('torch', reason='weights are tensors')

from segformer_ros.checkpoints.formats.base import Packed  # noqa: E402
from segformer_ros.checkpoints.writing import write as write_packed  # noqa: E402
from segformer_ros.network import checkpoint  # noqa: E402

TENSORS = {'a': torch.arange(3.0)}


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request):
    """Set the umask of this process for a test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path):
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_umask_decides_who_may_read_weights(tmp_path, umask):
    """As for every other file; also where an older one of other permissions is replaced."""
    path = tmp_path / 'weights.safetensors'
    path.write_bytes(b'older')
    path.chmod(0o600)

    checkpoint.write(path, TENSORS, {})
    write_packed(Packed(TENSORS, config={}), tmp_path / 'folder')

    assert mode_of(path) == 0o666 & ~umask
    assert {mode_of(item) for item in (tmp_path / 'folder').iterdir()} == {0o666 & ~umask}
    assert torch.equal(checkpoint.read(path)[0]['a'], TENSORS['a'])


def test_weights_that_cannot_be_written_leave_the_older_ones(tmp_path):
    """And nothing beside them."""
    path = tmp_path / 'weights.safetensors'
    checkpoint.write(path, TENSORS, {})
    before = path.read_bytes()
    shared = {'a': TENSORS['a'], 'b': TENSORS['a']}

    with pytest.raises(RuntimeError, match='share memory'):
        checkpoint.write(path, shared, {})

    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
