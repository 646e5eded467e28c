# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options of `segformer view`, and which of them an input has no use for."""

from __future__ import annotations

import argparse
from pathlib import Path

from segformer_ros.commands.run_options import (
    add_camera_arguments,
    add_network_arguments,
)
from segformer_ros.commands.truth_arguments import add_truth_arguments, TRUTH_OPTIONS
from segformer_ros.commands.unused_options import refuse
from segformer_ros.labels import DISTINCT, PALETTES

BAG_OPTIONS = ('--topic', '--camera-info')
_SERVER = ('--address', '--port', '--memory')
_ENGINE = ('--model', '--backend', '--precision', '--threads')
_CAMERA = ('--focal-length', '--camera-fov')


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        'input',
        nargs='?',
        type=Path,
        help='rosbag2 (folder, .mcap, .db3), video, image, folder of images, DIR of segformer '
        'run, or .rrd that --save wrote',
    )
    what.add_argument(
        '--topics',
        nargs='*',
        metavar='CAMERA',
        help='show live topics; CAMERA is the namespace of the results, one or several (default: '
        'none)',
    )
    parser.add_argument(
        '--depth-confidence',
        action='store_true',
        help='also show the confidence of depth of live topics, which the network computes only '
        'for a subscriber; of files it is shown in any case',
    )
    parser.add_argument(
        '--save',
        type=Path,
        metavar='FILE.rrd',
        help='write a recording for `segformer view FILE.rrd`, and serve no page',
    )
    parser.add_argument(
        '--address',
        default='127.0.0.1',
        metavar='IP',
        help='interface to serve on (default: %(default)s, this computer alone); any other one '
        'shows the images to everyone who can reach it: there is no password',
    )
    parser.add_argument(
        '--port',
        type=int,
        default=9090,
        help='TCP port of the page; if it is in use, another one is taken (default: %(default)s)',
    )
    parser.add_argument(
        '--memory',
        type=int,
        default=1024,
        metavar='MB',
        help='maximum memory for going back in time, in megabytes (default: %(default)s)',
    )
    parser.add_argument(
        '--max-width',
        type=int,
        default=0,
        metavar='PX',
        help='leave out rows and columns so that images are no wider (default: 0, show every '
        'pixel)',
    )
    parser.add_argument(
        '--palette',
        choices=PALETTES,
        default=DISTINCT,
        help='colours of the classes: distinct (can be told apart by colour-blind readers), '
        'network (those of the network), carla or cityscapes (default: %(default)s)',
    )
    network = parser.add_argument_group('network, where there are no results')
    add_network_arguments(network, of_results=True)
    add_camera_arguments(parser.add_argument_group('options for bags'))
    add_truth_arguments(parser.add_argument_group('ground truth'))


def refuse_unused(args: argparse.Namespace) -> None:
    """
    Look for options that have no effect on what is shown.

    :raises ValueError: There is one.
    """
    if args.save is not None:
        refuse(args, declare, _SERVER, 'is for the page, which --save does not serve')
    if args.topics is not None:
        unused = (*_ENGINE, '--focal-length')
        refuse(args, declare, unused, 'does not apply to live topics, which have results')
        return
    reason = 'applies to --topics: of files the confidence of depth is shown in any case'
    refuse(args, declare, ('--depth-confidence',), reason)
    if args.input.suffix == '.rrd':
        shown = ('--max-width', '--palette', *_ENGINE, *_CAMERA, *BAG_OPTIONS, *TRUTH_OPTIONS)
        refuse(args, declare, shown, 'does not apply to a recording, which is shown as is')
