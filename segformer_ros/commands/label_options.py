# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `segformer label` for workers and training sets, and what they refuse."""

from __future__ import annotations

import argparse
import math

from segformer_ros.commands.run_options import check_camera, options
from segformer_ros.fleet.selection import WAYS


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which frames become samples, and of what kind."""
    samples = parser.add_argument_group('options for training sets')
    samples.add_argument(
        '--format',
        choices=('run', 'dataset', 'webdataset'),
        default='run',
        help='results as `segformer run` writes them (default), or a training set in DIR/dataset: '
        'a folder, or shards',
    )
    samples.add_argument(
        '--rate', type=float, default=0.0, metavar='HZ', help='max. frames per second of a camera'
    )
    samples.add_argument(
        '--distance',
        type=float,
        default=0.0,
        metavar='M',
        help='metres driven from frame to frame, where a bag has odometry',
    )
    samples.add_argument(
        '--odometry',
        default='',
        metavar='TOPIC',
        help='topic of nav_msgs/Odometry in bags (default: the only one)',
    )
    samples.add_argument(
        '--select',
        choices=WAYS,
        help='keep the --samples frames that differ most from each other (novelty), have the '
        'lowest confidence, or differ most from the frame before (flicker) or from the labels of '
        'a second network (disagreement)',
    )
    samples.add_argument(
        '--second', metavar='MODEL', help='second network for --select disagreement'
    )
    samples.add_argument(
        '--soft-labels',
        type=int,
        default=0,
        metavar='K',
        help='also write the K most probable classes of each pixel with their probabilities',
    )
    samples.add_argument('--samples', type=int, metavar='N', help='max. samples of the set')


def add_ray_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which workers there are."""
    cluster = parser.add_argument_group('options for workers of a Ray cluster (extra fleet)')
    cluster.add_argument(
        '--runner',
        choices=('local', 'ray'),
        help='processes on this machine, or workers of Ray (default: local, with --address ray)',
    )
    cluster.add_argument(
        '--address',
        default='',
        help='address of a running Ray cluster (default: start one on this machine)',
    )
    cluster.add_argument(
        '--gpus',
        type=float,
        metavar='N',
        help='number of GPUs that Ray reserves for a worker, e.g. 0.5 (default: 1 for TensorRT '
        'backends, else 0)',
    )


def check(args: argparse.Namespace) -> None:
    """
    Check all arguments against each other.

    :raises ValueError: One has no sense.
    """
    for name, least in (('workers', 0), ('threads', 0), ('shard_frames', 1), ('tries', 1)):
        value = getattr(args, name)
        if value < least:
            option = f'--{name.replace("_", "-")}'
            raise ValueError(f'{option} must be at least {least}, not {value}')
    _check_ray(args)
    _check_samples(args)
    check_camera(args)
    options(args)


def _check_ray(args: argparse.Namespace) -> None:
    args.runner = args.runner or ('ray' if args.address else 'local')
    if args.runner == 'local':
        for option, value in (('--address', args.address), ('--gpus', args.gpus)):
            if value:
                raise ValueError(f'{option} applies to --runner ray, not to local')
    elif args.gpus is not None and not 0 <= args.gpus < math.inf:
        raise ValueError(f'--gpus must be at least 0, not {args.gpus}')


def _check_samples(args: argparse.Namespace) -> None:
    for name in ('rate', 'distance', 'odometry', 'select', 'samples', 'second', 'soft_labels'):
        if getattr(args, name) and args.format == 'run':
            option = name.replace('_', '-')
            raise ValueError(f'--{option} applies to --format dataset and webdataset, not to run')
    if args.depth_confidence and args.format != 'run':
        raise ValueError(
            '--depth-confidence applies to --format run: for a training set leave unsure depths '
            'out by --min-depth-confidence'
        )
    for name in ('rate', 'distance'):
        if not 0 <= getattr(args, name) < math.inf:
            raise ValueError(f'--{name} must be at least 0, not {getattr(args, name)}')
    if (args.select is None) != (args.samples is None):
        raise ValueError('--select and --samples belong together: how to choose, and how many')
    if args.samples is not None and args.samples < 1:
        raise ValueError(f'--samples must be at least 1, not {args.samples}')
    if (args.select == 'disagreement') != (args.second is not None):
        raise ValueError('--select disagreement and --second MODEL belong together')
    if args.soft_labels < 0:
        raise ValueError(f'--soft-labels must be at least 0, not {args.soft_labels}')
    if args.only == 'depth' and (args.second or args.soft_labels):
        raise ValueError('--second and --soft-labels are about labels: leave --only depth out')
