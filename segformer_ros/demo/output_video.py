# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a demonstration writes to look at: a video and a contact sheet of single frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.bags.synced_frames import SyncedFrame
from segformer_ros.files.images import encode_png
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.labels import CARLA_0914, LabelSet, with_palette
from segformer_ros.metrics import DepthMeter, SegmentationMeter
from segformer_ros.run_folder import write_bytes

Image = npt.NDArray[np.uint8]

_VIDEO_WIDTH_PX = 640
_PANEL_WIDTH_PX = 400
_TEXT = (225, 225, 225)
_DARK = 24
_CLASSES = with_palette(CARLA_0914.classes)


def write_video(
    path: Path,
    frames: Iterable[SyncedFrame],
    *,
    rate_hz: float,
    progress: Callable[[int], None] = lambda count: None,
) -> list[int]:
    """
    Write an MP4 of camera, labels and depth side by side, at the times of their stamps.

    :param frames: Each with image, labels and depth; at least one.
    :param rate_hz: Frames per second of the camera.
    :param progress: Called with the number of frames so far.
    :returns: The stamps in nanoseconds.
    """
    stamps: list[int] = []
    with VideoWriter(path, rate_hz) as video:
        for frame in frames:
            small = shrunk(frame, _VIDEO_WIDTH_PX)
            assert small.image is not None
            picture = draw.side_by_side(small.image, small.labels, small.depth, _CLASSES)
            stamps.append(frame.stamp_ns)
            video.add(picture, (frame.stamp_ns - stamps[0]) / 1e9)
            progress(len(stamps))
    return stamps


def evenly(stamps_ns: Sequence[int], count: int) -> frozenset[int]:
    """Choose stamps that are spread evenly over a drive, without its first and last frame."""
    step = len(stamps_ns) / count
    return frozenset(stamps_ns[int((index + 0.5) * step)] for index in range(count) if stamps_ns)


def write_sheet(path: Path, frames: Iterable[SyncedFrame], *, columns: int) -> None:
    """
    Write a PNG with camera, labels and depth of some frames, below them the known ground truth.

    :param frames: Each with image, labels and depth; at least one.
    """
    cells = [_cell(frame) for frame in sorted(frames, key=lambda item: item.stamp_ns)]
    write_bytes(path, encode_png(draw.contact_sheet(cells, columns)))


def shrunk(frame: SyncedFrame, width_px: int) -> SyncedFrame:
    """Return a frame whose images are at most width_px wide."""
    assert frame.image is not None
    height, width = frame.image.shape[:2]
    if width <= width_px:
        return frame
    size = (width_px, max(1, round(height * width_px / width)))
    small: dict[str, Any] = {
        'image': np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    }
    for name in ('labels', 'depth', 'true_labels', 'true_depth'):
        array = getattr(frame, name)
        if array is not None:
            nearest = cv2.resize(array, size, interpolation=cv2.INTER_NEAREST)
            small[name] = np.asarray(nearest, array.dtype)
    return replace(frame, **small)


def _cell(frame: SyncedFrame) -> Image:
    small = shrunk(frame, _PANEL_WIDTH_PX)
    assert small.image is not None
    picture = draw.side_by_side(small.image, small.labels, small.depth, _CLASSES)
    if small.true_labels is None or small.true_depth is None:
        return picture
    palette = LabelSet('', _CLASSES).palette()
    labels = draw.overlay(small.image, small.true_labels, palette, 0.65)
    figures = np.full_like(small.image, _DARK)
    _write_figures(figures, frame)
    truth = (
        figures,
        draw.labels_panel('ground-truth labels', labels, small.true_labels, _CLASSES),
        draw.depth_panel('ground-truth depth', small.true_depth),
    )
    return np.concatenate([picture, np.concatenate(truth, axis=1)])


def _write_figures(panel: Image, frame: SyncedFrame) -> None:
    """Write below the camera image how well its frame was predicted."""
    lines = [f'{frame.stamp_ns / 1e9:.1f} s']
    if frame.labels is not None and frame.true_labels is not None:
        segmentation = SegmentationMeter(item.id for item in CARLA_0914.classes if item.id)
        segmentation.add(frame.labels, frame.true_labels)
        lines.append(f'mIoU {_figure(segmentation.miou())}')
    if frame.depth is not None and frame.true_depth is not None:
        depth = DepthMeter()
        depth.add(frame.depth, frame.true_depth)
        lines.append(f'AbsRel {_figure(depth.result()["abs_rel"])}')
    for index, line in enumerate(lines):
        origin = (16, 30 + 24 * index)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(panel, line, origin, font, 0.5, _TEXT, 1, cv2.LINE_AA)


def _figure(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:.2f}'
