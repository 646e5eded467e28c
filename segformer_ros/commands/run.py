# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer run`: images, a video or a bag through the network."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
import hashlib
from pathlib import Path
import re
import sys
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros import frame_rules, run_folder
from segformer_ros.bundle import Manifest
from segformer_ros.commands.run_jobs import Job, open_job, options
from segformer_ros.inference.backend_table import LISTING, PRECISIONS
from segformer_ros.inference.depth_confidence import check_depth_confidence, states_confidence
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.inference.results import IMAGE_ROTATIONS, SKY_DEPTHS
from segformer_ros.inference.road_scale import read_scale, RoadScale, ScaleOptions
from segformer_ros.inference.schedule import SCHEDULES
from segformer_ros.inference.temporal import TEMPORAL
from segformer_ros.labels import DISTINCT, PALETTES
from segformer_ros.progress import Progress
from segformer_ros.run_folder import Report

# Samples of datasets, as provenance counts them by the kind of dataset.
_SAMPLES = {'folder': 'images', 'world': 'frames of the built-in world'}

HELP = 'predict labels and depth for images, a video or a bag'
MODEL = 'road_b0'
"""The network where none is named."""
# Images in the network at once; each needs memory of its own for what is between its layers.
_AT_ONCE = 2

_EPILOG = """
what is written to DIR:
  label/NAME.png       class ids, 8-bit grey, without loss
  depth/NAME.png       16-bit millimetres up to 65.535 m, 0 where unknown or farther; or
  depth/NAME.npy       float32 metres, NaN where unknown (--format npy)
  depth_confidence/NAME.png  probability times 255 (--depth-confidence)
  overlay/NAME.png     camera, labels and depth side by side; of a video or a bag:
  overlay.mp4          the same as a video with the times of the input
  bag/                 of a bag: a new bag with the topics of the live node next to the
                       images (label/image, depth/image, their camera_info,
                       label/classes), with the stamps and times of the input
  frames.csv           of a video: the time of every frame, and why one has no result
  report.json          frames, what could not be read, where the time went

A run that was stopped continues when it is started again with the same arguments:
images and video frames that are finished are not computed again, a bag starts over.
Files appear when they are whole. A folder with anything else in it is refused.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        'input', type=Path, help='image, folder of images, video, or rosbag2 (folder, .mcap, .db3)'
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='folder for the results'
    )
    add_network_arguments(parser)
    _add_result_arguments(parser)
    bag = add_bag_arguments(parser)
    bag.add_argument(
        '--all-outputs',
        action='store_true',
        help='also write the outputs for people: colours, overlay, points, compressed images',
    )
    bag.add_argument('--copy', action='store_true', help='also copy the topics of the input')


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
    parser.add_argument(
        '--backend',
        default='auto',
        metavar='NAME',
        help=f'inference backend: {LISTING} (default: %(default)s)',
    )
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
        help='minimum of that probability, 0 to 1; depths below it become unknown (default: 0)',
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


def _add_result_arguments(parser: argparse.ArgumentParser) -> None:
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
        help='calm labels, or labels and depth (both), of videos and bags with the frame before '
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
        help='image topic; may be repeated (default: the only colour images)',
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
        help='the ROS 2 that recorded it, where the bag does not hold its message types: jazzy, '
        'kilted, lyrical or humble (default: the sourced one, or else jazzy)',
    )
    return bag


def run(args: argparse.Namespace) -> int:
    """
    Process the input.

    :raises ValueError: The input or an argument has no sense, or frames could not be read.
    """
    if args.max_frames is not None and args.max_frames < 1:
        raise ValueError(f'--max-frames must be at least 1, not {args.max_frames}')
    check_camera(args)
    options(args)
    job = open_job(args)
    try:
        pipeline = Pipeline.load(
            args.model,
            backend=args.backend,
            threads=args.threads,
            precision=args.precision,
            compiled=job.total != 1,
            schedule=args.schedule,
            at_once=1 if job.total == 1 or args.temporal != 'off' else _AT_ONCE,
        )
        settings = _settings(args) | {'depth_format': job.depth_format} | job.settings
        _check_task(args, pipeline)
        run_folder.claim(args.out, settings)
        if job.is_finished():
            frames = (run_folder.finished_report(args.out) or {}).get('frames', {})
            _check_frames(args, frames.get('total', 1), frames.get('failed', 0))
            sys.stdout.write(f'nothing to do: {args.out} is finished\n')
            return 0
        report = _process(args, job, pipeline)
        pipeline.close()
    finally:
        job.close()
    return _conclude(args, report, pipeline.manifest)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return what decides the output of every kind of input, to know a run that continues."""
    folder = bundles.find(args.model)
    manifest = folder / 'manifest.json'
    return {
        'format': 1,
        'input': str(args.input.resolve()),
        # A name stays one wherever the package is; a folder is found from everywhere.
        'model': args.model if args.model in bundles.known_names() else str(folder.resolve()),
        'model_sha256': hashlib.sha256(manifest.read_bytes()).hexdigest(),
        'backend': args.backend,
        'precision': args.precision,
        'focal_length_px': args.focal_length,
        'camera_fov_deg': args.camera_fov,
        'only': args.only,
        'confidence': args.confidence,
        'min_depth_m': args.min_depth,
        'max_depth_m': args.max_depth,
        'sky_depth': args.sky_depth,
        'temporal': args.temporal,
        'image_rotation': args.image_rotation,
        'overlay': not args.no_overlay,
        **({} if args.scale_by is None else {'scale_by': asdict(args.scale_by)}),
        **({'depth_confidence': True} if args.depth_confidence else {}),
        **(
            {'min_depth_confidence': args.min_depth_confidence}
            if args.min_depth_confidence
            else {}
        ),
        'palette': args.palette,
    }


