# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer demo: all of it at work, for someone who has never seen it."""

from __future__ import annotations

import argparse
from pathlib import Path
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segformer_ros.demo.display import Display
    from segformer_ros.demo.show import Show

HELP = 'run everything once, without a camera or a simulator'

_RATE_HZ = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--input', type=Path, metavar='FILE', help='use this video instead of the built-in world'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('demo_output'),
        help='output folder (default: demo_output)',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=30.0,
        help='maximum duration of the drive, in seconds (default: 30)',
    )
    parser.add_argument(
        '--model', help='name or path of a bundle (default: world_b0_slim, road_b0 for a video)'
    )
    parser.add_argument('--seed', type=int, default=3, help='seed of the street (default: 3)')
    parser.add_argument(
        '--camera-fov',
        type=float,
        default=0.0,
        help='horizontal field of view of the video, in degrees',
    )
    parser.add_argument(
        '--view', action='store_true', help='show the drive in the browser too (docs/viewer.md)'
    )


def run(args: argparse.Namespace) -> int:
    """
    Run the demonstration.

    :raises BundleError: There is no such network, or it is damaged.
    :raises ProcessError: A process fails, or no result comes.
    :raises ValueError: An argument has no sense, or the video is none.
    """
    from segformer_ros import bundle
    from segformer_ros.demo.display import Display

    if args.view:
        from segformer_ros.viewer import sdk

        sdk.load()
    if args.seconds <= 0.0:
        raise ValueError(f'--seconds must be positive, not {args.seconds}')
    args.model = args.model or default_model(args)
    bundle.read(bundle.find(args.model))
    # A terminal that is closed ends all processes too.
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    display = Display(sys.stdout)
    if args.input is None:
        _world(args).run(display)
        display.line('Next: make demo INPUT=drive.mp4 does the same with a video of yours.')
    else:
        _video(args, display).run(display)
        display.line(
            f'Next: .venv/bin/segformer run {args.input} --out results takes every frame and '
            'writes labels and depth as files.'
        )
    return 0


def default_model(args: argparse.Namespace) -> str:
    """Name the network for what is shown: real roads, or the built-in world."""
    return 'road_b0' if args.input else 'world_b0_slim'


def _world(args: argparse.Namespace) -> Show:
    from segformer_ros.demo.scenario import world_scenario
    from segformer_ros.demo.show import Outputs, Show

    scenario = world_scenario(seed=args.seed, rate_hz=_RATE_HZ, width=512, height=256)
    return Show(scenario, Outputs(args.out), args.model, args.seconds, _RATE_HZ, view=args.view)


def _video(args: argparse.Namespace, display: Display) -> Show:
    from segformer_ros.demo.input_video import probe, trained_camera_fov_deg
    from segformer_ros.demo.scenario import video_scenario
    from segformer_ros.demo.show import Outputs, Show

    video = probe(args.input)
    camera_fov_deg = args.camera_fov or trained_camera_fov_deg(args.model, video)
    display.line(
        f'{video.path.name}: {video.width}x{video.height} at {video.rate_hz:.4g} frames/s, '
        f'{video.duration_s:.0f} s'
    )
    if video.duration_s > args.seconds:
        display.line(f'The first {args.seconds:g} s are played; --seconds changes that.')
    if not args.camera_fov and camera_fov_deg:
        display.line(
            f'The field of view is not known; depth is right for {camera_fov_deg:.0f} degrees, '
            'and --camera-fov changes that.'
        )
    scenario = video_scenario(video.path, camera_fov_deg=camera_fov_deg)
    outputs = Outputs(args.out)
    return Show(scenario, outputs, args.model, args.seconds, video.rate_hz, video.path, args.view)
