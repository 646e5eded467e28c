# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `segformer run` does with each kind of input; every kind imports only what it needs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from segformer_ros import run_folder
from segformer_ros.commands.run_options import options
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.run_folder import finished_report, Report

Advance = Callable[[], object]
_CONTINUES = 'the same command continues there'


class Job(Protocol):
    """An input that was opened and found to be right."""

    @property
    def total(self) -> int:
        """Number of frames, 0 when unknown."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the output next to the settings of every job."""

    @property
    def depth_format(self) -> str:
        """The file format of depth: 'png16' or 'npy', in a bag 16UC1 or 32FC1."""

    @property
    def continuation(self) -> str:
        """What the same command does after it was stopped."""

    def is_finished(self) -> bool:
        """Return whether an earlier run has left nothing to do."""

    def process(self, pipeline: Pipeline, report: Report, advance: Advance) -> None:
        """Do the work."""

    def close(self) -> None:
        """Close the input."""


def open_job(args: argparse.Namespace) -> Job:
    """
    Open the input.

    :param args: Those of the command.
    :raises ValueError: The input is of no kind that can be processed.
    :raises BagError: The input is a bag that cannot be processed.
    """
    from segformer_ros.bags.storage import written_for

    path: Path = args.input
    if not path.exists():
        found = f'found nothing at {path}{written_for(path)}'
        raise ValueError(f'expected an image, a folder, a video or a bag, {found}')
    if path.suffix in {'.mcap', '.db3'} or (path.is_dir() and _holds_bag(path)):
        return BagJob(args)
    if path.suffix == '.bag':
        raise ValueError(f'{path} is a ROS 1 bag: convert it with rosbags-convert first')
    from segformer_ros.files import images

    for option, value in (
        ('--topic', args.topic),
        ('--camera-info', args.camera_info),
        ('--ros-distro', args.ros_distro),
        ('--bag-format', args.bag_format != 'sqlite3'),
        ('--all-outputs', args.all_outputs),
        ('--copy', args.copy),
    ):
        if value:
            raise ValueError(f'{option} applies to bags; {path} is not a bag')
    if path.is_dir() or images.is_image(path):
        if args.temporal != 'off':
            raise ValueError(f'--temporal applies to videos and bags; {path} is neither')
        return ImagesJob(args)
    return VideoJob(args)


def _holds_bag(folder: Path) -> bool:
    from segformer_ros.bags.rosbag import is_bag

    return is_bag(folder)


def _file_options(args: argparse.Namespace) -> Any:
    from segformer_ros.files.process import FileOptions

    return FileOptions(
        depth_format=args.format or 'png16',
        overlay=not args.no_overlay,
        palette=args.palette,
        focal_px=args.focal_length,
        camera_fov_deg=args.camera_fov,
        inference=options(args),
        scale=args.scale_by,
        temporal=args.temporal,
    )


class ImagesJob:
    """One image, or a folder of images."""

    def __init__(self, args: argparse.Namespace) -> None:
        from segformer_ros.files import images

        inside = args.input.is_dir() and args.out.resolve().is_relative_to(args.input.resolve())
        if inside:
            raise ValueError(f'{args.out} lies in {args.input}: results would become input')
        self._args = args
        self.depth_format, self.continuation = args.format or 'png16', _CONTINUES
        self._files = images.find(args.input)[: args.max_frames]
        self.total = len(self._files)
        self.settings: dict[str, Any] = {}

    def is_finished(self) -> bool:
        """Leave it to the frames: there may be new images in the folder."""
        return False

    def process(self, pipeline: Pipeline, report: Report, advance: Advance) -> None:
        """Process image by image."""
        from segformer_ros.files.process import FrameProcessor

        work = FrameProcessor(pipeline, self._args.out, _file_options(self._args), report, advance)
        work.process_images(self._files)

    def close(self) -> None:
        """Do nothing: no file stays open."""


