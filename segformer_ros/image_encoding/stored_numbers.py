# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files changed so that a decoder gives the numbers they store, not the colours of these."""

from __future__ import annotations

import zlib

from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.tiff_tags import BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLES, TiffTags

_GREY, _PALETTE = 0, 3
_TIFF_GREY, _TIFF_PALETTE = 1, 3
# What a grey image of so many bits is multiplied with when it becomes one of 8.
_SPREAD = {1: 255, 2: 85, 4: 17}


def without_colors(kind: str, content: memoryview) -> tuple[memoryview, int]:
    """
    Make a file of grey numbers out of one with a palette.

    :param kind: As of file_kind; others than png, bmp and tiff are left alone.
    :returns: The file, and what a decoder multiplies its numbers by.
    :raises EncodingError: A TIFF has 2 or 4 bits a pixel, which cv2 does not decode.
    """
    if kind == 'png':
        return _png(content)
    if kind == 'bmp':
        return _bmp(content), 1
    if kind == 'tiff':
        return _tiff(content)
    return content, 1


def _png(content: memoryview) -> tuple[memoryview, int]:
    """Turn a palette into grey of the same bits: https://www.w3.org/TR/png-3/#11IHDR."""
    header = bytearray(content[12:29])
    if len(header) < 17 or header[13] not in {_GREY, _PALETTE}:
        return content, 1
    factor = _SPREAD.get(header[12], 1)
    if header[13] == _GREY:
        return content, factor
    header[13] = _GREY
    parts: list[bytes | memoryview] = [
        content[:12],
        bytes(header),
        zlib.crc32(header).to_bytes(4, 'big'),
    ]
    place = 33
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], 'big') + 12
        if content[place + 4 : place + 8].tobytes() not in {b'PLTE', b'tRNS'}:
            parts.append(content[place : place + size])
        place += size
    return memoryview(b''.join(parts)), factor


def _tiff(content: memoryview) -> tuple[memoryview, int]:
    """Call a palette grey; without a tag there is one sample a pixel, and it has one bit."""
    tags = TiffTags(content)
    photometric = tags.get(PHOTOMETRIC)
    if photometric not in {_TIFF_GREY, _TIFF_PALETTE} or tags.get(SAMPLES) not in {None, 1}:
        return content, 1
    bits = tags.get(BITS_PER_SAMPLE) or 1
    if bits in {2, 4}:
        raise EncodingError(f'expected numbers of 1, 8 or 16 bits, found a TIFF of {bits} bits')
    factor = _SPREAD.get(bits, 1)
    if photometric == _TIFF_GREY:
        return content, factor
    return memoryview(tags.replaced(PHOTOMETRIC, _TIFF_GREY)), factor


def _bmp(content: memoryview) -> memoryview:
    """Let every entry of a palette be its number: BITMAPINFOHEADER of the Windows API."""
    head = int.from_bytes(content[14:18], 'little')
    bits_at, entry = (24, 3) if head == 12 else (28, 4)
    bits = int.from_bytes(content[bits_at : bits_at + 2], 'little')
    if not 1 <= bits <= 8:
        return content
    start, pixels = 14 + head, int.from_bytes(content[10:14], 'little')
    changed = bytearray(content)
    for number in range(min(1 << bits, (pixels - start) // entry)):
        place = start + number * entry
        changed[place : place + 3] = bytes([number]) * 3
    return memoryview(changed)
