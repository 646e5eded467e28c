# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels of the library compute the bits of those that numba compiles."""

import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import segformer_ros
from segformer_ros.inference import depth_kernel, label_kernel, native_kernels
from segformer_ros.inference.preprocess import fit
from segformer_ros.inference.upsample import crop, sampling

SIZES = [(256, 512), (288, 512), (320, 512)]
IMAGES = [(800, 1280), (427, 1001), (63, 131), (3, 5), (1, 1), (1, 200), (200, 1)]


@pytest.fixture(autouse=True)
def built():
    """Require the library; it is built with the messages of ROS."""
    native_kernels.library.cache_clear()
    if native_kernels.library() is None:
        if 'ros' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(','):
            pytest.fail('SEGFORMER_TEST_REQUIRES names ros, but make setup has built no library')
        pytest.skip(f'{native_kernels.LIBRARY} is not built: make setup')
    yield
    native_kernels.library.cache_clear()


def _cells(geometry, kind, classes, stride=4):
    random = np.random.default_rng(0)
    shape = (classes, geometry.input_h // stride, geometry.input_w // stride)
    logits = random.normal(0.0, 1.0, shape).astype(np.float32)
    if kind == 'ties':
        logits = np.rint(logits)
    if kind == 'regions':
        logits = np.stack([25.0 * cv2.GaussianBlur(grid, (0, 0), 5.0) for grid in logits])
    return crop(logits, sampling(geometry, stride))


@pytest.mark.parametrize('confidence', [False, True])
@pytest.mark.parametrize('kind', ['noise', 'regions', 'ties'])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_labels_and_confidence_are_the_same_bits(image_hw, kind, confidence):
    """Of images of every shape, and of every mixture of classes."""
    geometry = fit(image_hw, SIZES)
    for classes in (1, 12):
        cells, ids = _cells(geometry, kind, classes), np.arange(classes, dtype=np.uint8) + 3
        found = []
        for kernels in (label_kernel, native_kernels):
            labels = np.empty(image_hw, np.uint8)
            certainty = np.empty(image_hw if confidence else (0, 0), np.uint8)
            kernels.fill_labels(cells, ids, sampling(geometry, 4), labels, certainty)
            found.append((labels, certainty))
        np.testing.assert_array_equal(*(labels for labels, _ in found))
        np.testing.assert_array_equal(*(certainty for _, certainty in found))


@pytest.mark.parametrize('stride', [1, 4, 8])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_depth_is_the_same_bits(image_hw, stride):
    """With and without a sky, and outside of the limits."""
    geometry = fit(image_hw, SIZES)
    cells = np.exp(2.0 + _cells(geometry, 'noise', 1, stride)[0])
    sky, limits = (np.uint8(2), np.float32(np.inf)), (np.float32(1.0), np.float32(20.0))
    names = np.random.default_rng(1).integers(0, 4, image_hw).astype(np.uint8)
    for labels in (names, np.empty((0, 0), np.uint8)):
        found = []
        for kernels in (depth_kernel, native_kernels):
            depth = np.empty(image_hw, np.float32)
            kernels.fill_depth(cells, sampling(geometry, stride), limits, labels, sky, depth)
            found.append(depth.view(np.uint32))
        np.testing.assert_array_equal(*found)


def test_a_library_of_another_kind_is_left_alone(tmp_path, monkeypatch):
    """One of another version or machine, or with nothing in it: numba computes."""
    path = tmp_path / native_kernels.LIBRARY
    monkeypatch.setattr(segformer_ros, '__path__', [str(tmp_path)])
    path.write_bytes(b'not a library')
    native_kernels.library.cache_clear()
    assert native_kernels.library() is None
    monkeypatch.undo()
    native_kernels.library.cache_clear()
    shutil.copy(native_kernels.library()._name, path)
    monkeypatch.setattr(segformer_ros, '__path__', [str(tmp_path)])
    monkeypatch.setattr(native_kernels, '_VERSION', native_kernels._VERSION + 1)
    native_kernels.library.cache_clear()
    assert native_kernels.library() is None


def test_without_memory_is_an_error(monkeypatch):
    """The frame is dropped, and nothing is written where there is no place."""
    depth = np.empty((8, 8), np.float32)
    where = sampling(fit((8, 8), SIZES), 4)
    monkeypatch.setattr(
        native_kernels, '_places', lambda _: native_kernels._Sampling(width=1 << 60)
    )
    with pytest.raises(MemoryError, match='expected memory'):
        native_kernels.fill_depth(
            depth, where, (np.float32(0), np.float32(1)), depth[:0], (np.uint8(0), 0.0), depth
        )


def test_numba_is_not_used_where_there_is_a_library():
    """A node imports no numba, which takes longer than all of its other imports."""
    text = (
        'import sys; from segformer_ros.inference.postprocess import is_compiled, warm_up; '
        'assert is_compiled(); warm_up(); assert "numba" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', text], check=True)
