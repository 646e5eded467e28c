# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between messages and arrays."""

import sys
from types import ModuleType

import cv2
from damaged_images import encoded, picture, with_hole
from node_rig import camera_info, image_message, pixels_of
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.image_encoding import EncodingError, SUPPORTED
from segformer_ros.nodes import messages
from segformer_ros.output_topics import contents
from segformer_ros.point_cloud import point_type
from sensor_msgs.msg import CompressedImage, Image, PointField
from std_msgs.msg import Header

_RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)


def _header():
    header = Header(frame_id='front_optical')
    header.stamp.sec, header.stamp.nanosec = -5, 999_999_999
    return header


def _message(make, *args):
    return messages.ros_message(make(*args))


@pytest.fixture
def make_cv_bridge(monkeypatch):
    """Install a cv_bridge that gives the result, or raises it."""

    def make(result):
        class CvBridge:
            def imgmsg_to_cv2(self, message, encoding):
                assert encoding == 'rgb8'
                if isinstance(result, Exception):
                    raise result
                return result

        module = ModuleType('cv_bridge')
        module.CvBridge = CvBridge
        monkeypatch.setitem(sys.modules, 'cv_bridge', module)

    return make


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('rgb8', [0, 1, 2]), ('bgr8', [2, 1, 0]), ('rgba8', [0, 1, 2, 0]), ('bgra8', [2, 1, 0, 0])],
)
@pytest.mark.parametrize('padding', [0, 5])
def test_order_of_channels_and_length_of_rows_do_not_matter(encoding, order, padding):
    """The fields of the message are honoured."""
    content = _RGB[..., order]
    rows = np.pad(content.reshape(4, -1), ((0, 0), (0, padding)), constant_values=77)
    message = Image(height=4, width=6, encoding=encoding, step=rows.shape[1])
    message.data.frombytes(rows.tobytes())
    np.testing.assert_array_equal(messages.rgb_from_message(message), _RGB)


@pytest.mark.parametrize('is_bigendian', [0, 1])
def test_byte_order_is_honoured(is_bigendian):
    """The upper byte of 16 bits is what is seen."""
    values = (np.arange(24) * 2000).reshape(4, 6).astype('>u2' if is_bigendian else '<u2')
    message = Image(height=4, width=6, encoding='mono16', step=12, is_bigendian=is_bigendian)
    message.data.frombytes(values.tobytes())
    expected = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    np.testing.assert_array_equal(messages.rgb_from_message(message), expected)


@pytest.mark.parametrize('encoding', SUPPORTED)
def test_every_encoding_gives_rgb_of_the_size_of_the_image(encoding):
    """What each becomes is tested with the encodings; here it passes through a message."""
    height, width, step = 4, 6, 64
    rows = height * 3 // 2 if encoding in {'nv12', 'nv21'} else height
    message = Image(height=height, width=width, encoding=encoding, step=step)
    message.data.frombytes(bytes([128]) * (rows * step))
    image = messages.rgb_from_message(message)
    assert (image.shape, image.dtype) == ((4, 6, 3), np.uint8)
    assert np.ptp(image) == 0


def test_compressed_png_is_read_exactly():
    """PNG loses nothing."""
    file = cv2.imencode('.png', _RGB[..., ::-1])[1]
    message = CompressedImage(format='bgr8; png compressed bgr8')
    message.data.frombytes(file.tobytes())
    np.testing.assert_array_equal(messages.rgb_from_message(message), _RGB)


def test_compressed_jpeg_is_read():
    """JPEG comes close on a flat image."""
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    file = cv2.imencode('.jpg', flat[..., ::-1])[1]
    message = CompressedImage(format='jpeg')
    message.data.frombytes(file.tobytes())
    np.testing.assert_allclose(messages.rgb_from_message(message), flat, atol=4)


def test_unknown_encoding_without_cv_bridge_names_those_that_are_known(monkeypatch):
    """The user reads what to change the camera to."""
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    message = image_message(_RGB, encoding='8SC3')
    with pytest.raises(EncodingError, match=r"rgb8, .*bgra8.*, not '8SC3'; cv_bridge.* missing"):
        messages.rgb_from_message(message)


def test_unknown_encoding_goes_through_cv_bridge(make_cv_bridge):
    """Where it is installed, its conversion is taken."""
    make_cv_bridge(_RGB)
    message = image_message(_RGB, encoding='8SC3')
    np.testing.assert_array_equal(messages.rgb_from_message(message), _RGB)


@pytest.mark.parametrize('result', [RuntimeError('cannot convert'), _RGB[:2]])
def test_what_cv_bridge_cannot_convert_is_refused(make_cv_bridge, result):
    """Neither an error nor an image of another size gets through."""
    make_cv_bridge(result)
    with pytest.raises(EncodingError, match=r'8SC3.*cv_bridge'):
        messages.rgb_from_message(image_message(_RGB, encoding='8SC3'))


def test_message_that_contradicts_itself_never_reaches_cv_bridge(make_cv_bridge):
    """The buffer is checked for every encoding."""
    make_cv_bridge(_RGB)
    message = image_message(_RGB, encoding='8SC3')
    message.height += 1
    with pytest.raises(EncodingError, match='cannot have'):
        messages.rgb_from_message(message)


