# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tags of a TIFF, which EXIF data are too."""

from __future__ import annotations

from typing import Literal, TypeAlias
import zlib

ORIENTATION = 274
PHOTOMETRIC = 262
EXTRA_SAMPLES = 338
BITS_PER_SAMPLE = 258
SAMPLES = 277
_COMPRESSION = 259
# Offsets and sizes in bytes: of strips, and of tiles.
_PARTS = ((273, 279), (324, 325))

ByteOrder: TypeAlias = "Literal['little', 'big']"
_DEFLATE = {8, 32946}
# Byte order, and bytes of an offset: 4 in TIFF, 8 in BigTIFF.
_FORMATS: dict[bytes, tuple[ByteOrder, int]] = {
    b'II*\x00': ('little', 4),
    b'MM\x00*': ('big', 4),
    b'II+\x00': ('little', 8),
    b'MM\x00+': ('big', 8),
}
# Bytes of a number by its type: SHORT, LONG, LONG8.
_SIZES = {3: 2, 4: 4, 16: 8}
_PIECE = 1 << 20


class TiffTags:
    """
    The tags of the first directory that are whole numbers.

    TIFF 6.0, section 2: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf, and
    BigTIFF: https://libtiff.gitlab.io/libtiff/specification/bigtiff.html. Of anything else,
    damaged files among them, no tag is found.
    """

    def __init__(self, content: memoryview) -> None:
        """Read the directory; content is the whole TIFF."""
        self._content = content
        self._found: dict[int, tuple[int, int, int]] = {}
        layout = _FORMATS.get(content[:4].tobytes())
        if layout is None:
            return
        self._order, word = layout
        head = 2 if word == 4 else 8
        first = self._number(word, word) + head
        entry = 4 + 2 * word
        end = first + entry * self._number(first - head, head)
        for place in range(first, min(end, len(content) - entry + 1), entry):
            size = _SIZES.get(self._number(place + 2, 2))
            if size is None:
                continue
            count, value = self._number(place + 4, word), place + 4 + word
            if count * size > word:
                value = self._number(value, word)
            if count and value + count * size <= len(content):
                self._found[self._number(place, 2)] = value, size, count

    def get(self, tag: int) -> int | None:
        """Return the first number of a tag, None where it is not there."""
        if tag not in self._found:
            return None
        value, size, _ = self._found[tag]
        return self._number(value, size)

    def numbers(self, tag: int) -> list[int]:
        """Return all numbers of a tag, none where it is not there."""
        value, size, count = self._found.get(tag, (0, 1, 0))
        return [self._number(value + size * index, size) for index in range(count)]

    def replaced(self, tag: int, number: int) -> bytearray:
        """Return a copy of the TIFF with another first number of a tag that is there."""
        copy, (value, size, _) = bytearray(self._content), self._found[tag]
        copy[value : value + size] = number.to_bytes(size, self._order)
        return copy

    def damaged_parts(self) -> int:
        """Count the deflated strips and tiles that contradict their checksum."""
        if self.get(_COMPRESSION) not in _DEFLATE:
            return 0
        return sum(
            not _is_sound(self._content[start : start + size])
            for starts, sizes in _PARTS
            for start, size in zip(self.numbers(starts), self.numbers(sizes), strict=False)
        )

    def _number(self, place: int, size: int) -> int:
        return int.from_bytes(self._content[place : place + size], self._order)


def _is_sound(part: memoryview) -> bool:
    """Decompress, a piece at a time: a small part may state gigabytes."""
    stream, rest = zlib.decompressobj(), bytes(part)
    try:
        while rest and not stream.eof:
            stream.decompress(rest, _PIECE)
            rest = stream.unconsumed_tail
        stream.flush()
    except zlib.error:
        return False
    return stream.eof
