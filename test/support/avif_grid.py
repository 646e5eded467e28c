# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Photos in tiles, as phones write them: every tile a hidden picture of its own."""

from collections.abc import Sequence
import struct

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding.orientation import _boxes

_HIDDEN = 1
_ESSENTIAL = 0x80


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack('>I4s', 8 + len(content), kind) + content


def _full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack('>I', version << 24 | flags) + content)


def _size(height: int, width: int) -> bytes:
    return _full(b'ispe', struct.pack('>II', width, height))


def _tile(rgb: npt.NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Return a picture as AV1, and the properties that its decoder needs."""
    done, file = cv2.imencode('.avif', np.ascontiguousarray(rgb[..., ::-1]))
    assert done
    parts = dict(_boxes(file.data))
    meta = dict(_boxes(parts[b'meta'][4:]))
    known = list(_boxes(dict(_boxes(meta[b'iprp']))[b'ipco']))
    kept = (_box(kind, body.tobytes()) for kind, body in known if kind in {b'av1C', b'colr'})
    return parts[b'mdat'].tobytes(), b''.join(sorted(kept))


def avif_grid(
    rgb: npt.NDArray[np.uint8],
    rows: int,
    columns: int,
    *,
    turn: bytes = b'',
    order: Sequence[int] | None = None,
) -> bytes:
    """
    Return an AVIF of rows and columns of tiles (ISO/IEC 23008-12, section 6.6.2.3).

    :param rgb: (H, W, 3), of which tiles are whole multiples of 64 pixels.
    :param turn: A further property of the photo: a box irot, imir or clap.
    :param order: Which tile stands where in the file; the first one first.
    """
    height, width = rgb.shape[0] // rows, rgb.shape[1] // columns
    tiles = [
        _tile(rgb[y * height : (y + 1) * height, x * width : (x + 1) * width])
        for y in range(rows)
        for x in range(columns)
    ]
    numbers = range(2, 2 + len(tiles))
    grid = struct.pack('>BBBBHH', 0, 0, rows - 1, columns - 1, rgb.shape[1], rgb.shape[0])
    contents = {1: grid, **{number: tiles[number - 2][0] for number in numbers}}
    entries = [_full(b'infe', struct.pack('>HH4s', 1, 0, b'grid') + b'\0', 2)]
    entries += [
        _full(b'infe', struct.pack('>HH4s', number, 0, b'av01') + b'\0', 2, _HIDDEN)
        for number in numbers
    ]
    shared = list(_boxes(memoryview(tiles[0][1])))
    known = [_size(*rgb.shape[:2]), _size(height, width)]
    known += [_box(kind, body.tobytes()) for kind, body in shared]
    known += [_full(b'pixi', bytes((3, 8, 8, 8))), *([turn] if turn else [])]
    of_tile = [2, *(_ESSENTIAL | 3 for _ in shared[:1]), *range(4, 3 + len(shared))]
    of_grid = [1, 3 + len(shared), *([_ESSENTIAL | len(known)] if turn else [])]
    owned = struct.pack('>I', 1 + len(tiles))
    for number in (1, *numbers):
        held = of_grid if number == 1 else of_tile
        owned += struct.pack('>HB', number, len(held)) + bytes(held)
    refers = struct.pack('>HH', 1, len(tiles)) + struct.pack(f'>{len(tiles)}H', *numbers)
    head = _box(b'ftyp', b'avif\0\0\0\0avifmif1miaf')

    def meta(place: int) -> bytes:
        where = struct.pack('>BBH', 0x44, 0, len(contents))
        for number in order or sorted(contents):
            where += struct.pack('>HHHII', number, 0, 1, place, len(contents[number]))
            place += len(contents[number])
        parts = [
            _full(b'hdlr', struct.pack('>I4s12x', 0, b'pict') + b'\0'),
            _full(b'pitm', struct.pack('>H', 1)),
            _full(b'iloc', where),
            _full(b'iinf', struct.pack('>H', len(entries)) + b''.join(entries)),
            _full(b'iref', _box(b'dimg', refers)),
            _box(b'iprp', _box(b'ipco', b''.join(known)) + _full(b'ipma', owned)),
        ]
        return _full(b'meta', b''.join(parts))

    size = len(head) + len(meta(0)) + 8
    data = b''.join(contents[number] for number in order or sorted(contents))
    return head + meta(size) + _box(b'mdat', data)
