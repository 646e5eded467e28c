# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure this checkout against another commit: what a user waits for, in turns.

The other commit is checked out under bench_output/against/ and set up there (make setup-test,
once, two to three minutes), so that it runs with the versions of its own requirements; --python
names an environment for it instead, and the checkout is then removed in the end. Each row is
measured by a new process of each, one after the other and the other way round in the next round;
ratios are of one round. Above 1 this checkout is better. cameras and cores are figures of one
checkout, which are ratios themselves. node needs ROS 2 in both environments, and the same
distribution where only the code is to be compared: 86a88d9 has Kilted, as .venv-kilted/bin/python
after `make setup-test ROS=kilted`. A row that fails is left out, and the program ends with 1.

    python bench/against.py
    python bench/against.py 86a88d9 --rows image video --repeats 7
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from comparison import machine
from comparison.against_rows import ROWS, write_dataset
import cv2
import numpy as np
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.world import random_frame

_ROOT = Path(__file__).parents[1]
_KEPT = _ROOT / 'bench_output' / 'against'
_FRAMES, _DATASET = 40, 6
# Its child is measured, not itself: what a large process starts begins with the peak of that one.
_LAUNCHER = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(code)
"""
_ROS = """
import json
from importlib.metadata import version
print(json.dumps({'ros-rclpy': version('ros-rclpy')}))
"""
_HEAD = '| row | other | this | ratio | quartiles |\n|---|---|---|---|---|'


@dataclass(frozen=True)
class Tree:
    """One checkout, and the Python that runs it."""

    folder: Path
    python: str

    @property
    def this(self) -> bool:
        """Whether this program is of this checkout."""
        return self.folder == _ROOT

    def segformer(self, *words: object) -> tuple[float, float]:
        """
        Run the command to its end.

        :returns: Seconds of CPU time, and peak memory in MB.
        :raises RuntimeError: It failed.
        """
        command = (self.python, '-m', 'segformer_ros.cli', *words)
        seconds, memory = json.loads(self._run(sys.executable, '-c', _LAUNCHER, *command))
        return seconds, memory

    def python_json(self, *words: object) -> dict[str, Any]:
        """
        Run a program that ends with a line of JSON.

        :raises RuntimeError: It failed.
        """
        found: dict[str, Any] = json.loads(self._run(self.python, *words).splitlines()[-1])
        return found

    def _run(self, *words: object) -> str:
        command = [str(word) for word in words]
        environment = {**_as_a_user_has_it(os.environ), 'PYTHONPATH': str(self.folder)}
        with tempfile.TemporaryDirectory() as elsewhere:
            # Where Python is started is the first place that it imports from.
            child = subprocess.run(
                command,
                env=environment,
                cwd=elsewhere,
                capture_output=True,
                text=True,
                check=False,
            )
        if child.returncode:
            text = child.stderr.strip()[-500:]
            raise RuntimeError(f'{" ".join(command[3:])} failed in {self.folder}: {text}')
        return child.stdout


def _as_a_user_has_it(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without what slows starts, or ROS set as this Python started."""
    found = dict(environment)
    # The turn that is not counted fills the caches of Python too.
    found.pop('PYTHONDONTWRITEBYTECODE', None)
    if found.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None):
        for name in ('AMENT_PREFIX_PATH', 'LD_LIBRARY_PATH'):
            paths = found.pop(name, '').split(os.pathsep)
            if others := [path for path in paths if path and not path.startswith(sys.prefix)]:
                found[name] = os.pathsep.join(others)
    return found


