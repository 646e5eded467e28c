# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ids and whole numbers out of image files."""

import struct
import zlib

from damaged_images import encoded, picture, with_hole
import numpy as np
from PIL import Image
import pytest
from segformer_ros.datasets import DatasetError
from segformer_ros.datasets.label_images import (
    read_colors,
    read_ids,
    read_plain,
    read_scaled_depth,
)
from segformer_ros.datasets.storage import FolderStorage
from segformer_ros.datasets.storage_images import read_codes, read_rgb
from segformer_ros.labels import CAMVID_32
from trees import save


def png_of_bits(indices, bits, *, palette=True):
    """Write a PNG of so many bits a pixel, grey or with a palette."""

    def chunk(name, data):
        check = zlib.crc32(name + data).to_bytes(4, 'big')
        return struct.pack('>I', len(data)) + name + data + check

    height, width = indices.shape
    rows = []
    for row in indices:
        binary = ''.join(f'{index:0{bits}b}' for index in row)
        binary += '0' * (-len(binary) % 8)
        rows.append(b'\0' + bytes(int(binary[at : at + 8], 2) for at in range(0, len(binary), 8)))
    colors = np.random.default_rng(1).integers(0, 256, (1 << bits, 3), np.uint8)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, 3 * palette, 0, 0, 0))
        + (chunk(b'PLTE', colors.tobytes()) + chunk(b'tRNS', b'\0')) * palette
        + chunk(b'IDAT', zlib.compress(b''.join(rows)))
        + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_ids_of_a_png_with_a_palette_are_its_indices(tmp_path, bits):
    """Annotation tools colour their ids this way; no colour is taken for an id."""
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (7, 13), np.uint8)
    (tmp_path / 'a.png').write_bytes(png_of_bits(indices, bits))
    assert np.array_equal(read_ids(FolderStorage(tmp_path), 'a.png'), indices)


@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_ids_of_a_grey_png_are_its_numbers(tmp_path, bits):
    """A decoder spreads them over 8 bits: 1 of 1 bit would be 255, which is unknown."""
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (7, 13), np.uint8)
    (tmp_path / 'a.png').write_bytes(png_of_bits(indices, bits, palette=False))
    assert np.array_equal(read_ids(FolderStorage(tmp_path), 'a.png'), indices)


@pytest.mark.parametrize('name', ['a.tif', 'a.bmp'])
@pytest.mark.parametrize('compression', [None, 'tiff_lzw'])
def test_ids_of_other_files_with_a_palette_are_their_indices(tmp_path, name, compression):
    """Whatever the colours are, grey ones included."""
    indices = np.random.default_rng(0).integers(0, 256, (7, 13), np.uint8)
    for seed, channels in ((1, 3), (2, 1)):
        colors = np.random.default_rng(seed).integers(0, 256, (256, channels), np.uint8)
        image = Image.fromarray(indices, 'P')
        image.putpalette(np.broadcast_to(colors, (256, 3)).tobytes())
        image.save(tmp_path / name, compression=compression)
        assert np.array_equal(read_ids(FolderStorage(tmp_path), name), indices)


@pytest.mark.parametrize('name', ['a.tif', 'a.bmp'])
def test_a_mask_of_one_bit_is_0_and_1(tmp_path, name):
    """As in a PNG."""
    mask = np.random.default_rng(0).integers(0, 2, (7, 13), np.uint8)
    Image.fromarray(mask.astype(bool)).save(tmp_path / name)
    assert np.array_equal(read_ids(FolderStorage(tmp_path), name), mask)


def test_numbers_with_a_point_are_no_ids(tmp_path):
    """Rounding them would make ids of anything."""
    save(tmp_path / 'a.tif', np.full((2, 2), 1.5, np.float32))
    with pytest.raises(DatasetError, match=r'ids as whole numbers in a.tif .*found float32'):
        read_ids(FolderStorage(tmp_path), 'a.tif')


def test_ids_may_be_stored_in_sixteen_bits(tmp_path):
    """As long as they fit into eight."""
    storage = FolderStorage(tmp_path)
    save(tmp_path / 'a.png', np.array([[0, 255]], np.uint16))
    save(tmp_path / 'b.png', np.array([[0, 256]], np.uint16))
    assert read_ids(storage, 'a.png').tolist() == [[0, 255]]
    with pytest.raises(DatasetError, match=r'up to 255 in b.png'):
        read_ids(storage, 'b.png')


