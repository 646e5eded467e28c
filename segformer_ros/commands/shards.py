# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer shards: write a dataset as tar shards."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from segformer_ros.commands.data_arguments import add_data_arguments, data_spec
from segformer_ros.progress import Progress

HELP = 'write a dataset as tar shards, for data larger than a disk'

_EPILOG = """
OUT gets SPLIT.json, an index that `wids` reads too, and SPLIT-000000.tar and so on, which are
shards of WebDataset. A call that was interrupted continues where it stopped. Read them with

  segformer evaluate MODEL shards:OUT --split val
  segformer evaluate MODEL shards: --split val --option url=https://host/data --option keep_gb=50
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_data_arguments(parser)
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write to')
    parser.add_argument(
        '--shard-size',
        type=float,
        default=1000.0,
        metavar='MB',
        help='maximum size of a shard, in MB (default: %(default)g)',
    )
    parser.add_argument(
        '--image',
        choices=('keep', 'png', 'jpg'),
        default='keep',
        help="image format; keep copies the dataset's own files, or writes png where that is "
        'impossible (default: %(default)s)',
    )
    parser.add_argument(
        '--quality',
        type=int,
        default=95,
        help='JPEG quality, with --image jpg (default: %(default)s)',
    )
    parser.add_argument(
        '--threads', type=int, default=4, help='number of encoding threads (default: %(default)s)'
    )


def run(args: argparse.Namespace) -> int:
    """
    Write the shards of a split.

    :raises DatasetError: The dataset cannot be read, or the folder has other shards.
    """
    from segformer_ros.datasets import open_dataset
    from segformer_ros.datasets.checks import check_labels
    from segformer_ros.datasets.shards import SPLITS
    from segformer_ros.datasets.shards_writer import ShardSettings, write_shards

    if args.threads < 1:
        raise ValueError(f'--threads must be at least 1, not {args.threads}')
    spec = data_spec(args)
    if spec.split not in SPLITS:
        raise ValueError(f'shards have the splits {", ".join(SPLITS)}, not {spec.split!r}')
    settings = ShardSettings(round(args.shard_size * 1e6), args.image, args.quality)
    dataset = open_dataset(spec)
    check_labels(dataset)
    try:
        with Progress('writing shards', len(dataset), 'sample') as bar:
            index = write_shards(
                dataset, args.out, spec.split, settings, threads=args.threads, progress=bar.update
            )
    except KeyboardInterrupt:
        sys.stderr.write(
            f'segformer: stopped after {bar.done} of {len(dataset)} samples; the same command '
            'continues after the last whole shard\n'
        )
        raise
    size = sum(shard.file_bytes for shard in index.shards)
    sys.stdout.write(
        f'{len(dataset)} samples in {len(index.shards)} shards of {size / 1e6:.1f} MB together: '
        f'{args.out / spec.split}.json\n'
    )
    return 0
