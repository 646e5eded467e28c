# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Image files in memory: decoded whole, or refused with the reason.

Every image that this package reads from a file, a message, a bag or an archive comes through here.
JPEG is decoded by simplejpeg, because it refuses damage that cv2 paints over; the rest by cv2.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.orientation import (
    jpeg_orientation,
    turned_as_avif,
    turned_as_exif,
)
from segformer_ros.image_encoding.raw_pixels import Buffer, flat, Image
from segformer_ros.image_encoding.stored_numbers import without_colors
from segformer_ros.image_encoding.tiff_tags import EXTRA_SAMPLES, TiffTags

MAX_PIXELS = 1 << 30
"""As many as cv2 takes: a header that states more is damaged, or asks for gigabytes."""

_SIGNATURES = (
    (b'\xff\xd8', 'jpeg'),
    (b'\x89PNG\r\n\x1a\n', 'png'),
    (b'BM', 'bmp'),
    (b'II*\x00', 'tiff'),
    (b'MM\x00*', 'tiff'),
    (b'II+\x00', 'tiff'),
    (b'MM\x00+', 'tiff'),
    (b'GIF8', 'gif'),
)
_HEIF_BRANDS = {b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1'}
_REFUSED = {
    'heic': 'a HEIC, which is not read: convert it to PNG or JPEG, such as with heif-convert',
    'gif': 'a GIF, which may be a video: give it alone as a video, or convert it to PNG',
}
_PREMULTIPLIED, _STRAIGHT = 1, 2
_END_OF_JPEG = b'\xff\xd9'


def file_kind(content: Buffer) -> str:
    """
    Return the format of an image file, from its first bytes.

    :param content: The file, or its first 64 bytes.
    :returns: jpeg, png, bmp, tiff, gif, avif or heic; empty: something else.
    """
    head = flat(content)[:64].tobytes()
    if head[4:8] == b'ftyp':
        brands = {head[at : at + 4] for at in (8, *range(16, 64, 4))}
        if head[8:12] in {b'avif', b'avis'} or (head[8:12] in _HEIF_BRANDS and b'avif' in brands):
            return 'avif'
        return 'heic' if head[8:12] in _HEIF_BRANDS else ''
    return next((kind for start, kind in _SIGNATURES if head.startswith(start)), '')


def decode_file(data: Buffer, *, upright: bool = False) -> Image:
    """
    Convert an image file to RGB.

    :param data: The whole file; what follows its end is left out.
    :param upright: Turn it as its EXIF data say; those of an AVIF are always heeded.
    :returns: (H, W, 3) RGB, contiguous; of 16-bit channels the upper byte, transparency left out.
    :raises EncodingError: It is no image, of a kind that is not read, damaged or cut off.
    """
    content, kind = _checked(data)
    view = content.data
    if kind == 'jpeg':
        image = _decode_jpeg(content, _jpeg_colors(content), 'RGB')
        return turned_as_exif(image, jpeg_orientation(view)) if upright else image
    if kind == 'tiff':
        view = _without_transparency(view)
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = np.asarray(cv2.cvtColor(_decode_by_cv2(view, flags), cv2.COLOR_BGR2RGB), np.uint8)
    return turned_as_avif(image, view) if kind == 'avif' else image


def decode_stored(data: Buffer, *, numbers: bool = False) -> npt.NDArray[Any]:
    """
    Return what an image file stores, not turned.

    :param data: As for decode_file.
    :param numbers: Of a palette give the indices, of grey with 1, 2 or 4 bits the numbers as they
        are stored; otherwise these become colours and are spread over 8 bits.
    :returns: (H, W) for one channel, otherwise (H, W, C) in the order of OpenCV: red is the third.
    :raises EncodingError: As decode_file.
    """
    content, kind = _checked(data)
    if kind == 'jpeg':
        colors = _jpeg_colors(content)
        image = _decode_jpeg(content, colors, 'GRAY' if colors == 'Gray' else 'BGR')
        return image[..., 0] if colors == 'Gray' else image
    view, factor = content.data, 1
    if kind == 'tiff':
        view = _without_transparency(view)
    if numbers:
        view, factor = without_colors(kind, view)
    pixels = _decode_by_cv2(view, cv2.IMREAD_UNCHANGED)
    return pixels if factor == 1 else pixels // factor


def _checked(data: Buffer) -> tuple[Image, str]:
    """Return content and kind of a file of a kind that is read."""
    content = flat(data)
    kind = file_kind(content)
    if kind in _REFUSED:
        raise EncodingError(f'expected an image, found {_REFUSED[kind]}')
    if not kind:
        before = content[:65536].tobytes().find(b'\xff\xd8\xff')
        if before > 0:
            raise EncodingError(
                f'expected an image, found {before} bytes in front of a JPEG (FF D8)'
            )
    return content, kind


def _jpeg_colors(content: Image) -> str:
    """Return the colour space of a JPEG as simplejpeg names it; empty where it cannot tell."""
    decoder = _simplejpeg()
    try:
        height, width, colors, _ = decoder.decode_jpeg_header(content)
    except ValueError:
        return ''
    if height * width > MAX_PIXELS:
        raise EncodingError(f'expected an image, found a JPEG that states {width}x{height} pixels')
    return str(colors)


def _decode_jpeg(content: Image, colors: str, wanted: str) -> Image:
    """
    Decode a JPEG.

    :param colors: As of _jpeg_colors.
    :param wanted: RGB, BGR or GRAY.
    :returns: (H, W, C).
    """
    if not colors:
        # Of all kinds that libjpeg reads, TurboJPEG leaves out rare samplings of the chroma.
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = _decode_by_cv2(content.data, flags)
        return np.asarray(bgr if wanted == 'BGR' else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    try:
        return np.asarray(_simplejpeg().decode_jpeg(content, wanted), np.uint8)
    except ValueError as error:
        reason = str(error)
    what = f'a JPEG of {len(content)} bytes'
    if reason.startswith('Premature end'):
        raise EncodingError(
            f'expected a whole image, found {what} that is cut off: it has no end marker (FF D9)'
        )
    if reason.startswith('Unsupported'):
        raise EncodingError(f'expected a JPEG of 8 bits, found {what} of another kind ({reason})')
    raise EncodingError(f'expected a whole image, found {what} that is damaged ({reason})')


def _simplejpeg() -> Any:
    try:
        import simplejpeg
    except ImportError as error:
        raise EncodingError(
            f'expected the package simplejpeg, which decodes JPEG, found none ({error}): '
            'pip install simplejpeg'
        ) from error
    return simplejpeg


def _decode_by_cv2(content: memoryview, flags: int) -> npt.NDArray[Any]:
    kind = file_kind(content)
    what = f'{kind or "something"} of {len(content)} bytes'
    if kind == 'png':
        _check_chunks(content, what)
    parts = TiffTags(content).damaged_parts() if kind == 'tiff' else 0
    if parts:
        raise EncodingError(
            f'expected a whole image, found a {what} with damage in {parts} of its strips or tiles'
        )
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if len(content) else None
    except cv2.error as error:
        raise EncodingError(f'expected a whole image, found {what}: {error.err}') from error
    if pixels is None:
        raise EncodingError(f'expected a whole image, found {what} that cannot be decoded')
    return np.asarray(pixels)


def _check_chunks(content: memoryview, what: str) -> None:
    """Refuse a PNG with a chunk longer than the file: cv2 would ask for that much memory first."""
    place = 8
    while place + 8 <= len(content):
        size = int.from_bytes(content[place : place + 4], 'big')
        name = content[place + 4 : place + 8].tobytes()
        if place + 12 + size > len(content):
            raise EncodingError(
                f'expected a whole image, found a {what} that is cut off or damaged: a part of it '
                f'should have {size} bytes'
            )
        if name == b'IEND':
            return
        place += 12 + size


def _without_transparency(content: memoryview) -> memoryview:
    """Let a TIFF say that its colours are multiplied by alpha already, or libtiff would do so."""
    tags = TiffTags(content)
    if tags.get(EXTRA_SAMPLES) != _STRAIGHT:
        return content
    return memoryview(tags.replaced(EXTRA_SAMPLES, _PREMULTIPLIED))
