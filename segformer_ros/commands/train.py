# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer train: render frames of the built-in world and train a network on them."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
import time

HELP = 'train a network'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--config', type=Path, required=True, help='recipe, a YAML file')
    parser.add_argument(
        '--render-only', action='store_true', help='render the frames and stop before training'
    )
    parser.add_argument(
        'overrides', nargs='*', metavar='key=value', help='replaces a value of the recipe'
    )


def _report(line: str) -> None:
    sys.stdout.write(f'{time.strftime("%H:%M:%S")} {line}\n')
    sys.stdout.flush()


def run(args: argparse.Namespace) -> int:
    """
    Train, or go on with an interrupted run of the same output folder.

    :raises ValueError: The recipe is not valid.
    """
    from segformer_ros.training import config as recipes
    from segformer_ros.training.world_run import train_on_world

    config = recipes.load(args.config, args.overrides)
    command = ' '.join(['segformer train --config', str(args.config), *args.overrides])
    result = train_on_world(config, _report, command=command, render_only=args.render_only)
    _report(f'done: {result}')
    return 0
