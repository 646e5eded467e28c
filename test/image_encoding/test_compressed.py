# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The images of CompressedImage messages."""

import cv2
from damaged_images import encoded, picture, with_hole
import numpy as np
import pytest
from segformer_ros.image_encoding import decode, decode_compressed, EncodingError


def _gradient():
    rows, columns = np.mgrid[:40, :60]
    return np.stack([rows * 6, columns * 4, rows + columns], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ('extension', 'message_format', 'tolerance'),
    [
        ('.png', 'png', 0),
        ('.png', 'rgb8; png compressed bgr8', 0),
        ('.jpg', 'jpeg', 12),
        ('.jpg', 'bgra8; jpeg compressed bgr8', 12),
        ('.jpg', 'JPG', 12),
    ],
)
def test_compressed_images(extension, message_format, tolerance):
    """PNG is exact, JPEG nearly so, and red stays red."""
    image = _gradient()
    _, file = cv2.imencode(extension, image[..., ::-1])
    found = decode_compressed(file.tobytes(), message_format)
    assert found.flags.c_contiguous
    assert np.abs(found.astype(int) - image).max() <= tolerance


def test_a_compressed_bayer_mosaic_is_demosaiced():
    """The image transport compresses the mosaic itself and says so in the format."""
    cell = np.array([[200, 120], [120, 30]], np.uint8)
    _, file = cv2.imencode('.png', np.tile(cell, (4, 4)))
    image = decode_compressed(file.tobytes(), 'bayer_rggb8; png compressed ')
    assert (image == np.array([200, 120, 30])).all()


@pytest.mark.parametrize('extension', ['.png', '.jpg'])
@pytest.mark.parametrize('share', [0.0, 0.3, 0.99])
def test_a_file_that_was_cut_off_is_refused(extension, share):
    """A decoder would paint the rest grey."""
    data = encoded(picture(), extension)
    with pytest.raises(EncodingError, match=r'expected a whole image.*check the camera driver'):
        decode_compressed(data[: int(len(data) * share)], 'png' if extension == '.png' else 'jpeg')


@pytest.mark.parametrize('content', [b'\xff\xd8\xff\xd9', b'\x89PNG IEND'])
def test_a_file_without_an_image_is_refused(content):
    """Start and end alone are no image."""
    kind = 'jpeg' if content[0] == 0xFF else 'png'
    with pytest.raises(EncodingError, match=f'of {len(content)} bytes that cannot be decoded'):
        decode_compressed(content, kind)


@pytest.mark.parametrize('message_format', ['', 'webp', 'rgb8; rvl'])
def test_other_formats_are_refused(message_format):
    """The two that are taken are named."""
    with pytest.raises(EncodingError, match='must be jpeg or png'):
        decode_compressed(b'', message_format)


@pytest.mark.parametrize('suffix', ['', ' compressed ', ' compressed bayer_rggb8'])
@pytest.mark.parametrize(('extension', 'kind'), [('.jpg', 'jpeg'), ('.png', 'png')])
def test_a_mosaic_is_one_only_with_one_channel_and_no_other_encoding(extension, kind, suffix):
    """Of three channels the driver has made the colours already, whatever it says."""
    colors = np.full((16, 16, 3), (40, 120, 200), np.uint8)
    mosaic = np.full((16, 16), 200, np.uint8)
    mosaic[::2, 1::2] = mosaic[1::2, ::2] = 120
    mosaic[1::2, 1::2] = 40
    message_format = f'bayer_rggb8; {kind}{suffix}'

    found = decode_compressed(encoded(mosaic, extension), message_format)
    assert np.abs(found.astype(int) - (200, 120, 40)).max() <= (12 if kind == 'jpeg' else 0)
    found = decode_compressed(encoded(colors, extension), message_format)
    assert np.abs(found.astype(int) - (200, 120, 40)).max() <= (2 if kind == 'jpeg' else 0)


@pytest.mark.parametrize(('target', 'channels'), [('mono8', 1), ('bgr8', 3), ('rgb8', 3)])
def test_a_mosaic_that_was_converted_before_it_was_compressed_stays_as_it_is(target, channels):
    """The format names what the camera gave, and behind it what was compressed."""
    image = np.full((16, 16, channels), 90, np.uint8)
    image[4:12, 4:12] = 180
    for kind, extension in (('jpeg', '.jpg'), ('png', '.png')):
        file = encoded(image, extension)
        found = decode_compressed(file, f'bayer_rggb8; {kind} compressed {target}')
        np.testing.assert_array_equal(found, decode_compressed(file, kind))


def test_a_mosaic_of_16_bits_is_demosaiced_from_the_upper_bytes():
    """As the same mosaic in a raw message."""
    mosaic = np.random.default_rng(0).integers(0, 65536, (8, 10), np.uint16)
    found = decode_compressed(encoded(mosaic, '.png'), 'bayer_gbrg16; png compressed ')
    expected = decode(
        mosaic.astype('<u2').tobytes(), encoding='bayer_gbrg16', height=8, width=10, step=20
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('padding', [bytes(5000), b'\xff' * 300_000])
@pytest.mark.parametrize(('extension', 'kind'), [('.jpg', 'jpeg'), ('.png', 'png')])
def test_bytes_behind_the_end_do_not_matter(extension, kind, padding):
    """Drivers send buffers of a fixed size."""
    file = encoded(picture(), extension)
    found = decode_compressed(file + padding, kind)
    np.testing.assert_array_equal(found, decode_compressed(file, kind))


def test_damage_between_start_and_end_is_refused_with_the_reason():
    """What libjpeg only warns of."""
    with pytest.raises(
        EncodingError, match=r'JPEG of \d+ bytes that is damaged \(.+\): check the camera driver'
    ):
        decode_compressed(with_hole(encoded(picture(), '.jpg')), 'jpeg')


def test_what_the_format_says_and_what_came_are_both_named():
    """Such as a driver whose format is a constant."""
    with pytest.raises(EncodingError, match='expected the jpeg that the format says, found a png'):
        decode_compressed(encoded(picture(), '.png'), 'bgr8; jpeg compressed bgr8')


@pytest.mark.parametrize('form', ['16UC1; png compressed ', '16UC1; compressedDepth png'])
@pytest.mark.parametrize('header', [b'', bytes(12)])
def test_compressed_depth_is_no_camera_image(form, header):
    """Its millimetres would be taken for grey; compressedDepth has a header in front."""
    file = cv2.imencode('.png', np.full((8, 8), 1500, np.uint16))[1].tobytes()
    with pytest.raises(EncodingError, match=r'found a depth image \(16UC1\)'):
        decode_compressed(header + file, form)
