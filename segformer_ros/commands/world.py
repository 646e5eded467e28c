# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer world: frames of the built-in world, to look at or as a dataset."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.progress import Progress

if TYPE_CHECKING:
    from segformer_ros.draw import Image
    from segformer_ros.drive_dataset.recording import DriveFrame
    from segformer_ros.world import Frame

HELP = 'write frames of the built-in world, to look at or to train from'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        help='write a dataset with class ids, metres and intrinsics instead of pictures: the '
        'frames become a route of this split, other calls add routes',
    )
    parser.add_argument('--seed', type=int, default=3, help='seed of the street (default: 3)')
    parser.add_argument(
        '--max-frames', type=int, default=12, help='number of frames (default: 12)'
    )
    parser.add_argument(
        '--every', type=float, default=2.0, metavar='S', help='seconds between frames (default: 2)'
    )
    parser.add_argument(
        '--random', action='store_true', help='take every frame from a different street'
    )
    parser.add_argument(
        '--variety',
        default='plain',
        help='plain, or roads: more varied, closer to real roads (default: plain)',
    )
    parser.add_argument(
        '--time-of-day', help='time of day: day, dusk, night, ... (default: chosen by the seed)'
    )
    parser.add_argument(
        '--weather', help='weather: clear, rain, fog, ... (default: chosen by the seed)'
    )
    parser.add_argument(
        '--width', type=int, default=512, help='image width in pixels (default: 512)'
    )
    parser.add_argument(
        '--height', type=int, default=256, help='image height in pixels (default: 256)'
    )


def run(args: argparse.Namespace) -> int:
    """
    Render the frames: image, coloured labels and depth of each as PNG, and a contact sheet.

    With --split they become a route of a dataset.

    :raises ValueError: The world does not know what is asked for, or the folder is not ours.
    """
    from segformer_ros import run_folder
    from segformer_ros.draw import contact_sheet
    from segformer_ros.files.images import encode_png

    if args.max_frames < 1:
        raise ValueError(f'--max-frames must be at least 1, not {args.max_frames}')
    sys.stdout.write('preparing the world; the first start compiles it, some 20 s\n')
    sys.stdout.flush()
    if args.split is not None:
        return _write_dataset(args)
    settings = {name: value for name, value in vars(args).items() if name not in {'run', 'out'}}
    settings.pop('debug', None)
    run_folder.claim(args.out, {'command': 'world', **settings})
    sheet = []
    for index, frame in enumerate(_shown(args)):
        for kind, picture in _pictures(frame).items():
            run_folder.write_bytes(args.out / f'{index:03}_{kind}.png', encode_png(picture))
        sheet.append(_side_by_side(frame))
    path = args.out / 'contact_sheet.png'
    run_folder.write_bytes(path, encode_png(contact_sheet(sheet, 2)))
    sys.stdout.write(f'{args.max_frames} frames in {args.out}, all of them in {path}\n')
    return 0


def _write_dataset(args: argparse.Namespace) -> int:
    from segformer_ros.drive_dataset.folder import DatasetFolder
    from segformer_ros.labels import CARLA_0914

    dataset = DatasetFolder(args.out, CARLA_0914)
    kind = 'random' if args.random else 'street'
    name = '_'.join([kind, *([args.variety] if args.variety != 'plain' else []), str(args.seed)])
    dataset.check(args.split, name)
    route = dataset.add(args.split, name, _route(args))
    sys.stdout.write(
        f'{route.split}/{route.name}: {route.frames} frames in the dataset {args.out}; '
        f'{args.out / "index.html"} shows it\n'
    )
    return 0


def _route(args: argparse.Namespace) -> Iterator[DriveFrame]:
    from segformer_ros.drive_dataset.recording import DriveFrame

    for frame in _shown(args):
        known = frame.intrinsics
        k = (known.fx, 0.0, known.cx, 0.0, known.fy, known.cy, 0.0, 0.0, 1.0)
        stamp_ns = round(frame.time_s * 1e9)
        yield DriveFrame(stamp_ns, frame.image, frame.labels, frame.depth, k, None)


def _shown(args: argparse.Namespace) -> Iterator[Frame]:
    """Render the frames, with the progress of it."""
    with Progress('rendering', args.max_frames) as progress:
        for frame in _frames(args):
            yield frame
            progress.update()


def _frames(args: argparse.Namespace) -> Iterator[Frame]:
    from segformer_ros.world import CameraRig, random_frame, render, Scene

    if args.random:
        seeds = range(args.seed, args.seed + args.max_frames)
        for seed in seeds:
            yield random_frame(seed, args.width, args.height, args.variety)
        return
    scene = Scene(
        args.seed, time_of_day=args.time_of_day, weather=args.weather, variety=args.variety
    )
    rig = CameraRig(width=args.width, height=args.height)
    for index in range(args.max_frames):
        yield render(scene, rig, index * args.every)


def _pictures(frame: Frame) -> dict[str, Image]:
    from segformer_ros.draw import colorize, colorize_depth
    from segformer_ros.labels import CARLA_0914

    return {
        'image': frame.image,
        'labels': colorize(frame.labels, CARLA_0914.palette()),
        'depth': colorize_depth(frame.depth),
    }


def _side_by_side(frame: Frame) -> Image:
    from segformer_ros.draw import side_by_side
    from segformer_ros.labels import CARLA_0914

    return side_by_side(frame.image, frame.labels, frame.depth, CARLA_0914.classes)
