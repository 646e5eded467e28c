# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files in memory: whole, damaged, and of kinds that are not read."""

from __future__ import annotations

import resource
import sys
import zlib

from avif_grid import avif_grid
import cv2
from damaged_images import encoded, picture, with_hole, with_zeros
import numpy as np
import pytest
from segformer_ros.image_encoding import decode_file, decode_stored, EncodingError, file_kind
import simplejpeg


def _frame_header(jpeg):
    """Find the frame header of a baseline JPEG: marker, length, precision, height, width."""
    return jpeg.index(b'\xff\xc0')


def _changed(jpeg, place, content):
    start = _frame_header(jpeg) + place
    return jpeg[:start] + content + jpeg[start + len(content) :]


@pytest.mark.parametrize(
    'options',
    [
        (),
        (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        (cv2.IMWRITE_JPEG_RST_INTERVAL, 20),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    ],
)
def test_a_whole_jpeg_is_what_libjpeg_makes_of_it(options):
    """Bit for bit, in RGB and in the order of OpenCV."""
    file = encoded(picture(), '.jpg', *options)
    bgr = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    image = decode_file(file)
    np.testing.assert_array_equal(image, bgr[..., ::-1])
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(decode_stored(file), bgr)


def test_a_grey_jpeg_has_three_equal_channels_or_the_stored_one():
    """Colours for the network, what is stored for a mosaic."""
    file = encoded(picture()[..., 0], '.jpg')
    grey = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decode_stored(file), grey)
    np.testing.assert_array_equal(decode_file(file), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize(
    'damage',
    [
        with_hole,
        with_zeros,
        lambda file: file[: len(file) // 2] + b'\xff\xd9',
        lambda file: file[: len(file) * 95 // 100] + b'\xff\xd9',
        lambda file: file[:-12] + b'\xff\xd9',
    ],
    ids=['2000 lost', '2000 zeros', 'half lost', 'last 5 % lost', '10 at end lost'],
)
@pytest.mark.parametrize('options', [(), (cv2.IMWRITE_JPEG_RST_INTERVAL, 20)])
def test_a_jpeg_with_start_and_end_but_damage_between_is_refused(damage, options):
    """OpenCV gives a picture, the larger part of which may be wrong."""
    file = damage(encoded(picture(), '.jpg', *options))
    assert cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) is not None
    for decode in (decode_file, decode_stored):
        with pytest.raises(EncodingError, match=rf'JPEG of {len(file)} bytes that is damaged \('):
            decode(file)


@pytest.mark.parametrize('share', [0.5, 0.99])
def test_a_jpeg_without_its_end_is_cut_off(share):
    """Some cameras leave only the marker out: the message names it."""
    file = encoded(picture(), '.jpg')
    for cut in (file[: int(len(file) * share)], file[:-2]):
        with pytest.raises(EncodingError, match=r'cut off: it has no end marker \(FF D9\)'):
            decode_file(cut)


def test_bytes_in_front_of_a_jpeg_are_counted():
    """Some cameras put a header of their own there."""
    with pytest.raises(EncodingError, match=r'found 24 bytes in front of a JPEG \(FF D8\)'):
        decode_file(bytes(24) + encoded(picture(), '.jpg'))


def test_a_jpeg_of_twelve_bits_is_named():
    """It is whole, and nothing here decodes it."""
    file = _changed(encoded(picture(), '.jpg'), 4, bytes([12]))
    with pytest.raises(EncodingError, match=r'expected a JPEG of 8 bits.*precision 12'):
        decode_file(file)


def _flat_grey_410(level):
    """Make a JPEG of 32x16 pixels with chroma sampled 4x2, which the DC of 10 blocks describes."""
    file = encoded(np.full((16, 32, 3), 128, np.uint8), '.jpg', cv2.IMWRITE_JPEG_QUALITY, 50)
    step = file[file.index(b'\xff\xdb') + 5]
    dc = round((level - 128) * 8 / step)
    assert dc.bit_length() == 6
    # Codes of ITU-T T.81, annex K: 6 bits follow, no difference, end of block; then of chroma.
    first, same, end, chroma = '1110', '00', '1010', '0000'
    bits = first + f'{dc:06b}' + end + 7 * (same + end) + 2 * chroma
    bits += '1' * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    header = file[: file.index(b'\xff\xda') + 14]
    return _changed(header, 11, b'\x42') + scan + b'\xff\xd9', 128 + dc * step / 8


def test_rare_samplings_of_chroma_are_decoded():
    """Of what libjpeg reads, TurboJPEG refuses 4:1:0 and others."""
    file, level = _flat_grey_410(200)
    with pytest.raises(ValueError, match='subsampling'):
        simplejpeg.decode_jpeg(file)
    image = decode_file(file)
    assert image.shape == (16, 32, 3)
    assert np.abs(image - level).max() <= 1
    np.testing.assert_array_equal(decode_stored(file), image)


@pytest.mark.parametrize('extension', ['.jpg', '.png', '.bmp'])
def test_a_header_of_too_many_pixels_is_refused(extension):
    """One such file ends no run: OpenCV raises an error of its own."""
    side = 65500
    file = encoded(picture(), extension)
    if extension == '.jpg':
        file = _changed(file, 5, side.to_bytes(2, 'big') * 2)
    elif extension == '.png':
        header = file[12:16] + side.to_bytes(4, 'big') * 2 + file[24:29]
        file = file[:12] + header + zlib.crc32(header).to_bytes(4, 'big') + file[33:]
    else:
        file = file[:18] + side.to_bytes(4, 'little') * 2 + file[26:]
    for decode in (decode_file, decode_stored):
        with pytest.raises(EncodingError, match=r'expected .*image, found'):
            decode(file)


@pytest.mark.parametrize('content', [b'', b'no image at all', b'BM', b'II*\0', b'\xff\xd8'])
def test_what_is_no_image_is_refused(content):
    """Empty files and lone signatures."""
    for decode in (decode_file, decode_stored):
        with pytest.raises(EncodingError, match=f'of {len(content)} bytes that cannot be decoded'):
            decode(content)


def test_without_simplejpeg_a_jpeg_is_refused_and_a_png_is_read(monkeypatch):
    """The message says what to install; nothing is decoded by a decoder that hides damage."""
    monkeypatch.setitem(sys.modules, 'simplejpeg', None)
    with pytest.raises(EncodingError, match='pip install simplejpeg'):
        decode_file(encoded(picture(), '.jpg'))
    np.testing.assert_array_equal(decode_file(encoded(picture(), '.png')), picture()[..., ::-1])


@pytest.mark.parametrize(
    ('content', 'kind'),
    [
        (b'\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf', 'avif'),
        (b'\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf', 'avif'),
        (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'heic'),
        (b'\0\0\0\x18ftypmif1\0\0\0\0mif1heic', 'heic'),
        (b'\0\0\0\x18ftypisom\0\0\0\0isomiso2', ''),
        (b'GIF89a', 'gif'),
    ],
)
def test_kinds_are_recognised_by_the_first_bytes(content, kind):
    """An MP4 film begins like an AVIF."""
    assert file_kind(content) == kind


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'a HEIC, .*convert it to PNG or JPEG'),
        (b'GIF89a', 'a GIF, .*give it alone as a video'),
    ],
)
def test_kinds_that_are_not_read_are_named(content, message):
    """With what to do."""
    for decode in (decode_file, decode_stored):
        with pytest.raises(EncodingError, match=f'expected an image, found {message}'):
            decode(content)


