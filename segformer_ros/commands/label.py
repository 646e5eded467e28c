# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer label`: many bags, videos and folders through the network, by several workers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
import os
from pathlib import Path
import sys
from time import perf_counter
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros import run_folder
from segformer_ros.commands.label_options import (
    add_ray_arguments,
    add_sample_arguments,
    check,
)
from segformer_ros.commands.label_settings import delivery_of, settings_of
from segformer_ros.commands.run_options import (
    add_bag_arguments,
    add_depth_confidence_arguments,
    add_depth_format,
    add_network_arguments,
    add_task_arguments,
)
from segformer_ros.fleet import inputs, remote, report, training_set
from segformer_ros.fleet.delivery import Delivery
from segformer_ros.fleet.driver import Driver, Rules
from segformer_ros.fleet.inputs import BAG, Input
from segformer_ros.fleet.manifest import FILE, Manifest
from segformer_ros.fleet.pool import LocalPool, Runner
from segformer_ros.fleet.records import DONE, FAILED
from segformer_ros.fleet.settings import Settings
from segformer_ros.labels import LABEL_SETS, LabelSet
from segformer_ros.progress import Progress

HELP = 'label many bags, videos and folders of images with several workers'

_EPILOG = """
INPUTS are rosbag2 recordings, videos, images, folders of any of these (each bag and each
video of a folder is an input, all of its images are one), globs of them, lists
(NAME.txt) with one of them in each line, and addresses (https://, s3://, gs://).

what is written to --out:
  results/NAME/        of each input: what `segformer run` writes, without overlays
  inputs.csv           a row for each input: its state, its results, its frames
  report.json          frames, pixels by class, every failure with its reason
  report.html          the same as a page, with a picture of some inputs
  manifest.sqlite      the state of every input and shard

Start it again with the same arguments to continue: after Ctrl-C, kill -9, a full disk,
or with more inputs. What is done is not computed again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUTS', help='bags, videos, images, folders, globs, lists'
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='DIR',
        help='folder for the results, or address of one in a store (s3://, gs://)',
    )
    parser.add_argument(
        '--work',
        type=Path,
        metavar='DIR',
        help='local folder for the state, if --out is an address',
    )
    add_network_arguments(parser)
    parser.add_argument(
        '--workers',
        type=int,
        default=0,
        metavar='N',
        help='number of worker processes, which share the CPUs (default: 0, one for two CPUs)',
    )
    parser.add_argument(
        '--shard-frames',
        type=int,
        default=Rules.shard_frames,
        metavar='N',
        help='maximum number of frames in a shard of an input (default: %(default)s)',
    )
    parser.add_argument(
        '--tries',
        type=int,
        default=Rules.tries,
        metavar='N',
        help='maximum number of attempts at a shard whose worker dies (default: %(default)s)',
    )
    add_ray_arguments(parser)
    parser.add_argument(
        '--retry-failed', action='store_true', help='retry inputs that an earlier start gave up'
    )
    add_sample_arguments(parser)
    add_task_arguments(parser)
    add_depth_confidence_arguments(parser)
    add_depth_format(parser, '--depth-format')
    add_bag_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """
    Label the inputs.

    :raises ValueError: An input or an argument has no sense, or an input failed.
    :raises RuntimeError: Another process uses the folder, or a disk is full.
    """
    check(args)
    args.inputs = list(inputs.listed(args.inputs))
    delivery = delivery_of(args)
    found = _inputs(args)
    settings = settings_of(args)
    run_folder.claim(args.out, settings.as_dict())
    manifest = Manifest(args.out / FILE)
    try:
        if delivery is not None:
            delivery.claim()
        manifest.begin(args.retry_failed)
        manifest.add(found)
        return _label(args, settings, manifest, delivery)
    finally:
        manifest.close()


def _inputs(args: argparse.Namespace) -> list[Input]:
    out = args.out.resolve()
    found: list[Input] = []
    for text in args.inputs:
        if inputs.is_address(text):
            found += remote.find(text, out)
    here = [text for text in args.inputs if not inputs.is_address(text)]
    for text in inputs.listed(here):
        # Also where it has bags alone: at the next start it would have results too.
        place = Path(text).resolve()
        if place.is_dir() and place in out.parents:
            raise ValueError(f'{args.out} lies in {place}: results would become input')
    # A glob that matched the inputs matches DEST next to them too, once it is there.
    found += [item for item in inputs.find(here) if not item.path.is_relative_to(out)]
    if not found:
        raise ValueError(f'expected inputs elsewhere than in {args.out}, where the results go')
    for option, value in (
        ('--topic', args.topic),
        ('--camera-info', args.camera_info),
        ('--ros-distro', args.ros_distro),
        ('--bag-format', args.bag_format != 'sqlite3'),
    ):
        if value and not any(item.kind == BAG for item in found):
            raise ValueError(f'{option} applies to bags; none of the inputs is a bag')
    return found


def _label(
    args: argparse.Namespace, settings: Settings, manifest: Manifest, delivery: Delivery | None
) -> int:
    start = perf_counter()
    progress = _Progress(manifest)
    driver: Driver | None = None
    # A training set is chosen from the results, which stay here.
    deliver = delivery.send if delivery is not None and args.format == 'run' else _keep
    facts: dict[str, Any] = {
        'model': settings.model,
        'backend': settings.backend,
        'runner': args.runner,
    }
    try:
        with progress, delivery or nullcontext(), _pool(args, settings) as pool:
            rules = Rules(args.shard_frames, args.tries)
            driver = Driver(args.out, manifest, pool, rules, progress.advance, deliver)
            driver.run()
        driver.tidy()
    except KeyboardInterrupt:
        sys.stderr.write(
            f'segformer: stopped after {progress.frames} frames; the same command '
            'continues there\n'
        )
        raise
    finally:
        facts['frames_now'] = progress.frames
        facts['workers'] = [] if driver is None else driver.tally.table()
        facts['workers_died'] = 0 if driver is None else driver.tally.died
        written = report.write_report(
            args.out, manifest, facts | {'seconds': round(perf_counter() - start, 3)}
        )
    made = args.format != 'run' and _write_training_set(args, manifest)
    if delivery is not None:
        if made:
            delivery.replace(training_set.FOLDER, training_set.INDEX)
        delivery.send_files(report.TABLE, report.REPORT, report.PAGE)
    return _conclude(args, written)


def _keep(name: str) -> None:
    """Leave the results of an input where they are."""


@contextmanager
def _pool(args: argparse.Namespace, settings: Settings) -> Iterator[Runner]:
    """Start the workers, and end them with the block."""
    cpus = len(os.sched_getaffinity(0))
    pool: Runner
    if args.runner == 'ray':
        from segformer_ros.fleet.ray_pool import RayPool, Resources

        gpus = args.gpus
        if gpus is None:
            gpus = float(settings.backend.startswith('tensorrt'))
        threads = args.threads or min(cpus, 2)
        pool = RayPool(settings, args.workers, Resources(threads, gpus), args.address)
        if pool.dashboard:
            sys.stderr.write(f'segformer: dashboard of Ray: http://{pool.dashboard}\n')
    else:
        workers = args.workers or max(1, cpus // 2)
        pool = LocalPool(settings, workers, args.threads or max(1, cpus // workers))
    try:
        yield pool
    finally:
        pool.close()


def _write_training_set(args: argparse.Namespace, manifest: Manifest) -> int:
    """Choose samples and write them, where there are any; return how many there are."""
    network = bundles.read(bundles.find(args.model)).manifest
    labels = 'segmentation' in network.tasks and args.only != 'depth'
    classes = LabelSet(network.name, network.classes) if labels else None
    known = [item for item in LABEL_SETS.values() if item.classes == network.classes]
    if labels and known:
        classes = known[0]
    selection = training_set.Selection(args.select or '', args.samples or 0)
    count = training_set.write(args.out, manifest, classes, args.format, selection)
    sys.stdout.write(f'{count} samples -> {args.destination.rstrip("/")}/{training_set.FOLDER}\n')
    return count


class _Progress:
    """A line with the frames of all inputs, as far as they are known, and the time left."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.frames = 0
        self._progress = Progress('labelling')

    def __enter__(self) -> _Progress:
        self._progress.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.__exit__(None, None, None)

    def advance(self, frames: int) -> None:
        """Count frames that were done."""
        self.frames += frames
        before = self._manifest.frames_done() - self.frames
        self._progress.total = self._manifest.frames_known() - before
        self._progress.update(frames)


