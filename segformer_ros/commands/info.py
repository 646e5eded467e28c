# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer info`: what a network is, and whether it is intact and computes what it should."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros.commands import model_facts
from segformer_ros.commands.export import input_size
from segformer_ros.commands.run_options import add_backend_argument
from segformer_ros.inference import backend_choice
from segformer_ros.inference.golden_gate import check_golden, REDUCED_TOLERANCE

_INDENT = 17

HELP = 'show the facts of a network, and check that it is intact'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'model',
        nargs='?',
        default='road_b0',
        help='name or folder of a bundle, or a checkpoint: file, folder or hf://org/name '
        '(default: %(default)s)',
    )
    add_backend_argument(parser)
    parser.add_argument(
        '--no-check', action='store_true', help='do not run the network on its golden input'
    )
    parser.add_argument(
        '--size',
        type=input_size,
        default=(512, 1024),
        metavar='HxW',
        help='input size at which the GMACs of a checkpoint are counted (default: 512x1024)',
    )
    parser.add_argument('--json', action='store_true', help='print everything known as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Show a network.

    :raises BundleError: The network is missing, damaged or computes something else.
    :raises BackendError: The network cannot be loaded.
    :raises CheckpointError: The checkpoint cannot be used.
    """
    if bundles.is_checkpoint(args.model):
        content = model_facts.read_checkpoint(args.model, args.size)
        _show(args, content, model_facts.of_checkpoint(content, args.model))
        return 0
    bundle = bundles.read(bundles.find(args.model))
    content = json.loads(bundle.file('manifest.json').read_bytes())
    _show(args, content, model_facts.of_bundle(bundle))
    if not (args.no_check or args.json):
        for part in bundle.parts():
            _check(part, args.backend)
    return 0


def _show(args: argparse.Namespace, content: Any, facts: model_facts.Pairs) -> None:
    if args.json:
        sys.stdout.write(f'{json.dumps(content, indent=2)}\n')
    else:
        for name, value in facts:
            _write(name, value)
    sys.stdout.flush()


def _check(bundle: bundles.Bundle, name: str) -> None:
    loaded = backend_choice.load(name, bundle)
    differences = loaded.differences or check_golden(bundle, loaded.backend)
    found = ', '.join(f'{name} within {value:.1e}' for name, value in differences.items())
    allowed = model_facts.text(bundle.manifest.tolerance)
    if loaded.backend.precision != 'float32':
        allowed = f'{REDUCED_TOLERANCE:g} of the root mean square'
    _write('golden check', f'passed on {loaded.backend.name}: {found} (allowed: {allowed})')
    _write('backend', f'{loaded.backend.name}: {loaded.reason}')
    loaded.backend.close()


def _write(name: str, value: str) -> None:
    """Write one fact in a column of its own; a path stays in one piece."""
    width = max(40, min(100, shutil.get_terminal_size((100, 25)).columns) - _INDENT)
    lines = textwrap.wrap(value, width, break_long_words=False, break_on_hyphens=False) or ['']
    for number, line in enumerate(lines):
        head = f'{name}:' if number == 0 else ''
        sys.stdout.write(f'{head:<{_INDENT}}{line}\n')
