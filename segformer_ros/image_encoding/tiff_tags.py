# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tags of a TIFF, which EXIF data are too."""

from __future__ import annotations

from typing import Literal, TypeAlias

ORIENTATION = 274
PHOTOMETRIC = 262
EXTRA_SAMPLES = 338
BITS_PER_SAMPLE = 258
SAMPLES = 277

ByteOrder: TypeAlias = "Literal['little', 'big']"
_ORDERS: dict[bytes, ByteOrder] = {b'II*\x00': 'little', b'MM\x00*': 'big'}
_SHORT = 3


class TiffTags:
    """
    The tags of the first directory that are one or two numbers of 16 bits.

    TIFF 6.0, section 2: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf. Of anything
    but a TIFF, damaged ones and BigTIFF among them, no tag is found.
    """

    def __init__(self, content: memoryview) -> None:
        """Read the directory; content is the whole TIFF."""
        self._content = content
        self._places: dict[int, int] = {}
        order = _ORDERS.get(content[:4].tobytes())
        if order is None:
            return
        self._order = order
        start = int.from_bytes(content[4:8], order)
        count = int.from_bytes(content[start : start + 2], order)
        end = min(start + 2 + 12 * count, len(content) - 11)
        for place in range(start + 2, end, 12):
            tag, kind = (int.from_bytes(content[at : at + 2], order) for at in (place, place + 2))
            if kind == _SHORT and int.from_bytes(content[place + 4 : place + 8], order) <= 2:
                self._places[tag] = place + 8

    def get(self, tag: int) -> int | None:
        """Give the first number of a tag, None where it is not there."""
        place = self._places.get(tag)
        if place is None:
            return None
        return int.from_bytes(self._content[place : place + 2], self._order)

    def replaced(self, tag: int, value: int) -> bytearray:
        """Give a copy of the TIFF with another first number of a tag that is there."""
        copy, place = bytearray(self._content), self._places[tag]
        copy[place : place + 2] = value.to_bytes(2, self._order)
        return copy
