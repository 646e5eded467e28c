# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the pixels of a sensor_msgs/Image to RGB, without ROS and without cv_bridge."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import cast, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding.errors import EncodingError

Buffer: TypeAlias = 'bytes | bytearray | memoryview | array[int] | npt.NDArray[np.uint8]'
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Layout:
    """
    How the pixels of one encoding lie in memory.

    code is the OpenCV conversion to RGB, None where the channels already are; planes is the size
    of the buffer in units of height x step; even says which of height and width must be even.
    """

    channels: int
    code: int | None
    bytes_per_channel: int = 1
    planes: Fraction = Fraction(1)
    even: tuple[str, ...] = ()
    least: int = 1


# OpenCV names a Bayer pattern after the second pixel of the second row, ROS after the first two
# rows: https://docs.opencv.org/4.x/de/d25/imgproc_color_conversions.html
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}
_PACKED = {
    'rgb': (3, None),
    'bgr': (3, cv2.COLOR_BGR2RGB),
    'rgba': (4, cv2.COLOR_RGBA2RGB),
    'bgra': (4, cv2.COLOR_BGRA2RGB),
    'mono': (1, cv2.COLOR_GRAY2RGB),
}
_UC = {'UC1': 'mono', 'UC3': 'bgr', 'UC4': 'bgra'}


DEPTH_ENCODINGS = ('32FC1', '16UC1')
"""Metres, and millimetres, of a depth image: https://www.ros.org/reps/rep-0118.html."""


def _layouts() -> dict[str, _Layout]:
    table = {}
    for size in (1, 2):
        bits = 8 * size
        for name, (channels, code) in _PACKED.items():
            table[f'{name}{bits}'] = _Layout(channels, code, size)
        for name, packed in _UC.items():
            if f'{bits}{name}' not in DEPTH_ENCODINGS:
                table[f'{bits}{name}'] = table[f'{packed}{bits}']
        for name, code in _BAYER.items():
            table[f'bayer_{name}{bits}'] = _Layout(1, code, size, least=3)
    for name in ('yuyv', 'yuv422_yuy2'):
        table[name] = _Layout(2, cv2.COLOR_YUV2RGB_YUY2, even=('width',))
    for name in ('uyvy', 'yuv422'):
        table[name] = _Layout(2, cv2.COLOR_YUV2RGB_UYVY, even=('width',))
    for name, code in (('nv12', cv2.COLOR_YUV2RGB_NV12), ('nv21', cv2.COLOR_YUV2RGB_NV21)):
        table[name] = _Layout(1, code, planes=Fraction(3, 2), even=('height', 'width'))
    return table


_LAYOUTS = _layouts()
SUPPORTED: tuple[str, ...] = tuple(_LAYOUTS)
"""The encodings that decode takes."""
RAW_ENCODINGS = ('rgb8', 'bgr8', 'rgba8', 'bgra8')
"""Those of them that a RawImage may have."""


