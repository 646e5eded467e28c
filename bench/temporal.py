# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure `temporal: labels`: flicker, mIoU, boundary F and time, with and without it.

    python bench/temporal.py --seeds 3 11
    python bench/temporal.py --video drive.mp4

Flicker is the share of pixels whose class is not that of the frame before, in three ways:
followed along the motion of the scene, which is not that of the product; fixed, at the same pixel
where the ground-truth class stays; changed, at the same pixel, all of them.

In the built-in world the motion is exact, from ground-truth depth and the poses of the camera, for
what stands still and is visible in both frames. In a video it is the flow of Farneback (2003) at
full size, where flow back leads to the same pixel. Ground truth itself changes along the motion,
at edges between pixels: its figure is what labels without a fault have.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import sys
import time
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from segformer_ros import Pipeline, world  # noqa: E402
from segformer_ros.files.video import VideoReader  # noqa: E402
from segformer_ros.inference.temporal import TemporalMemory  # noqa: E402
from segformer_ros.metrics import SegmentationMeter  # noqa: E402
from segformer_ros.metrics.boundary import BoundaryMeter  # noqa: E402
from segformer_ros.world.classes import BICYCLE, PEDESTRIAN  # noqa: E402

RATE_HZ = 10.0
# Inverse depth of the same surface, in two frames: this share, and 1 / 10 km for the sky.
MAX_SHARE, MAX_PER_M = 0.02, 1e-4


@dataclass(frozen=True)
class Followed:
    """(H, W) column and row of where each pixel was in the frame before; where this is known."""

    x: Any
    y: Any
    known: Any

    def change(self, before: Any, now: Any) -> float:
        """Return the share of known pixels whose class is not that of where they were."""
        there = cv2.remap(before, self.x, self.y, cv2.INTER_NEAREST)
        return float(np.mean((there != now)[self.known]))


def exact_motion(before: world.Frame, now: world.Frame) -> Followed:
    """Follow what stands still, by ground-truth depth and the poses of the camera."""
    own, row_column = now.intrinsics, np.indices(now.depth.shape, dtype=np.float64)
    rays = np.dstack([(row_column[1] - own.cx) / own.fx, (row_column[0] - own.cy) / own.fy])
    rays = np.dstack([rays, np.ones(now.depth.shape)])
    inverse_m = 1.0 / now.depth.astype(np.float64)  # Of the sky 0: only turning moves it.
    axes = [np.array((pose.right, pose.down, pose.forward)) for pose in (before.pose, now.pose)]
    way_m = axes[0] @ np.subtract(now.pose.position_m, before.pose.position_m)
    # Per metre of depth now, in the axes of the camera before.
    points = rays @ (axes[0] @ axes[1].T).T + inverse_m[..., np.newaxis] * way_m
    ahead = points[..., 2]
    with np.errstate(divide='ignore', invalid='ignore'):
        x = np.where(ahead > 0.0, own.fx * points[..., 0] / ahead + own.cx, -1.0)
        y = np.where(ahead > 0.0, own.fy * points[..., 1] / ahead + own.cy, -1.0)
        expected = inverse_m / ahead
    x, y = x.astype(np.float32), y.astype(np.float32)
    # Inverse depth of a plane is linear in the image.
    found = cv2.remap(1.0 / before.depth, x, y, cv2.INTER_LINEAR)
    same = np.abs(found - expected) < MAX_SHARE * expected + MAX_PER_M
    still = [(labels < PEDESTRIAN) | (labels > BICYCLE) for labels in (before.labels, now.labels)]
    was_still = cv2.remap(still[0].astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0
    return Followed(x, y, same & still[1] & was_still & _inside(x, y))


def farneback_motion(before: Any, now: Any) -> Followed:
    """Follow the pixels of two grey images by a flow that the product does not use."""
    flows = [
        cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 5, 15, 3, 7, 1.5, 0)
        for first, second in ((now, before), (before, now))
    ]
    row, column = np.indices(now.shape, dtype=np.float32)
    x, y = column + flows[0][..., 0], row + flows[0][..., 1]
    error = flows[0] + cv2.remap(flows[1], x, y, cv2.INTER_LINEAR)
    return Followed(x, y, (np.hypot(error[..., 0], error[..., 1]) < 1.0) & _inside(x, y))


def _inside(x: Any, y: Any) -> Any:
    height, width = x.shape
    return (x >= 0.0) & (x <= width - 1) & (y >= 0.0) & (y <= height - 1)


class TimedMemory(TemporalMemory):
    """Measures the CPU time that the memory takes."""

    def __init__(self) -> None:
        super().__init__('labels')
        self.ms: list[float] = []

    def steady(self, *args: Any, **kwargs: Any) -> Any:
        """Mix, and measure."""
        start = time.process_time()
        found = super().steady(*args, **kwargs)
        self.ms.append(1e3 * (time.process_time() - start))
        return found


