# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer train: train a network as a recipe says."""

from __future__ import annotations

import argparse
import sys
import time

from segformer_ros.progress import Progress

HELP = 'train a network'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--recipe',
        required=True,
        metavar='NAME|FILE',
        help='recipe: a YAML file, or the name of a shipped one such as own_data or world_b0',
    )
    parser.add_argument(
        '--print-recipe', action='store_true', help='print the recipe with all defaults, and stop'
    )
    parser.add_argument(
        '--render-only',
        action='store_true',
        help='render the frames of the built-in world, and stop before training',
    )
    parser.add_argument(
        'overrides',
        nargs='*',
        metavar='key=value',
        help='overrides a value of the recipe: seed=1, stages.0.steps=100',
    )


def _report(line: str) -> None:
    sys.stdout.write(f'{time.strftime("%H:%M:%S")} {line}\n')
    sys.stdout.flush()


def run(args: argparse.Namespace) -> int:
    """
    Train, or continue with an interrupted run of the same output folder.

    :raises ValueError: The recipe is not valid, or its data cannot be used.
    """
    from segformer_ros.training.shipped_files import find_recipe

    find_recipe(args.recipe)  # a name that is unknown does not wait for torch
    with Progress('loading torch'):
        from segformer_ros.training import recipe, yaml_config

    config = recipe.load(args.recipe, args.overrides)
    if args.print_recipe:
        sys.stdout.write(yaml_config.write(config))
        return 0
    if args.render_only:
        from segformer_ros.training.run_data import open_sources, prepare

        prepare(open_sources(config), _report, whole=True)
        return 0
    with Progress('loading torch'):
        from segformer_ros.training.fit import fit

    command = ' '.join(['segformer train --recipe', args.recipe, *args.overrides])
    fit(config, _report, command=command)
    return 0
