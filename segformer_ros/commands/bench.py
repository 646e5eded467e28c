# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer bench`: how fast a network is on every backend of this machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import dataclasses
import json
import os
import sys
from typing import Any

import cv2
from segformer_ros import bundle as bundles
from segformer_ros.benchmark import BackendTimes, faster_schedules, Spread, time_backends
from segformer_ros.commands.export import input_size
from segformer_ros.inference import backend_choice
from segformer_ros.progress import Progress

HELP = 'benchmark a network on every backend of this machine'
_EPILOG = """\
The backends take turns on one image of random content; the tables give medians with
the first and the third quartile. Both times are for one image: the network alone, and
everything from the camera image to labels and depth of its size. The last lines name
what `auto` uses here, and the trial that decided it. Two networks in one bundle are
measured one after the other (sequential) and on two threads (parallel).
"""
_COLUMN = 29


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        'model',
        nargs='?',
        default='road_b0',
        help='name or folder of a bundle (default: %(default)s)',
    )
    names = [name for name in backend_choice.NAMES if name != 'auto']
    parser.add_argument(
        '--backend',
        nargs='+',
        choices=names,
        default=names,
        metavar='NAME',
        help=f'backends to measure: {", ".join(names)} (default: all)',
    )
    parser.add_argument(
        '--image',
        type=input_size,
        default=(800, 1280),
        metavar='HxW',
        help='size of the camera image (default: 800x1280)',
    )
    parser.add_argument(
        '--threads',
        type=int,
        nargs='+',
        default=[0],
        metavar='N',
        help='number of inference threads, one table per value (default: 0, all CPUs)',
    )
    parser.add_argument(
        '--precision',
        choices=backend_choice.PRECISIONS,
        default='float32',
        help='precisions that auto may use (default: %(default)s)',
    )
    parser.add_argument(
        '--repeats',
        type=int,
        default=20,
        help='number of measurements per backend (default: %(default)s)',
    )
    parser.add_argument('--json', action='store_true', help='print all figures as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Measure a network.

    :returns: 1 where no backend could run it.
    :raises BundleError: The bundle is missing or damaged.
    :raises ValueError: A number is too small.
    """
    bundle = bundles.read(bundles.find(args.model))
    image = bundles.golden_image(1, *args.image)
    tables = []
    for threads in args.threads:
        cv2.setNumThreads(threads or os.cpu_count() or 1)
        with Progress('measuring'):
            times = time_backends(
                bundle, args.backend, image, threads=threads, repeats=args.repeats
            )
        found: dict[str, Any] = {
            'threads': threads,
            'backends': [dataclasses.asdict(item) for item in times],
        }
        faster = faster_schedules(times)
        if faster:
            found['faster_schedules'] = faster
        usable = [item for item in times if not item.refused]
        if usable:
            choices = [_choice(part, threads, args.precision) for part in bundle.parts()]
            found['auto'] = choices[0] if len(choices) == 1 else _both(choices)
        tables.append(found)
        if not args.json:
            _show(args, bundle, times, found)
        if not usable:
            return 1
    if args.json:
        sys.stdout.write(f'{json.dumps({"model": args.model, "tables": tables}, indent=2)}\n')
    return 0


def _choice(bundle: bundles.Bundle, threads: int, precision: str) -> dict[str, Any]:
    loaded = backend_choice.load('auto', bundle, threads=threads, precision=precision)
    loaded.backend.close()
    trials = [dataclasses.asdict(item) for item in loaded.trials]
    return {'engine': loaded.backend.name, 'reason': loaded.reason, 'trials': trials}


def _both(choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Merge the results of the label network and of the depth network."""
    labels, depth = choices
    return {key: f'labels: {labels[key]}; depth: {depth[key]}' for key in ('engine', 'reason')} | {
        'trials': labels['trials'],
        'depth_trials': depth['trials'],
    }


def _show(
    args: argparse.Namespace,
    bundle: bundles.Bundle,
    times: Sequence[BackendTimes],
    found: dict[str, Any],
) -> None:
    height, width = args.image
    threads = f'{found["threads"]} thread(s)' if found['threads'] else 'all threads'
    portrait = f' (portrait: {height} high, {width} wide)' if height > width else ''
    lines = [
        f'{bundle.manifest.name}, image {height}x{width}{portrait}, {threads}, '
        f'{args.repeats} turns',
        f'{"":<{_COLUMN}}{"network, ms":<{_COLUMN}}{"image to results, ms":<{_COLUMN}}frames/s',
    ]
    for item in times:
        name = f'{f"{item.backend} {item.schedule}":<{_COLUMN}}'
        if item.network is None or item.whole is None or item.metrics is None:
            lines.append(f'{name}not used: {" ".join(item.refused.split())}')
            continue
        rate = item.metrics['Mean Frame Rate (fps)']
        lines.append(
            f'{name}{_text(item.network):<{_COLUMN}}{_text(item.whole):<{_COLUMN}}{rate:.1f}'
        )
    faster = [f'{way} on {name}' for name, way in found.get('faster_schedules', {}).items()]
    if faster:
        lines.append(f'{"faster schedule":<{_COLUMN}}{", ".join(faster)}')
    if 'auto' in found:
        lines.append(f'{"auto":<{_COLUMN}}{found["auto"]["engine"]}: {found["auto"]["reason"]}')
    sys.stdout.write('\n'.join(lines) + '\n')
    sys.stdout.flush()


def _text(value: Spread) -> str:
    return f'{value.median_ms:.1f} ({value.q1_ms:.1f} to {value.q3_ms:.1f})'
