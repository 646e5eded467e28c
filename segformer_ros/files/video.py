# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files through FFmpeg: read as RGB frames with their times, written as H.264 MP4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
import os
from pathlib import Path
from types import TracebackType

import av
from av.video.frame import VideoFrame as AvFrame
from av.video.reformatter import Colorspace, VideoReformatter
import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import run_folder

Image = npt.NDArray[np.uint8]

MAX_WIDTH = 3840
"""Wider pictures are made smaller: hardware decoders end at 4096."""

_TICKS = 90000
_BT709 = 1
_UNSPECIFIED = 2
_FULL_RANGE = 2


@dataclass(frozen=True)
class VideoFrame:
    """
    One frame of a video.

    :param index: Place in the file, broken frames included.
    :param time_s: Seconds since the first frame.
    :param image: (H, W, 3) RGB, upright; None where the frame could not be decoded.
    :param error: Why there is no image.
    """

    index: int
    time_s: float
    image: Image | None
    error: str = ''


class VideoReader:
    """
    A video file, to be used in a with statement and iterated once.

    :param path: Any file with a video stream that FFmpeg decodes.
    :raises ValueError: The file is not such a video.
    :raises OSError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open('rb'):
            pass
        try:
            self._container = av.open(str(path))
        except av.FFmpegError as error:
            raise ValueError(f'expected a video in {path}: {error.strerror}') from error
        if not self._container.streams.video:
            self._container.close()
            raise ValueError(f'expected a video in {path}, found a file without pictures')
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = 'AUTO'
        self._colors = VideoReformatter()
        self.rate: Fraction = (
            self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        )
        """Frames per second, on average."""
        self.count: int = self._stream.frames or self._estimated_count()
        """Number of frames as the file says it, 0 when unknown."""

    def _estimated_count(self) -> int:
        if self._container.duration is None:
            return 0
        return round(self._container.duration / av.time_base * self.rate)

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        start: float | None = None
        time_s = 0.0
        for index, item in enumerate(self._decoded()):
            if isinstance(item, str):
                yield VideoFrame(index, time_s, None, item)
            else:
                if item.time is not None:
                    start = item.time if start is None else start
                    time_s = item.time - start
                yield VideoFrame(index, time_s, self._image(item))
            time_s += float(1 / self.rate)

    def _decoded(self) -> Iterator[AvFrame | str]:
        """Decode packet by packet, so that a broken one costs no more than itself."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from self._stream.decode(packet)
            except av.FFmpegError as error:
                if isinstance(error, av.EOFError):
                    return
                yield error.strerror or type(error).__name__

    def _image(self, frame: AvFrame) -> Image:
        """Convert to RGB by the matrix of the file; files that name none are as players assume."""
        large = frame.height > 576 or frame.width >= 1280
        bt709 = frame.colorspace == _BT709 or (frame.colorspace == _UNSPECIFIED and large)
        full = frame.color_range == _FULL_RANGE or frame.format.name.startswith('yuvj')
        # FFmpeg applies the source only where something differs from the destination; the matrix
        # of the destination means nothing for RGB.
        rgb = self._colors.reformat(
            frame,
            format='rgb24',
            src_colorspace=Colorspace.ITU709 if bt709 else Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU601 if bt709 else Colorspace.ITU709,
            src_color_range='JPEG' if full else 'MPEG',
            dst_color_range='JPEG',
        )
        return upright(np.asarray(rgb.to_ndarray(), np.uint8), frame.rotation)


def upright(image: Image, rotation_deg: int | None) -> Image:
    """
    Turn an image as the display matrix of a phone's video asks.

    :param rotation_deg: Degrees counter-clockwise; None is 0.
    """
    quarters = round((rotation_deg or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


class VideoWriter:
    """
    An H.264 MP4 with the times that it is given, to be used in a with statement.

    The file appears when the block ends well and had a frame. The size is that of the first
    frame, at most MAX_WIDTH wide and even; other frames are resized to it.

    :param path: The file to write; its folder must exist.
    :param rate: Frames per second, for the duration of the last frame.
    """

    def __init__(self, path: Path, rate: Fraction | float) -> None:
        self._rate = Fraction(rate).limit_denominator(1001 * 1000)
        self._path = path
        self._temporary = run_folder.temporary_name(path)
        self._colors = VideoReformatter()
        self._last = -1

    def __enter__(self) -> VideoWriter:
        options = {'movflags': '+faststart'}
        self._container = av.open(str(self._temporary), 'w', format='mp4', options=options)
        self._stream: av.VideoStream | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._stream is not None and kind is None:
                self._container.mux(self._stream.encode())
            self._container.close()
            if self._stream is not None and kind is None:
                os.replace(self._temporary, self._path)
        finally:
            self._temporary.unlink(missing_ok=True)

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
        frame = self._colors.reformat(
            AvFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24'),
            format='yuv420p',
            src_colorspace=Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU709,
            src_color_range='JPEG',
            dst_color_range='MPEG',
        )
        self._last = max(self._last + 1, round(time_s * _TICKS))
        frame.pts = self._last
        frame.time_base = Fraction(1, _TICKS)
        self._container.mux(stream.encode(frame))

    def _start(self, image: Image) -> av.VideoStream:
        height, width = image.shape[:2]
        scale = min(1.0, MAX_WIDTH / width)
        options = {'preset': 'veryfast', 'crf': '20'}
        stream = self._container.add_stream('libx264', rate=self._rate, options=options)
        stream.width = max(2, round(width * scale / 2) * 2)
        stream.height = max(2, round(height * scale / 2) * 2)
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1
        self._stream = stream
        return stream
