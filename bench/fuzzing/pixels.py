# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images as messages and as files, and the cameras that took them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
import io
from pathlib import Path
import re
from types import SimpleNamespace
from typing import Any

import cv2
from hypothesis import assume
from hypothesis import strategies as st
import numpy as np
import numpy.typing as npt
from segformer_ros import image_encoding
from segformer_ros.camera import back_project
from segformer_ros.datasets.label_images import read_ids
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.frame_rules import calibrate, CameraModel
from segformer_ros.image_encoding import EncodingError

from fuzzing import bounded_memory, Target
from fuzzing.damage import all_damaged, damage, raises_only

# What a header may state here: decoders are asked for no more than this.
_MOST_PIXELS = 1 << 22
_HEADERS = re.compile(rb'IHDR|\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]')
_SIZES = st.integers(-3, 40) | st.sampled_from([2**16, 2**31 - 1, 2**32 - 1])
_CHANNELS = {'rgb': 3, 'bgr': 3, '8UC3': 3, '16UC3': 6, 'mono8': 1, 'bayer': 1, 'nv': 1}
_RNG = np.random.default_rng(5)


@st.composite
def _images(draw: Any) -> dict[str, Any]:
    """Draw the fields of an Image; most of them belong together."""
    encoding = draw(st.sampled_from(image_encoding.SUPPORTED) | st.text(max_size=8))
    height, width = draw(_SIZES), draw(_SIZES)
    channels = draw(st.sampled_from([1, 2, 3, 4, 6, 8]))
    step = max(0, width) * channels + draw(st.sampled_from([0, 0, 0, 1, 7, -1]))
    size = step * height
    if encoding in ('nv12', 'nv21') and draw(st.booleans()):
        size = size * 3 // 2
    size += draw(st.sampled_from([0, 0, 0, 0, 1, -1, 100]))
    size = min(max(0, size), 1 << 14)
    return {
        'data': _RNG.integers(0, 256, size, np.uint8),
        'encoding': encoding,
        'height': height,
        'width': width,
        'step': step,
        'is_bigendian': draw(st.booleans()),
    }


def check_image(fields: dict[str, Any]) -> None:
    """Want (height, width, 3) uint8 or a refusal, in both ways to read an image."""
    hw = (fields['height'], fields['width'])
    with bounded_memory(len(fields['data'])):
        found = raises_only((EncodingError,), lambda: image_encoding.decode(**fields))
    if found is not None:
        assert found.shape == (*hw, 3)
        assert found.dtype == np.uint8
        assert found.flags.c_contiguous
        assert not np.shares_memory(found, fields['data'])
    if fields['encoding'] in image_encoding.RAW_ENCODINGS:
        rest = {name: value for name, value in fields.items() if name != 'is_bigendian'}
        raw = raises_only((EncodingError,), lambda: image_encoding.raw(**rest))
        assert (raw is None) == (found is None)
        if found is not None:
            np.testing.assert_array_equal(raw.rgb, found)


def _encoded(suffix: str, *options: int, channels: int = 3, kind: str = 'u1') -> bytes:
    smooth = np.linspace(0, np.iinfo(kind).max, 24 * 40 * channels).reshape(24, 40, channels)
    return cv2.imencode(suffix, smooth.astype(kind), list(options))[1].tobytes()


_JPEGS = [
    _encoded('.jpg'),
    _encoded('.jpg', channels=1),
    _encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    _encoded('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
]
_PNGS = [_encoded('.png'), _encoded('.png', channels=4), _encoded('.png', channels=1, kind='u2')]
_FORMATS = ['jpeg', 'png', 'rgb8; jpeg compressed bgr8', 'bayer_rggb8; jpeg compressed mono8',
            'bayer_rggb8; jpeg compressed ', '16UC1; png compressed ', 'JPG', '', 'h264',
            'bayer_x; jpeg', ';', '16UC1; compressedDepth png']  # fmt: skip


def stated_size(content: bytes) -> tuple[int, int] | None:
    """Return the height and width that the first header of a JPEG or PNG states."""
    if content[:4] == b'\x89PNG' and content[12:16] == b'IHDR':
        width, height = (int.from_bytes(content[n : n + 4], 'big') for n in (16, 20))
        return height, width
    place = 2
    while content[:2] == b'\xff\xd8' and place + 9 < len(content):
        if content[place] != 0xFF:
            place += 1
            continue
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            at = place + 5
            height = int.from_bytes(content[at : at + 2], 'big')
            return height, int.from_bytes(content[at + 2 : at + 4], 'big')
        length = int.from_bytes(content[place + 2 : place + 4], 'big')
        place += (
            1 if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9 else 2 + max(2, length)
        )
    return None


def most_pixels(content: bytes) -> int:
    """Return the most pixels that anything like a header in a file states, wherever it is."""
    found = [0]
    for match in _HEADERS.finditer(content):
        at = match.end()
        if match.group() == b'IHDR':
            sizes = [int.from_bytes(content[n : n + 4], 'big') for n in (at, at + 4)]
        else:
            sizes = [int.from_bytes(content[n : n + 2], 'big') for n in (at + 3, at + 5)]
        found.append(sizes[0] * sizes[1])
    return max(found)


def check_compressed(drawn: tuple[bytes, str]) -> None:
    """Want the size that the header of a compressed image states, or a refusal."""
    content, form = drawn
    stated = stated_size(content)
    pixels = most_pixels(content)
    assume(pixels <= _MOST_PIXELS)
    with bounded_memory(4 * pixels + len(content)):
        found = raises_only(
            (EncodingError,), lambda: image_encoding.decode_compressed(content, form)
        )
    if found is not None:
        assert found.ndim == 3
        assert found.shape[2] == 3
        assert found.dtype == np.uint8
        assert found.shape[:2] == stated, f'{found.shape} for a header of {stated}'


class _Memory:
    """One file of a storage."""

    path = Path('memory')

    def __init__(self, content: bytes) -> None:
        self._content = content

    def names(self) -> list[str]:
        """Name it."""
        return ['labels.png']

    def read(self, name: str) -> bytes:
        """Return it."""
        return self._content


def _palette_png(bits: int) -> bytes:
    """Make a PNG of palette indices, which OpenCV cannot write."""
    from PIL import Image

    pixels = (np.arange(24 * 40) % (1 << bits)).astype(np.uint8).reshape(24, 40)
    picture = Image.fromarray(pixels, 'P')
    picture.putpalette([number % 256 for number in range(3 << bits)])
    file = io.BytesIO()
    picture.save(file, 'png', bits=bits)
    return file.getvalue()


def check_labels(content: bytes) -> None:
    """Want (height, width) uint8 of the header of a label image, or a refusal."""
    stated = stated_size(content)
    pixels = most_pixels(content)
    assume(pixels <= _MOST_PIXELS)
    storage: Any = _Memory(content)
    with bounded_memory(8 * pixels + len(content)):
        found = raises_only((DatasetError,), lambda: read_ids(storage, 'labels.png'))
    if found is not None:
        assert found.dtype == np.uint8
        assert found.shape == stated


_NUMBERS = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1e-300, 20.0, 40.0, 1e308, -20.0])
_INFO_SIZES = st.integers(0, 48) | st.sampled_from([2**32 - 1])


