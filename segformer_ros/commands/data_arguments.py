# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the commands that read a dataset are told which."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segformer_ros.datasets import DatasetSpec


def add_data_arguments(
    parser: argparse._ActionsContainer, *, split: str = 'train', optional: bool = False
) -> None:
    """
    Declare DATA, --split and --option.

    :param split: The split that is read when no one says which.
    :param optional: Whether DATA may be missing, None then.
    """
    parser.add_argument(
        'data',
        nargs='?' if optional else None,
        metavar='DATA',
        help='KIND:PATH such as cityscapes:/data/cityscapes, a path whose kind can be recognised, '
        'or a .yaml file with kind, root, split and options (docs/datasets.md)',
    )
    parser.add_argument('--split', help=f'split of the dataset (default: {split})')
    parser.add_argument(
        '--option',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='option of the reader of this kind; may be repeated',
    )
    parser.set_defaults(default_split=split)


def data_spec(args: argparse.Namespace) -> DatasetSpec:
    """
    Return the dataset that was asked for; nothing of it is read yet.

    :raises DatasetError: DATA or an option is not written as it should be.
    """
    from segformer_ros.datasets import dataset_spec

    return dataset_spec.parse(
        args.data, split=args.split, options=args.option, default_split=args.default_split
    )
