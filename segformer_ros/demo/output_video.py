# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a demonstration writes to look at: a video and a contact sheet of single frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.bags.synced_frames import SyncedFrame
from segformer_ros.files.images import encode_png
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.labels import CARLA_0914
from segformer_ros.metrics import DepthMeter, SegmentationMeter
from segformer_ros.run_folder import write_bytes

Image = npt.NDArray[np.uint8]

_VIDEO_WIDTH_PX = 640
_PANEL_WIDTH_PX = 400
_TEXT = (225, 225, 225)
_DARK = 24


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
    palette = CARLA_0914.palette()
    with VideoWriter(path, rate_hz) as video:
        for frame in frames:
            small = _shrunk(frame, _VIDEO_WIDTH_PX)
            assert small.image is not None
            picture = draw.side_by_side(small.image, small.labels, small.depth, palette)
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


def _shrunk(frame: SyncedFrame, width_px: int) -> SyncedFrame:
    """Make camera image, labels and depth no wider than the video needs."""
    assert frame.image is not None
    height, width = frame.image.shape[:2]
    if width <= width_px:
        return frame
    size = (width_px, max(1, round(height * width_px / width)))
    image = np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    labels, depth = frame.labels, frame.depth
    if labels is not None:
        labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    if depth is not None:
        nearest = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
        depth = np.asarray(nearest, np.float32)
    return replace(frame, image=image, labels=labels, depth=depth)


def _cell(frame: SyncedFrame) -> Image:
    assert frame.image is not None
    palette = CARLA_0914.palette()
    rows = [draw.side_by_side(frame.image, frame.labels, frame.depth, palette)]
    if frame.true_labels is not None and frame.true_depth is not None:
        # The sky has no distance; black as in the prediction.
        depth = np.where(np.isfinite(frame.true_depth), frame.true_depth, np.float32(np.nan))
        labels = draw.overlay(frame.image, frame.true_labels, palette, 0.65)
        truth = (
            np.full_like(frame.image, _DARK),
            draw.caption(labels, 'ground-truth labels'),
            draw.caption(draw.colorize_depth(depth), 'ground-truth depth'),
        )
        rows.append(np.concatenate(truth, axis=1))
    picture = np.concatenate(rows)
    scale = min(1.0, 3 * _PANEL_WIDTH_PX / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if len(rows) == 2:
        _write_figures(small[size[1] // 2 :], frame)
    return small


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
    if frame.true_labels is not None:
        _write_legend(panel[:, 140:], frame.true_labels)


def _write_legend(panel: Image, labels: Image) -> None:
    """Name the colours of the classes that occur, in two columns."""
    present = set(np.unique(labels).tolist())
    classes = [item for item in CARLA_0914.classes if item.id in present]
    rows = max(1, -(-len(classes) // 2))
    for column in range(2):
        part = classes[column * rows : (column + 1) * rows]
        picture = draw.legend(part, width=min(125, panel.shape[1] // 2), row=17)
        left, height = column * 127, min(picture.shape[0], panel.shape[0] - 14)
        place = panel[14 : 14 + height, left : left + picture.shape[1]]
        place[:] = picture[:height, : place.shape[1]]


def _figure(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:.2f}'
