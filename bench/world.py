# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the world: frames per second on one core, time to compile, share of the classes.

    python bench/world.py --compile
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from segformer_ros import world  # noqa: E402
from segformer_ros.labels import CARLA_0914  # noqa: E402

DRIVES = (
    ('urban', 'day', 'clear'),
    ('suburban', 'day', 'cloudy'),
    ('highway', 'day', 'clear'),
    ('rural', 'dusk', 'clear'),
    ('urban', 'night', 'rain'),
)


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def measure_rate(rig: world.CameraRig, count: int, variety: str) -> None:
    """Measure how long the frames of some drives take, in wall time and in CPU time."""
    for kind, time_of_day, weather in DRIVES:
        scene = world.Scene(
            3, kind=kind, time_of_day=time_of_day, weather=weather, variety=variety
        )
        world.render(scene, rig, 0.0)
        wall, busy = [], []
        for number in range(count):
            start, start_busy = time.perf_counter(), time.process_time()
            world.render(scene, rig, number / 20.0)
            wall.append(time.perf_counter() - start)
            busy.append(time.process_time() - start_busy)
        middle = float(np.median(wall))
        say(
            f'{kind:9} {time_of_day:6} {weather:7} median {1e3 * middle:5.1f} ms '
            f'({1.0 / middle:4.1f} frames/s), best {1e3 * min(wall):5.1f} ms, '
            f'processor {1e3 * float(np.median(busy)):5.1f} ms'
        )


def measure_compile() -> None:
    """Measure how long the first frame of a fresh process takes without and with a cache."""
    code = (
        'import time; start = time.perf_counter(), time.process_time()\n'
        'from segformer_ros import world; world.random_frame(1, 64, 32)\n'
        'print(f"{time.perf_counter() - start[0]:.1f} s '
        '({time.process_time() - start[1]:.1f} s of processor time)")'
    )
    with tempfile.TemporaryDirectory() as folder:
        for what in ('compiled', 'from the cache'):
            result = subprocess.run(
                [sys.executable, '-c', code],
                cwd=ROOT,
                env={**os.environ, 'NUMBA_CACHE_DIR': folder},
                capture_output=True,
                text=True,
                check=True,
            )
            say(f'first frame, {what}: {result.stdout.strip()}')


def measure_classes(count: int, variety: str) -> None:
    """Count in how many random frames each class is, and how much of them it fills."""
    share = np.zeros((count, 256))
    for seed in range(count):
        labels = world.random_frame(seed, 512, 256, variety).labels
        share[seed] = np.bincount(labels.ravel(), minlength=256) / labels.size
    say('class           in frames  >0.3 % of it   of all pixels')
    for number in world.CLASS_IDS:
        column = share[:, number]
        say(
            f'{CARLA_0914.classes[number].name:15} {100 * np.mean(column > 0):7.0f} % '
            f'{100 * np.mean(column > 0.003):11.0f} % {100 * column.mean():13.2f} %'
        )


def main() -> None:
    """Run the measurements asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--max-frames', type=int, default=60, help='per drive')
    parser.add_argument('--samples', type=int, default=200, help='random frames to count')
    parser.add_argument('--variety', choices=world.VARIETIES, default='plain')
    parser.add_argument('--compile', action='store_true', help='measure the compilation, too')
    args = parser.parse_args()
    if args.compile:
        measure_compile()
    measure_rate(world.CameraRig(512, 256), args.max_frames, args.variety)
    measure_classes(args.samples, args.variety)


if __name__ == '__main__':
    main()
