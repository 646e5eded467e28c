# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files."""

import cv2
from damaged_images import encoded, picture, with_hole
import numpy as np
from PIL import Image, ImageOps
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


def test_links_are_followed_and_hidden_folders_are_left_out(tmp_path):
    """As files_below says."""
    for name in ('disk/a.png', 'data/.thumbnails/a.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b'')
    (tmp_path / 'data' / 'left').symlink_to(tmp_path / 'disk', target_is_directory=True)
    assert [file.name for file in images.find(tmp_path / 'data')] == ['left/a']


@pytest.mark.parametrize('name', ['a.heic', 'a.HEIF', 'a.gif', 'a.jxl', 'a.dng', 'a.exr'])
def test_images_that_are_not_read_are_found_and_named(tmp_path, name):
    """They count as failed instead of being passed over; some hold a TIFF with a small preview."""
    (tmp_path / name).write_bytes(encoded(picture(), '.tif'))
    (file,) = images.find(tmp_path)
    with pytest.raises(ValueError, match=f'{name}: expected one of .*convert it to PNG or JPEG'):
        images.read(file.path)


def test_images_are_recognised_by_their_first_bytes_too(tmp_path):
    """Where the suffix says nothing; a GIF and a film are none."""
    path = tmp_path / 'frame'
    for content, expected in (
        (encoded(picture(), '.jpg'), True),
        (encoded(picture(), '.avif'), True),
        (encoded(picture(), '.gif'), False),
        (b'\0\0\0\x18ftypisom\0\0\0\0isomiso2', False),
    ):
        path.write_bytes(content)
        assert images.is_image(path) is expected
    assert images.is_image(tmp_path / 'a.heic')
    assert not images.is_image(tmp_path / 'a.gif')


def test_a_jpeg_with_a_hole_is_refused(tmp_path):
    """By name and reason."""
    path = tmp_path / 'a.jpg'
    path.write_bytes(with_hole(encoded(picture(), '.jpg')))
    with pytest.raises(ValueError, match=r'a\.jpg: expected a whole image.*damaged \('):
        images.read(path)


def _exif(orientation, order):
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('order', ['<', '>'])
def test_a_jpeg_is_turned_upright_as_opencv_does(tmp_path, orientation, order):
    """All eight orientations, both byte orders, with another segment in front."""
    path = tmp_path / 'a.jpg'
    image = Image.fromarray(picture(32, 48))
    image.save(path, exif=_exif(orientation, order).tobytes(), comment=b'first')
    expected = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(images.read(path), expected[..., ::-1])
    assert expected.shape[:2] == ((32, 48) if orientation < 5 else (48, 32))


@pytest.mark.parametrize('orientation', range(1, 9))
def test_an_avif_is_turned_as_its_properties_say(tmp_path, orientation):
    """Pillow writes irot and imir for an EXIF orientation; OpenCV heeds neither."""
    path = tmp_path / 'a.avif'
    data = np.zeros((32, 48, 3), np.uint8)
    data[:16, :24] = 250
    data[16:, 24:] = (200, 30, 30)
    image = Image.fromarray(data)
    image.save(path, quality=100, subsampling='4:4:4', exif=_exif(orientation, '<').tobytes())
    stored = Image.fromarray(data)
    stored.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    found = images.read(path)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 12


@pytest.mark.parametrize('suffix', ['.png', '.tif', '.webp'])
def test_transparency_changes_no_colour(tmp_path, suffix):
    """Libtiff would multiply the colours by it."""
    path = tmp_path / f'a{suffix}'
    pixels = np.full((4, 6, 4), (200, 100, 50, 128), np.uint8)
    Image.fromarray(pixels).save(path, **({'lossless': True} if suffix == '.webp' else {}))
    assert (images.read(path) == (200, 100, 50)).all()
