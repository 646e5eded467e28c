# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer evaluate: measure a network on frames of the built-in world."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys

from segformer_ros.commands.export import input_size

HELP = 'measure a network against ground truth'


def seed_range(text: str) -> range:
    """
    Read '0-127' or '5' as the seeds from the first to the last, both included.

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    first, _, last = text.partition('-')
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError as error:
        message = f'expected seeds such as 0-127, got {text!r}'
        raise argparse.ArgumentTypeError(message) from error
    if not seeds:
        raise argparse.ArgumentTypeError(f'expected the smaller seed first, got {text!r}')
    return seeds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('model', help='name of a bundle that ships, or folder of one')
    parser.add_argument(
        '--seeds', type=seed_range, default=seed_range('0-63'), help='frames, first-last (0-63)'
    )
    parser.add_argument(
        '--size',
        type=input_size,
        default=(256, 512),
        metavar='HxW',
        help='of the frames (256x512)',
    )
    parser.add_argument('--threads', type=int, default=1, help='of the network (1)')
    parser.add_argument('--json', type=Path, help='also write the figures to this file')


def run(args: argparse.Namespace) -> int:
    """
    Evaluate, and write a table and one line of JSON.

    :raises BundleError: The bundle cannot be used.
    """
    from segformer_ros.evaluation.world_score import score_on_world, table
    from segformer_ros.inference.pipeline import Pipeline

    pipeline = Pipeline.load(args.model, threads=args.threads)
    figures = score_on_world(pipeline, args.seeds, args.size)
    text = json.dumps(figures)
    sys.stdout.write(f'{table(figures, pipeline.manifest.classes)}\n{text}\n')
    if args.json:
        args.json.write_text(f'{text}\n', encoding='utf-8')
    return 0