def tiled():
    """Return a picture of which each of 2x3 tiles has a colour of its own."""
    colors = np.array([[[200, 20, 20], [20, 200, 20], [20, 20, 200]],
                       [[200, 200, 20], [20, 200, 200], [128, 128, 128]]], np.uint8)  # fmt: skip
    return colors.repeat(128, 0).repeat(128, 1)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ({}, tiled()),
        ({'order': (4, 3, 2, 5, 1, 7, 6)}, tiled()),
        ({'turn': b'\0\0\0\x09irot\x01'}, np.rot90(tiled())),
        ({'turn': b'\0\0\0\x09imir\x01'}, tiled()[:, ::-1]),
    ],
)
@pytest.mark.parametrize('decode', [decode_file, decode_stored])
def test_a_photo_in_tiles_is_read_whole(options, expected, decode):
    """Each tile is a picture of its own, which some readers take for the photo."""
    found = decode(avif_grid(tiled(), 2, 3, **options))
    if decode is decode_stored:
        found, expected = found[..., ::-1], tiled()
    assert found.shape == expected.shape
    # Chroma of two columns is one number, also across the border of two tiles.
    assert (np.abs(found.astype(int) - expected).max(-1) <= 8).mean() > 0.97


@pytest.mark.parametrize('damage', ['zeros in a tile', 'cut off', 'a part only'])
def test_a_photo_in_tiles_that_is_not_whole_is_refused(damage):
    """One bad tile is no reason to show the others."""
    whole = avif_grid(tiled(), 2, 3)
    content = {
        'zeros in a tile': whole[:-20] + bytes(20),
        'cut off': whole[:-20],
        'a part only': avif_grid(tiled(), 2, 3, turn=b'\0\0\0\x28clap' + bytes(32)),
    }[damage]
    with pytest.raises(EncodingError, match='expected a whole image'):
        decode_file(content)


def test_png_whose_part_states_gigabytes_is_refused_before_any_is_taken():
    """A length with one wrong byte made cv2 ask for 2 GB for an image of 24x40 pixels."""
    content = bytearray(cv2.imencode('.png', np.zeros((24, 40, 3), np.uint8))[1].tobytes())
    place = content.index(b'IDAT') - 4
    content[place] = 0x79
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for decode in (decode_file, decode_stored):
        with pytest.raises(EncodingError, match=r'damaged: a part of it .* 20\d+ bytes'):
            decode(bytes(content))

    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 100_000


def test_png_with_bytes_behind_its_end_is_read():
    """They are no part of it."""
    pixels = np.arange(24 * 40 * 3, dtype=np.uint8).reshape(24, 40, 3)
    content = cv2.imencode('.png', pixels)[1].tobytes()

    found = decode_file(content + b'\xff' * 30)

    np.testing.assert_array_equal(found, pixels[..., ::-1])


@pytest.mark.parametrize('compression', [8, 32946])
def test_a_deflated_tiff_with_damage_is_refused(compression):
    """OpenCV leaves the rest of a strip black; each has a checksum."""
    file = encoded(picture(), '.tiff', cv2.IMWRITE_TIFF_COMPRESSION, compression)
    assert decode_file(file).shape == (192, 320, 3)
    for damaged in (with_zeros(file, 100), with_zeros(file, 16)):
        with pytest.raises(EncodingError, match=r'damage in 1 of its strips or tiles'):
            decode_file(damaged)
