# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer record-dataset: turn recorded drives into a folder to train from."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.commands.truth_arguments import add_truth_arguments
from segformer_ros.progress import Progress

if TYPE_CHECKING:
    from segformer_ros.drive_dataset.recording import DriveFrame

HELP = 'turn recorded drives with ground truth into a dataset'

_EPILOG = """
A drive is a bag with camera image, ground-truth labels and ground-truth depth, such as
carla.launch.py writes with record:=drive. Each becomes a route of one split, named after its
folder; a second call with the same folder adds routes:

  segformer record-dataset town01 town03 --out dataset
  segformer record-dataset town05 --out dataset --split val
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument('bags', nargs='+', type=Path, help='rosbag2 (folder, .mcap, .db3)')
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='folder of the dataset'
    )
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='train',
        help='split that the drives become part of (default: %(default)s)',
    )
    parser.add_argument(
        '--camera', default='rgb_front', help='id of the camera (default: %(default)s)'
    )
    add_truth_arguments(parser)
    parser.add_argument(
        '--camera-fov',
        type=float,
        default=0.0,
        metavar='DEGREES',
        help='horizontal field of view in degrees, overriding camera_info, which is wrong in '
        'the native topics of CARLA up to 0.9.16',
    )


def _counted(frames: Iterable[DriveFrame], progress: Progress) -> Iterator[DriveFrame]:
    for frame in frames:
        yield frame
        progress.update()


def run(args: argparse.Namespace) -> int:
    """
    Write the routes, and tell what is in the dataset.

    :raises BagError: A bag cannot be used.
    :raises DatasetError: The folder cannot take a route.
    """
    from segformer_ros.drive_dataset.folder import DatasetFolder
    from segformer_ros.drive_dataset.recording import Losses, read_frames, Recording

    recording = Recording(
        camera=args.camera,
        label_sensor=args.label_sensor,
        depth_sensor=args.depth_sensor,
        role_name=args.role_name,
        tag_table=args.tag_table,
        coding=args.coding,
        camera_fov_deg=args.camera_fov,
    )
    dataset = DatasetFolder(args.out, recording.label_set)
    for bag in args.bags:
        losses = Losses()
        name = bag.resolve().stem if bag.is_file() else bag.resolve().name
        with Progress(f'reading {bag}') as progress:
            frames = _counted(read_frames(bag, recording, losses), progress)
            route = dataset.add(args.split, name, frames)
        sys.stdout.write(f'{route.split}/{route.name}: {route.frames} frames')
        sys.stdout.write(f', {losses.incomplete} incomplete\n' if losses.incomplete else '\n')
        for what, count in (*losses.refused.items(), *losses.unknown.most_common(5)):
            sys.stdout.write(f'  not taken: {what} ({count})\n')
        for why, count in losses.uncalibrated.items():
            sys.stdout.write(f'  without intrinsics: {why}; set --camera-fov ({count})\n')
    shares = dataset.statistics()
    sys.stdout.write(f'{"class":<16}' + ''.join(f'{split:>10}' for split in shares) + '\n')
    for item in recording.label_set.classes:
        cells = [known.get(item.name, 0.0) for known in shares.values()]
        if any(cells):
            sys.stdout.write(f'{item.name:<16}' + ''.join(f'{cell:>10.3%}' for cell in cells))
            sys.stdout.write('\n')
    sys.stdout.write(f'{args.out / "index.html"} shows them\n')
    return 0
