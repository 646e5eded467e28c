# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ids and whole numbers out of image files."""

import struct
import zlib

import numpy as np
import pytest
from segformer_ros.datasets import DatasetError
from segformer_ros.datasets.label_images import (
    read_colors,
    read_ids,
    read_plain,
    read_scaled_depth,
)
from segformer_ros.datasets.storage import FolderStorage
from segformer_ros.labels import CAMVID_32
from trees import save


def palette_png(indices, bits):
    """Write a PNG of indices into a palette."""

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
        + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, 3, 0, 0, 0))
        + chunk(b'PLTE', colors.tobytes())
        + chunk(b'tRNS', b'\0')
        + chunk(b'IDAT', zlib.compress(b''.join(rows)))
        + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_ids_of_a_png_with_a_palette_are_its_indices(tmp_path, bits):
    """Annotation tools colour their ids this way; no colour is taken for an id."""
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (7, 13), np.uint8)
    (tmp_path / 'a.png').write_bytes(palette_png(indices, bits))
    assert np.array_equal(read_ids(FolderStorage(tmp_path), 'a.png'), indices)


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


def test_what_is_no_image_is_named(tmp_path):
    """A file cut off by a full disk, and none at all."""
    (tmp_path / 'a.png').write_bytes(b'\x89PNG')
    with pytest.raises(DatasetError, match=r'a.png of .*: expected .*4 bytes'):
        read_ids(FolderStorage(tmp_path), 'a.png')
    with pytest.raises(DatasetError, match=r'b.png: No such file'):
        read_ids(FolderStorage(tmp_path), 'b.png')
