# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the results of `segformer label` go, and what decides them: networks, backend, options."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from segformer_ros import bundle as bundles
from segformer_ros.commands.run_options import check_depth_confidence_arguments, options
from segformer_ros.fleet import inputs
from segformer_ros.fleet.delivery import Delivery, STATE
from segformer_ros.fleet.settings import Settings
from segformer_ros.inference import backend_choice
from segformer_ros.run_folder import SETTINGS


def delivery_of(args: argparse.Namespace) -> Delivery | None:
    """
    Let args.out be a folder of this machine.

    :returns: What sends the results from there; None: they stay.
    :raises ValueError: --out and --work do not fit.
    """
    args.destination = args.out
    if not args.out.strip():
        raise ValueError('expected a folder or an address for --out, found an empty text')
    if not inputs.is_address(args.out):
        args.out = Path(args.out)
        if args.work is not None:
            raise ValueError(f'--work applies to --out with an address, not to {args.out}')
        if (args.out / STATE).is_file():
            raise ValueError(
                f'{args.out} has the state of results in a store: name it with --work, and the '
                'store with --out'
            )
        return None
    if args.out.startswith('http'):
        raise ValueError(f'expected a folder, s3:// or gs:// for --out, found {args.out}')
    store, _, place = args.out.partition('://')
    if not place.strip('/'):
        raise ValueError(
            f'expected an address such as {store}://BUCKET/FOLDER for --out, found {args.out}'
        )
    if args.work is None:
        raise ValueError(
            f'--out {args.out} needs --work DIR, a folder of this machine for the state and for '
            'results that are not sent yet'
        )
    address = args.out.rstrip('/')
    for text in args.inputs:
        if f'{address}/'.startswith(f'{text.rstrip("/")}/'):
            raise ValueError(f'{args.out} lies in {text}: results would become input')
    args.out = args.work
    return Delivery(args.work, address)


def settings_of(args: argparse.Namespace) -> Settings:
    """
    Collect what decides the results, and name the backend that all workers take.

    :raises RuntimeError: The network cannot be loaded.
    """
    bundle = bundles.read(bundles.find(args.model))
    tasks = bundle.manifest.tasks
    if args.format != 'run' and bundle.manifest.results() == (bundles.RELATIVE,):
        raise ValueError(
            f'{bundle.manifest.name} gives relative depth alone, which has no metres to train '
            'from: put it together with a network of labels, or use --format run'
        )
    if args.only is not None and args.only not in tasks:
        name = bundle.manifest.name
        raise ValueError(f'{name} is for {" and ".join(tasks)}, not for {args.only}')
    if bundle.manifest.depth_range_m is not None and args.only != 'segmentation':
        options(args).limits_m(bundle.manifest.depth_range_m)
    check_depth_confidence_arguments(args, bundle.manifest)
    second = _second(args, bundle) if args.second else None
    return Settings(
        model=str(bundle.path.resolve()),
        backend=_backend(args, bundle),
        model_sha256=_sha256(bundle),
        focal_px=args.focal_length,
        camera_fov_deg=args.camera_fov,
        depth_format=args.depth_format or '',
        topics=tuple(args.topic),
        camera_infos=tuple(args.camera_info),
        bag_format=args.bag_format,
        ros_distro=args.ros_distro,
        output='run' if args.format == 'run' else 'samples',
        rate_hz=args.rate,
        distance_m=args.distance,
        odometry=args.odometry,
        flicker=args.select == 'flicker',
        soft_labels=args.soft_labels,
        second='' if second is None else str(second.path.resolve()),
        second_sha256='' if second is None else _sha256(second),
        inference=options(args),
    )


def _sha256(bundle: bundles.Bundle) -> str:
    return hashlib.sha256(bundle.file('manifest.json').read_bytes()).hexdigest()


def _second(args: argparse.Namespace, bundle: bundles.Bundle) -> bundles.Bundle:
    """
    Read the network that the labels are compared with.

    :raises ValueError: There is nothing to compare.
    """
    second = bundles.read(bundles.find(args.second))
    names = [{item.name for item in found.manifest.classes} for found in (bundle, second)]
    if not names[0] & names[1]:
        raise ValueError(
            f'expected classes of the same name in {bundle.manifest.name} and '
            f'{second.manifest.name} to compare their labels, found none'
        )
    return second


def _backend(args: argparse.Namespace, bundle: bundles.Bundle) -> str:
    """
    Return the backend that `run` takes here, or the one that the folder was begun with.

    :raises RuntimeError: It cannot load the network here.
    :raises ValueError: There is no backend of this name.
    """
    begun = args.out / SETTINGS
    if begun.is_file():
        name = json.loads(begun.read_bytes()).get('backend')
        if args.backend == 'auto' and name in backend_choice.NAMES:
            return str(name)
    step = args.backend
    # Both networks of a bundle of two: the name holds for all workers and all networks.
    for part in bundle.parts():
        loaded = backend_choice.load(step, part, precision=args.precision)
        loaded.backend.close()
        step = loaded.step
    return str(step)