@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('mono8', np.array([[1, 255, 3], [4, 5, 6]], np.uint8)),
        ('rgb8', _RGB),
        ('32FC1', np.array([[0.5, np.nan, np.inf]], np.float32)),
        ('16UC1', np.array([[0, 65535, 258]], np.uint16)),
        ('mono8', np.arange(24, dtype=np.uint8).reshape(4, 6)[:, ::2]),
    ],
)
def test_image_message_describes_its_bytes(encoding, pixels):
    """Size, step and content agree, for arrays in any memory order."""
    message = _message(contents.image, _header(), pixels, encoding)
    assert message.header == _header()
    assert (message.height, message.width) == pixels.shape[:2]
    assert (message.encoding, message.is_bigendian) == (encoding, 0)
    assert len(message.data) == message.step * message.height
    np.testing.assert_array_equal(pixels_of(message), pixels)


@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('mono8', _RGB),
        ('rgb8', _RGB[..., 0]),
        ('32FC1', np.zeros((2, 2), np.uint8)),
        ('mono8', np.zeros((2, 2), np.float32)),
        ('mono8', np.zeros((0, 2), np.uint8)),
    ],
)
def test_array_of_another_kind_is_no_image(encoding, pixels):
    """An image message cannot be made to lie."""
    with pytest.raises(ValueError, match=f'is not a {encoding} image'):
        _message(contents.image, _header(), pixels, encoding)


def test_depth_in_millimetres_has_zero_for_unknown():
    """REP 118: 16UC1 is millimetres, 0 is invalid."""
    depth = np.array([[1.2346, np.nan, np.inf, 65.535, 65.6, -1.0]], np.float32)
    message = _message(contents.depth_image, _header(), depth, '16UC1')
    assert pixels_of(message).tolist() == [[1235, 0, 0, 65535, 0, 0]]


def test_depth_in_metres_keeps_nan():
    """REP 118 and 117: 32FC1 is metres, NaN is unknown."""
    depth = np.array([[1.25, np.nan]], np.float32)
    message = _message(contents.depth_image, _header(), depth, '32FC1')
    np.testing.assert_array_equal(pixels_of(message), depth)


@pytest.mark.parametrize('confidence', [False, True])
def test_an_organised_cloud_has_one_point_for_every_pixel(confidence):
    """Rows and columns of the image; fields, offsets and types are those of the points."""
    points = np.zeros((2, 3), point_type(confidence=confidence))
    points['x'], points['label'] = np.arange(6).reshape(2, 3), 7
    message = _message(contents.point_cloud, _header(), points)

    assert message.header == _header()
    assert (message.height, message.width, message.is_dense) == (2, 3, False)
    step = points.dtype.itemsize
    assert (message.point_step, message.row_step, len(message.data)) == (step, 3 * step, 6 * step)
    assert not message.is_bigendian
    found = [(item.name, item.offset, item.datatype, item.count) for item in message.fields]
    expected = [
        ('x', 0, PointField.FLOAT32, 1),
        ('y', 4, PointField.FLOAT32, 1),
        ('z', 8, PointField.FLOAT32, 1),
        ('rgb', 12, PointField.FLOAT32, 1),
        ('label', 16, PointField.UINT32, 1),
        ('confidence', 20, PointField.UINT8, 1),
    ]
    assert found == expected[: 6 if confidence else 5]
    assert bytes(message.data) == points.tobytes()


def test_a_list_of_points_is_a_cloud_of_one_row_without_unknown_ones():
    """As depth/points is after down-sampling; none at all is an empty cloud."""
    for count in (4, 0):
        points = np.zeros(count, point_type(confidence=False))
        message = _message(contents.point_cloud, _header(), points)
        assert (message.height, message.width, message.is_dense) == (1, count, True)
        assert (message.row_step, len(message.data)) == (20 * count, 20 * count)


def test_camera_info_is_copied_except_for_the_header():
    """The header is that of the image."""
    source = camera_info()
    source.binning_x, source.roi.width, source.d[0] = 2, 5, 0.25
    message = _message(contents.camera_info, _header(), source)
    assert message.header == _header()
    source.header = _header()
    assert message == source


def test_camera_info_from_a_field_of_view_is_an_ideal_camera():
    """K and P agree with the intrinsics that depth is scaled with."""
    override = Intrinsics.from_fov(8, 6, 90.0)
    message = _message(contents.camera_info, _header(), camera_info(), override)
    assert (message.height, message.width, message.header) == (6, 8, _header())
    assert message.k.tolist() == pytest.approx([4.0, 0, 4.0, 0, 4.0, 3.0, 0, 0, 1])
    assert message.p.tolist() == pytest.approx([4.0, 0, 4.0, 0, 0, 4.0, 3.0, 0, 0, 0, 1, 0])
    with pytest.raises(ValueError, match='got neither'):
        _message(contents.camera_info, _header(), None)


def test_a_jpeg_with_a_hole_is_refused():
    """Libjpeg only warns of it: most of the picture would be of another place."""
    message = CompressedImage(format='bgr8; jpeg compressed bgr8')
    message.data.frombytes(with_hole(encoded(picture(), '.jpg')))
    with pytest.raises(EncodingError, match=r'damaged .*check the camera driver'):
        messages.rgb_from_message(message)