def _conclude(args: argparse.Namespace, written: dict[str, Any]) -> int:
    """
    Print in one line what was done.

    :raises ValueError: An input failed, or no frame could be read.
    """
    frames, states = written['frames'], written['inputs']
    seconds = written['seconds']
    rate = f' ({written["frames_now"] / seconds:.1f} frames/s)' if seconds else ''
    failed = states.get(FAILED, 0)
    # Of a training set not every frame that was read is taken, of a failed input none.
    now = 'frames read now' if failed or args.format != 'run' else 'of them now'
    sys.stdout.write(
        f'{states.get(DONE, 0)} inputs with {frames["total"]} frames are done, '
        f'{written["frames_now"]} {now} in {seconds:.1f} s{rate} -> {args.destination}\n'
    )
    if frames['failed']:
        sys.stdout.write(f'{frames["failed"]} frames could not be read: see report.json\n')
    if written['same']:
        count = len(written['same'])
        sys.stdout.write(f'{count} inputs have the content of another one: see report.json\n')
    if failed:
        first = written['failures'][0] if written['failures'] else {'input': '', 'reason': ''}
        raise ValueError(
            f'{failed} of {sum(states.values())} inputs failed, the first is {first["input"]} '
            f'({first["reason"]}): see {args.out / report.REPORT}'
        )
    if frames['total'] and frames['failed'] == frames['total']:
        raise ValueError(f'none of {frames["total"]} frames could be read')
    return 0
