# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `segformer view` shows of an input: results that exist, or a network that makes them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
import hashlib
from pathlib import Path
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros.commands.run_options import MODEL
from segformer_ros.commands.truth_arguments import TRUTH_OPTIONS
from segformer_ros.commands.unused_options import refuse
from segformer_ros.commands.view_options import BAG_OPTIONS, declare


def open_input(args: argparse.Namespace) -> tuple[Any, Any]:
    """
    Find out what the input is.

    :raises ValueError: It is nothing that can be shown.
    """
    from segformer_ros.bags.storage import written_for
    from segformer_ros.files import images
    from segformer_ros.inference.pipeline import Pipeline
    from segformer_ros.viewer import source
    from segformer_ros.viewer.predictor import Predictor

    path: Path = args.input
    if not path.exists():
        found = f'found nothing at {path}{written_for(path)}'
        raise ValueError(f'expected an image, a folder, a video or a bag, {found}')
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
    unused = (*BAG_OPTIONS, *TRUTH_OPTIONS)
    refuse(args, declare, unused, f'applies to bags and live topics; {origin} is no bag')
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
