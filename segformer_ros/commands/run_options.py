# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options of `segformer run`, which other commands share: network, task, camera, bags."""

from __future__ import annotations

import argparse

from segformer_ros import frame_rules
from segformer_ros.bundle import Manifest
from segformer_ros.inference.backend_table import LISTING, PRECISIONS
from segformer_ros.inference.depth_confidence import check_depth_confidence, states_confidence
from segformer_ros.inference.pipeline import Options
from segformer_ros.inference.results import IMAGE_ROTATIONS, SKY_DEPTHS
from segformer_ros.inference.road_scale import read_scale, ScaleOptions
from segformer_ros.inference.schedule import SCHEDULES
from segformer_ros.inference.temporal import TEMPORAL
from segformer_ros.labels import DISTINCT, PALETTES

MODEL = 'road_b0'
"""The network where none is named."""


def add_network_arguments(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, *, of_results: bool = False
) -> None:
    """
    Declare the network, what computes it, and what is known of the camera.

    :param of_results: Whether the input may be results that name their network: model is None then
        where it is not given.
    """
    own = f'{MODEL}, or the one of the results' if of_results else MODEL
    parser.add_argument(
        '--model',
        default=None if of_results else MODEL,
        help=f'name or folder of a network (default: {own})',
    )
    add_backend_argument(parser)
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='float32',
        help='precisions that auto may use: float32 only (default), or any',
    )
    parser.add_argument(
        '--threads', type=int, default=0, help='number of inference threads (default: 0, all CPUs)'
    )
    parser.add_argument(
        '--schedule',
        choices=SCHEDULES,
        default='auto',
        help='order of two networks in one bundle: one after the other, on two threads, or '
        'whichever is faster in the first frames (default: %(default)s)',
    )
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument(
        '--focal-length',
        type=float,
        metavar='PX',
        help='focal length of the camera, in pixels of the images',
    )
    camera.add_argument(
        '--camera-fov',
        type=float,
        default=0.0,
        metavar='DEG',
        help='horizontal field of view of the camera, in degrees',
    )


