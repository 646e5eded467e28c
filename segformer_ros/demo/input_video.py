# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A video of the user in the place of the camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
import math
from pathlib import Path

from segformer_ros import bundle
from segformer_ros.bags.synced_frames import SyncedFrame
from segformer_ros.files.video import VideoReader
from segformer_ros.inference.preprocess import fit

# Frames are published at their times or somewhat later, the first one too; in frame periods.
_EARLY = 0.25


@dataclass(frozen=True)
class Video:
    """
    What the demonstration needs to know of a video.

    :param rate_hz: Frames per second, on average.
    :param duration_s: 0 when unknown.
    """

    path: Path
    width: int
    height: int
    rate_hz: float
    duration_s: float


def probe(path: Path) -> Video:
    """
    Look at a video.

    :raises ValueError: The file is no video, or has no frame that can be decoded.
    :raises OSError: The file cannot be read.
    """
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.image is not None:
                height, width = frame.image.shape[:2]
                rate_hz = float(reader.rate)
                return Video(path, width, height, rate_hz, reader.count / rate_hz)
    raise ValueError(f'expected a video in {path}, found no frame that can be decoded')


def trained_camera_fov_deg(model: str, video: Video) -> float:
    """
    Return the field of view with which the depth of a network is left as it comes.

    :param model: Name or path of a bundle.
    :returns: Degrees, horizontally; 0 when the network knows no depth.
    :raises BundleError: There is no such bundle.
    """
    found = bundle.read(bundle.find(model), verify=False)
    manifest = found.networks.get('depth', found).manifest
    if manifest.focal_length_px is None:
        return 0.0
    sizes = [(item.height, item.width) for item in manifest.input_sizes]
    stretch = manifest.resize == 'stretch'
    geometry = fit((video.height, video.width), sizes, stretch=stretch)
    focal_px = manifest.focal_length_px * video.width / geometry.resized_w
    return math.degrees(2.0 * math.atan(0.5 * video.width / focal_px))


def with_images(video: Path, results: Iterable[SyncedFrame]) -> Iterator[SyncedFrame]:
    """
    Bring results together with the frames of the video that they belong to.

    The network is idle when the video begins, so the first result belongs to the first frame; the
    stamps tell the others.

    :param results: In the order of their stamps.
    :returns: The results with their images, and with the times of the file in their stamps.
    """
    pending = iter(results)
    result = next(pending, None)
    if result is None:
        return
    start_ns = result.stamp_ns
    with VideoReader(video) as reader:
        early_s = _EARLY / float(reader.rate)
        frames = (frame for frame in reader if frame.image is not None)
        frame = next(frames, None)
        while frame is not None and result is not None:
            following = next(frames, None)
            elapsed_s = (result.stamp_ns - start_ns) / 1e9 + early_s
            if following is None or elapsed_s < following.time_s:
                yield replace(result, stamp_ns=round(frame.time_s * 1e9), image=frame.image)
                result = next(pending, None)
            frame = following