def test_colours_are_no_ids(tmp_path):
    """They need a label set."""
    save(tmp_path / 'a.png', np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DatasetError, match=r'one channel in a.png .*found 3 channels'):
        read_ids(FolderStorage(tmp_path), 'a.png')
    with pytest.raises(DatasetError, match=r'one channel in a.png'):
        read_plain(FolderStorage(tmp_path), 'a.png')


def test_colours_become_ids(tmp_path):
    """A colour that is none of them is an error."""
    storage = FolderStorage(tmp_path)
    ids = np.arange(32, dtype=np.uint8).reshape(4, 8)
    save(tmp_path / 'a.png', CAMVID_32.palette()[ids])
    assert np.array_equal(read_colors(storage, 'a.png', CAMVID_32), ids)
    save(tmp_path / 'b.png', np.full((2, 2, 3), (1, 2, 3), np.uint8))
    with pytest.raises(DatasetError, match=r'in b.png .*color 1 2 3'):
        read_colors(storage, 'b.png', CAMVID_32)


def test_depth_by_its_scale(tmp_path):
    """0 is unknown."""
    save(tmp_path / 'a.png', np.array([[0, 1, 65535]], np.uint16))
    depth = read_scaled_depth(FolderStorage(tmp_path), 'a.png', 256)
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, [[np.nan, 1 / 256, 65535 / 256]])


@pytest.mark.parametrize('order', ['<', '>'])
def test_ids_of_a_bigtiff_with_a_palette_are_its_indices(tmp_path, order):
    """Files of more than 4 GB need it, and some programs write nothing else."""
    indices = np.random.default_rng(0).integers(0, 40, (7, 13), np.uint8)
    (tmp_path / 'a.tif').write_bytes(_bigtiff(indices, order))
    assert np.array_equal(read_ids(FolderStorage(tmp_path), 'a.tif'), indices)


def _bigtiff(indices, order):
    """Write numbers with a palette: https://libtiff.gitlab.io/libtiff/specification/bigtiff.html."""
    height, width = indices.shape
    colors = np.random.default_rng(1).integers(0, 65536, (3, 256))
    short, long, long8 = 3, 4, 16
    start = 16 + 8 + 10 * 20 + 8
    entries = (
        (256, long, 1, width), (257, long, 1, height), (258, short, 1, 8), (259, short, 1, 1),
        (262, short, 1, 3), (273, long8, 1, start + colors.size * 2), (277, short, 1, 1),
        (278, long, 1, height), (279, long8, 1, indices.size), (320, short, colors.size, start),
    )  # fmt: skip
    file = (b'II' if order == '<' else b'MM') + struct.pack(f'{order}HHHQQ', 43, 8, 0, 16, 10)
    for tag, kind, count, value in entries:
        form = {short: 'H6x', long: 'I4x', long8: 'Q'}[kind if count == 1 else long8]
        file += struct.pack(f'{order}HHQ{form}', tag, kind, count, value)
    return file + bytes(8) + colors.astype(f'{order}u2').tobytes() + indices.tobytes()


def test_what_is_no_image_is_named(tmp_path):
    """A file cut off by a full disk, and none at all."""
    (tmp_path / 'a.png').write_bytes(b'\x89PNG')
    with pytest.raises(DatasetError, match=r'a.png of .*: expected .*4 bytes'):
        read_ids(FolderStorage(tmp_path), 'a.png')
    with pytest.raises(DatasetError, match=r'b.png: No such file'):
        read_ids(FolderStorage(tmp_path), 'b.png')


def test_transparency_of_a_tiff_changes_no_colour_and_no_code(tmp_path):
    """Libtiff would multiply by it."""
    pixels = np.full((4, 6, 4), (200, 100, 50, 128), np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'a.tif')
    storage = FolderStorage(tmp_path)
    assert (read_rgb(storage, 'a.tif') == (200, 100, 50)).all()
    assert (read_codes(storage, 'a.tif', 3)[..., :3] == (50, 100, 200)).all()


def test_a_jpeg_with_a_hole_is_refused(tmp_path):
    """With the name of the file."""
    (tmp_path / 'a.jpg').write_bytes(with_hole(encoded(picture(), '.jpg')))
    with pytest.raises(DatasetError, match=r'a\.jpg of .*damaged \(.*fetch it again'):
        read_rgb(FolderStorage(tmp_path), 'a.jpg')
