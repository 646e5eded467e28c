# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compressed outputs, read as the plugins of image_transport read them."""

import struct

import cv2
import numpy as np
import pytest
from segformer_ros.frame_rules import depth_to_millimetres
from segformer_ros.image_encoding import decode_compressed
from segformer_ros.output_topics import compressed

HEADER = object()


def decode_depth(content):
    """Read a compressedDepth message, by the text of codec.cpp of image_transport_plugins."""
    encoding, _, ending = content.fields['format'].partition(';')
    assert ending == ' compressedDepth png'
    data = content.fields['data'].tobytes()
    kind, a, b = struct.unpack('<iff', data[:12])
    assert kind == 0
    values = cv2.imdecode(np.frombuffer(data[12:], np.uint8), cv2.IMREAD_UNCHANGED)
    assert values.dtype == np.uint16
    if encoding == '16UC1':
        return values
    assert encoding == '32FC1'
    with np.errstate(divide='ignore'):
        metres = np.float32(a) / (values.astype(np.float32) - np.float32(b))
    return np.where(values == 0, np.float32(np.nan), metres)


def test_depth_in_metres_survives_within_its_steps():
    """Half a step is d^2 / 2A: 3.1 mm at 10 metres, 0.2 m at 80; unknown stays unknown."""
    depth = np.geomspace(0.25, 900.0, 64 * 48, dtype=np.float32).reshape(48, 64)
    found = decode_depth(compressed.depth(HEADER, depth, '32FC1'))
    half_step = depth.astype(np.float64) ** 2 / 2 / 16388
    assert (np.abs(found - depth) <= 1.02 * half_step + 1e-4 * depth).all()
    assert half_step[np.searchsorted(depth.ravel(), 10.0) // 64].min() < 0.0032


@pytest.mark.parametrize(
    ('metres', 'expected'),
    [
        (np.nan, np.nan),
        (np.inf, np.nan),
        (-np.inf, np.nan),
        (0.0, np.nan),
        (-3.0, np.nan),
        (1001.0, np.nan),
        (1000.0, 1000.0),
        (0.25, 0.25),
        (0.01, 0.25),
    ],
)
def test_what_is_no_depth_is_unknown_and_the_range_has_ends(metres, expected):
    """Nearer than the range is its end, farther is unknown: an obstacle is never lost."""
    depth = np.full((2, 3), metres, np.float32)
    found = decode_depth(compressed.depth(HEADER, depth, '32FC1'))
    np.testing.assert_allclose(found, np.full((2, 3), expected), rtol=1e-3)


def test_depth_in_millimetres_is_that_of_the_image():
    """Bit for bit."""
    depth = np.array([[np.nan, 0.0, 1.2346, 70.0]], np.float32)
    found = decode_depth(compressed.depth(HEADER, depth, '16UC1'))
    np.testing.assert_array_equal(found, depth_to_millimetres(depth))
    assert found.tolist() == [[0, 0, 1235, 0]]


def test_labels_survive_bit_for_bit():
    """As mono8 in a PNG, named as compressed_image_transport names it."""
    ids = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    content = compressed.labels(HEADER, ids)
    assert content.type == 'sensor_msgs/msg/CompressedImage'
    assert content.fields['header'] is HEADER
    assert content.fields['format'] == 'mono8; png compressed '
    found = cv2.imdecode(content.fields['data'], cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, ids)


@pytest.mark.parametrize('size', [(1, 1), (1, 200), (200, 1), (17, 33)])
def test_images_of_every_size_are_read_back(size):
    """Of one pixel, one row, one column and odd sides, also turned."""
    random = np.random.default_rng(0)
    ids = np.ascontiguousarray(np.rot90(random.integers(0, 256, size, np.uint8)))
    metres = np.ascontiguousarray(np.rot90(random.uniform(0.3, 60.0, size).astype(np.float32)))
    picture = np.repeat(ids[..., None], 3, axis=2)
    found = cv2.imdecode(compressed.labels(HEADER, ids).fields['data'], cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, ids)
    read = cv2.imdecode(compressed.colors(HEADER, picture).fields['data'], cv2.IMREAD_COLOR)
    assert read.shape == picture.shape
    millimetres = decode_depth(compressed.depth(HEADER, metres, '16UC1'))
    np.testing.assert_array_equal(millimetres, depth_to_millimetres(metres))
    inverse = decode_depth(compressed.depth(HEADER, metres, '32FC1'))
    np.testing.assert_allclose(inverse, metres, rtol=3e-3)


@pytest.mark.parametrize('size', [(1, 65501), (65501, 1), (1, 65500)])
def test_colours_that_are_too_long_for_a_jpeg_are_a_png(size):
    """With its name in the format; as JPEG as far as that goes."""
    pixels = np.full((*size, 3), (200, 90, 10), np.uint8)
    content = compressed.colors(HEADER, pixels)
    kind = 'jpeg' if max(size) == 65500 else 'png'
    assert content.fields['format'] == f'rgb8; {kind} compressed bgr8'
    found = decode_compressed(content.fields['data'], content.fields['format'])
    assert np.abs(found.astype(int) - pixels).max() <= (0 if kind == 'png' else 3)


def test_colours_are_a_jpeg_in_the_right_order():
    """Red stays red."""
    red = np.full((16, 16, 3), (200, 20, 10), np.uint8)
    content = compressed.colors(HEADER, red)
    assert content.fields['format'] == 'rgb8; jpeg compressed bgr8'
    found = cv2.imdecode(content.fields['data'], cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_allclose(found.mean(axis=(0, 1)), (200, 20, 10), atol=4)
