# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What `segformer label` costs and saves, as ratios.

    python bench/fleet.py schedule [--inputs 10000]   time of the driver for an input; its memory
    python bench/fleet.py throughput [--files 24]     against `segformer run` in a loop, in turns
"""

from __future__ import annotations

import argparse
from fractions import Fraction
import os
from pathlib import Path
import resource
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import cv2
import numpy as np
from segformer_ros import run_folder
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.fleet import parts
from segformer_ros.fleet.driver import Driver, Rules
from segformer_ros.fleet.inputs import find
from segformer_ros.fleet.manifest import FILE, Manifest
from segformer_ros.fleet.planning import Plan
from segformer_ros.fleet.pool import Outcome
from segformer_ros.fleet.work import Answer, Compute, Task

_REPORT = {
    'frames': {'total': 1, 'done': 1, 'reused': 0, 'failed': 0},
    'seconds': {},
    'failed': [],
}


class Idle:
    """A worker that writes a report and nothing else; its own time is counted apart."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = 0.0
        self.memory: list[int] = []
        self._waiting: list[tuple[int, Task]] = []

    def free(self) -> int:
        """Take two tasks at a time."""
        return 2 - len(self._waiting)

    def pending(self) -> bool:
        """Have no other workers."""
        return False

    def submit(self, key: int, task: Task) -> None:
        """Keep a task."""
        self._waiting.append((key, task))

    def wait(self, timeout_s: float) -> list[Outcome]:
        """Do the first task."""
        start, cpu = perf_counter(), process_time()
        key, task = self._waiting.pop(0)
        answer = Answer(Plan(f'{key:064d}', 1, [(None, None)]))
        if isinstance(task, Compute):
            task.place.mkdir()
            run_folder.write_json(task.place / parts.FACTS, _REPORT)
            answer = Answer()
        if key % 1000 == 0:
            self.memory.append(_resident_kb())
        self.seconds += perf_counter() - start
        self.cpu_s += process_time() - cpu
        return [Outcome(key, answer)]

    def close(self) -> None:
        """Have nothing to end."""


def _resident_kb() -> int:
    text = Path('/proc/self/status').read_text(encoding='ascii')
    return int(text.split('VmRSS:')[1].split()[0])


def schedule(inputs: int) -> None:
    """Let a driver go through many inputs of one frame whose workers do nothing."""
    with TemporaryDirectory() as place:
        folder = Path(place) / 'in'
        folder.mkdir()
        for number in range(inputs):
            (folder / f'{number}.mp4').write_bytes(b'x')
        out = Path(place) / 'out'
        out.mkdir()
        worker, manifest = Idle(), Manifest(out / FILE)
        start = perf_counter()
        manifest.add(find([str(folder)]))
        found, cpu = perf_counter(), process_time()
        Driver(out, manifest, worker, Rules()).run()
        own = perf_counter() - found - worker.seconds
        own_cpu = process_time() - cpu - worker.cpu_s
        manifest.close()
    sys.stdout.write(
        f'{inputs} inputs: found in {found - start:.1f} s; driver {1e3 * own / inputs:.2f} ms, '
        f'{1e3 * own_cpu / inputs:.2f} ms of CPU for each (look and compute); '
        f'memory {worker.memory[1] / 1e3:.0f} MB after 1000 tasks, '
        f'{worker.memory[-1] / 1e3:.0f} MB at the end\n'
    )


def _make_files(folder: Path, count: int) -> list[Path]:
    """Make images, videos of ten frames and folders of five images, in turn."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (36, 64, 3), np.uint8)
    picture = np.asarray(cv2.resize(small, (640, 360), interpolation=cv2.INTER_CUBIC), np.uint8)
    made = []
    for number in range(count):
        shift = np.roll(picture, 7 * number, axis=1)
        if number % 3 == 0:
            path = folder / f'{number}' / f'{number}.jpg'
            path.parent.mkdir()
            cv2.imwrite(str(path), shift)
        elif number % 3 == 1:
            path = folder / f'{number}.mp4'
            with VideoWriter(path, Fraction(10)) as writer:
                for index in range(10):
                    writer.add(np.roll(shift, index, axis=0), index / 10)
        else:
            path = folder / f'{number}'
            path.mkdir()
            for index in range(5):
                cv2.imwrite(str(path / f'{index}.jpg'), np.roll(shift, index, axis=0))
        made.append(path)
    return made


def _segformer(source: str, *arguments: object) -> None:
    """Run a command of a checkout."""
    environment = {**os.environ, **({'PYTHONPATH': source} if source else {})}
    words = [sys.executable, '-m', 'segformer_ros.programs', 'segformer', *map(str, arguments)]
    subprocess.run(words, check=True, capture_output=True, env=environment)


def throughput(files: int, model: str, turns: int, baseline: str) -> None:
    """Time the loop and the command in turns; the sum of CPU time is that of all processes."""
    with TemporaryDirectory() as place:
        folder = Path(place) / 'in'
        folder.mkdir()
        paths = _make_files(folder, files)
        times: dict[str, list[tuple[float, float]]] = {}

        def timed(name: str, work: object) -> None:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = perf_counter()
            work()  # type: ignore[operator]
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            times.setdefault(name, []).append((perf_counter() - start, cpu))
            sys.stderr.write(f'{name}: {times[name][-1][0]:.1f} s, {cpu:.1f} s of CPU\n')

        def loop(source: str, turn: int) -> None:
            for number, path in enumerate(paths):
                out = Path(place) / f'run{bool(source)}{turn}-{number}'
                _segformer(
                    source, 'run', path, '--out', out, '--model', model, '--no-overlay',
                    '--backend', 'onnxruntime',
                )  # fmt: skip

        for turn in range(turns):
            if baseline:
                timed('run in a loop, baseline', lambda turn=turn: loop(baseline, turn))
            timed('run in a loop', lambda turn=turn: loop('', turn))
            for workers in (1, 2):
                timed(
                    f'label, {workers} workers',
                    lambda turn=turn, workers=workers: _segformer(
                        '', 'label', folder / '*', '--out', Path(place) / f'label{turn}-{workers}',
                        '--model', model, '--workers', workers, '--backend', 'onnxruntime',
                        '--depth-format', 'npy',
                    ),
                )  # fmt: skip
    best = {
        name: (min(t for t, _ in found), min(c for _, c in found)) for name, found in times.items()
    }
    for name, (seconds, cpu) in best.items():
        ratio = best['run in a loop'][0] / seconds
        sys.stdout.write(
            f'{name}: {seconds:.1f} s, {cpu:.1f} s of CPU: {ratio:.2f}x of run in a loop\n'
        )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('schedule').add_argument('--inputs', type=int, default=10000)
    other = commands.add_parser('throughput')
    other.add_argument('--files', type=int, default=24)
    other.add_argument('--model', default='road_b0')
    other.add_argument('--turns', type=int, default=1)
    other.add_argument('--baseline', default='', help='checkout of another version')
    args = parser.parse_args()
    if args.command == 'schedule':
        schedule(args.inputs)
    else:
        throughput(args.files, args.model, args.turns, args.baseline)


if __name__ == '__main__':
    main()
