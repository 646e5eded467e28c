# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the compressed outputs: how large they are, and how long each takes.

    python bench/compressed.py --seeds 3 11 23

Labels and depth are those of a network on frames of the built-in world, at the size of the camera.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
import sys
import time

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from segformer_ros import draw, Pipeline, world  # noqa: E402
from segformer_ros.labels import DISTINCT  # noqa: E402
from segformer_ros.output_topics import compressed  # noqa: E402
from segformer_ros.output_topics.contents import Content  # noqa: E402
from segformer_ros.output_topics.table import overlay_colors  # noqa: E402


def measure(make: Callable[[], Content], repeat: int) -> tuple[int, float]:
    """Return the bytes of a message, and the fastest CPU time in milliseconds."""
    best = float('inf')
    for _ in range(repeat):
        start = time.process_time()
        content = make()
        best = min(best, 1e3 * (time.process_time() - start))
    return len(content.fields['data']), best


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--model', default='road_b0')
    parser.add_argument('--seeds', type=int, nargs='+', default=[3, 11, 23])
    parser.add_argument('--width', type=int, default=1280, help='columns; half as many rows')
    parser.add_argument('--repeat', type=int, default=15)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    found: dict[str, list[tuple[int, float]]] = {}
    pipeline = Pipeline.load(args.model, threads=1)
    _, palette = overlay_colors(pipeline.manifest.classes, DISTINCT)
    for seed in args.seeds:
        rig = world.CameraRig(args.width, args.width // 2)
        frame = next(world.drive(seed, rig, rate_hz=10.0, count=1))
        result = pipeline.predict(frame.image, focal_length_px=frame.intrinsics.fx)
        labels, metres = result.labels, result.depth
        assert labels is not None
        assert metres is not None
        overlay = draw.overlay(frame.image, labels, palette)
        outputs: dict[str, partial[Content]] = {
            'label/image/compressed': partial(compressed.labels, None, labels),
            'overlay/image/compressed': partial(compressed.colors, None, overlay),
            'depth/image/compressedDepth 32FC1': partial(compressed.depth, None, metres, '32FC1'),
            'depth/image/compressedDepth 16UC1': partial(compressed.depth, None, metres, '16UC1'),
        }
        for name, make in outputs.items():
            found.setdefault(name, []).append(measure(make, args.repeat))
    pipeline.close()
    sys.stdout.write(f'mean of {len(args.seeds)} frames of {args.width}x{args.width // 2}\n')
    for name, values in found.items():
        size, ms = np.mean(values, axis=0)
        sys.stdout.write(f'{name:34} {size / 1000:5.0f} kB {ms:6.1f} ms\n')


if __name__ == '__main__':
    main()