class Once:
    """A backend that computes each batch once and repeats it on request."""

    def __init__(self, backend: Any) -> None:
        self._backend, self.repeat, self._kept = backend, False, {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def infer(self, batch: Any, outputs: Any = None) -> Any:
        """Compute, or repeat."""
        if not self.repeat:
            self._kept = self._backend.infer(batch, outputs)
        return {name: value.copy() for name, value in self._kept.items()}


class Side:
    """The figures of one of the two."""

    def __init__(self, ids: list[int]) -> None:
        self.before: Any = None
        self.followed, self.fixed, self.changed, self.ms = [], [], [], []
        self.meters = SegmentationMeter(ids), BoundaryMeter(ids)

    def add(self, labels: Any, motion: Followed | None, truth: Any, truth_before: Any) -> None:
        """Take the labels of the next frame."""
        if motion is not None:
            self.followed.append(motion.change(self.before, labels))
            differs = self.before != labels
            self.changed.append(np.mean(differs))
            if truth is not None:
                self.fixed.append(np.mean(differs[truth == truth_before]))
        self.before = labels
        if truth is not None:
            for meter in self.meters:
                meter.add(labels, truth)


def frames(args: argparse.Namespace, seed: int) -> Iterator[tuple[Any, Any, int]]:
    """Yield image, frame of the world and stamp; None for the frame of a video."""
    if args.video:
        with VideoReader(args.video) as reader:
            for frame in reader:
                if frame.index == args.frames:
                    return
                yield frame.image, None, round(frame.time_s * 1e9)
        return
    rig = world.CameraRig(args.width, args.width // 2)
    for index, frame in enumerate(world.drive(seed, rig, rate_hz=RATE_HZ, count=args.frames)):
        yield frame.image, frame, round(index / RATE_HZ * 1e9)


def compare(args: argparse.Namespace, pipeline: Pipeline, seed: int) -> str:
    """Return the figures of one drive."""
    backend = pipeline._runner._backend = Once(pipeline._backend)
    ids = [item.id for item in pipeline.manifest.classes]
    memory, sides, perfect = TimedMemory(), (Side(ids), Side(ids)), Side(ids)
    before: Any = None
    for image, frame, stamp_ns in frames(args, seed):
        now = frame or cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        follow = exact_motion if frame else farneback_motion
        motion = None if before is None else follow(before, now)
        truth, truth_before = (getattr(item, 'labels', None) for item in (frame, before))
        if frame:
            perfect.add(truth, motion, truth, truth_before)
        memory.next_stamp(stamp_ns)
        for side, kept in zip(sides, (None, memory), strict=True):
            backend.repeat = kept is not None
            start = time.process_time()
            focal_px = frame.intrinsics.fx if frame else None
            found = pipeline.predict(image, focal_length_px=focal_px, memory=kept)
            side.ms.append(1e3 * (time.process_time() - start))
            side.add(found.labels, motion, truth, truth_before)
        before = now
    added, frame_ms = np.median(memory.ms[1:]), np.median(sides[0].ms[1:])
    cost = f'CPU {added:.1f} ms added to {frame_ms:.0f} ms ({1 + added / frame_ms:.3f}x)'
    return f'{report(*sides, perfect)}, {cost}'


def report(off: Side, on: Side, perfect: Side) -> str:
    """Return the figures without those of time."""
    flicker = np.mean(off.followed)
    followed = f'flicker followed {np.mean(on.followed) / flicker:.2f}'
    changed = f'changed {np.mean(on.changed) / np.mean(off.changed):.2f}'
    if not on.fixed:
        return f'{followed}, {changed}'
    (off_miou, off_f), (on_miou, on_f) = (
        (side.meters[0].miou(), side.meters[1].mean()) for side in (off, on)
    )
    return (
        f'{followed} (ground truth {np.mean(perfect.followed) / flicker:.2f}), '
        f'fixed {np.mean(on.fixed) / np.mean(off.fixed):.2f}, {changed}, '
        f'mIoU {off_miou:.4f} -> {on_miou:.4f}, boundary F {off_f:.4f} -> {on_f:.4f}'
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--model', default='road_b0')
    parser.add_argument('--backend', default='auto')
    parser.add_argument('--video', type=Path, help='measure a video instead of the world')
    parser.add_argument('--seeds', type=int, nargs='+', default=[3, 11])
    parser.add_argument('--frames', type=int, default=40)
    parser.add_argument('--width', type=int, default=512, help='columns of the world')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for seed in [0] if args.video else args.seeds:
        pipeline = Pipeline.load(args.model, backend=args.backend, threads=1)
        name = args.video.name if args.video else f'world {seed}'
        sys.stdout.write(f'{name}: {compare(args, pipeline, seed)}\n')
        sys.stdout.flush()
        pipeline.close()


if __name__ == '__main__':
    main()
