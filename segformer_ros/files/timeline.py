# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""When the pictures of a video are shown, which were lost, and which cannot be right then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

# What states a duration that its last picture can be held against, by what ends at it.
_OF_THE_STREAM = 'mov'
_OF_THE_FILE = 'matroska'
_BY_COUNT = 'avi'
# In pictures; what muxers write into headers is not exact.
_TOLERANCE = 0.75
# More pictures than this times the frame rate are not pictures: the fields of interlaced video.
_FIELDS = 1.5


@dataclass(frozen=True)
class _Place:
    """One packet: when its picture is shown, in ticks, and whether decoding can start there."""

    pts: int
    is_key: bool
    is_shown: bool
    is_needed: bool


class Timeline:
    """
    The pictures of a video by the times at which they are shown.

    A picture is built from others: from a lost one on, in the order of decoding, nothing can be
    trusted up to the next picture that stands alone. Decoders show such pictures, mostly without
    a flag.
    """

    def __init__(self, places: list[_Place], time_base: Fraction, beyond: int, error: str) -> None:
        """
        Take the packets in the order of decoding.

        :param time_base: Seconds of a tick.
        :param beyond: Pictures that the file says to have behind its last packet.
        :param error: Why reading ended early, '' where it did not.
        """
        self._places = places
        self._order = {place.pts: index for index, place in enumerate(places)}
        self._keys = [index for index, place in enumerate(places) if place.is_key]
        self._lost: list[int] = []
        self._pts = sorted(place.pts for place in places if place.is_shown)
        self._time_base = time_base
        self.beyond = beyond
        self.error = error

    def __len__(self) -> int:
        return len(self._pts)

    def time_s(self, index: int, period_s: float) -> float:
        """Return when a picture is shown, in seconds since the first; also one beyond the end."""
        known = min(index, len(self._pts) - 1)
        ticks = self._pts[known] - self._pts[0]
        return float(ticks * self._time_base) + (index - known) * period_s

    def index(self, pts: int) -> int:
        """Return the place of the picture that is shown then, or next to then."""
        found = bisect_left(self._pts, pts)
        near = self._pts[max(0, found - 1) : found + 1]
        return self._pts.index(min(near, key=lambda item: abs(item - pts)), max(0, found - 1))

    def start(self, index: int) -> int | None:
        """Return the time, in ticks, of the packet that decoding starts at for a picture."""
        if not index or not self._keys:
            return None
        pts = self._pts[index]
        found = [key for key in self._keys if self._places[key].pts <= pts]
        return self._places[found[-1]].pts if found else None

    def cut(self, count: int) -> list[int]:
        """Return the first pictures of parts of about so many, each a key frame."""
        cuts = [0]
        for key in self._keys:
            place = self._places[key]
            index = self.index(place.pts)
            if place.is_shown and index - cuts[-1] >= count:
                cuts.append(index)
        return cuts

    def lose(self, pts: int | None) -> int | None:
        """
        Note that a packet could not be decoded.

        :returns: The place of its picture, None where it has none.
        """
        place = self._order.get(pts) if pts is not None else None
        if place is None:
            return None
        if self._places[place].is_needed and place not in self._lost:
            insort(self._lost, place)
        return self.index(self._places[place].pts) if self._places[place].is_shown else None

    def lose_picture(self, index: int) -> None:
        """Note that a picture did not come out of the decoder, without an error."""
        self.lose(self._pts[index])

    def doubt(self, index: int) -> str:
        """Describe why a decoded picture cannot be right; '' where nothing is known."""
        pts = self._pts[index]
        place = self._order[pts]
        if not self._keys:
            return ''
        count = bisect_left(self._lost, place)
        if not count:
            begun = place >= self._keys[0]
            return '' if begun else 'the video begins behind what this picture is built from'
        lost = self._lost[count - 1]
        begin, end = bisect_right(self._keys, lost), bisect_right(self._keys, place)
        if any(self._places[key].pts <= pts for key in self._keys[begin:end]):
            return ''
        # The first of those that are lost since a picture stood alone.
        key = self._keys[begin - 1] if begin else 0
        lost = self._lost[bisect_left(self._lost, key)]
        return f'it is built from frame {self.index(self._places[lost].pts)}, which is damaged'


def scan(container: InputContainer, stream: VideoStream) -> Timeline | None:
    """
    Go through the packets of a file, without decoding.

    :returns: None where packets do not tell when their pictures are shown.
    """
    places: list[_Place] = []
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    # Of all streams: sound may be longer than the pictures.
    start_s, end_s, video_end = 0.0, 0.0, 0
    error = ''
    try:
        for packet in container.demux():
            if packet.pts is None and packet.dts is None:
                continue
            of_video = packet.stream_index == stream.index
            if packet.pts is None and of_video:
                return None
            if packet.pts is not None and packet.time_base:
                unknown = round(1 / (rate * float(packet.time_base))) if of_video else 0
                end = packet.pts + (packet.duration or unknown)
                start_s = min(start_s, float(packet.pts * packet.time_base))
                end_s = max(end_s, float(end * packet.time_base))
                if of_video:
                    places.append(_place(packet))
                    video_end = max(video_end, end)
    except av.FFmpegError as problem:
        if not isinstance(problem, av.EOFError):
            error = problem.strerror or type(problem).__name__
    pts = {place.pts for place in places}
    shown = [place.pts for place in places if place.is_shown]
    if not shown or stream.time_base is None or len(pts) < len(places):
        return None
    span_s = float((max(shown) - min(shown)) * stream.time_base)
    if len(shown) - 1 > _FIELDS * rate * span_s + 2:
        return None
    lost_s, kind = 0.0, container.format.name
    if kind.startswith(_OF_THE_STREAM) and stream.duration and len(places) < stream.frames:
        # Either number alone has pictures that an edit list leaves out.
        ticks = (stream.start_time or 0) + stream.duration - video_end
        lost_s = min(float(ticks * stream.time_base), (stream.frames - len(places)) / rate)
    elif kind.startswith(_OF_THE_FILE) and container.duration:
        lost_s = start_s + container.duration / av.time_base - end_s
    elif kind.startswith(_BY_COUNT):
        lost_s = float((stream.frames - 1 - max(pts)) * stream.time_base)
    beyond = round(lost_s * rate) if lost_s * rate > _TOLERANCE else 0
    if beyond:
        places += _held_back(places, 1 / (rate * float(stream.time_base)))
    return Timeline(places, stream.time_base, beyond, error)


def _place(packet: Packet) -> _Place:
    assert packet.pts is not None
    return _Place(
        packet.pts,
        packet.is_keyframe,
        is_shown=not packet.is_discard,
        is_needed=not packet.is_disposable,
    )


def _held_back(places: list[_Place], period: float) -> list[_Place]:
    """
    Fill in the pictures that come after the last one in a file, and before it in time.

    :param period: Ticks from picture to picture.
    """
    pts = [place.pts for place in places]
    last = max(pts)
    before = pts[: pts.index(last)]
    if not before or pts == sorted(pts):
        return []
    shown = sorted(item for item in pts if item >= max(before))
    return [
        _Place(round(first + (number + 1) * period), False, is_shown=True, is_needed=False)
        for first, second in pairwise(shown)
        for number in range(round((second - first) / period) - 1)
    ]
