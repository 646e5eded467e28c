# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure `temporal: labels`: flicker, mIoU, boundary F and time, with and without it.

    python bench/temporal.py --seeds 3 11
    python bench/temporal.py --video drive.mp4

Flicker is the share of pixels whose class is another one than in the frame before: of those that
flow follows from frame to frame (moved), and of those whose ground-truth class stays (fixed).
Ground truth itself changes along that flow, too: its figure is what labels without a fault have.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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
from segformer_ros.inference.motion import find_motion  # noqa: E402
from segformer_ros.inference.temporal import TemporalMemory  # noqa: E402
from segformer_ros.metrics import SegmentationMeter  # noqa: E402
from segformer_ros.metrics.boundary import BoundaryMeter  # noqa: E402

RATE_HZ = 10.0


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
        self.moved, self.fixed, self.ms = [], [], []
        self.meters = SegmentationMeter(ids), BoundaryMeter(ids)

    def add(self, labels: Any, motion: Any, truth: Any, truth_before: Any) -> None:
        """Take the labels of the next frame."""
        if self.before is not None:
            x, y = (np.ascontiguousarray(motion.places[..., i]) for i in (0, 1))
            there = cv2.remap(self.before, x, y, cv2.INTER_NEAREST)
            self.moved.append(np.mean((there != labels)[motion.trust > 0.5]))
            if truth is not None:
                self.fixed.append(np.mean((self.before != labels)[truth == truth_before]))
        self.before = labels
        if truth is not None:
            for meter in self.meters:
                meter.add(labels, truth)


def frames(args: argparse.Namespace, seed: int) -> Iterator[tuple[Any, Any, Any, int]]:
    """Yield image, ground-truth labels, focal length and stamp."""
    if args.video:
        with VideoReader(args.video) as reader:
            for frame in reader:
                if frame.index == args.frames:
                    return
                yield frame.image, None, None, round(frame.time_s * 1e9)
    rig = world.CameraRig(args.width, args.width // 2)
    for index, frame in enumerate(world.drive(seed, rig, rate_hz=RATE_HZ, count=args.frames)):
        yield frame.image, frame.labels, frame.intrinsics.fx, round(index / RATE_HZ * 1e9)


def compare(args: argparse.Namespace, pipeline: Pipeline, seed: int) -> str:
    """Return the figures of one drive."""
    backend = pipeline._runner._backend = Once(pipeline._backend)
    ids = [item.id for item in pipeline.manifest.classes]
    memory, sides, perfect = TimedMemory(), (Side(ids), Side(ids)), Side(ids)
    gray_before = truth_before = None
    for image, truth, focal_px, stamp_ns in frames(args, seed):
        gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        motion = None if gray_before is None else find_motion(gray_before, gray, precise=False)
        if truth is not None:
            perfect.add(truth, motion, truth, truth_before)
        memory.next_stamp(stamp_ns)
        for side, kept in zip(sides, (None, memory), strict=True):
            backend.repeat = kept is not None
            start = time.process_time()
            found = pipeline.predict(image, focal_length_px=focal_px, memory=kept)
            side.add(found.labels, motion, truth, truth_before)
            side.ms.append(1e3 * (time.process_time() - start))
        gray_before, truth_before = gray, truth
    off, on = sides
    text = f'flicker moved {np.mean(on.moved) / np.mean(off.moved):.2f}'
    if on.fixed:
        (off_miou, off_f), (on_miou, on_f) = (
            (side.meters[0].miou(), side.meters[1].mean()) for side in sides
        )
        text += (
            f' (ground truth {np.mean(perfect.moved) / np.mean(off.moved):.2f})'
            f', fixed {np.mean(on.fixed) / np.mean(off.fixed):.2f}, '
            f'mIoU {off_miou:.4f} -> {on_miou:.4f}, boundary F {off_f:.4f} -> {on_f:.4f}'
        )
    added, frame_ms = np.median(memory.ms[1:]), np.median(off.ms[1:])
    return f'{text}, CPU {added:.1f} ms added to {frame_ms:.0f} ms ({1 + added / frame_ms:.3f}x)'


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
