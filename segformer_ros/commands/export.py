# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer export: turn a checkpoint into a bundle, and prove that it computes the same."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

HELP = 'turn a checkpoint into a bundle that can be deployed'
_SIZES = ((256, 512), (288, 512), (320, 512))


def input_size(text: str) -> tuple[int, int]:
    """
    Read '256x512' as (height, width).

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    try:
        height, width = (int(part) for part in text.lower().split('x'))
    except ValueError as error:
        message = f'expected a size such as 256x512 (height x width), got {text!r}'
        raise argparse.ArgumentTypeError(message) from error
    return height, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'checkpoint', help='weights.safetensors of a training, or a checkpoint of any other format'
    )
    parser.add_argument('out', type=Path, help='folder of the bundle; its name names the network')
    parser.add_argument(
        '--size',
        type=input_size,
        nargs='+',
        default=_SIZES,
        metavar='HxW',
        help='input sizes, multiples of 32 (256x512 288x512 320x512)',
    )
    parser.add_argument('--notes', default='', help='a sentence for the provenance')
    parser.add_argument(
        '--licence', help='of weights from elsewhere (default: what the checkpoint says)'
    )
    parser.add_argument(
        '--focal-length',
        type=float,
        metavar='PX',
        help='of the camera for which the depth of weights from elsewhere is right',
    )


def run(args: argparse.Namespace) -> int:
    """
    Export, then load the bundle with its golden check.

    :raises CheckpointError: The checkpoint cannot be used.
    :raises BundleError: The bundle does not compute what the checkpoint does.
    """
    from segformer_ros.export.checkpoint_export import export_checkpoint
    from segformer_ros.inference.pipeline import Pipeline

    bundle = export_checkpoint(
        args.checkpoint,
        args.out,
        list(args.size),
        notes=args.notes,
        licence=args.licence,
        focal_length_px=args.focal_length,
    )
    pipeline = Pipeline.load(bundle.path, threads=1)
    size = sum(file.stat().st_size for file in bundle.path.iterdir())
    sys.stdout.write(
        f'{bundle.path}: {size / 1e6:.1f} MB, golden outputs reproduced by '
        f'{pipeline.backend_name}\n'
    )
    return 0