class VideoJob:
    """A video file."""

    def __init__(self, args: argparse.Namespace) -> None:
        from segformer_ros.files.video import VideoReader

        self._args = args
        self.depth_format, self.continuation = args.format or 'png16', _CONTINUES
        self._reader = VideoReader(args.input)
        self.total = min(self._reader.count, args.max_frames or self._reader.count)
        self.settings: dict[str, Any] = {
            **run_folder.input_state([args.input]),
            'numbered_by': 'time',
        }

    def is_finished(self) -> bool:
        """Look into the report of the earlier run."""
        report = finished_report(self._args.out)
        return report is not None and report.get('max_frames') == self._args.max_frames

    def process(self, pipeline: Pipeline, report: Report, advance: Advance) -> None:
        """Process frame by frame."""
        from segformer_ros.files.process import FrameProcessor

        work = FrameProcessor(pipeline, self._args.out, _file_options(self._args), report, advance)
        work.process_video(self._reader, self._args.max_frames)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class BagJob:
    """A rosbag2 recording."""

    def __init__(self, args: argparse.Namespace) -> None:
        from segformer_ros.bags.cameras import choose
        from segformer_ros.bags.process import count_images
        from segformer_ros.bags.rosbag import BagReader
        from segformer_ros.bags.storage import message_files

        self._args = args
        self.depth_format = args.format or 'npy'
        self.continuation = 'the same command starts the bag over'
        self._reader = BagReader(args.input, args.ros_distro)
        try:
            self._cameras = choose(self._reader, args.topic, args.camera_info)
        except BaseException:
            self._reader.close()
            raise
        self.total = count_images(self._reader, self._cameras, args.max_frames)
        self.settings: dict[str, Any] = {
            **run_folder.input_state(message_files(args.input)),
            'topics': [camera.topic for camera in self._cameras],
            'camera_infos': [camera.camera_info for camera in self._cameras],
            'bag_format': args.bag_format,
            'copy': args.copy,
            'all_outputs': args.all_outputs,
            'max_frames': args.max_frames,
        }

    def is_finished(self) -> bool:
        """Look for the new bag, which is there only when it is whole."""
        return Path(self._args.out, 'bag').exists()

    def process(self, pipeline: Pipeline, report: Report, advance: Advance) -> None:
        """Process message by message."""
        from segformer_ros.bags.process import BagOptions, process
        from segformer_ros.bags.writer import BagWriter
        from segformer_ros.output_topics.frame import OutputOptions

        args = self._args
        if self._reader.notes:
            report.facts['warnings'] = list(self._reader.notes)
        bag_options = BagOptions(
            outputs=OutputOptions(
                '16UC1' if self.depth_format == 'png16' else '32FC1', overlay_palette=args.palette
            ),
            focal_px=args.focal_length,
            camera_fov_deg=args.camera_fov,
            copy=args.copy,
            all_outputs=args.all_outputs,
            max_frames=args.max_frames,
            inference=options(args),
            scale=args.scale_by,
            temporal=args.temporal,
        )
        with ExitStack() as stack:
            out = BagWriter(args.out / 'bag', args.bag_format, self._reader.store)
            writer = stack.enter_context(out)
            on_frame = None if args.no_overlay else self._overlay(stack, pipeline, report)
            process(
                self._reader,
                writer,
                self._cameras,
                pipeline,
                bag_options,
                report,
                on_frame=on_frame,
                advance=advance,
            )

    def _overlay(self, stack: ExitStack, pipeline: Pipeline, report: Report) -> Any:
        """Return what draws frames into the video of their camera while others are computed."""
        from segformer_ros.files.process import Artist
        from segformer_ros.files.video_writer import VideoWriter
        from segformer_ros.side_thread import Behind

        artist = Artist(pipeline, self._args.palette)
        rate = Fraction(max(1.0, self.total / len(self._cameras) / (self._reader.duration_s or 1)))
        writers, starts = {}, dict[str, int]()
        for camera, name in zip(self._cameras, _overlay_names(self._cameras), strict=True):
            writers[camera.topic] = stack.enter_context(VideoWriter(self._args.out / name, rate))

        behind = stack.enter_context(Behind(2))

        def draw(camera: Any, time_ns: int, image: Any, prediction: Any) -> None:
            with report.timed('draw'):
                start = starts.setdefault(camera.topic, time_ns)
                picture = artist.draw(
                    image, prediction.labels, prediction.depth, prediction.relative
                )
                writers[camera.topic].add(picture, (time_ns - start) / 1e9)

        def on_frame(*frame: Any) -> None:
            behind.do(draw, *frame)

        return on_frame

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()


def _overlay_names(cameras: Sequence[Any]) -> list[str]:
    """Name the video of each camera by where it looks; never two alike."""
    from segformer_ros.files.process import OVERLAY_VIDEO

    if len(cameras) == 1:
        return [OVERLAY_VIDEO]
    labels = ['_'.join(filter(None, camera.namespace.split('/'))) for camera in cameras]
    return [
        f'overlay_{label}.mp4' if labels.count(label) == 1 else f'overlay_{label}_{index}.mp4'
        for index, label in enumerate(labels)
    ]
