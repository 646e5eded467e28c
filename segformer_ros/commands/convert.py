# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer convert: a checkpoint in the format of another program."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys
import textwrap
from typing import TYPE_CHECKING

from segformer_ros.commands.export import input_size
from segformer_ros.progress import Progress

if TYPE_CHECKING:
    from segformer_ros.checkpoints.parity import Difference

HELP = 'convert a checkpoint to the format of another program, and verify the result'
# Equal to checkpoints.formats.FORMATS, which needs torch to be imported.
FORMATS = (
    'native',
    'hf-segformer',
    'hf-glpn',
    'shift',
    'nvlabs',
    'nvlabs-encoder',
    'mmseg',
    'mmseg-encoder',
    'segformer3d',
    'glpdepth',
)
_WIDTH = 99


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('source', help='file, folder, or hf://org/name[@revision]')
    parser.add_argument('out', type=Path, help='file or folder to write; must not exist')
    parser.add_argument(
        '--to', required=True, choices=FORMATS, metavar='FORMAT', help=', '.join(FORMATS)
    )
    parser.add_argument(
        '--from',
        dest='layout',
        choices=FORMATS,
        metavar='FORMAT',
        help='format of the source (default: detected)',
    )
    parser.add_argument(
        '--only', choices=('encoder', 'segmentation', 'depth'), help='convert this part only'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        nargs=2,
        metavar=('FLOAT32', 'FLOAT64'),
        help='maximum relative difference of the outputs (default: 1e-5 1e-6)',
    )
    parser.add_argument(
        '--size',
        type=input_size,
        default=(96, 128),
        metavar='HxW',
        help='size of the input that both networks are compared on (default: 96x128)',
    )
    parser.add_argument(
        '--accept-eps',
        action='store_true',
        help='write even though the target uses a different eps in its LayerNorms',
    )
    parser.add_argument(
        '--accept-input',
        action='store_true',
        help='write even though programs for the target format normalise images differently',
    )
    parser.add_argument(
        '--max-depth', type=float, metavar='M', help='maximum depth of a glpdepth file, in metres'
    )
    parser.add_argument(
        '--label-set', metavar='NAME', help='label set that names the classes, in this order'
    )
    parser.add_argument('--licence', help='licence of the weights, recorded in the output')
    parser.add_argument(
        '--backbone-prefix',
        action='store_true',
        help='prefix the weights of an encoder with backbone.',
    )


def run(args: argparse.Namespace) -> int:
    """
    Convert and print the comparison.

    :raises CheckpointError: It cannot be done; nothing is written then.
    """
    from segformer_ros.checkpoints.convert import convert, Request
    from segformer_ros.checkpoints.formats.base import Options
    from segformer_ros.checkpoints.parity import ParityError

    options = Options(
        max_depth_m=args.max_depth,
        label_set=args.label_set,
        licence=args.licence,
        backbone_prefix=args.backbone_prefix,
    )
    request = Request(
        source=args.source,
        target=args.to,
        out=args.out,
        layout=args.layout,
        options=options,
        part=args.only,
        accept_eps=args.accept_eps,
        accept_input=args.accept_input,
        tolerance=tuple(args.tolerance) if args.tolerance else None,
        size=args.size,
    )
    try:
        with Progress('converting'):
            report = convert(request)
    except ParityError as error:
        _print(error.differences, args.size)
        raise
    lines = [report.summary]
    for note in report.notes:
        lines += textwrap.wrap(note, _WIDTH, initial_indent='note: ', subsequent_indent='      ')
    sys.stdout.write('\n'.join(lines) + '\n')
    _print(report.differences, args.size)
    return 0


def _print(differences: Sequence[Difference], size: tuple[int, int]) -> None:
    lines = [f'compared on 1x3x{size[0]}x{size[1]}, relative to the largest magnitude:']
    for item in differences:
        sides = f'{item.sides[0]} | {item.sides[1]}'
        lines.append(
            f'{item.output:<9} {item.arithmetic}  absolute {item.absolute:.1e}  '
            f'relative {item.relative:.1e}  allowed {item.allowed:.0e}  {sides}'
        )
    sys.stdout.write('\n'.join(lines) + '\n')
