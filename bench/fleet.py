# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What `segformer label` costs and saves, as ratios.

    python bench/fleet.py schedule [--inputs 10000]   time of the driver for an input; its memory
    python bench/fleet.py throughput [--files 24]     against `segformer run` in a loop, in turns
    python bench/fleet.py scaling [--images 400]      two workers against one, and against two
                                                      processes that know nothing of each other
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from numpy.typing import NDArray
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
        self.memory_mb: dict[int, float] = {}
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
            self.memory_mb[key] = _resident_mb()
        self.seconds += perf_counter() - start
        self.cpu_s += process_time() - cpu
        return [Outcome(key, answer)]

    def close(self) -> None:
        """Have nothing to end."""


def _resident_mb() -> float:
    text = Path('/proc/self/status').read_text(encoding='ascii')
    return int(text.split('VmRSS:')[1].split()[0]) / 1e3


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
    # By then all has been allocated once; few inputs do not come so far.
    steady = 1000 if 1000 in worker.memory_mb else 0
    sys.stdout.write(
        f'{inputs} inputs: found in {found - start:.1f} s; driver {1e3 * own / inputs:.2f} ms, '
        f'{1e3 * own_cpu / inputs:.2f} ms of CPU for each (look and compute); '
        f'memory {worker.memory_mb[steady]:.0f} MB after {steady or "no"} tasks, '
        f'{_resident_mb():.0f} MB at the end\n'
    )


def _picture() -> NDArray[np.uint8]:
    """Make a picture of 640x360."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (36, 64, 3), np.uint8)
    return np.asarray(cv2.resize(small, (640, 360), interpolation=cv2.INTER_CUBIC), np.uint8)


def _make_files(folder: Path, count: int) -> list[Path]:
    """Make images, videos of ten frames and folders of five images, in turn."""
    picture = _picture()
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


class Clock:
    """Wall time and CPU time of all child processes, by what they did."""

    def __init__(self) -> None:
        self.times: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def measure(self, name: str, factor: float = 1.0) -> Iterator[None]:
        """Measure a block; FACTOR scales a part of the work to all of it."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = perf_counter()
        yield
        seconds = perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.times.setdefault(name, []).append((factor * seconds, factor * cpu))
        sys.stderr.write(f'{name}: {seconds:.1f} s, {cpu:.1f} s of CPU\n')

    def best(self) -> dict[str, tuple[float, float]]:
        """Return the shortest wall time and the shortest CPU time of each."""
        return {
            name: (min(t for t, _ in found), min(c for _, c in found))
            for name, found in self.times.items()
        }


def throughput(files: int, loop_files: int, model: str, turns: int, baseline: str) -> None:
    """Time the loop and the command in turns; the sum of CPU time is that of all processes."""
    backend = ('--model', model, '--backend', 'onnxruntime')
    clock = Clock()
    with TemporaryDirectory() as place:
        folder = Path(place) / 'in'
        folder.mkdir()
        paths = _make_files(folder, files)
        # The three kinds in the same shares.
        looped = paths[: loop_files or files]
        for turn in range(turns):
            for source in [baseline, ''] if baseline else ['']:
                name = 'run in a loop, baseline' if source else 'run in a loop'
                with clock.measure(name, files / len(looped)):
                    for number, path in enumerate(looped):
                        out = Path(place) / f'run{bool(source)}{turn}-{number}'
                        _segformer(source, 'run', path, '--out', out, '--no-overlay', *backend)
            for workers in (1, 2):
                out = Path(place) / f'label{turn}-{workers}'
                with clock.measure(f'label, {workers} workers'):
                    _segformer(
                        '', 'label', folder / '*', '--out', out, *backend,
                        '--workers', workers, '--depth-format', 'npy',
                    )  # fmt: skip
    best = clock.best()
    base = best['run in a loop, baseline' if baseline else 'run in a loop']
    for name, (seconds, cpu) in best.items():
        sys.stdout.write(
            f'{name}: {seconds:.1f} s, {cpu:.1f} s of CPU for {files} files: '
            f'{base[0] / seconds:.2f}x, {base[1] / cpu:.2f}x in CPU time\n'
        )


def scaling(images: int, model: str, turns: int) -> None:
    """Time one and two single-threaded workers, and one and two runs, in turns."""
    backend = ('--model', model, '--backend', 'onnxruntime', '--threads', 1)
    clock = Clock()
    with TemporaryDirectory() as place:
        folder = Path(place) / 'in'
        folder.mkdir()
        picture = _picture()
        for number in range(images):
            cv2.imwrite(str(folder / f'{number:05d}.jpg'), np.roll(picture, number, axis=1))
        for turn in range(turns):
            for count in (1, 2):
                with clock.measure(f'{count} runs'), ThreadPoolExecutor(count) as starter:
                    jobs = [
                        starter.submit(
                            _segformer, '', 'run', folder, '--out',
                            Path(place) / f'run{turn}-{count}-{number}', '--no-overlay', *backend,
                        )
                        for number in range(count)
                    ]  # fmt: skip
                    for job in jobs:
                        job.result()
                with clock.measure(f'label, {count} workers'):
                    _segformer(
                        '', 'label', folder, '--out', Path(place) / f'label{turn}-{count}',
                        *backend, '--workers', count, '--shard-frames', 20,
                    )  # fmt: skip
    best = clock.best()
    bound = 2 * best['1 runs'][0] / best['2 runs'][0]
    gain = best['label, 1 workers'][0] / best['label, 2 workers'][0]
    cpu = best['label, 1 workers'][1] / best['label, 2 workers'][1]
    sys.stdout.write(
        f'{images} images: two runs at once do {bound:.2f} times the work of one, two workers '
        f'{gain:.2f} times that of one: {gain / 2:.2f} of 2, {gain / bound:.2f} of the bound; '
        f'CPU time of one worker is {cpu:.2f} of that of two\n'
    )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('schedule').add_argument('--inputs', type=int, default=10000)
    other = commands.add_parser('throughput')
    other.add_argument('--files', type=int, default=24)
    other.add_argument(
        '--loop-files', type=int, default=0, help='files of the loop, scaled to all (0: all)'
    )
    other.add_argument('--baseline', default='', help='checkout of another version')
    workers = commands.add_parser('scaling')
    workers.add_argument('--images', type=int, default=400)
    for command in (other, workers):
        command.add_argument('--model', default='road_b0')
        command.add_argument('--turns', type=int, default=1)
    args = parser.parse_args()
    if args.command == 'schedule':
        schedule(args.inputs)
    elif args.command == 'scaling':
        scaling(args.images, args.model, args.turns)
    else:
        throughput(args.files, args.loop_files, args.model, args.turns, args.baseline)


if __name__ == '__main__':
    main()