@dataclass(frozen=True, eq=False)
class RawImage:
    """
    The colours of a camera image as they came, and as RGB once somebody asks.

    :param pixels: (H, W, 3) or (H, W, 4) uint8, what the encoding says; kept, not copied. Rows
        need not follow each other at once.
    :param encoding: One of RAW_ENCODINGS.
    :raises EncodingError: The encoding is another one, or pixels are not of it.
    """

    pixels: Image
    encoding: str

    def __post_init__(self) -> None:
        """Refuse what no one could convert."""
        channels = _raw_layout(self.encoding).channels
        good = self.pixels.ndim == 3 and self.pixels.shape[2] == channels and self.pixels.size
        if not good or self.pixels.dtype != np.uint8:
            raise EncodingError(
                f'expected (H, W, {channels}) uint8 pixels for {self.encoding}, got '
                f'{self.pixels.shape} {self.pixels.dtype}'
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.pixels.shape

    @cached_property
    def rgb(self) -> Image:
        """(H, W, 3) RGB, bit for bit what decode gives, converted when it is first asked for."""
        return _rgb(self.pixels, _LAYOUTS[self.encoding])


CameraImage: TypeAlias = Image | RawImage
"""RGB as decode returns it, or the bytes of the message as they are."""


def as_rgb(image: CameraImage) -> Image:
    """Convert an image that came as it is; any other is given back."""
    return image.rgb if isinstance(image, RawImage) else image


def raw(data: Buffer, *, encoding: str, height: int, width: int, step: int) -> RawImage:
    """
    Take the bytes of an image as they are, without a copy.

    :param data: As for decode; must not change while the image is in use.
    :param encoding: One of RAW_ENCODINGS.
    :param step: Bytes from one row to the next.
    :raises EncodingError: The encoding is another one or the numbers contradict each other.
    """
    layout = _raw_layout(encoding)
    content = _checked(data, layout, encoding, height, width, step)
    shape, strides = (height, width, layout.channels), (step, layout.channels, 1)
    return RawImage(np.ndarray(shape, np.uint8, content, 0, strides), encoding)


def decode(
    data: Buffer,
    *,
    encoding: str,
    height: int,
    width: int,
    step: int,
    is_bigendian: bool | int = False,
) -> Image:
    """
    Convert the bytes of an image to RGB.

    Of 16-bit channels the upper byte is taken. YUV is BT.601 with limited range.

    :param data: height rows of step bytes; of nv12 and nv21 half as many rows again.
    :param encoding: One of SUPPORTED.
    :param step: Bytes from one row to the next.
    :param is_bigendian: Byte order of 16-bit channels.
    :returns: (height, width, 3) RGB, contiguous, never sharing memory with data.
    :raises EncodingError: The encoding is unknown or that of depth, or the numbers contradict
        each other.
    """
    refuse_depth(encoding)
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        raise EncodingError(f'encoding must be one of {", ".join(SUPPORTED)}, not {encoding!r}')
    pixels = _checked(data, layout, encoding, height, width, step)
    if layout.planes > 1:
        return _two_planes(pixels, layout, height, width, step)
    size = layout.bytes_per_channel
    shape: tuple[int, ...] = (height, width, layout.channels)
    strides: tuple[int, ...] = (step, layout.channels * size, size)
    offset = size - 1 if not is_bigendian else 0
    view: Image = np.ndarray(shape, np.uint8, pixels, offset, strides)
    if size > 1:
        view = np.ascontiguousarray(view)
    return _rgb(view, layout)


def refuse_depth(encoding: str) -> None:
    """
    Refuse the encodings of depth images: as a grey picture depth has labels that mean nothing.

    :raises EncodingError: It is one of them.
    """
    if encoding in DEPTH_ENCODINGS:
        raise EncodingError(
            f'expected a camera image, found a depth image ({encoding}): name the topic of the '
            'camera, or have the driver call grey of 16 bits mono16'
        )


def flat(data: Buffer) -> Image:
    """Return the bytes of any buffer as (N,), without a copy."""
    view = memoryview(cast('bytes', data))
    return np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)


def _checked(
    data: Buffer, layout: _Layout, encoding: str, height: int, width: int, step: int
) -> Image:
    what = f'{width}x{height} {encoding} image with step {step}'
    if min(height, width) < layout.least:
        raise EncodingError(f'a {what} is too small: expected {layout.least} pixels or more')
    for name, value in (('height', height), ('width', width)):
        if name in layout.even and value % 2:
            raise EncodingError(f'a {what} is impossible: its {name} must be even')
    row = width * layout.channels * layout.bytes_per_channel
    if step < row:
        raise EncodingError(f'a {what} is impossible: a row needs {row} bytes')
    content = flat(data)
    expected = int(height * step * layout.planes)
    if len(content) != expected:
        raise EncodingError(f'a {what} needs {expected} bytes of data, got {len(content)}')
    return content


def _raw_layout(encoding: str) -> _Layout:
    if encoding not in RAW_ENCODINGS:
        known = ', '.join(RAW_ENCODINGS)
        raise EncodingError(f'raw encoding must be one of {known}, not {encoding!r}')
    return _LAYOUTS[encoding]


def _rgb(view: Image, layout: _Layout) -> Image:
    if layout.code is None:
        return view.copy(order='C')
    return np.asarray(cv2.cvtColor(view, layout.code), np.uint8)


def _two_planes(pixels: Image, layout: _Layout, height: int, width: int, step: int) -> Image:
    luma: Image = np.ndarray((height, width), np.uint8, pixels, 0, (step, 1))
    shape, strides = (height // 2, width // 2, 2), (step, 2, 1)
    chroma: Image = np.ndarray(shape, np.uint8, pixels, height * step, strides)
    code = layout.code if layout.code is not None else -1
    return np.asarray(cv2.cvtColorTwoPlane(luma, chroma, code), np.uint8)
