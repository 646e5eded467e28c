# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files through FFmpeg: read as RGB frames with their times, written as H.264 MP4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame as AvFrame
import numpy as np
import numpy.typing as npt
from segformer_ros.files.timeline import scan, Timeline
from segformer_ros.files.video_colors import ColorConverter
from segformer_ros.image_encoding import decode_file, EncodingError

Image = npt.NDArray[np.uint8]

# Decoders hold back 16 pictures at most (H.264, H.265).
_MOST_WAITING = 20
# A packet without a picture repeats the one before.
_WITH_EMPTY_PACKETS = frozenset({'mpeg4'})
_NOT_DECODED = 'it was not decoded: its data, or what it is built from, are damaged'
_FLAGGED = 'the decoder flags it as damaged'


@dataclass(frozen=True)
class VideoFrame:
    """
    One frame of a video.

    :param index: Place in the order of presentation, broken and missing frames included.
    :param time_s: Seconds since the first frame, by the file.
    :param image: (H, W, 3) RGB, upright; None where the frame could not be decoded.
    :param error: Why there is no image.
    """

    index: int
    time_s: float
    image: Image | None
    error: str = ''

    @property
    def name(self) -> str:
        """Name of its results."""
        return f'{self.index:06d}'


class VideoReader:
    """
    A video file, to be used in a with statement and iterated once.

    Frames are numbered by the times at which they are shown, whatever is damaged before them. A
    frame is an error where it cannot be decoded, where the decoder flags it as damaged, where it
    is built from one that was lost, and where the file ends before it.

    :param path: Any file with a video stream that FFmpeg decodes.
    :param first: First frame that is given; another one than 0 comes from cut().
    :param last: First frame that is not given any more; None: all up to the end.
    :raises ValueError: The file is not such a video.
    :raises OSError: The file cannot be read.
    """

    def __init__(self, path: Path, *, first: int = 0, last: int | None = None) -> None:
        with path.open('rb'):
            pass
        self._path = path
        self._first, self._last = first, last
        self._open()
        self._colors = ColorConverter()
        self.rate: Fraction = (
            self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        )
        """Frames per second, on average."""
        self.count: int = self._stream.frames or self._estimated_count()
        """Number of frames as the file says it, 0 when unknown."""

    def _open(self) -> None:
        try:
            self._container = av.open(ffmpeg_name(self._path))
        except av.FFmpegError as error:
            raise ValueError(f'expected a video in {self._path}: {error.strerror}') from error
        if not self._container.streams.video:
            self._container.close()
            raise ValueError(f'expected a video in {self._path}, found a file without pictures')
        self._stream = self._container.streams.video[0]
        # Threads that take a frame each report errors with later packets.
        self._stream.thread_type = 'SLICE'

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

    def cut(self, count: int) -> list[int]:
        """
        Find where the video can be cut: frames of parts come out as those of the whole.

        :param count: Number of frames of a part, at least; the next key frame begins another.
        :returns: First frame of each part.
        """
        timeline = self._scan()
        return [0] if timeline is None else timeline.cut(count)

    def _scan(self) -> Timeline | None:
        timeline = scan(self._container, self._stream)
        self._container.close()
        self._open()
        return timeline

    def __iter__(self) -> Iterator[VideoFrame]:
        timeline = self._scan()
        if timeline is None:
            yield from self._by_count()
        else:
            yield from self._by_time(timeline)

    def _by_time(self, timeline: Timeline) -> Iterator[VideoFrame]:
        """Put pictures in their places, and say of each place without one what is wrong."""
        waiting: dict[int, AvFrame | str] = {}
        place = self._first
        for index, item in self._placed(timeline):
            if index >= place:
                waiting.setdefault(index, item)
            while place in waiting or len(waiting) > _MOST_WAITING:
                yield self._frame(place, timeline, waiting.pop(place, None))
                place += 1
                if place == self._last:
                    return
        for index in range(place, len(timeline) if self._last is None else self._last):
            yield self._frame(index, timeline, waiting.pop(index, None))
        if self._last is not None:
            return
        reason = timeline.error or 'the file ends before it'
        for index in range(
            len(timeline), len(timeline) + max(timeline.beyond, bool(timeline.error))
        ):
            yield self._frame(index, timeline, reason)

    def _placed(self, timeline: Timeline) -> Iterator[tuple[int, AvFrame | str]]:
        for item in self._decoded(timeline.start(self._first)):
            if isinstance(item, _Failure):
                index = timeline.lose(item.pts)
                if index is not None:
                    yield index, item.reason
            elif item.pts is not None:
                index = timeline.index(item.pts)
                if item.is_corrupt:
                    timeline.lose(item.pts)
                    yield index, _FLAGGED
                else:
                    yield index, item

    def _frame(self, index: int, timeline: Timeline, item: AvFrame | str | None) -> VideoFrame:
        time_s = timeline.time_s(index, float(1 / self.rate))
        if item is None:
            if self._stream.codec_context.name not in _WITH_EMPTY_PACKETS:
                timeline.lose_picture(index)
            item = _NOT_DECODED
        elif not isinstance(item, str):
            item = timeline.doubt(index) or item
        if isinstance(item, str):
            return VideoFrame(index, time_s, None, item)
        return self._converted(index, time_s, item)

    def _converted(self, index: int, time_s: float, frame: AvFrame) -> VideoFrame:
        try:
            return VideoFrame(index, time_s, self._colors.rgb(frame))
        except ValueError as error:
            return VideoFrame(index, time_s, None, str(error))

    def _by_count(self) -> Iterator[VideoFrame]:
        """Count the pictures as they come, where packets have no times."""
        start: float | None = None
        time_s, damaged = 0.0, ''
        for index, item in enumerate(self._decoded()):
            if isinstance(item, _Failure):
                damaged = f'it is built from a picture before it, which is damaged: {item.reason}'
                yield VideoFrame(index, time_s, None, item.reason)
            else:
                if item.time is not None:
                    start = item.time if start is None else start
                    time_s = item.time - start
                damaged = '' if item.key_frame else damaged
                if damaged or item.is_corrupt:
                    damaged = damaged or _FLAGGED
                    yield VideoFrame(index, time_s, None, damaged)
                else:
                    yield self._converted(index, time_s, item)
            time_s += float(1 / self.rate)

    def _decoded(self, start: int | None = None) -> Iterator[AvFrame | _Failure]:
        """
        Decode packet by packet, so that a broken one costs no more than itself.

        :param start: Time of the first packet that is decoded; None decodes all. Those before it
            are read and dropped: an index to seek in may be damaged.
        """
        packets = self._container.demux(self._stream)
        pts: int | None = None
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                pts = packet.pts
                if start is not None and pts != start:
                    continue
                start = None
                if packet.is_corrupt:
                    yield _Failure(pts, 'its data are damaged or cut off')
                elif self._stream.codec_context.name == 'mjpeg' and packet.size:
                    _check_jpeg(bytes(packet))
                yield from self._stream.decode(packet)
            except av.FFmpegError as error:
                if isinstance(error, av.EOFError):
                    return
                yield _Failure(pts, error.strerror or type(error).__name__)
            except EncodingError as error:
                yield _Failure(pts, str(error))


@dataclass(frozen=True)
class _Failure:
    pts: int | None
    reason: str


def _check_jpeg(content: bytes) -> None:
    """
    Look for damage that FFmpeg paints over.

    :raises EncodingError: There is some.
    """
    # Some cameras leave out the end marker, which alone costs nothing.
    whole = b'\xff\xd9' in content[-64:]
    decode_file(content if whole else content + b'\xff\xd9')


def ffmpeg_name(path: Path) -> str:
    """Name a file for FFmpeg, to which a relative name with a colon is an address."""
    return str(path.absolute())
