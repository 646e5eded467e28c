# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files."""

import cv2
import numpy as np
import pytest
from segformer_ros.files import images


def test_images_are_found_in_the_order_a_person_counts(tmp_path):
    """Sub-folders too; hidden files and other files are left out."""
    for name in ('f10.png', 'f2.png', 'f2.txt', '.f3.png', 'left/a.JPG'):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'')
    assert [file.name for file in images.find(tmp_path)] == ['f2', 'f10', 'left/a']


def test_two_images_of_one_name_get_two_results(tmp_path):
    """Only then the suffix stays in the name."""
    for name in ('a.png', 'a.jpg', 'b.png'):
        (tmp_path / name).write_bytes(b'')
    assert [file.name for file in images.find(tmp_path)] == ['a.jpg', 'a.png', 'b']


def test_a_single_image_is_named_by_itself(tmp_path):
    """The folder it lies in does not matter."""
    path = tmp_path / 'a.png'
    path.write_bytes(b'')
    (tmp_path / 'b.png').write_bytes(b'')
    assert images.find(path) == (images.ImageFile('a', path),)


def test_a_folder_without_images_is_an_error(tmp_path):
    """The sentence says what would be an image."""
    with pytest.raises(ValueError, match=r'found none of .*\.png'):
        images.find(tmp_path)


@pytest.mark.parametrize(
    ('stored', 'expected'),
    [
        (np.full((2, 3, 3), (1, 2, 3), np.uint8), [3, 2, 1]),
        (np.full((2, 3, 4), (1, 2, 3, 4), np.uint8), [3, 2, 1]),
        (np.full((2, 3), 7, np.uint8), [7, 7, 7]),
        (np.full((2, 3), 0x0701, np.uint16), [7, 7, 7]),
    ],
)
def test_every_kind_of_png_becomes_rgb(tmp_path, stored, expected):
    """OpenCV stores blue first."""
    path = tmp_path / 'a.png'
    path.write_bytes(cv2.imencode('.png', stored)[1].tobytes())
    image = images.read(path)
    assert (image.shape, image.dtype) == ((2, 3, 3), np.uint8)
    assert image[1, 2].tolist() == expected


@pytest.mark.parametrize('content', [b'', b'no image at all'])
def test_a_file_that_is_no_image_is_an_error(tmp_path, content):
    """An empty file is one of them."""
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'a.png: .* of {len(content)} bytes'):
        images.read(path)


def test_png_is_without_loss():
    """Class ids and millimetres come back as they were, colours in RGB order."""
    random = np.random.default_rng(0)
    for image in (
        random.integers(0, 256, (5, 7), np.uint8),
        random.integers(0, 65536, (5, 7), np.uint16),
    ):
        data = np.frombuffer(images.encode_png(image), np.uint8)
        np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), image)
    rgb = random.integers(0, 256, (5, 7, 3), np.uint8)
    data = np.frombuffer(images.encode_png(rgb), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], rgb)
