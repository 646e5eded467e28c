# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decoded pictures of a video as upright RGB."""

from __future__ import annotations

from typing import Any, cast

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# Numbers of ITU-T H.273, table 4; swscale has the coefficients of these.
_BT601, _BT709, _UNSPECIFIED = 5, 1, 2
_MATRICES = {0: _BT601, 1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9}
_RANGE_UNSPECIFIED, _FULL_RANGE = 0, 2


class ColorConverter:
    """Converts pictures to RGB, by the matrix and the range of each."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame) -> Image:
        """
        Convert a picture, and turn it as its display matrix asks.

        Where it names no matrix or range, it is taken as players take it: large pictures as
        BT.709, small ones as BT.601; grey of any depth has the full range, YUV the limited one.

        :returns: (H, W, 3).
        :raises ValueError: Its colours are of a kind that is not known.
        """
        matrix = _MATRICES.get(frame.colorspace)
        if frame.colorspace == _UNSPECIFIED:
            matrix = _BT709 if frame.height > 576 or frame.width >= 1280 else _BT601
        if matrix is None:
            raise ValueError(
                f'expected a colour matrix of BT.601, BT.709, BT.2020, FCC or SMPTE 240M, found '
                f'number {frame.colorspace} of ITU-T H.273'
            )
        name = frame.format.name
        full = (
            frame.color_range == _FULL_RANGE
            or name.startswith('yuvj')
            or (frame.color_range == _RANGE_UNSPECIFIED and name.startswith('gray'))
        )
        # FFmpeg applies the source only where something differs from the destination; the matrix
        # of the destination means nothing for RGB.
        rgb = self._reformatter.reformat(
            frame,
            format='rgb24',
            src_colorspace=matrix,
            dst_colorspace=_BT601 if matrix != _BT601 else _BT709,
            src_color_range='JPEG' if full else 'MPEG',
            dst_color_range='JPEG',
        )
        return upright(np.asarray(rgb.to_ndarray(), np.uint8), display_matrix(frame))


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """
    Return the turn and the mirror of a picture.

    :returns: a, b, c, d of the QuickTime matrix, -1, 0 or 1 each: x' = a x + c y,
        y' = b x + d y, with y downwards; turns of no quarter are rounded to one.
    """
    found = cast('Any', frame.side_data).get(Type.DISPLAYMATRIX)
    if found is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].tolist()
    if abs(a) >= abs(b):
        return int(np.sign(a)), 0, 0, int(np.sign(d))
    return 0, int(np.sign(b)), int(np.sign(c)), 0


def upright(image: Image, matrix: tuple[int, int, int, int]) -> Image:
    """
    Turn and mirror an image.

    :param matrix: As display_matrix gives it.
    """
    a, b, c, d = matrix
    if b or c:
        # x' is a matter of y: rows become columns.
        image, a, d = image.swapaxes(0, 1), c, b
    return np.ascontiguousarray(image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
