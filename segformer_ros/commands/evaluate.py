# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer evaluate: measure a network on a dataset, or evaluate a recorded drive."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.bundle import is_checkpoint
from segformer_ros.commands.data_arguments import add_data_arguments, data_spec
from segformer_ros.commands.evaluate_options import add_options, options
from segformer_ros.commands.export import input_size
from segformer_ros.commands.truth_arguments import add_truth_arguments, TRUTH_OPTIONS
from segformer_ros.commands.unused_options import refuse
from segformer_ros.progress import Progress
from segformer_ros.run_folder import require_new
from segformer_ros.side_thread import Behind

if TYPE_CHECKING:
    from segformer_ros.datasets import DatasetSpec
    from segformer_ros.evaluation import Network

HELP = 'evaluate a network against ground truth'

_SEEDS, _SIZE = '0-63', (256, 512)
# What has no effect on a drive, whose results are there already.
_NOT_OF_BAGS = (
    '--split', '--option', '--max-frames', '--seeds', '--size', '--backend', '--precision',
    '--device', '--threads', '--resize', '--scale', '--input-size', '--window', '--stride',
    '--ratios', '--flip', '--average', '--classes-of', '--map', '--ignore', '--count-ignored',
    '--rule', '--no-boundary', '--min-depth', '--max-depth', '--crop', '--clip', '--bands',
    '--focal-length',
)  # fmt: skip

_OF_BUNDLES = 'applies to bundles, not to checkpoints'

_EPILOG = """
  segformer evaluate road_b0 cityscapes:/data/cityscapes --report report
  segformer evaluate model.safetensors kitti_depth:/data/kitti --crop garg --clip
  segformer evaluate hf://org/name ade20k:/data/ade --window 512x512 --stride 341x341 --flip
  segformer evaluate world_b0_fast --seeds 0-127
  segformer evaluate --bag drive

docs/evaluation.md explains every figure and every option.
"""


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
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        'model',
        nargs='?',
        help='name or folder of a bundle, or a checkpoint: file, folder or hf://org/name',
    )
    data = parser.add_argument_group('data')
    add_data_arguments(data, split='val', optional=True)
    data.add_argument(
        '--max-frames', type=int, metavar='N', help='evaluate N samples, evenly spaced'
    )
    output = parser.add_argument_group('output')
    output.add_argument(
        '--json', action='store_true', help='print all figures as JSON instead of tables'
    )
    output.add_argument(
        '--report',
        type=Path,
        metavar='DIR',
        help='new folder for figures, tables and a page with pictures (of a bag: frames.csv, '
        'summary.json, a picture)',
    )
    output.add_argument(
        '--overwrite', action='store_true', help='replace the files of an earlier report'
    )
    add_options(parser)
    _add_world_and_bag(parser)


def _add_world_and_bag(parser: argparse.ArgumentParser) -> None:
    world = parser.add_argument_group(
        'built-in world', 'Without DATA a network is evaluated on frames of the built-in world.'
    )
    world.add_argument(
        '--seeds',
        type=seed_range,
        metavar='A-B',
        help=f'frames, first to last (default: {_SEEDS})',
    )
    world.add_argument(
        '--size',
        type=input_size,
        metavar='HxW',
        help=f'size of the frames (default: {_SIZE[0]}x{_SIZE[1]})',
    )
    bag = parser.add_argument_group(
        'recorded drive',
        'Results and ground truth of CARLA or of world_node in one bag; no network runs.',
    )
    bag.add_argument(
        '--bag', type=Path, help='evaluate this rosbag2 (folder, .mcap, .db3) instead of a model'
    )
    bag.add_argument(
        '--namespace', help='namespace of label/image and depth/image (default: the only one)'
    )
    add_truth_arguments(bag)


def run(args: argparse.Namespace) -> int:
    """
    Evaluate, and print tables or JSON.

    :raises BundleError: The bundle cannot be used.
    :raises CheckpointError: The checkpoint cannot be used.
    :raises DatasetError: The dataset cannot be used.
    :raises BagError: The bag cannot be used.
    :raises ValueError: Neither or both of model and bag are given, or no pixel was evaluated.
    """
    if (args.model is None) == (args.bag is None):
        raise ValueError('expected either a model or --bag')
    _refuse_unused(args)
    if args.report is not None:
        require_new(args.report, '--report', overwrite=args.overwrite)
    if args.bag is not None:
        return _on_bag(args)
    return _on_dataset(args, _spec(args))


