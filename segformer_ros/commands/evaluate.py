# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer evaluate: measure a network on the built-in world, or judge a recorded drive."""

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
    parser.add_argument('model', nargs='?', help='name of a bundle that ships, or folder of one')
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
    _add_bag_arguments(parser)


def _add_bag_arguments(parser: argparse.ArgumentParser) -> None:
    bag = parser.add_argument_group(
        'of a recorded drive',
        'Results and ground truth of CARLA or of world_node in one bag; no network runs.',
    )
    bag.add_argument('--bag', type=Path, help='rosbag2 (folder, .mcap, .db3), in place of a model')
    bag.add_argument('--namespace', help='of label/image and depth/image (the only one)')
    bag.add_argument('--role-name', default='ego_vehicle', help='of the vehicle (%(default)s)')
    bag.add_argument(
        '--label-sensor',
        default='semantic_segmentation_front',
        help='of the true labels (%(default)s)',
    )
    bag.add_argument(
        '--depth-sensor', default='depth_front', help='of the true depth (%(default)s)'
    )
    bag.add_argument(
        '--coding',
        choices=('bridge', 'native'),
        default='bridge',
        help='of the true labels: colours, or the tag in the red channel (%(default)s)',
    )
    bag.add_argument(
        '--tag-table',
        choices=('auto', 't1', 't2', 't3', 't3_ue5'),
        default='t3',
        help='of the simulator (%(default)s)',
    )
    bag.add_argument('--label-set', default='carla_0914', help='of the network (%(default)s)')
    bag.add_argument(
        '--report', type=Path, metavar='DIR', help='write frames.csv, summary.json and a picture'
    )


def run(args: argparse.Namespace) -> int:
    """
    Evaluate, and write a table and one line of JSON.

    :raises BundleError: The bundle cannot be used.
    :raises BagError: The bag cannot be used.
    :raises ValueError: Neither or both of model and bag are given.
    """
    if (args.model is None) == (args.bag is None):
        raise ValueError('expected either a model or --bag')
    return _on_world(args) if args.bag is None else _on_bag(args)


def _on_bag(args: argparse.Namespace) -> int:
    from segformer_ros.evaluation.bag_score import figures, judge_bag, Sources
    from segformer_ros.judge.drive import JudgeOptions
    from segformer_ros.judge.report import write_report

    sources = Sources(args.namespace, args.role_name, args.label_sensor, args.depth_sensor)
    options = JudgeOptions(label_set=args.label_set, tag_table=args.tag_table, coding=args.coding)
    judge = judge_bag(args.bag, sources, options)
    for name, value in figures(judge).items():
        sys.stdout.write(f'{name:<24}{"-" if value is None else f"{value:.4f}":>10}\n')
    summary = judge.summary()
    text = json.dumps(summary)
    sys.stdout.write(f'{text}\n')
    if args.report:
        write_report(args.report, summary, judge.scores.rows)
    if args.json:
        args.json.write_text(f'{text}\n', encoding='utf-8')
    return 0


def _on_world(args: argparse.Namespace) -> int:
    from segformer_ros.evaluation.world_score import score_on_world, table
    from segformer_ros.inference.pipeline import Pipeline

    pipeline = Pipeline.load(args.model, threads=args.threads)
    figures = score_on_world(pipeline, args.seeds, args.size)
    text = json.dumps(figures)
    sys.stdout.write(f'{table(figures, pipeline.manifest.classes)}\n{text}\n')
    if args.json:
        args.json.write_text(f'{text}\n', encoding='utf-8')
    return 0