@st.composite
def _cameras(draw: Any) -> SimpleNamespace:
    """Draw a camera_info and the size of an image; often they belong together."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 40))
    k = [draw(_NUMBERS) for _ in range(9)]
    p = [draw(_NUMBERS) for _ in range(12)]
    if draw(st.booleans()):
        k[0], k[4], k[2], k[5] = 30.0, draw(_NUMBERS), draw(_NUMBERS), draw(_NUMBERS)
        p[0] = draw(st.sampled_from([0.0, 30.0]))
    info_hw = (height, width) if draw(st.booleans()) else (draw(_INFO_SIZES), draw(_INFO_SIZES))
    roi = tuple(draw(st.sampled_from([0, 0, 0, 0, 1, 7, 2**32 - 1])) for _ in range(4))
    info = CameraModel(
        info_hw[1],
        info_hw[0],
        tuple(k),
        tuple(p) if draw(st.booleans()) else (0.0,) * 12,
        (draw(_NUMBERS),),
        (draw(st.sampled_from([1, 1, 1, 2, 255])), 1),
        (roi[0], roi[1], roi[2], roi[3]),
    )
    return SimpleNamespace(info=info, size=(height, width))


def check_camera(drawn: SimpleNamespace) -> None:
    """Want no camera, or one that gives a finite point wherever depth is finite."""
    info, (height, width) = drawn.info, drawn.size
    calibration = calibrate(info, (height, width))
    found = calibration.intrinsics
    assert (found is None) == bool(calibration.problem)
    if found is None:
        return
    assert (found.height, found.width) == (height, width)
    assert 0.0 < found.fx < np.inf
    depth: npt.NDArray[np.float32] = np.full((height, width), 10.0, np.float32)
    depth[0, 0] = np.nan
    points = back_project(depth, found)
    assert points.shape == (height, width, 3)
    assert np.isfinite(points[np.isfinite(depth)]).all(), f'a point of {found} is not finite'


def _in_every_encoding(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Call the same bytes by the name that was drawn, and by every name that is known."""
    names = dict.fromkeys((fields['encoding'], *image_encoding.SUPPORTED))
    return [{**fields, 'encoding': name} for name in names]


def _damaged_pictures(drawn: tuple[Any, str]) -> list[tuple[bytes, str]]:
    edits, form = drawn
    contents = all_damaged([*_JPEGS, *_PNGS], edits)
    return [(content, name) for content in contents for name in dict.fromkeys((form, 'jpeg', ''))]


def _turned(drawn: SimpleNamespace) -> list[SimpleNamespace]:
    """Rotate the elements of K and P, and leave P or the region out."""
    info, found = drawn.info, []
    for turn in range(9):
        k, p = info.k[turn:] + info.k[:turn], info.p[turn:] + info.p[:turn]
        found += [
            replace(info, k=k, p=p),
            replace(info, k=k, p=info.p),
            replace(info, k=info.k, p=p),
        ]
        found += [replace(item, roi=(0, 0, 0, 0)) for item in found[-3:]]
    return [SimpleNamespace(info=item, size=drawn.size) for item in dict.fromkeys(found)]


_LABELS = [*_PNGS, *map(_palette_png, (1, 2, 4, 8))]
TARGETS = (
    Target('image', _images(), check_image, _in_every_encoding),
    Target(
        'compressed',
        st.tuples(damage(), st.sampled_from(_FORMATS) | st.text(max_size=12)),
        check_compressed,
        _damaged_pictures,
    ),
    Target('labels', damage(), check_labels, partial(all_damaged, _LABELS)),
    Target('camera_info', _cameras(), check_camera, _turned),
)
