# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Soak segformer_node: many frames over DDS as fast as the machine takes them, with faults between.

The node is a process of its own with a network that costs nothing and fails when it is told to.
The camera sends the next image as soon as the node has the last one, and draws faults by a seed:
sizes, encodings, damage, camera_info, stamps, stalls, a backend that raises or takes long,
listeners that come and go, publishers that restart. At the end the sums must be equal: every good
image answered with its own labels and depth, or counted as replaced, idle or failed; every bad one
refused. Memory may not grow by more than one per cent, threads and file handles not at all.

    python bench/soak.py --max-frames 100000 --seed 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
import os
from pathlib import Path
import platform
import random
import sys
import tempfile
import time

from endurance.camera import ANSWERS, Camera, EXTRAS, HEIGHT, SoakError, WIDTH
from endurance.faults import FAULTS, step, wait_for_node
from endurance.node import NodeProcess, serve
import rclpy

_PROFILE = Path(__file__).parents[1] / 'config' / 'fastdds_large_images.xml'
_SAMPLES = 40


@dataclass
class Usage:
    """What the node holds at one moment, every listener and publisher being there."""

    memory_mib: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    def take(self, node: NodeProcess) -> None:
        """Measure once more."""
        self.memory_mib.append(node.resident_mib())
        self.threads.append(node.threads())
        self.handles.append(node.handles())

    def growth(self) -> float:
        """Return by how much the most of the second half is more than the most of the first."""
        steady = self.memory_mib[len(self.memory_mib) // 8 :]
        half = len(steady) // 2
        return max(steady[half:]) / max(steady[:half]) - 1.0


def main() -> int:
    """Run the bench, print the table, and fail where a sum is not equal."""
    args = _arguments()
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randrange(1, 101)))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    os.environ.setdefault('FASTRTPS_DEFAULT_PROFILES_FILE', str(_PROFILE))
    if args.node:
        return serve()
    rclpy.init()
    with tempfile.TemporaryDirectory(prefix='soak.') as folder:
        log = Path(folder) / 'node.log'
        node = NodeProcess(Path(__file__).resolve(), log)
        try:
            camera = Camera(node, args.seed)
            usage, seconds = _soak(camera, args.max_frames)
            checks = _checks(camera, usage, args.memory)
            _print(args, camera, usage, seconds, checks)
        except (RuntimeError, SoakError) as error:
            sys.stderr.write(f'bench/soak.py: error: {error}\n{log.read_text()[-3000:]}\n')
            return 1
        finally:
            node.close()
            rclpy.try_shutdown()
    return 0 if all(good for _, _, good in checks) else 1


def _soak(camera: Camera, frames: int) -> tuple[Usage, float]:
    """Send so many images; give what the node held meanwhile, and how long it took."""
    wait_for_node(camera)
    camera.listen(ANSWERS)
    camera.connect()
    usage, start, due = Usage(), time.monotonic(), 0
    while camera.tally['sent'] < frames:
        step(camera)
        if camera.tally['sent'] >= due:
            due += max(1, frames // _SAMPLES)
            _all_listen(camera)
            camera.settle()
            usage.take(camera.node)
            sys.stdout.write(f'{camera.tally["sent"]:8d} images {usage.memory_mib[-1]:9.1f} MiB\n')
            sys.stdout.flush()
    camera.settle()
    _all_listen(camera)
    usage.take(camera.node)
    return usage, time.monotonic() - start


def _all_listen(camera: Camera) -> None:
    """Subscribe to everything, so that what the node holds can be compared."""
    camera.listen(tuple(n for n in (*EXTRAS, 'depth/points') if not camera.listens(n)))
    camera.spin(0.5)


def _checks(camera: Camera, usage: Usage, limit: float) -> list[tuple[str, str, bool]]:
    """Compare what the camera knows with what the node has counted."""
    tally, counts = camera.tally, camera.node.counts()
    unseen = tally['before discovery']
    equal = {
        'images sent, received': (tally['sent'] - unseen, counts['received']),
        'good and bad images, sent': (tally['good'] + tally['bad'], tally['sent']),
        'bad images, refused': (tally['bad'], counts['refused']),
        'images on which the backend raised, failed': (tally['raised'], counts['failed']),
        'received, published + replaced + idle + refused + failed': (
            counts['received'],
            sum(counts[n] for n in ('published', 'replaced', 'idle', 'refused', 'failed')),
        ),
    }
    for name in ANSWERS:
        gone = counts['replaced'] + counts['idle'] + counts['failed'] + unseen
        unheard = tally[f'{name} unheard']
        equal |= {
            f'{name}: right answers, published to a listener': (
                tally[f'{name} right'],
                counts['published'] - unheard,
            ),
            f'{name}: good images without an answer, replaced + idle + failed + unheard': (
                camera.without_answer(name),
                gone + unheard,
            ),
            f'{name}: wrong answers': (tally[f'{name} wrong'], 0),
        }
    rows = [(name, f'{one} = {two}', one == two) for name, (one, two) in equal.items()]
    growth = usage.growth()
    memory = f'{min(usage.memory_mib):.1f} to {max(usage.memory_mib):.1f} MiB, {growth:+.2%}'
    rows.append((f'memory of the node grows by at most {limit:.0%}', memory, growth <= limit))
    for name, values in (('threads', usage.threads), ('file handles', usage.handles)):
        middle = values[len(values) // 8]
        rows.append(
            (f'{name} at an eighth, at the end', f'{middle}, {values[-1]}', values[-1] <= middle)
        )
    return rows


def _print(
    args: argparse.Namespace,
    camera: Camera,
    usage: Usage,
    seconds: float,
    checks: list[tuple[str, str, bool]],
) -> None:
    write = sys.stdout.write
    counts = camera.node.counts()
    write(
        f'\n{_hardware()}\n{camera.tally["sent"]} images of {WIDTH}x{HEIGHT} in {seconds:.0f} s, '
        f'{camera.tally["sent"] / seconds:.0f} images/s, seed {args.seed}; '
        f'published {counts["published"]}, replaced {counts["replaced"]}, idle {counts["idle"]}, '
        f'refused {counts["refused"]}, failed {counts["failed"]}\n\n| fault | times |\n|---|---|\n'
    )
    for fault in FAULTS:
        name = fault.__name__.replace('_', ' ')
        write(f'| {name} | {camera.tally[f"fault: {name}"]} |\n')
    write('\n| what must hold | found | |\n|---|---|---|\n')
    for name, found, good in checks:
        write(f'| {name} | {found} | {"yes" if good else "NO"} |\n')


def _hardware() -> str:
    lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    names = [line.split(':')[1].strip() for line in lines if line.startswith('model name')]
    name, load = names[0] if names else platform.machine(), os.getloadavg()[0]
    return f'{name}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--max-frames', type=int, default=10000, help='images to send')
    parser.add_argument('--seed', type=int, default=1, help='of the faults')
    parser.add_argument('--memory', type=float, default=0.01, help='by which memory may grow')
    parser.add_argument('--node', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.max_frames < 100:
        parser.error(f'--max-frames must be 100 or more, not {args.max_frames}')
    return args


if __name__ == '__main__':
    sys.exit(main())
