# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of any input one by one, and which of them are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules
from segformer_ros.bags.cameras import choose
from segformer_ros.bags.frames import bag_frames, odometry_topic
from segformer_ros.bags.process import BagOptions
from segformer_ros.bags.rosbag import BagReader, BagWarning
from segformer_ros.camera import Intrinsics
from segformer_ros.files import images
from segformer_ros.files.images import ImageFile
from segformer_ros.files.video import VideoReader
from segformer_ros.fleet.inputs import BAG, Input, VIDEO
from segformer_ros.fleet.settings import Settings
from segformer_ros.run_folder import Report

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SourceFrame:
    """
    One frame of an input.

    :param name: Unique in the input; below a folder for each camera of a bag.
    :param camera: Topic of a bag, else empty.
    :param image: (H, W, 3) RGB.
    :param stamp_ns: Of the header, or since the first frame of a video; None: unknown.
    :param intrinsics: None: unknown.
    :param driven_m: Metres driven until then; None: unknown.
    """

    name: str
    camera: str
    image: Image
    stamp_ns: int | None
    intrinsics: Intrinsics | None
    driven_m: float | None


def frames_of(
    item: Input, settings: Settings, report: Report, part: slice
) -> Iterator[SourceFrame]:
    """
    Read the frames of an input; those that cannot be read are counted in the report.

    :param part: Images alone: which of them.
    :raises ValueError: It cannot be read further on.
    """
    if item.kind == BAG:
        return _of_bag(item.path, settings, report)
    if item.kind == VIDEO:
        return _of_video(item.path, settings, report)
    return _of_images(item.images()[part], settings, report)


def _of_bag(path: Path, settings: Settings, report: Report) -> Iterator[SourceFrame]:
    options = BagOptions(focal_px=settings.focal_px, camera_fov_deg=settings.camera_fov_deg)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', BagWarning)
        reader = BagReader(path, settings.ros_distro)
    with reader:
        if reader.notes:
            report.facts['warnings'] = list(reader.notes)
        cameras = choose(reader, settings.topics, settings.camera_infos)
        odometry = odometry_topic(reader, settings.odometry)
        seen = Counter[str]()
        for frame in bag_frames(reader, cameras, options, report, odometry):
            folder = frame.topic.strip('/').replace('/', '_') + '/' if len(cameras) > 1 else ''
            # Nanoseconds without a dot: WebDataset ends a key at the first one.
            name = f'{folder}{frame.stamp_ns}'
            seen[name] += 1
            yield SourceFrame(
                name if seen[name] == 1 else f'{name}-{seen[name]}',
                frame.topic,
                frame.image,
                frame.stamp_ns,
                frame.intrinsics,
                frame.driven_m,
            )


def _of_video(path: Path, settings: Settings, report: Report) -> Iterator[SourceFrame]:
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.image is None:
                report.fail(f'frame {frame.index}', frame.error)
                continue
            stamp_ns = round(frame.time_s * 1e9)
            camera = _intrinsics(frame.image, settings)
            yield SourceFrame(frame.name, '', frame.image, stamp_ns, camera, None)


def _of_images(
    files: tuple[ImageFile, ...], settings: Settings, report: Report
) -> Iterator[SourceFrame]:
    for file in files:
        try:
            with report.timed('decode'):
                image = images.read(file.path)
        except (OSError, ValueError) as error:
            report.fail(file.path.name, error)
            continue
        yield SourceFrame(file.name, '', image, None, _intrinsics(image, settings), None)


def _intrinsics(image: Image, settings: Settings) -> Intrinsics | None:
    size = (image.shape[0], image.shape[1])
    return frame_rules.calibrate(
        None, size, camera_fov_deg=settings.camera_fov_deg, focal_px=settings.focal_px
    ).intrinsics


class Thinning:
    """
    Takes the first frame of each camera in every interval of time and, where known, of way.

    :param rate_hz: Frames per second at most; 0 takes all. Frames without a stamp are all taken.
    :param distance_m: Metres from one to the next; 0 takes all, and so does an unknown way.
    """

    def __init__(self, rate_hz: float, distance_m: float) -> None:
        self._rate_hz, self._distance_m = rate_hz, distance_m
        self._first: dict[str, tuple[int | None, float | None]] = {}
        self._taken: dict[str, tuple[int | None, int | None]] = {}

    def takes(self, frame: SourceFrame) -> bool:
        """Return whether a frame is taken, and note it."""
        start = self._first.setdefault(frame.camera, (frame.stamp_ns, frame.driven_m))
        time: int | None = None
        way: int | None = None
        if self._rate_hz and frame.stamp_ns is not None and start[0] is not None:
            time = int((frame.stamp_ns - start[0]) * self._rate_hz // 1_000_000_000)
        if self._distance_m and frame.driven_m is not None:
            way = int((frame.driven_m - (start[1] or 0.0)) // self._distance_m)
        before = self._taken.get(frame.camera)
        if before is not None:
            if time is not None and time == before[0]:
                return False
            if way is not None and way == before[1]:
                return False
        self._taken[frame.camera] = time, way
        return True
