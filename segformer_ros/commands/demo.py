# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer demo: all of it at work, for someone who has never seen it."""

from __future__ import annotations

import argparse
from pathlib import Path
import signal
import sys
from types import FrameType

HELP = 'show everything working, without a camera or a simulator'

_RATE_HZ = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--input', type=Path, metavar='FILE', help='your video, not the world')
    parser.add_argument(
        '--out', type=Path, default=Path('demo_output'), help='default: demo_output'
    )
    parser.add_argument('--seconds', type=float, default=30.0, help='longest drive (default: 30)')
    parser.add_argument('--model', default='world_b0', help='name or path of a bundle')
    parser.add_argument('--seed', type=int, default=3, help='which street (default: 3)')


def run(args: argparse.Namespace) -> int:
    """
    Run the demonstration.

    :raises ProcessError: A process fails, or no result comes.
    """
    from segformer_ros.demo.display import Display
    from segformer_ros.demo.scenario import world_scenario
    from segformer_ros.demo.show import Outputs, show_world

    if args.seconds <= 0.0:
        raise ValueError(f'--seconds must be positive, not {args.seconds}')
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    display, outputs = Display(sys.stdout), Outputs(args.out)
    scenario = world_scenario(seed=args.seed, rate_hz=_RATE_HZ, width=512, height=256)
    show_world(
        scenario, outputs, display, model=args.model, seconds=args.seconds, rate_hz=_RATE_HZ
    )
    display.line('Next: make demo INPUT=drive.mp4 does the same with a video of yours.')
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End like Ctrl-C, with all processes."""
    raise KeyboardInterrupt
