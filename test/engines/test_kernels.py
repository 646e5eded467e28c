# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Our kernels compute what preprocess and postprocess do.

Here they run on the processor, compiled as C++: that proves their arithmetic and their arguments.
The same on a device is in test/cuda_device.
"""

import re

from engines.doubles import address_of
from engines.host_kernels import HostLauncher
import numpy as np
import pytest
from segformer_ros.engines import kernels
from segformer_ros.engines.cuda import CudaError
from segformer_ros.engines.kernels import Camera, Kernels, Places, Sampler
from segformer_ros.inference.postprocess import decode_depth, decode_labels
from segformer_ros.inference.preprocess import (
    fit,
    lookup_table,
    prepare,
    prepare_bytes,
    resize_weights,
)
from segformer_ros.inference.upsample import sampling

SIZES = [(32, 64), (64, 64)]
GEOMETRIES = [(80, 128), (20, 41), (64, 128), (33, 47), (128, 128), (1, 1), (100, 37), (3, 200)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STREAM = 0


@pytest.fixture(scope='module')
def run():
    """Return the kernels on the processor."""
    return Kernels(HostLauncher())


def _image(hw, channels=3):
    return np.random.default_rng(hw[0]).integers(0, 256, (*hw, channels), np.uint8)


def _resize(run, image, rgb, *, as_bytes):
    """Prepare an image with the kernel."""
    height, width, channels = image.shape
    geometry = fit((height, width), SIZES)
    hw = (geometry.input_h, geometry.input_w)
    constants = np.array([round(255 * value) for value in MEAN], np.uint8)
    target = np.full((*hw, 3), 99, np.uint8)
    if not as_bytes:
        constants, target = lookup_table(MEAN, STD), np.full((3, *hw), 99, np.float32)
    lines = [
        resize_weights(width, geometry.resized_w),
        resize_weights(height, geometry.resized_h),
    ]
    run.resize(
        STREAM,
        Camera(address_of(image), width * channels, channels, rgb),
        *(Places(*(address_of(table) for table in tables)) for tables in lines),
        (geometry.resized_h, geometry.resized_w),
        hw,
        address_of(constants),
        address_of(target),
        as_bytes=as_bytes,
    )
    return geometry, target


@pytest.mark.parametrize('hw', GEOMETRIES)
def test_planes_are_those_of_the_cpu(run, hw):
    """Resized, padded and normalised: equal bit for bit."""
    image = _image(hw)
    geometry, found = _resize(run, image, (0, 1, 2), as_bytes=False)
    expected = np.empty_like(found)
    prepare(image, geometry, lookup_table(MEAN, STD), expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('hw', GEOMETRIES)
def test_bytes_are_those_of_the_cpu(run, hw):
    """Resized and padded for a network that normalises by itself: equal bit for bit."""
    image = _image(hw)
    geometry, found = _resize(run, image, (0, 1, 2), as_bytes=True)
    expected = np.empty_like(found)
    prepare_bytes(image, geometry, [round(255 * value) for value in MEAN], expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ('channels', 'rgb'), [(3, (2, 1, 0)), (4, (0, 1, 2)), (4, (2, 1, 0)), (1, (0, 0, 0))]
)
def test_every_order_of_channels_is_read(run, channels, rgb):
    """BGR, RGBA, BGRA and grey give what their RGB does."""
    image = _image((40, 70), channels)
    _, found = _resize(run, image, rgb, as_bytes=True)
    _, expected = _resize(
        run, np.ascontiguousarray(image[..., list(rgb)]), (0, 1, 2), as_bytes=True
    )
    np.testing.assert_array_equal(found, expected)


class _Case:
    """Outputs of a network for one geometry, and the tables of a kernel."""

    def __init__(self, hw, stride, classes=19):
        rng = np.random.default_rng(hw[1])
        self.geometry, self.stride, self.hw = fit(hw, SIZES), stride, hw
        shape = (self.geometry.input_h // stride, self.geometry.input_w // stride)
        self.logits = rng.normal(0.0, 3.0, (classes, *shape)).astype(np.float32)
        self.raw = rng.normal(2.0, 1.0, shape).astype(np.float32)
        self.ids = rng.permutation(255)[:classes].astype(np.uint8)
        where = sampling(self.geometry, stride)
        upper = np.concatenate([np.full(stop - start, cell) for start, stop, cell in where.bands])
        self._kept = (
            where.left.astype(np.int32),
            where.across,
            upper.astype(np.int32),
            where.down,
        )
        self.where = Sampler(
            *(address_of(table) for table in self._kept), where.rows, where.columns, shape[1]
        )


@pytest.mark.parametrize('stride', [4, 8])
@pytest.mark.parametrize('hw', GEOMETRIES)
def test_labels_are_those_of_the_cpu(run, hw, stride):
    """Equal for every pixel; the confidence, of other sums, within one of 255."""
    case = _Case(hw, stride)
    labels, confidence = np.full(hw, 254, np.uint8), np.full(hw, 254, np.uint8)
    run.decode_labels(
        STREAM,
        address_of(case.logits),
        (len(case.logits), case.logits[0].size),
        case.where,
        address_of(case.ids),
        hw,
        address_of(labels),
        address_of(confidence),
    )
    expected, certain = decode_labels(
        case.logits, case.geometry, stride=stride, class_ids=list(case.ids), confidence=True
    )
    np.testing.assert_array_equal(labels, expected)
    assert np.abs(confidence.astype(int) - certain).max() <= 1


def test_equal_logits_give_the_lower_channel(run):
    """And without a place for it no confidence is written."""
    case = _Case((20, 41), 4, classes=3)
    case.logits[:] = 1.0
    labels = np.full(case.hw, 254, np.uint8)
    run.decode_labels(
        STREAM,
        address_of(case.logits),
        (3, case.logits[0].size),
        case.where,
        address_of(case.ids),
        case.hw,
        address_of(labels),
    )
    assert (labels == case.ids[0]).all()


@pytest.mark.parametrize('activation', ['metric', 'log'])
@pytest.mark.parametrize('hw', GEOMETRIES)
def test_depth_is_that_of_the_cpu(run, hw, activation):
    """Equal for metres; where a logarithm is undone, within the error of the exponential."""
    case = _Case(hw, 4)
    labels = np.random.default_rng(1).integers(0, 3, hw).astype(np.uint8)
    depth, metres = np.full(hw, -1.0, np.float32), np.empty_like(case.raw)
    choice = {'factor': 1.25, 'limits_m': (0.5, 30.0), 'sky': (2, float('inf'))}
    run.decode_depth(
        STREAM,
        address_of(case.raw),
        address_of(metres),
        case.where,
        hw,
        address_of(depth),
        logarithm=activation == 'log',
        labels=address_of(labels),
        **choice,
    )
    expected = decode_depth(
        case.raw, case.geometry, stride=4, activation=activation, labels=labels, **choice
    )
    assert np.array_equal(np.isnan(depth), np.isnan(expected))
    tolerance = 0.0 if activation == 'metric' else 1e-6
    np.testing.assert_allclose(depth, expected, rtol=tolerance)
    assert np.isinf(depth[labels == 2]).all()


@pytest.mark.parametrize('value', [0.0, 3e38, np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_found(run, value):
    """Anywhere among the values."""
    values, flag = np.zeros(1000, np.float32), np.zeros(1, np.int32)
    values[777] = value
    run.find_unusable(STREAM, address_of(values), values.size, address_of(flag))
    assert flag[0] == (not np.isfinite(value))


def test_every_kernel_of_the_sources_is_known():
    """The table says in which file it is."""
    found = {
        name: file
        for file in kernels.SOURCES
        for name in re.findall(r'__global__ void (\w+)', kernels.source(file))
    }
    assert found == dict(kernels.KERNELS)


@pytest.mark.parametrize('file', kernels.SOURCES)
def test_nvrtc_compiles_the_kernels_without_a_device(file):
    """For the cards of vehicles and for those of desks."""
    pytest.importorskip('cuda.core', reason='cuda-core is not installed')
    for capability in ((8, 7), (8, 9), (12, 0)):
        try:
            code = kernels.compile_source(file, capability)
        except CudaError as error:
            if error.name == 'DynamicLibNotFoundError':
                pytest.skip('NVRTC is not installed: pip install nvidia-cuda-nvrtc')
            raise
        assert len(code.code) > 1000


def test_without_cuda_core_a_sentence_says_what_to_install(monkeypatch):
    """The backend goes on without kernels of its own then."""
    monkeypatch.setitem(__import__('sys').modules, 'cuda.core', None)
    with pytest.raises(CudaError, match=r'pip install cuda-bindings cuda-core'):
        kernels.compile_source('preprocess.cu', (8, 7))
