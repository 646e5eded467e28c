# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Send SIGINT and SIGTERM to every program at moments from its start to its end.

Each program is started, gets a signal, or two close together, after some time, and must end
without a traceback, with the exit status of an ordered end, and leave no process behind.
The first tenths of a second belong to Python: what it says while it has not begun to run the
program is counted by itself.

    python bench/signals.py --moments 60
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
import os
from pathlib import Path
import random
import re
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from uuid import uuid4

ROOT = Path(__file__).parents[1]
KINDS: dict[str, tuple[signal.Signals, ...]] = {
    'SIGINT': (signal.SIGINT,),
    'SIGTERM': (signal.SIGTERM,),
    'SIGINT twice': (signal.SIGINT, signal.SIGINT),
    'both': (signal.SIGINT, signal.SIGTERM),
}
_PATIENCE_S = 240.0
# There is no CARLA here, and no ground truth to record: once they know, they end with 1.
_MAY_FAIL = ('carla_world_node', 'dataset_recorder_node')
_APART_S = 0.03
# In the environment of every process of a trial.
_MARK = 'SIGNALS_TRIAL'
# Before these have run there is no handler: Python itself is interrupted.
_FIRST = ('__init__.py', 'programs.py', 'interrupts.py')


def programs(folder: Path, model: str) -> dict[str, list[str]]:
    """Return the arguments of every program that can run by itself, by name."""
    objects = ROOT / 'config' / 'carla_objects.json'
    nodes: dict[str, list[str]] = {
        'segformer_node': [f'model:={model}'],
        'world_node': ['width:=64', 'height:=32', 'loop_frames:=2'],
        'evaluation_node': [f'summary:={folder / "summary.json"}', f'report:={folder / "r"}'],
        'recorder_node': ['topics:=[/image]', f'output:={folder / "bag"}'],
        'dataset_recorder_node': [f'dataset:={folder / "dataset"}'],
        'grid_node': [],
        'viewer_node': ['port:=9300'],
        'replay_node': [f'input:={folder / "source"}', 'loop:=true'],
        'carla_world_node': [f'objects_definition_file:={objects}', 'timeout:=0.5'],
    }
    made = {}
    for name, values in nodes.items():
        made[name] = [name, '--ros-args', *(word for value in values for word in ('-p', value))]
    made['segformer'] = ['segformer', 'info', model]
    made['segformer run'] = [
        'segformer', 'run', str(folder / 'source'), '--out', str(folder / 'out'), '--model', model,
    ]  # fmt: skip
    made['segformer view'] = [
        'segformer', 'view', str(folder / 'source'), '--model', model, '--port', '9301',
    ]  # fmt: skip
    made['segformer demo'] = [
        'segformer', 'demo', '--out', str(folder / 'demo'), '--model', model,
    ]  # fmt: skip
    return made


def _left(mark: str) -> list[int]:
    """Return the processes that have a mark in their environment, and still run."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            if f'{_MARK}={mark}'.encode() in Path('/proc', name, 'environ').read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


def _end(processes: list[int]) -> list[str]:
    """Kill processes that should not be there, and return their command lines."""
    said = []
    for item in processes:
        with suppress(OSError):
            words = Path('/proc', str(item), 'cmdline').read_bytes().split(b'\0')
            said.append(b' '.join(words[:6]).decode(errors='replace'))
            os.kill(item, signal.SIGKILL)
    return said


def strike(
    command: list[str],
    after_s: float,
    numbers: tuple[signal.Signals, ...],
    environment: Mapping[str, str] | None = None,
) -> str:
    """
    Start a program and send it signals.

    :param environment: Of the program, besides our own.
    :returns: What is wrong; '' when nothing is, 'python' when Python had not begun to run it.
    """
    whole = [sys.executable, '-m', 'segformer_ros.programs', *command]
    mark = uuid4().hex
    with subprocess.Popen(
        whole,
        cwd=ROOT,
        env={**os.environ, **(environment or {}), _MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(after_s)
        for number in numbers:
            process.send_signal(number)
            time.sleep(_APART_S)
        try:
            said = process.communicate(timeout=_PATIENCE_S)[1]
        except subprocess.TimeoutExpired:
            _end(_left(mark))
            return f'does not end within {_PATIENCE_S:g} s'
    orphans = _end(_left(mark))
    code = process.returncode
    if orphans:
        return f'leaves {len(orphans)} processes behind: {"; ".join(orphans)}'
    if code in {-number for number in numbers} and not said:
        return 'python'
    files = re.findall(r'File "[^"]*segformer_ros/([^"]+)"', said)
    begun = not set(files) <= set(_FIRST) or 'site-packages' in said
    if 'Fatal Python error: init_' in said or ('Traceback' in said and not begun):
        return 'python'
    if 'Traceback' in said or 'KeyboardInterrupt' in said:
        return f'says {said[-2500:]}'
    # A node ends in order, a command by its signal; either may have ended before.
    allowed = {0, 1} if command[0] in _MAY_FAIL else {0}
    if command[0] == 'segformer':
        allowed = {0, *(128 + number for number in numbers)}
    return '' if code in allowed else f'ends with {code}: {said[-300:]!r}'


def main() -> int:
    """Sweep; 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--moments', type=int, default=60)
    parser.add_argument('--longest', type=float, default=4.0, help='seconds after the start')
    parser.add_argument('--only', nargs='*', help='names of programs')
    parser.add_argument(
        '--cold', action='store_true', help='let numba compile in every trial, as at a first start'
    )
    parser.add_argument('--model', default='world_b0_fast')
    args = parser.parse_args()
    # A shell that runs this in the background has every child ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, str(ROOT / 'test' / 'support'))
    from bag_builder import drive, write_bag

    dice, failures = random.Random(11), 0
    for name in programs(Path(), args.model):
        if args.only and name not in args.only:
            continue
        counts = Counter[str]()
        for index in range(args.moments):
            after_s = args.longest * (index + dice.random()) / args.moments
            kind = list(KINDS)[index % len(KINDS)]
            with TemporaryDirectory() as place:
                folder = Path(place)
                write_bag(folder / 'source', drive(20))
                command = programs(folder, args.model)[name]
                cold = {'NUMBA_CACHE_DIR': str(folder / 'numba')} if args.cold else {}
                wrong = strike(command, after_s, KINDS[kind], cold)
            counts[wrong if wrong in {'', 'python'} else 'wrong'] += 1
            if wrong not in {'', 'python'}:
                failures += 1
                _say(f'{name}, {kind} after {after_s:.2f} s: {wrong}')
        early, bad = counts['python'], counts['wrong']
        _say(f'{name}: {counts[""]} right, {early} before it began, {bad} wrong')
    return int(failures > 0)


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    sys.exit(main())