def make_inputs(folder: Path) -> None:
    """
    Write an image, a video of 960x540, a bag of 1280x800 and a dataset of 1280x720.

    All of them are of the built-in world.
    """
    images = [random_frame(seed, 960, 540).image for seed in range(4)]
    cv2.imwrite(str(folder / 'image.png'), images[0][..., ::-1])
    with VideoWriter(folder / 'video.mp4', Fraction(30)) as writer:
        for number in range(_FRAMES):
            writer.add(np.roll(images[number * 4 // _FRAMES], 4 * number, axis=1), number / 30)
    _write_bag(folder / 'bag', cv2.resize(images[1], (1280, 800)))
    frames = [random_frame(seed, 1280, 720) for seed in range(_DATASET)]
    write_dataset(
        folder / 'dataset', [frame.image for frame in frames], [frame.labels for frame in frames]
    )


def _write_bag(path: Path, image: np.ndarray) -> None:
    from rosbags.rosbag2 import Writer
    from rosbags.typesys import get_typestore, Stores

    store = get_typestore(Stores.ROS2_JAZZY)
    time, header, kind = (
        store.types[name]
        for name in (
            'builtin_interfaces/msg/Time', 'std_msgs/msg/Header', 'sensor_msgs/msg/Image',
        )
    )  # fmt: skip
    with Writer(path, version=9) as writer:
        topic = writer.add_connection('/camera/image_raw', kind.__msgtype__, typestore=store)
        for number in range(_FRAMES // 2):
            data = np.roll(image, 4 * number, axis=1)
            stamp = header(stamp=time(sec=number // 10, nanosec=number % 10 * 10**8), frame_id='c')
            height, width = data.shape[:2]
            message = kind(
                header=stamp, height=height, width=width, encoding='rgb8', is_bigendian=0,
                step=3 * width, data=data.reshape(-1),
            )  # fmt: skip
            raw = store.serialize_cdr(message, kind.__msgtype__)
            writer.write(topic, number * 10**8, raw)


@contextmanager
def other_tree(revision: str, python: str, folder: Path) -> Iterator[Tree]:
    """
    Check another commit out.

    :param python: That runs it; '': the one of an environment that is made, and kept with it.
    :param folder: For a checkout that does not stay.
    :raises subprocess.CalledProcessError: git does not know it, or it cannot be set up.
    """
    git = ('git', '-C', str(_ROOT))
    if not python:
        yield _set_up(revision, git)
        return
    path = folder / 'other'
    subprocess.run((*git, 'worktree', 'add', '--quiet', '--detach', path, revision), check=True)
    try:
        yield Tree(path, python)
    finally:
        subprocess.run((*git, 'worktree', 'remove', '--force', path), check=True)


def _set_up(revision: str, git: tuple[str, ...]) -> Tree:
    """Check a commit out and make its environment, unless an earlier run has."""
    words = (*git, 'rev-parse', '--short=7', f'{revision}^{{commit}}')
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    path = _KEPT / name
    if not path.exists():
        subprocess.run((*git, 'worktree', 'add', '--quiet', '--detach', path, name), check=True)
    # The interpreter below this environment: each checkout has an environment of its own.
    python = f'PYTHON={Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"}'
    sys.stderr.write(f'setting {path} up\n')
    subprocess.run(('make', '-C', path, '--silent', 'setup-test', python), check=True)
    return Tree(path, str(path / '.venv' / 'bin' / 'python'))


def ros_note(trees: Sequence[Tree]) -> str:
    """Return which versions of ROS the two run, where they differ; empty: the same, or unknown."""
    try:
        other, this = (tree.python_json('-c', _ROS)['ros-rclpy'] for tree in trees)
    except RuntimeError:
        return ''
    if other == this:
        return ''
    return f'the other has rclpy {other}, this has {this}: the row node compares both as well\n'


def measure(
    rows: Sequence[str], trees: Sequence[Tree], folder: Path, repeats: int
) -> dict[str, list[list[float]]]:
    """
    Let both take turns, after one turn each that is not counted: it fills the caches.

    :param trees: The other one, then this one.
    :returns: By row and unit, for both trees, the figures of all rounds; a row that fails says so
        on standard error and is left out.
    """
    found: dict[str, list[list[float]]] = {}
    for name in rows:
        try:
            found |= _measure(name, trees, folder, repeats)
        except RuntimeError as error:
            sys.stderr.write(f'bench/against.py: error: row {name}: {error}\n')
    return found


def _measure(
    name: str, trees: Sequence[Tree], folder: Path, repeats: int
) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for number in range(-1, min(repeats, ROWS[name].repeats)):
        order = [0, 1] if number % 2 else [1, 0]
        for index in order:
            out, start = folder / f'{name}_{number}_{index}', time.perf_counter()
            figures = ROWS[name].measure(trees[index], folder, out)
            shutil.rmtree(out, ignore_errors=True)
            who, text = ('other', 'this')[index], _text(figures)
            seconds = time.perf_counter() - start
            sys.stderr.write(f'{name} {number}, {who}: {text} ({seconds:.0f} s)\n')
            for unit, value in figures.items() if number >= 0 else ():
                found.setdefault(f'{name}, {unit}', [[], []])[index].append(value)
    return found


def _text(figures: dict[str, float]) -> str:
    return ', '.join(f'{value:.2f} {unit}' for unit, value in figures.items())


def report(found: dict[str, list[list[float]]]) -> str:
    """Write a table: medians, and the ratio with its quartiles."""
    lines = [_HEAD]
    for name, (other, this) in found.items():
        ratios = np.array(other) / np.array(this)
        if ROWS[name.partition(',')[0]].larger:
            ratios = 1.0 / ratios
        low, middle, high = np.percentile(ratios, (25, 50, 75))
        lines.append(
            f'| {name} | {np.median(other):.2f} | {np.median(this):.2f} | {middle:.2f} | '
            f'{low:.2f} to {high:.2f} |'
        )
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().splitlines()[0])
    parser.add_argument('revision', nargs='?', default='86a88d9', help='the other commit')
    parser.add_argument('--python', default='', help='that runs the other commit (its own)')
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=list(ROWS))
    parser.add_argument('--repeats', type=int, default=3, help='turns of each')
    arguments = parser.parse_args(words)
    # So that the other checkout is removed when the run is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix='against_') as name:
        folder = Path(name)
        try:
            make_inputs(folder)
            with other_tree(arguments.revision, arguments.python, folder) as other:
                trees = (other, Tree(_ROOT, sys.executable))
                note = ros_note(trees) if 'node' in arguments.rows else ''
                sys.stderr.write(note)
                found = measure(arguments.rows, trees, folder, arguments.repeats)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f'bench/against.py: error: {error}\n')
            return 1
    facts = ', '.join((*machine.describe().values(), f'load {os.getloadavg()[0]:.1f}'))
    sys.stdout.write(f'{arguments.revision} and this checkout, {facts}\n{note}\n{report(found)}\n')
    return len({name.partition(',')[0] for name in found}) < len(set(arguments.rows))


if __name__ == '__main__':
    sys.exit(main())
