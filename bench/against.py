# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure this checkout against another commit: what a user waits for, in turns.

The other commit is checked out beside this one for the time of the run. Each row is measured by a
new process of each, one after the other and the other way round in the next round; ratios are of
one round. Above 1 this checkout is better. Both run in this environment; --python names another
for the other commit, where its requirements are others.

    python bench/against.py
    python bench/against.py 86a88d9 --rows image video --repeats 7
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile

from comparison import machine
import cv2
import numpy as np
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.world import random_frame

_ROOT = Path(__file__).parents[1]
_FRAMES = 40
# Its child is measured, not itself: what a large process starts begins with the peak of that one.
_LAUNCHER = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(code)
"""
_HEAD = '| row | other | this | ratio | quartiles |\n|---|---|---|---|---|'


@dataclass(frozen=True)
class Tree:
    """One checkout, and the Python that runs it."""

    folder: Path
    python: str

    def segformer(self, *words: object) -> tuple[float, float]:
        """
        Run the command to its end.

        :returns: Seconds of the processor, and peak memory in MB.
        :raises RuntimeError: It failed.
        """
        command = [self.python, '-m', 'segformer_ros.cli', *map(str, words)]
        environment = {**os.environ, 'PYTHONPATH': str(self.folder)}
        with tempfile.TemporaryDirectory() as elsewhere:
            # Where Python is started is the first place that it imports from.
            child = subprocess.run(
                [sys.executable, '-c', _LAUNCHER, *command],
                env=environment,
                cwd=elsewhere,
                capture_output=True,
                text=True,
                check=False,
            )
        if child.returncode:
            text = child.stderr.strip()[-500:]
            raise RuntimeError(f'{" ".join(command)} failed in {self.folder}: {text}')
        seconds, memory = json.loads(child.stdout)
        return seconds, memory


@dataclass(frozen=True)
class Row:
    """What is measured: measure gives a figure by unit; of `larger` ones more is better."""

    measure: Callable[[Tree, Path, Path], dict[str, float]]
    larger: bool = False


def _image(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    seconds, memory = tree.segformer('run', inputs / 'image.png', '--out', out)
    return {'s of the processor': seconds, 'MB at most': memory}


def _video(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    tree.segformer('run', inputs / 'video.mp4', '--out', out)
    return {'frames/s': _rate(out)}


def _bag(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    tree.segformer('run', inputs / 'bag', '--out', out)
    return {'frames/s': _rate(out)}


def _rate(out: Path) -> float:
    report = json.loads((out / 'report.json').read_bytes())
    return float(report['frames_per_second'])


def _evaluate(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    out.mkdir()
    words = ('world_b0', '--seeds', f'0-{_FRAMES // 4 - 1}')
    return {'s of the processor': tree.segformer('evaluate', *words)[0]}


ROWS = {
    'image': Row(_image),
    'video': Row(_video, larger=True),
    'bag': Row(_bag, larger=True),
    'evaluate': Row(_evaluate),
}


def make_inputs(folder: Path) -> None:
    """Write an image, a video of 960x540, and a bag of 1280x800 of the built-in world."""
    images = [random_frame(seed, 960, 540).image for seed in range(4)]
    cv2.imwrite(str(folder / 'image.png'), images[0][..., ::-1])
    with VideoWriter(folder / 'video.mp4', Fraction(30)) as writer:
        for number in range(_FRAMES):
            writer.add(np.roll(images[number * 4 // _FRAMES], 4 * number, axis=1), number / 30)
    _write_bag(folder / 'bag', cv2.resize(images[1], (1280, 800)))


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

    :raises subprocess.CalledProcessError: git does not know it.
    """
    git = ('git', '-C', str(_ROOT), 'worktree')
    path = folder / 'other'
    subprocess.run((*git, 'add', '--quiet', '--detach', path, revision), check=True)
    try:
        yield Tree(path, python)
    finally:
        subprocess.run((*git, 'remove', '--force', path), check=True)


def measure(
    rows: Sequence[str], trees: Sequence[Tree], folder: Path, repeats: int
) -> dict[str, list[list[float]]]:
    """
    Let both take turns, after one turn each that is not counted: it fills the caches.

    :param trees: The other one, then this one.
    :returns: By row and unit, for both trees, the figures of all rounds.
    """
    found: dict[str, list[list[float]]] = {}
    for name in rows:
        for number in range(-1, repeats):
            order = [0, 1] if number % 2 else [1, 0]
            for index in order:
                out = folder / f'{name}_{number}_{index}'
                figures = ROWS[name].measure(trees[index], folder, out)
                for unit, value in figures.items() if number >= 0 else ():
                    found.setdefault(f'{name}, {unit}', [[], []])[index].append(value)
    return found


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
    parser.add_argument('--python', default=sys.executable, help='that runs the other commit')
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=list(ROWS))
    parser.add_argument('--repeats', type=int, default=5, help='turns of each')
    arguments = parser.parse_args(words)
    # So that the other checkout is removed when the run is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix='against_') as name:
        folder = Path(name)
        try:
            make_inputs(folder)
            with other_tree(arguments.revision, arguments.python, folder) as other:
                trees = (other, Tree(_ROOT, sys.executable))
                found = measure(arguments.rows, trees, folder, arguments.repeats)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f'bench/against.py: error: {error}\n')
            return 1
    facts = ', '.join(machine.describe().values())
    sys.stdout.write(f'{arguments.revision} and this checkout, {facts}\n\n{report(found)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
