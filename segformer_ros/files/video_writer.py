# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files written as H.264 MP4, through FFmpeg."""

from __future__ import annotations

from fractions import Fraction
import os
from pathlib import Path
from types import TracebackType

import av
from av.video.frame import VideoFrame as AvFrame
import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import interrupts, run_folder
from segformer_ros.files.video import ffmpeg_name
from segformer_ros.workplace import unfinished_name

Image = npt.NDArray[np.uint8]

MAX_WIDTH, MAX_HEIGHT = 3840, 4096
"""Wider pictures are made smaller: hardware decoders end at 4096."""

_TICKS = 90000
# What pays most of all that x264 can do for pictures that the network next to it waits for: half
# the time of its preset veryfast without B-frames, for files of nearly the same size.
_PRESET = 'ultrafast'
_WHAT_PAYS = 'cabac=1:mbtree=1:rc-lookahead=3:partitions=i4x4:no-deblock=0:deblock=0,0'
# Of ITU-T H.273: the matrix that OpenCV has, and the rest of what cameras and screens have.
_BT601, _BT709 = 6, 1


class VideoWriter:
    """
    An H.264 MP4 with the times that it is given, to be used in a with statement.

    The file appears when the block ends well and had a frame; what there is when it ends with an
    error stays as NAME.unfinished.mp4. The size is that of the first
    frame, at most MAX_WIDTH wide, MAX_HEIGHT high and even; other frames are resized to it.

    :param path: The file to write; its folder must exist.
    :param rate: Frames per second, for the duration of the last frame.
    """

    def __init__(self, path: Path, rate: Fraction | float) -> None:
        self._rate = Fraction(rate).limit_denominator(1001 * 1000)
        self._path = path
        self._temporary = run_folder.temporary_name(path)
        self._last = -1

    def __enter__(self) -> VideoWriter:
        options = {'movflags': '+faststart'}
        self._container = av.open(ffmpeg_name(self._temporary), 'w', format='mp4', options=options)
        self._stream: av.VideoStream | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with interrupts.held():
            try:
                if self._stream is not None:
                    self._container.mux(self._stream.encode())
                self._container.close()
            except BaseException:
                kind = kind or RuntimeError
                raise
            finally:
                if self._stream is None:
                    self._temporary.unlink(missing_ok=True)
                elif kind is None:
                    os.replace(self._temporary, self._path)
                else:
                    os.replace(self._temporary, unfinished_name(self._path))

    def add(self, image: Image, time_s: float) -> None:
        """
        Append a frame.

        :param image: (H, W, 3) RGB.
        :param time_s: Seconds since the start; a time that does not grow is moved on.
        """
        stream = self._stream or self._start(image)
        size = (stream.width, stream.height)
        if image.shape[1::-1] != size:
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        # A seventh of the time that FFmpeg takes for it.
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = AvFrame.from_ndarray(planes, format='yuv420p')
        self._last = max(self._last + 1, round(time_s * _TICKS))
        frame.pts = self._last
        frame.time_base = Fraction(1, _TICKS)
        with interrupts.held():
            self._container.mux(stream.encode(frame))

    def _start(self, image: Image) -> av.VideoStream:
        height, width = image.shape[:2]
        scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
        options = {'preset': _PRESET, 'crf': '20', 'x264-params': _WHAT_PAYS}
        stream = self._container.add_stream('libx264', rate=self._rate, options=options)
        stream.width = max(2, round(width * scale / 2) * 2)
        stream.height = max(2, round(height * scale / 2) * 2)
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        # The rest is for the network, which the encoder works beside.
        context.thread_count = max(1, min(4, len(os.sched_getaffinity(0)) // 2))
        context.color_primaries = context.color_trc = _BT709
        context.colorspace, context.color_range = _BT601, 1
        self._stream = stream
        return stream
