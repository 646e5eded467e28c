# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a picture has to be turned to stand upright, as its file says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.tiff_tags import ORIENTATION, TiffTags

Pixels = npt.NDArray[Any]

_APP1 = 0xE1
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_END_OF_HEADERS = {0xD9, 0xDA}
# Of an EXIF orientation: whether rows and columns change places, then what cv2.flip takes.
# https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E, section 4.6.4.
_STEPS: dict[int, tuple[bool, int | None]] = {
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}


def turned_as_exif(image: Pixels, orientation: int) -> Pixels:
    """Turn an image; an orientation that is not one of 2 to 8 leaves it as it is."""
    transpose, flip = _STEPS.get(orientation, (False, None))
    if transpose:
        image = np.asarray(cv2.transpose(image))
    return image if flip is None else np.asarray(cv2.flip(image, flip))


def jpeg_orientation(content: memoryview) -> int:
    """Return the EXIF orientation of a JPEG, 1 where it says none."""
    for marker, body in _segments(content):
        if marker == _APP1 and body[:6].tobytes() == b'Exif\x00\x00':
            return TiffTags(body[6:]).get(ORIENTATION) or 1
    return 1


def _segments(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield marker and content of the segments of a JPEG in front of its pixels."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _END_OF_HEADERS:
            return
        if marker == 0xFF:
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            size = int.from_bytes(content[place + 2 : place + 4], 'big')
            yield marker, content[place + 4 : place + 2 + size]
            place += 2 + size


def turned_as_avif(image: Pixels, content: memoryview) -> Pixels:
    """
    Turn and mirror the decoded image of an AVIF as its properties say.

    ISO/IEC 23008-12, sections 6.5.10 (irot) and 6.5.12 (imir). cv2 does neither.

    :raises EncodingError: The file asks for a part of the picture only (clap).
    """
    try:
        for kind, body in _properties(content):
            if kind == b'clap':
                raise EncodingError('expected a whole image, found an AVIF that is cropped (clap)')
            if kind == b'irot':
                image = np.rot90(image, body[0] & 3)
            elif kind == b'imir':
                image = image[:, ::-1] if body[0] & 1 else image[::-1]
    except IndexError as error:
        raise EncodingError('expected a whole image, found a damaged AVIF') from error
    return np.ascontiguousarray(image)


def _properties(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of the properties of the primary item, in order."""
    meta = dict(_boxes(dict(_boxes(content)).get(b'meta', memoryview(b''))[4:]))
    parts = dict(_boxes(meta.get(b'iprp', memoryview(b''))))
    known = list(_boxes(parts.get(b'ipco', memoryview(b''))))
    if b'pitm' not in meta or b'ipma' not in parts:
        return
    primary = int.from_bytes(meta[b'pitm'][4:], 'big')
    for item, numbers in _associations(parts[b'ipma']):
        if item == primary:
            yield from (known[number - 1] for number in numbers if 0 < number <= len(known))


def _associations(box: memoryview) -> Iterator[tuple[int, list[int]]]:
    """Yield the numbers of the properties of every item, by the id of the item."""
    id_size, size = (2 if box[0] == 0 else 4), (2 if box[3] & 1 else 1)
    place = 8
    for _ in range(int.from_bytes(box[4:8], 'big')):
        if place + id_size >= len(box):
            return
        item = int.from_bytes(box[place : place + id_size], 'big')
        first = place + id_size + 1
        place = first + box[first - 1] * size
        # The upper bit says that a reader must know the property.
        mask = (1 << (8 * size - 1)) - 1
        yield (
            item,
            [
                int.from_bytes(box[at : at + size], 'big') & mask
                for at in range(first, place, size)
            ],
        )


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of the boxes of ISO/IEC 14496-12, section 4.2."""
    place = 0
    while place + 8 <= len(content):
        size, head = int.from_bytes(content[place : place + 4], 'big'), 8
        if size == 1:
            size, head = int.from_bytes(content[place + 8 : place + 16], 'big'), 16
        elif size == 0:
            size = len(content) - place
        if size < head:
            return
        yield content[place + 4 : place + 8].tobytes(), content[place + head : place + size]
        place += size