def add_backend_argument(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Declare what computes the network."""
    parser.add_argument(
        '--backend',
        default='auto',
        metavar='NAME',
        help=f'inference backend: {LISTING} (default: %(default)s)',
    )


def check_camera(args: argparse.Namespace) -> None:
    """
    Check what add_network_arguments takes of the camera, before anything is loaded.

    :raises ValueError: A number is out of range.
    """
    frame_rules.calibrate(None, (1, 1), camera_fov_deg=args.camera_fov, focal_px=args.focal_length)


def _scale(text: str) -> ScaleOptions:
    try:
        return read_scale(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the network is asked for."""
    parser.add_argument('--only', choices=('segmentation', 'depth'), help='compute one task only')
    parser.add_argument(
        '--confidence', action='store_true', help='also write the confidence of the labels'
    )
    parser.add_argument(
        '--min-depth',
        type=float,
        metavar='M',
        help='minimum depth in metres; smaller values become unknown',
    )
    parser.add_argument(
        '--max-depth',
        type=float,
        metavar='M',
        help='maximum depth in metres; larger values become unknown',
    )
    parser.add_argument(
        '--sky-depth',
        choices=SKY_DEPTHS,
        default='nan',
        help='depth written for sky pixels (default: %(default)s)',
    )


def add_depth_format(parser: argparse.ArgumentParser, option: str) -> None:
    """Declare the file format of depth."""
    parser.add_argument(
        option,
        choices=('npy', 'png16'),
        help='file format of depth: png16, 16-bit millimetres up to 65.535 m, or npy, float32 '
        'metres; in a bag 16UC1 or 32FC1 (default: png16, in a bag npy)',
    )


def add_depth_confidence_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is done with the confidence of depth."""
    parser.add_argument(
        '--depth-confidence',
        action='store_true',
        help='also write the probability of each depth to be right within a factor of 1.25',
    )
    parser.add_argument(
        '--min-depth-confidence',
        type=float,
        default=0.0,
        metavar='P',
        help='minimum depth confidence, 0 to 1; depths below it become unknown (default: 0)',
    )


def options(args: argparse.Namespace) -> Options:
    """
    Take what the network is asked for from the arguments.

    :raises ValueError: The values contradict each other.
    """
    if args.only == 'depth' and args.confidence:
        raise ValueError('--confidence is of the labels: leave it out with --only depth')
    for option, value in (
        ('--min-depth', args.min_depth is not None),
        ('--max-depth', args.max_depth is not None),
        ('--sky-depth', args.sky_depth != 'nan'),
        ('--min-depth-confidence', getattr(args, 'min_depth_confidence', 0.0)),
    ):
        if args.only == 'segmentation' and value:
            raise ValueError(f'{option} is of depth: leave it out with --only segmentation')
    return Options(
        segmentation=args.only != 'depth',
        depth=args.only != 'segmentation',
        confidence=args.confidence,
        min_depth_m=args.min_depth,
        max_depth_m=args.max_depth,
        sky_depth=args.sky_depth,
        image_rotation=getattr(args, 'image_rotation', 0),
        depth_confidence=getattr(args, 'depth_confidence', False),
        min_depth_confidence=getattr(args, 'min_depth_confidence', 0.0),
    )


def check_depth_confidence_arguments(args: argparse.Namespace, manifest: Manifest) -> None:
    """
    Check whether a network states what is asked for.

    :raises ValueError: It does not.
    """
    only = args.only
    if args.depth_confidence and (only == 'segmentation' or not states_confidence(manifest)):
        raise ValueError(
            'expected a network with a confidence of depth for --depth-confidence, '
            f'{manifest.name} has none, or depth is not computed: leave the option out'
        )
    check_depth_confidence(manifest, options(args))


def add_result_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is made of each image, and which images are read."""
    add_task_arguments(parser)
    add_depth_confidence_arguments(parser)
    add_depth_format(parser, '--format')
    parser.add_argument(
        '--scale-by',
        type=_scale,
        metavar='camera_height=M[,camera_pitch=DEG]',
        help='scale depth by the pixels labelled road, with the height of the camera above it in '
        'metres, and the angle by which it looks down (needed for relative inverse depth); the '
        'camera must be known',
    )
    parser.add_argument(
        '--image-rotation',
        type=int,
        choices=IMAGE_ROTATIONS,
        default=0,
        help='degrees by which images have to be turned clockwise to be upright, for a camera '
        'that is mounted rotated (default: %(default)s)',
    )
    parser.add_argument(
        '--temporal',
        choices=TEMPORAL,
        default='off',
        help='smooth labels, or labels and depth (both), of videos and bags from frame to frame '
        '(default: %(default)s)',
    )
    parser.add_argument('--no-overlay', action='store_true', help='do not write overlays')
    parser.add_argument(
        '--palette',
        choices=PALETTES,
        default=DISTINCT,
        help='colours of the classes in overlays: distinct (can be told apart by colour-blind '
        'readers), network (those of the network), carla or cityscapes (default: %(default)s)',
    )
    parser.add_argument('--max-frames', type=int, metavar='N', help='stop after N frames')
    parser.add_argument(
        '--strict', action='store_true', help='exit with 1 if any frame cannot be read'
    )


def add_camera_arguments(bag: argparse._ArgumentGroup) -> None:
    """Declare which images of a bag are meant."""
    bag.add_argument(
        '--topic',
        action='append',
        default=[],
        help='image topic; may be repeated (default: the only colour images; ground truth of '
        'CARLA does not count)',
    )
    bag.add_argument(
        '--camera-info',
        action='append',
        default=[],
        metavar='TOPIC',
        help='camera_info topic, one per camera (default: the one next to the images)',
    )


def add_bag_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare what is read of a bag, and how a new one is written."""
    bag = parser.add_argument_group('options for bags')
    add_camera_arguments(bag)
    bag.add_argument(
        '--bag-format',
        choices=('sqlite3', 'mcap'),
        default='sqlite3',
        help='storage format of the new bag (default: %(default)s)',
    )
    bag.add_argument(
        '--ros-distro',
        default='',
        metavar='NAME',
        help='ROS 2 distribution of the recording, if the bag does not contain its message types: '
        'jazzy, kilted, lyrical or humble (default: the sourced one, or else jazzy)',
    )
    return bag