def _check_task(args: argparse.Namespace, pipeline: Pipeline) -> None:
    manifest, only = pipeline.manifest, args.only
    if args.scale_by is not None and args.image_rotation:
        raise ValueError('--scale-by is for upright images: leave it out with --image-rotation')
    if args.scale_by is not None and only == 'segmentation':
        raise ValueError('--scale-by scales depth: leave it out with --only segmentation')
    if args.scale_by is not None:
        RoadScale.of(manifest, args.scale_by)
    if only is not None and only not in manifest.tasks:
        tasks = ' and '.join(manifest.tasks)
        raise ValueError(f'{manifest.name} is for {tasks}, not for {only}')
    check_depth_confidence_arguments(args, manifest)
    if pipeline.manifest.depth_range_m is not None and only != 'segmentation':
        options(args).limits_m(pipeline.manifest.depth_range_m)


def _process(args: argparse.Namespace, job: Job, pipeline: Pipeline) -> Report:
    report = Report()
    report.facts.update(
        input=str(args.input),
        model=pipeline.manifest.name,
        backend=pipeline.backend_name,
        backend_reason=pipeline.backend_reason,
        max_frames=args.max_frames,
    )
    try:
        with Progress('computing', job.total) as progress:
            job.process(pipeline, report, progress.update)
        report.finished = True
    except KeyboardInterrupt:
        done = f'{report.done + report.reused} of {job.total or "?"} frames'
        sys.stderr.write(f'segformer: stopped after {done}; {job.continuation}\n')
        raise
    finally:
        # The schedule of two networks is chosen meanwhile.
        report.facts['backend_reason'] = pipeline.backend_reason
        report.write(args.out)
    return report


def _conclude(args: argparse.Namespace, report: Report, manifest: Manifest) -> int:
    """
    Print in one line what was done and, for a bag, where the intrinsics came from.

    :raises ValueError: No frame could be read, or with --strict one could not.
    """
    facts = report.as_dict()
    seconds = facts['seconds']
    total = seconds.pop('total')
    line = f'{report.done} {"frame" if report.done == 1 else "frames"} in {total:.1f} s'
    # Both are rounded: a run can be too short for them.
    if total and facts['frames_per_second']:
        line += f' ({facts["frames_per_second"]:.1f} frames/s: {_shares(seconds, total)})'
    if report.reused:
        line += f', {report.reused} were finished before'
    frames = facts['frames']
    if report.failed:
        line += f', {frames["failed"]} of {frames["total"]} could not be read (see report.json)'
    sys.stdout.write(f'{line} -> {args.out}\n')
    for topic, found in facts.get('intrinsics', {}).items():
        for text, count in found.items():
            sys.stdout.write(f'intrinsics of {topic}: {text} ({count} frames)\n')
    without = facts.get('frames_without_road', 0)
    if without:
        scales = facts['depth_scale']
        why = '; '.join(scales.values()) if isinstance(scales, dict) else scales
        sys.stdout.write(f'no scale by the road from {without} frames; of the last one: {why}\n')
    sys.stdout.write(f'{_training_data(manifest)}: `segformer info {args.model}`\n')
    _check_frames(args, frames['total'], frames['failed'])
    return 0


def _shares(seconds: dict[str, float], total: float) -> str:
    """
    Share out the time of a run; the shares add up to the whole.

    :param seconds: By step; steps of several threads may come to more than total.
    """
    whole = max(total, sum(seconds.values()))
    parts = sorted(seconds.items(), key=lambda item: -item[1])
    parts.append(('other', whole - sum(seconds.values())))
    return ', '.join(f'{name} {value / whole:.0%}' for name, value in parts)


def _training_data(manifest: Manifest) -> str:
    """Report what a network was trained on, which its results on other images depend on."""
    facts = manifest.provenance
    # A bundle of two networks has the facts of each. `metrics` names the data of the evaluation.
    networks = [facts] if 'data' in facts else list(facts.values())
    found = (item.get('data') for item in networks if isinstance(item, Mapping))
    data = '; '.join(str(item) for item in found if item)
    counts: Counter[str] = Counter()
    for count, kind in re.findall(r'(\d+) samples of (\w+)', data):
        counts[_SAMPLES.get(kind, f'samples of {kind}')] += int(count)
    sources = ' and '.join(f'{count} {samples}' for samples, count in counts.items()) or data
    known = f'trained on {sources}' if sources else 'its training data are unknown'
    return f'{manifest.name}: {known}; not validated for real roads'


def _check_frames(args: argparse.Namespace, total: int, failed: int) -> None:
    """
    Look whether a run has done anything.

    :raises ValueError: There was no frame, none could be read, or with --strict one could not.
    """
    if not total:
        raise ValueError(f'expected images in {args.input}, found none')
    if failed and (args.strict or failed == total):
        report = args.out / run_folder.REPORT
        raise ValueError(f'{failed} of {total} could not be read: see {report}')
