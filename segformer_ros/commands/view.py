# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer view`: results in the browser, of files or of live topics."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
import hashlib
from pathlib import Path
import sys
import threading
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros.commands.run import (
    add_camera_arguments,
    add_network_arguments,
    check_camera,
    MODEL,
)
from segformer_ros.commands.truth_arguments import add_truth_arguments, TRUTH_OPTIONS
from segformer_ros.commands.unused_options import refuse
from segformer_ros.labels import DISTINCT, PALETTES
from segformer_ros.progress import Progress

HELP = 'show a bag, a video, images or live topics in the browser'

_LOOK_S = 0.5
_SERVER = ('--address', '--port', '--memory')
_ENGINE = ('--model', '--backend', '--precision', '--threads')
_CAMERA = ('--focal-length', '--camera-fov')
_BAG = ('--topic', '--camera-info')
_EPILOG = """
what is shown, all at the time that is scrubbed to:
  the camera with its labels; labels with class names; depth in metres, and its
  confidence where there is one; a cloud of points by class with the camera in it;
  latency and dropped frames; ground truth next to the labels and the depth where a bag
  has it

Results that exist are shown: those in a bag, or those of `segformer run` when DIR is given
as input. What has none goes through the network, as that run would have put it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
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
        'shows the images to everybody who reaches it: there is no password',
    )
    parser.add_argument(
        '--port',
        type=int,
        default=9090,
        help='TCP port of the page; another one is taken where it is in use (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--memory',
        type=int,
        default=1024,
        metavar='MB',
        help='megabytes that are kept to scrub through (default: %(default)s)',
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
    _refuse_unused(args)
    sdk.load()
    if args.topics is not None:
        return _run_live(args)
    if args.input.suffix == '.rrd':
        return _show_recording(args)
    from segformer_ros.viewer import session
    from segformer_ros.viewer.server import Server

    with ExitStack() as stack:
        source, predictor = _open(args)
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


def _refuse_unused(args: argparse.Namespace) -> None:
    """
    Look for options that have no effect on what is shown.

    :raises ValueError: There is one.
    """
    if args.save is not None:
        refuse(args, add_arguments, _SERVER, 'is for the page, which --save does not serve')
    if args.topics is not None:
        unused = (*_ENGINE, '--focal-length')
        refuse(args, add_arguments, unused, 'does not apply to live topics, which have results')
        return
    reason = 'applies to --topics: of files the confidence of depth is shown in any case'
    refuse(args, add_arguments, ('--depth-confidence',), reason)
    if args.input.suffix == '.rrd':
        shown = ('--max-width', '--palette', *_ENGINE, *_CAMERA, *_BAG, *TRUTH_OPTIONS)
        refuse(args, add_arguments, shown, 'does not apply to a recording, which is shown as is')


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


def _open(args: argparse.Namespace) -> tuple[Any, Any]:
    """
    Find out what the input is.

    :raises ValueError: It is nothing that can be shown.
    """
    from segformer_ros.files import images
    from segformer_ros.inference.pipeline import Pipeline
    from segformer_ros.viewer import source
    from segformer_ros.viewer.predictor import Predictor

    path: Path = args.input
    if not path.exists():
        raise ValueError(f'expected an image, a folder, a video or a bag, found nothing at {path}')
    run = source.Run.read(path) if path.is_dir() else None
    model = _model(args, run)
    load = partial(
        Pipeline.load,
        model,
        backend=_of_run(args, run, 'backend', 'auto'),
        threads=args.threads,
        precision=_of_run(args, run, 'precision', 'float32'),
    )
    predictor = Predictor(model, load, _request(args, run))
    origin, results = (path, None) if run is None else (run.input, run.results())
    if _is_bag(origin):
        return _open_bag(args, origin, run, predictor), predictor
    if origin.suffix == '.bag':
        raise ValueError(f'{origin} is a ROS 1 bag: convert it with rosbags-convert first')
    unused = (*_BAG, *TRUTH_OPTIONS)
    refuse(args, add_arguments, unused, f'applies to bags and live topics; {origin} is no bag')
    kind = source.of_images if origin.is_dir() or images.is_image(origin) else source.of_video
    return kind(origin, predictor, results), predictor


def _model(args: argparse.Namespace, run: Any) -> str:
    """
    Name the network: that of the results, if there are some.

    :raises ValueError: Another one was asked for.
    """
    known = None if run is None else run.settings.get('model')
    if known is None or args.model is None:
        return str(known or args.model or MODEL)
    manifest = bundles.find(args.model) / 'manifest.json'
    if hashlib.sha256(manifest.read_bytes()).hexdigest() != run.settings.get('model_sha256'):
        raise ValueError(
            f'{run.folder} has the results of {known}: leave --model out, or view {run.input} '
            f'with --model {args.model}'
        )
    # The same network, wherever it lies now.
    return str(args.model)


def _of_run(args: argparse.Namespace, run: Any, name: str, default: str) -> str:
    """Return what was asked for, or else what the run was made with."""
    given = getattr(args, name)
    known = default if run is None else run.settings.get(name, default)
    return str(known if given == default else given)


def _request(args: argparse.Namespace, run: Any) -> Any:
    """Ask as the run did; the camera can be given again."""
    from segformer_ros.viewer.predictor import Request

    request = Request() if run is None else Request.of_run(run.settings)
    if args.focal_length is None and not args.camera_fov:
        return request
    return replace(request, focal_px=args.focal_length, camera_fov_deg=args.camera_fov)


def _is_bag(path: Path) -> bool:
    from segformer_ros.bags.rosbag import is_bag

    return is_bag(path)


def _open_bag(args: argparse.Namespace, path: Path, run: Any, predictor: Any) -> Any:
    from segformer_ros.viewer.bag_source import BagView, of_bag

    topics, infos = ([], []) if run is None else _cameras_of(run)
    view = BagView(
        cameras=tuple(args.topic or topics),
        camera_infos=tuple(args.camera_info or ([] if args.topic else infos)),
        results=None if run is None else run.bag,
        role_name=args.role_name,
        label_sensor=args.label_sensor,
        depth_sensor=args.depth_sensor,
        coding=args.coding,
        tag_table=args.tag_table,
    )
    return of_bag(path, view, predictor)


def _cameras_of(run: Any) -> tuple[list[str], list[str]]:
    """Name the topics that a run was made of, and those of camera_info where it was told them."""
    topics, infos = (run.settings.get(name, []) for name in ('topics', 'camera_infos'))
    beside = [
        f'{name.removesuffix("/compressed").rpartition("/")[0]}/camera_info' for name in topics
    ]
    return topics, [] if infos == beside else infos


def _run_live(args: argparse.Namespace) -> int:
    """
    Run viewer_node in this process.

    :raises RuntimeError: ROS 2 is not there.
    """
    from importlib.util import find_spec
    import json

    if find_spec('rclpy') is None:
        raise RuntimeError('live topics need ROS 2: source it, or make setup')
    from segformer_ros.nodes import viewer_node

    values = {
        'cameras': args.topics or [''],
        'address': args.address,
        'port': args.port,
        'memory_mb': args.memory,
        'max_width': args.max_width,
        'palette': args.palette,
        'depth_confidence': args.depth_confidence,
        'save': '' if args.save is None else str(args.save),
        'camera_fov_deg': args.camera_fov,
        'role_name': args.role_name,
        'label_sensor': args.label_sensor,
        'depth_sensor': args.depth_sensor,
        'coding': args.coding,
        'tag_table': args.tag_table,
    }
    words = ['--ros-args']
    for name, value in values.items():
        words += ['-p', f'{name}:={json.dumps(value)}']
    for name, topic in _live_topics(args).items():
        words += ['-r', f'{name}:={topic}']
    return viewer_node.main(words)


def _live_topics(args: argparse.Namespace) -> dict[str, str]:
    """
    Name the topics of cameras that have not the names of their namespace.

    :raises ValueError: There are more or fewer of them than cameras.
    """
    cameras = args.topics or ['']
    for option, given in (('--topic', args.topic), ('--camera-info', args.camera_info)):
        if given and len(given) != len(cameras):
            raise ValueError(
                f'expected {option} once for each of {len(cameras)} cameras, found it '
                f'{len(given)} times'
            )
    topics = {}
    for index, camera in enumerate(cameras):
        place = f'{camera.rstrip("/")}/' if camera else ''
        if args.topic:
            topics[f'{place}image'] = args.topic[index]
            beside = args.topic[index].rpartition('/')[0]
            topics[f'{place}camera_info'] = f'{beside}/camera_info'
        if args.camera_info:
            topics[f'{place}camera_info'] = args.camera_info[index]
    return topics
