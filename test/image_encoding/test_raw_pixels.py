# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of camera images as RGB, each encoding against a reference in plain numpy."""

from array import array

import numpy as np
import pytest
from segformer_ros.image_encoding import decode, EncodingError, SUPPORTED

HEIGHT, WIDTH = 6, 8
PATTERNS = {'rggb': 'RGGB', 'bggr': 'BGGR', 'gbrg': 'GBRG', 'grbg': 'GRBG'}


def _random(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def _rows(pixels, padding=0):
    """Lay pixels out as rows of bytes; give the bytes and the step."""
    rows = np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return padded.tobytes(), padded.shape[1]


def _decode(pixels, encoding, *, padding=0, width=WIDTH, is_bigendian=False):
    data, step = _rows(pixels, padding)
    return decode(
        data,
        encoding=encoding,
        height=pixels.shape[0],
        width=width,
        step=step,
        is_bigendian=is_bigendian,
    )


def _rgb_from_yuv(luma, u, v):
    """Convert as BT.601 with limited range says, Y below 16 as 16: (..., 3) float."""
    luma, u, v = (np.asarray(plane, np.float64) for plane in (luma, u, v))
    y = 1.164383 * np.maximum(luma - 16.0, 0.0)
    red = y + 1.596027 * (v - 128.0)
    green = y - 0.391762 * (u - 128.0) - 0.812968 * (v - 128.0)
    blue = y + 2.017232 * (u - 128.0)
    return np.clip(np.stack([red, green, blue], axis=-1), 0.0, 255.0)


def test_the_encodings_are_those_of_the_interface():
    """Every name that the node promises is there."""
    expected = {
        'rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', '8UC1', '8UC3', '8UC4', 'mono16',
        'yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv', 'nv12', 'nv21', 'rgb16', 'bgr16',
    }  # fmt: skip
    bayer = {f'bayer_{name}{bits}' for name in PATTERNS for bits in (8, 16)}
    assert expected | bayer <= set(SUPPORTED)


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [
        ('rgb8', [0, 1, 2]),
        ('bgr8', [2, 1, 0]),
        ('8UC3', [2, 1, 0]),
        ('rgba8', [0, 1, 2, 3]),
        ('bgra8', [2, 1, 0, 3]),
        ('8UC4', [2, 1, 0, 3]),
    ],
)
@pytest.mark.parametrize('padding', [0, 5])
def test_packed_colours(encoding, order, padding):
    """Row padding and channel order never reach the network."""
    rgba = _random(HEIGHT, WIDTH, 4)
    image = _decode(rgba[..., order], encoding, padding=padding)
    np.testing.assert_array_equal(image, rgba[..., :3])


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [
        ('rgb16', [0, 1, 2]),
        ('bgr16', [2, 1, 0]),
        ('16UC3', [2, 1, 0]),
        ('rgba16', [0, 1, 2, 3]),
        ('bgra16', [2, 1, 0, 3]),
    ],
)
@pytest.mark.parametrize('is_bigendian', [False, True])
def test_packed_colours_of_16_bits(encoding, order, is_bigendian):
    """Of each channel the upper byte is taken, in either byte order."""
    rgba = _random(HEIGHT, WIDTH, 4, dtype=np.uint16)
    raw = rgba[..., order].astype('>u2' if is_bigendian else '<u2')
    image = _decode(raw, encoding, padding=3, is_bigendian=is_bigendian)
    np.testing.assert_array_equal(image, (rgba[..., :3] >> 8).astype(np.uint8))


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
@pytest.mark.parametrize('padding', [0, 5])
def test_grey(encoding, padding):
    """One channel becomes three equal ones."""
    gray = _random(HEIGHT, WIDTH)
    image = _decode(gray, encoding, padding=padding)
    np.testing.assert_array_equal(image, np.stack([gray] * 3, axis=-1))


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('is_bigendian', [False, True])
def test_grey_of_16_bits(padding, is_bigendian):
    """0x1234 is 0x12 in either byte order, also in rows of an odd number of bytes."""
    gray = _random(HEIGHT, WIDTH, dtype=np.uint16)
    gray[0, 0] = 0x1234
    raw = gray.astype('>u2' if is_bigendian else '<u2')
    image = _decode(raw, 'mono16', padding=padding, is_bigendian=is_bigendian)
    assert image[0, 0].tolist() == [0x12] * 3
    np.testing.assert_array_equal(image[..., 1], (gray >> 8).astype(np.uint8))


