# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer view`: results in the browser, of files or of live topics."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
import sys
import threading
from typing import Any

from segformer_ros.commands.run_options import check_camera
from segformer_ros.commands.view_live import run_live
from segformer_ros.commands.view_options import declare, refuse_unused
from segformer_ros.commands.view_source import open_input
from segformer_ros.progress import Progress

HELP = 'show a bag, a video, images or live topics in the browser'

_LOOK_S = 0.5
_EPILOG = """
what is shown, all at the selected time:
  the camera with its labels; labels with class names; depth in metres, and its
  confidence if there is one; a cloud of points by class with the camera in it;
  latency and dropped frames; ground truth next to the labels and the depth if a bag
  has it

Existing results are shown: those in a bag, or those of `segformer run` if DIR is the
input. Frames without results go through the network, with the settings of that run.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    declare(parser)


def run(args: argparse.Namespace) -> int:
    """
    Show the input until Ctrl-C, or write the recording.

    :raises ViewerError: The viewer is not installed, or its server ends.
    :raises ValueError: The input or an argument has no sense.
    """
    from segformer_ros.viewer import sdk

    if args.max_width < 0:
        raise ValueError(f'--max-width must be 0 or more, not {args.max_width}')
    check_camera(args)
    refuse_unused(args)
    sdk.load()
    if args.topics is not None:
        return run_live(args)
    if args.input.suffix == '.rrd':
        return _show_recording(args)
    from segformer_ros.viewer import session
    from segformer_ros.viewer.server import Server

    with ExitStack() as stack:
        source, predictor = open_input(args)
        stack.callback(predictor.close)
        if args.save is not None:
            count = _send(args, source, stack.enter_context(session.saved(args.save)))
            sys.stdout.write(f'{count} frames -> {args.save}\n')
            return 0
        server = stack.enter_context(Server(args.address, args.port, args.memory))
        recording = stack.enter_context(session.served(server))
        _say(f'open {server.page}')
        count = _send(args, source, recording)
        recording.flush()
        _say(f'{count} frames are shown; Ctrl-C ends')
        _wait(server)
    return 0


def _show_recording(args: argparse.Namespace) -> int:
    """Show a file that was saved."""
    from segformer_ros.viewer.server import Server

    if args.save is not None:
        raise ValueError(f'{args.input} is a recording already: leave --save out')
    if not args.input.is_file():
        raise ValueError(f'expected a recording, found nothing at {args.input}')
    with Server(args.address, args.port, args.memory, args.input) as server:
        _say(f'open {server.page}')
        _wait(server)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


def _wait(server: Any) -> None:
    """Wait for Ctrl-C, or for the end of the server, which is an error."""
    while True:
        server.check()
        threading.Event().wait(_LOOK_S)


def _send(args: argparse.Namespace, source: Any, recording: Any) -> int:
    """Log every frame, while the next one is read and computed."""
    from segformer_ros.side_thread import Behind
    from segformer_ros.viewer.scene import Scene, SceneOptions

    options = SceneOptions(
        timeline=source.timeline,
        max_width=args.max_width,
        true_classes=source.true_classes,
        palette=args.palette,
        cameras=source.cameras,
    )
    scene = Scene(recording, source.classes, options)
    count = 0
    with Behind(2) as behind, Progress('sending', source.total or 0) as progress:
        for frame in source.frames:
            behind.do(scene.log, frame)
            count += 1
            progress.update()
    if not count:
        raise ValueError(f'expected images in {args.input}, found none')
    return count
