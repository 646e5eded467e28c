# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer run`: images, a video or a bag through the network."""

from __future__ import annotations

import argparse
from dataclasses import asdict
import hashlib
from pathlib import Path
import sys
from typing import Any

from segformer_ros import bundle as bundles
from segformer_ros import run_folder
from segformer_ros.commands.run_jobs import Job, open_job
from segformer_ros.commands.run_options import (
    add_bag_arguments,
    add_network_arguments,
    add_result_arguments,
    check_camera,
    check_depth_confidence_arguments,
    options,
)
from segformer_ros.commands.run_summary import check_frames, conclude
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.inference.road_scale import RoadScale
from segformer_ros.progress import Progress
from segformer_ros.run_folder import Report

HELP = 'predict labels and depth for images, a video or a bag'
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
Files appear only when they are complete. A folder with anything else in it is refused.
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
    add_result_arguments(parser)
    bag = add_bag_arguments(parser)
    bag.add_argument(
        '--all-outputs',
        action='store_true',
        help='also write the outputs for people: colours, overlay, points, compressed images',
    )
    bag.add_argument('--copy', action='store_true', help='also copy the topics of the input')


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
            check_frames(args, frames.get('total', 1), frames.get('failed', 0))
            sys.stdout.write(f'nothing to do: {args.out} is finished\n')
            return 0
        report = _process(args, job, pipeline)
        pipeline.close()
    finally:
        job.close()
    return conclude(args, report, pipeline.manifest)


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
