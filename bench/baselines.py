# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure our pipeline against other ways to run the same network, all in one run.

Everybody gets the same random weights and the same camera image, is loaded in a process of its own
on the same core with one thread, and they take turns. Written are tables (results.md), all figures
(results.json) and a picture (results.png); docs/performance.md describes the method.

    python bench/baselines.py --quick
    python bench/baselines.py --quick --candidates plain_onnxruntime ours_onnxruntime
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
import json
import os
from pathlib import Path
import signal
import sys
import tempfile
from typing import Any

from comparison import machine

_MODELS = ('b0', 'b2')
_SIZES = ('256x512', '512x1024', '800x1280')
_QUICK = {'models': ['b0'], 'sizes': ['512x1024']}
_REPEATS, _LEAST_REPEATS = 7, 3
_PACKAGES = ('numpy', 'opencv-python-headless', 'onnxruntime', 'openvino', 'torch', 'transformers')


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the results."""
    arguments = _arguments(words)
    # So that the processes and the files of a run that is stopped are cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    machine.pin(arguments.core)
    from comparison.child import ChildError

    try:
        results = _measure(arguments, words)
    except KeyboardInterrupt:
        return 130
    except (ChildError, OSError) as error:
        sys.stderr.write(f'bench/baselines.py: error: {error}\n')
        return 1
    sys.stdout.write(_write(results, arguments.out))
    return 0


def _measure(arguments: argparse.Namespace, words: Sequence[str] | None) -> dict[str, Any]:
    from comparison import trained
    from comparison.candidates import ENTRIES, OURS
    from comparison.case import Case
    from comparison.measure import run_case

    entries = [ENTRIES[name] for name in arguments.candidates or ENTRIES]
    results: dict[str, Any] = {
        'machine': machine.describe(),
        'versions': _versions(),
        'date': datetime.now(timezone.utc).date().isoformat(),
        'command': ' '.join(['bench/baselines.py', *(sys.argv[1:] if words is None else words)]),
        'repeats': arguments.repeats,
        'cases': [],
    }
    height, width = _pixels(arguments.camera)
    with tempfile.TemporaryDirectory(prefix='baselines_') as name:
        for model in arguments.models:
            for size in arguments.sizes:
                folder = Path(name) / f'{model}_{size}'
                folder.mkdir()
                case = Case(model, *_pixels(size), folder, height, width)
                results['cases'].append(run_case(case, entries, arguments.repeats, _say))
                # A run of minutes that is stopped keeps what it has.
                _write(results, arguments.out)
        backends = [item.name.removeprefix(OURS) for item in entries if item.name.startswith(OURS)]
        if arguments.max_frames and len(backends) > 1:
            _say(f'{arguments.trained}: {arguments.max_frames} frames')
            results['trained'] = trained.compare(
                arguments.trained, backends, Path(name), arguments.max_frames
            )
    return results


def _write(results: dict[str, Any], folder: Path) -> str:
    """Write the files and give the text for the terminal."""
    from comparison import plot, report

    folder.mkdir(parents=True, exist_ok=True)
    text = report.markdown(results)
    temporary = folder / f'.results.{os.getpid()}'
    temporary.write_text(text, encoding='utf-8')
    temporary.replace(folder / 'results.md')
    temporary.write_text(f'{json.dumps(results, indent=2)}\n', encoding='utf-8')
    temporary.replace(folder / 'results.json')
    drawing = temporary.with_suffix('.png')
    plot.write(results, drawing)
    drawing.replace(folder / 'results.png')
    return f'{text}\nwritten: {folder}/results.md, results.json, results.png\n'


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _pixels(size: str) -> tuple[int, int]:
    height, width = (int(part) for part in size.split('x'))
    return height, width


def _size(text: str) -> str:
    try:
        height, width = _pixels(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'expected HEIGHTxWIDTH, got {text!r}') from error
    if min(height, width) < 32:
        raise argparse.ArgumentTypeError(f'expected 32 pixels or more, got {text!r}')
    return f'{height}x{width}'


def _say(text: str) -> None:
    sys.stderr.write(f'{text}\n')


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--models', nargs='+', default=list(_MODELS), metavar='B', help='b0 to b5')
    parser.add_argument(
        '--sizes', nargs='+', type=_size, default=list(_SIZES), metavar='HxW', help='of the input'
    )
    parser.add_argument('--candidates', nargs='+', metavar='NAME', help='a part of them by name')
    parser.add_argument('--repeats', type=int, default=_REPEATS, help='turns of each (7)')
    parser.add_argument('--quick', action='store_true', help='B0 at 512x1024 alone')
    parser.add_argument('--camera', type=_size, default='800x1280', help='camera image')
    parser.add_argument(
        '--trained', default='world_b0_fast', help='bundle whose labels are compared'
    )
    parser.add_argument(
        '--max-frames', type=int, default=20, help='frames for that; 0 leaves it out'
    )
    parser.add_argument('--core', type=int, help='number of the core to use (the last one)')
    parser.add_argument('--out', type=Path, default=Path('bench_output'), help='folder to write')
    arguments = parser.parse_args(words)
    if arguments.quick:
        for key, value in _QUICK.items():
            setattr(arguments, key, value)
    if arguments.repeats < _LEAST_REPEATS:
        parser.error(f'--repeats must be {_LEAST_REPEATS} or more, not {arguments.repeats}')
    _check_names(parser, arguments.candidates or [])
    return arguments


def _check_names(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    from comparison.candidates import ENTRIES

    for name in names:
        if name not in ENTRIES:
            parser.error(f'--candidates must be of {", ".join(ENTRIES)}, not {name!r}')


if __name__ == '__main__':
    sys.exit(main())
