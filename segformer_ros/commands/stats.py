# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer stats`: how often a dataset has every class, and the weights made of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
import json
import sys
from typing import Any, TYPE_CHECKING

from segformer_ros.commands.data_arguments import add_data_arguments, data_spec
from segformer_ros.progress import Progress

if TYPE_CHECKING:
    from segformer_ros.datasets.statistics import ClassStatistics, Counts
    from segformer_ros.labels import LabelSet

HELP = 'count the classes of a dataset, and compute class weights for a loss'

_EPILOG = """
Shares are of all pixels that have a class. The weights by count n, frequency f and number of
classes N:

  complement  (1 - f) / (N - 1), which sums to 1
  log1p       1 / log(1 + n), scaled to sum to N
  log_c       1 / log(c + f)
  effective   (1 - beta) / (1 - beta ** n), scaled to sum to N

`segformer train` takes them by name, or any numbers as a list: --json prints them in full.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_data_arguments(parser)
    parser.add_argument(
        '--max-frames', type=int, metavar='N', help='use N frames, evenly spaced (default: all)'
    )
    parser.add_argument(
        '--label-set', metavar='NAME', help='count the classes as mapped to this label set'
    )
    parser.add_argument(
        '--c',
        type=float,
        default=1.02,
        help='constant of the log_c weights (default: %(default)s)',
    )
    parser.add_argument(
        '--beta',
        type=float,
        default=0.9999,
        help='beta of the effective-number weights (default: %(default)s)',
    )
    parser.add_argument('--json', action='store_true', help='print all figures as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Count, and print.

    :raises DatasetError: The data cannot be used, or has ids that its label set does not have.
    :raises ValueError: An argument has no sense.
    """
    from segformer_ros.datasets import DatasetError, open_dataset
    from segformer_ros.datasets.checks import check_labels
    from segformer_ros.datasets.statistics import channel_counts, count_classes
    from segformer_ros.labels import label_set
    from segformer_ros.labels.class_maps import channel_table

    if args.max_frames is not None and args.max_frames < 1:
        raise ValueError(f'--max-frames must be at least 1, not {args.max_frames}')
    dataset = open_dataset(data_spec(args))
    classes = dataset.label_set
    if classes is None:
        raise DatasetError(f'expected a dataset with labels, {args.data} has none')
    check_labels(dataset)
    target = classes if args.label_set is None else label_set(args.label_set)
    table = channel_table(classes, target)
    found = count_classes(dataset, frames=args.max_frames, progress=_progress)
    counts = channel_counts(found.pixels, table, target.ids)
    if not counts.sum():
        raise DatasetError(f'expected pixels of {target.name} in {args.data}, found none')
    facts = _facts(args, found, counts, target)
    if args.json:
        sys.stdout.write(json.dumps(facts, indent=2) + '\n')
    else:
        _print(facts)
    return 0


def _progress(numbers: Iterable[int]) -> Iterable[int]:
    found = list(numbers)
    with Progress('counting', len(found)) as progress:
        for number in found:
            yield number
            progress.update()


def _facts(
    args: argparse.Namespace, found: ClassStatistics, counts: Counts, target: LabelSet
) -> dict[str, Any]:
    from segformer_ros.datasets.statistics import class_weights

    parameters = {'log_c': {'c': args.c}, 'effective': {'beta': args.beta}}
    weights = {
        kind: class_weights(counts, kind, **parameters.get(kind, {})).tolist()
        for kind in ('complement', 'log1p', 'log_c', 'effective')
    }
    known = int(counts.sum())
    return {
        'data': args.data,
        'split': args.split or args.default_split,
        'label_set': target.name,
        'frames': found.total,
        'pixels': int(found.pixels.sum()),
        'pixels_without_class': int(found.pixels.sum()) - known,
        'classes': [
            {'id': item.id, 'name': item.name, 'pixels': int(count), 'share': int(count) / known}
            for item, count in zip(target.classes, counts, strict=True)
        ],
        'weights': weights,
    }


def _print(facts: dict[str, Any]) -> None:
    weights = facts['weights']
    width = max(len(item['name']) for item in facts['classes'])
    without = facts['pixels_without_class'] / max(facts['pixels'], 1)
    lines = [
        f'{facts["label_set"]}, {facts["frames"]} frames, {without:.2%} of the pixels without a '
        'class',
        f'{"class":<{width}} {"pixels":>14} {"share":>9}'
        + ''.join(f'{kind:>12}' for kind in weights),
    ]
    for number, item in enumerate(facts['classes']):
        lines.append(
            f'{item["name"]:<{width}} {item["pixels"]:>14,} {item["share"]:>9.4%}'
            + ''.join(f'{values[number]:>12.6f}' for values in weights.values())
        )
    sys.stdout.write('\n'.join(lines) + '\n')