def _refuse_unused(args: argparse.Namespace) -> None:
    """
    Look for options that have no effect on the figures.

    :raises ValueError: There is one.
    """
    if args.bag is not None:
        refuse(args, add_arguments, _NOT_OF_BAGS, 'does not apply to --bag')
        return
    refuse(args, add_arguments, ('--namespace', *TRUTH_OPTIONS), 'applies to --bag')
    if is_checkpoint(args.model):
        refuse(args, add_arguments, ('--precision', '--threads'), _OF_BUNDLES)
        if args.backend != 'torch':
            refuse(args, add_arguments, ('--backend',), f'{_OF_BUNDLES}, except for torch')
    else:
        of_torch = ('--device', '--label-set')
        refuse(args, add_arguments, of_torch, 'applies to checkpoints, not to bundles')


def _spec(args: argparse.Namespace) -> DatasetSpec:
    """Return the dataset, or without DATA the frames of the world that were asked for."""
    from segformer_ros.datasets import DatasetSpec

    if args.data is not None:
        if args.seeds is not None or args.size is not None:
            raise ValueError(
                '--seeds and --size choose frames of the built-in world, without DATA: use '
                '--option for the dataset, --input-size for the network'
            )
        return data_spec(args)
    if args.split is not None or args.option:
        raise ValueError('--split and --option need DATA: name a dataset, such as world')
    seeds, size = args.seeds or seed_range(_SEEDS), args.size or _SIZE
    frames = {'first_seed': seeds[0], 'frames': len(seeds), 'size': f'{size[0]}x{size[1]}'}
    return DatasetSpec('world', '', 'val', frames)


def _on_dataset(args: argparse.Namespace, spec: DatasetSpec) -> int:
    from segformer_ros.datasets import open_dataset
    from segformer_ros.datasets.checks import check_labels
    from segformer_ros.datasets.statistics import spread
    from segformer_ros.evaluation import evaluate
    from segformer_ros.evaluation.report import write_report
    from segformer_ros.evaluation.tables import console, tables

    chosen = options(args)
    if args.max_frames is not None and args.max_frames < 1:
        raise ValueError(f'--max-frames must be at least 1, not {args.max_frames}')
    dataset = open_dataset(spec)
    # One after the other: a network that cannot be used is reported before. The renderer compiles
    # for long, and only in this thread a signal interrupts it; the graph opens next to it.
    network, engine = _network(args)
    with Behind(1) as behind:
        behind.do(getattr(network, 'prepare', _nothing))
        check_labels(dataset)
    indices = spread(len(dataset), args.max_frames)
    with Progress('evaluating', len(indices), 'image') as bar:
        result = evaluate(network, dataset, chosen, indices=indices, progress=bar.update)
    figures = result.summary()
    if figures.get('accuracy') is None and not figures.get('pixels'):
        raise ValueError(
            f'nothing to measure: no pixel of {args.data or spec.kind} has a label or a depth '
            'that is evaluated: check its files, --ignore and the range of depth'
        )
    facts = {
        'model': args.model,
        'computed by': engine,
        'data': args.data or spec.kind,
        'split': spec.split,
        **{f'option {name}': str(value) for name, value in spec.options.items()},
    }
    if args.report:
        title = f'{network.facts.name} on {Path(facts["data"]).name}, {spec.split}'
        write_report(
            args.report, result, network, dataset, title=title, facts=facts, indices=indices
        )
    summary = {**figures, 'measured': facts}
    sys.stdout.write(f'{json.dumps(summary) if args.json else console(tables(summary))}\n')
    return 0


def _nothing() -> None:
    """Prepare a network that is ready, or opens what it needs for each size of image."""


def _network(args: argparse.Namespace) -> tuple[Network, str]:
    """Load what was named, and say what computes it."""
    if is_checkpoint(args.model):
        from segformer_ros.training.torch_network import TorchNetwork

        finished = args.backend != 'torch'
        torch_network = TorchNetwork.load(
            args.model, label_set=args.label_set, device=args.device, finished=finished
        )
        return torch_network, f'PyTorch on {torch_network.device_name}'
    from segformer_ros.evaluation.bundle_network import load

    return load(args.model, backend=args.backend, threads=args.threads, precision=args.precision)


def _on_bag(args: argparse.Namespace) -> int:
    from segformer_ros.evaluation.bag_score import evaluate_bag, Sources
    from segformer_ros.evaluation.drive import DriveOptions
    from segformer_ros.evaluation.drive_report import write_report
    from segformer_ros.evaluation.tables import console, drive_tables

    sources = Sources(args.namespace, args.role_name, args.label_sensor, args.depth_sensor)
    options = DriveOptions(
        label_set=args.label_set or 'carla_0914', tag_table=args.tag_table, coding=args.coding
    )
    with Progress(f'reading {args.bag}'):
        drive = evaluate_bag(args.bag, sources, options)
    summary = drive.summary()
    if args.report:
        write_report(args.report, summary, drive.scores.rows)
    text = json.dumps(summary) if args.json else console(drive_tables(summary))
    sys.stdout.write(f'{text}\n')
    return 0
