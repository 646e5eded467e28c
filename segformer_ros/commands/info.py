# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer info`: what a network is, and whether it is intact and computes what it should."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
import json
import shutil
import sys
import textwrap
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros.inference.backend import load_backend
from segformer_ros.inference.golden_gate import check_golden

_INDENT = 15

HELP = 'show what a network is, and check that it is intact'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'model', nargs='?', default='world_b0', help='name or folder (default: %(default)s)'
    )
    parser.add_argument('--backend', default='auto', help='what runs it (default: %(default)s)')
    parser.add_argument(
        '--no-check', action='store_true', help='do not run the network on its golden input'
    )
    parser.add_argument('--json', action='store_true', help='print the manifest as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Show a network.

    :raises BundleError: The network is missing, damaged or computes something else.
    :raises BackendError: The network cannot be loaded.
    """
    bundle = bundles.read(bundles.find(args.model))
    if args.json:
        content = json.loads(bundle.file('manifest.json').read_bytes())
        sys.stdout.write(f'{json.dumps(content, indent=2)}\n')
        return 0
    for name, value in _facts(bundle):
        _write(name, value)
    sys.stdout.flush()
    if not args.no_check:
        backend = load_backend(args.backend, bundle)
        differences = check_golden(bundle, backend)
        found = ', '.join(f'{name} within {value:.1e}' for name, value in differences.items())
        allowed = _text(bundle.manifest.tolerance)
        _write('golden check', f'passed on {backend.name}: {found} (allowed: {allowed})')
        backend.close()
    return 0


def _write(name: str, value: str) -> None:
    """Write one fact in a column of its own."""
    width = min(100, shutil.get_terminal_size((100, 25)).columns)
    lines = textwrap.wrap(value, max(40, width - _INDENT)) or ['']
    for number, line in enumerate(lines):
        head = f'{name}:' if number == 0 else ''
        sys.stdout.write(f'{head:<{_INDENT}}{line}\n')


def _facts(bundle: bundles.Bundle) -> Iterator[tuple[str, str]]:
    manifest = bundle.manifest
    size = sum(bundle.file(name).stat().st_size for name in manifest.files)
    yield 'name', manifest.name
    yield 'folder', str(bundle.path)
    yield 'tasks', ', '.join(manifest.tasks)
    if manifest.classes:
        classes = ', '.join(f'{item.name} {item.id}' for item in manifest.classes)
        yield 'classes', f'{len(manifest.classes)} of {manifest.label_set}: {classes}'
    if manifest.depth is not None and manifest.depth_range_m is not None:
        low, high = manifest.depth_range_m
        yield 'depth', f'{low:g} to {high:g} m, of a camera of {manifest.focal_length_px:g} px'
    sizes = ', '.join(f'{item.width}x{item.height}' for item in manifest.input_sizes)
    yield 'input sizes', sizes
    yield 'opset', str(manifest.opset)
    yield 'licence', manifest.licence
    for name, value in manifest.provenance.items():
        long = name == 'recipe' and isinstance(value, Mapping)
        yield name, 'see `segformer info --json`' if long else _text(value)
    yield 'files', f'{len(manifest.files)}, {size / 1e6:.1f} MB, sha256 of each as it should be'


def _text(value: Any) -> str:
    """Write a JSON value as a person would."""
    if isinstance(value, Mapping):
        parts = (f'{name} {_inner(item)}' for name, item in value.items())
        return ', '.join(parts) or 'none'
    if isinstance(value, (list, tuple)):
        return ' '.join(_inner(item) for item in value)
    return f'{value:g}' if isinstance(value, float) else str(value)


def _inner(value: Any) -> str:
    return f'({_text(value)})' if isinstance(value, (Mapping, list, tuple)) else _text(value)