@pytest.mark.parametrize('padding', [0, 4])
@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuyv', 'YUYV'), ('yuv422_yuy2', 'YUYV'), ('uyvy', 'UYVY'), ('yuv422', 'UYVY')],
)
def test_yuv_with_chroma_for_two_columns(encoding, order, padding):
    """Two columns share U and V; colours are right to rounding."""
    luma, chroma = _random(HEIGHT, WIDTH), _random(HEIGHT, WIDTH // 2, 2)[..., ::-1]
    raw = np.empty((HEIGHT, WIDTH // 2, 4), np.uint8)
    places = [index for index, name in enumerate(order) if name == 'Y']
    raw[..., places] = luma.reshape(HEIGHT, WIDTH // 2, 2)
    raw[..., order.index('U')], raw[..., order.index('V')] = chroma[..., 0], chroma[..., 1]

    image = _decode(raw, encoding, padding=padding)

    wide = np.repeat(chroma, 2, axis=1)
    expected = _rgb_from_yuv(luma, wide[..., 0], wide[..., 1])
    assert np.abs(image - expected).max() <= 1.5


@pytest.mark.parametrize(('encoding', 'first'), [('nv12', 0), ('nv21', 1)])
@pytest.mark.parametrize('padding', [0, 4])
def test_yuv_with_chroma_for_two_by_two_pixels(encoding, first, padding):
    """After the rows of Y come half as many of U and V; nv21 has V first."""
    luma, chroma = _random(HEIGHT, WIDTH), _random(HEIGHT // 2, WIDTH // 2, 2)
    data, step = _rows(luma, padding)
    data += _rows(chroma, padding)[0]

    image = decode(data, encoding=encoding, height=HEIGHT, width=WIDTH, step=step)

    wide = chroma.repeat(2, axis=0).repeat(2, axis=1)
    expected = _rgb_from_yuv(luma, wide[..., first], wide[..., 1 - first])
    assert np.abs(image - expected).max() <= 1.5


@pytest.mark.parametrize('encoding', ['yuyv', 'uyvy', 'nv12', 'nv21'])
def test_grey_in_yuv_is_grey(encoding):
    """Y 16 is black and Y 235 is white."""
    for level, expected in ((16, 0), (235, 255), (126, 128)):
        luma = np.full((HEIGHT, WIDTH), level, np.uint8)
        gray = np.full((HEIGHT, WIDTH), 128, np.uint8)
        if encoding.startswith('nv'):
            data, step = np.concatenate([luma, gray[: HEIGHT // 2]]).tobytes(), WIDTH
        else:
            planes = [luma, gray] if encoding == 'yuyv' else [gray, luma]
            data, step = np.stack(planes, axis=-1).tobytes(), 2 * WIDTH
        image = decode(data, encoding=encoding, height=HEIGHT, width=WIDTH, step=step)
        assert np.abs(image.astype(int) - expected).max() <= 1


@pytest.mark.parametrize('pattern', PATTERNS)
@pytest.mark.parametrize(('bits', 'is_bigendian'), [(8, False), (16, False), (16, True)])
def test_a_bayer_mosaic_of_one_colour_is_that_colour(pattern, bits, is_bigendian):
    """Of the four names each must put red, green and blue where ROS says they are."""
    color = {'R': 200, 'G': 120, 'B': 30}
    names = np.array(list(PATTERNS[pattern])).reshape(2, 2)
    cell = np.vectorize(color.get)(names)
    mosaic = np.tile(cell, (HEIGHT // 2, WIDTH // 2)).astype(np.uint8)
    raw = mosaic
    if bits == 16:
        raw = (mosaic.astype(np.uint16) * 256 + 77).astype('>u2' if is_bigendian else '<u2')

    image = _decode(raw, f'bayer_{pattern}{bits}', padding=3, is_bigendian=is_bigendian)

    assert (image == np.array([200, 120, 30])).all()


def test_any_buffer_is_taken_and_none_is_shared():
    """A ROS message holds an array, a bag gives bytes."""
    pixels = _random(HEIGHT, WIDTH, 3)
    raw = pixels.tobytes()
    buffers = (raw, bytearray(raw), memoryview(raw), array('B', raw), pixels.ravel(), pixels)
    for buffer in buffers:
        image = decode(buffer, encoding='rgb8', height=HEIGHT, width=WIDTH, step=3 * WIDTH)
        np.testing.assert_array_equal(image, pixels)
        assert image.flags.c_contiguous
        assert image.flags.writeable
    assert not np.shares_memory(image, pixels)


@pytest.mark.parametrize('encoding', SUPPORTED)
def test_a_buffer_of_another_length_is_refused(encoding):
    """One byte less or more is as wrong as nothing."""
    rows = HEIGHT * 3 // 2 if encoding.startswith('nv') else HEIGHT
    step = 8 * WIDTH
    for length in (0, rows * step - 1, rows * step + 1):
        with pytest.raises(
            EncodingError, match=f'needs {rows * step} bytes of data, got {length}'
        ):
            decode(bytes(length), encoding=encoding, height=HEIGHT, width=WIDTH, step=step)
    image = decode(bytes(rows * step), encoding=encoding, height=HEIGHT, width=WIDTH, step=step)
    assert (image.shape, image.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize(
    ('encoding', 'height', 'width', 'step', 'message'),
    [
        ('rgb8', 0, 8, 24, 'too small'),
        ('rgb8', 6, 0, 24, 'too small'),
        ('bgr8', 6, 8, 23, 'a row needs 24 bytes'),
        ('mono16', 6, 8, 15, 'a row needs 16 bytes'),
        ('yuyv', 6, 7, 16, 'its width must be even'),
        ('nv12', 5, 8, 8, 'its height must be even'),
        ('nv12', 6, 7, 8, 'its width must be even'),
        ('bayer_rggb8', 2, 8, 8, 'too small: expected 3 pixels or more'),
    ],
)
def test_impossible_sizes_are_refused(encoding, height, width, step, message):
    """The message repeats what the fields say."""
    with pytest.raises(EncodingError, match=f'{width}x{height} {encoding} image .*{message}'):
        decode(bytes(height * step), encoding=encoding, height=height, width=width, step=step)


@pytest.mark.parametrize('encoding', ['', '64FC1', 'RGB8', 'jpeg'])
def test_an_unknown_encoding_names_the_known_ones(encoding):
    """The user learns what the camera may send."""
    with pytest.raises(EncodingError, match=r'one of rgb8, bgr8, .*nv21, not'):
        decode(b'', encoding=encoding, height=1, width=1, step=1)


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_depth_is_no_camera_image(encoding):
    """REP 118: such an image holds distances, which the network would take for grey."""
    depth = np.full((HEIGHT, WIDTH), 1500, '<u2' if encoding == '16UC1' else '<f4')
    with pytest.raises(EncodingError, match=rf'found a depth image \({encoding}\): name'):
        _decode(depth, encoding)
