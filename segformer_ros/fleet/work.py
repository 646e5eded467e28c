# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a worker does: it looks at inputs and computes shards, with a network loaded once."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
import errno
import os
from pathlib import Path
import socket
from time import perf_counter
import warnings

import cv2
from segformer_ros import run_folder
from segformer_ros.bags.cameras import choose
from segformer_ros.bags.process import BagOptions, process
from segformer_ros.bags.rosbag import BagReader, BagWarning
from segformer_ros.bags.writer import BagWriter
from segformer_ros.files.process import FileOptions, FrameProcessor
from segformer_ros.files.video import VideoReader
from segformer_ros.fleet import parts, remote
from segformer_ros.fleet.inputs import BAG, Input, VIDEO
from segformer_ros.fleet.planning import Plan, plan
from segformer_ros.fleet.records import Shard
from segformer_ros.fleet.samples import write_samples
from segformer_ros.fleet.settings import Settings
from segformer_ros.fleet.watching import Watched
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.output_topics.frame import OutputOptions
from segformer_ros.run_folder import Report

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Look:
    """The task of looking at an input."""

    input: Input
    shard_frames: int


@dataclass(frozen=True)
class Compute:
    """The task of computing a shard; its results go to PLACE."""

    input: Input
    shard: Shard
    place: Path


Task = Look | Compute


class _NoNetworkError(RuntimeError):
    """The network cannot be loaded: no shard is to blame."""


@dataclass(frozen=True)
class Answer:
    """
    What became of a task; plain values, which every way between processes carries.

    :param plan: Of an input that was looked at.
    :param frames: Of a shard that was computed; those that could not be read included.
    :param seconds: How long it took.
    :param reason: Why it failed; empty: it did not.
    :param again: Whether another try may succeed.
    :param outside: Whether the reason lies outside of the task, as a full disk does.
    :param worker: Machine and process that did it.
    """

    plan: Plan | None = None
    frames: int = 0
    seconds: float = 0.0
    reason: str = ''
    again: bool = False
    outside: bool = False
    worker: str = ''


class Worker:
    """
    Does tasks one after the other.

    :param threads: Threads for one image.
    """

    def __init__(self, settings: Settings, threads: int) -> None:
        self._settings = settings
        self._threads = threads
        self._name = f'{socket.gethostname()} {os.getpid()}'
        self._pipelines: dict[str, Pipeline] = {}
        cv2.setNumThreads(threads)

    def do(self, task: Task) -> Answer:
        """Do a task; what it raises is in the answer."""
        start = perf_counter()
        found, frames = None, 0
        try:
            remote.fetch(task.input)
            if isinstance(task, Look):
                found = plan(task.input, self._settings, task.shard_frames)
            else:
                report = Report()
                parts.make(task.place, lambda folder: self._compute(task, folder, report))
                frames = parts.frames_read(report.as_dict())
        except (OSError, RuntimeError, ValueError, MemoryError) as error:
            return replace(_failure(error), worker=self._name)
        return Answer(found, frames, perf_counter() - start, worker=self._name)

    def _compute(self, task: Compute, folder: Path, report: Report) -> None:
        watched = Watched(self._loaded(self._settings.model))
        if self._settings.output == 'run':
            compute = {BAG: self._bag, VIDEO: self._video}.get(task.input.kind, self._images)
            compute(task, folder, watched, report)
        else:
            second = self._settings.second
            write_samples(
                task.input,
                _part(task.shard),
                self._settings,
                watched,
                folder,
                report,
                self._loaded(second) if second else None,
            )
        report.finished = True
        report.facts['pixels'] = watched.pixels()
        picture = watched.picture()
        if picture is not None:
            run_folder.write_bytes(folder / parts.PICTURE, picture)
        report.write(folder)

    def _loaded(self, model: str) -> Pipeline:
        """
        Return a network.

        :raises _NoNetworkError: It cannot be loaded here.
        """
        if model not in self._pipelines:
            try:
                self._pipelines[model] = Pipeline.load(
                    model, backend=self._settings.backend, threads=self._threads
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise _NoNetworkError(_sentence(error)) from error
        return self._pipelines[model]

    def _file_options(self) -> FileOptions:
        settings = self._settings
        return FileOptions(
            depth_format=settings.depth_format_of(''),
            overlay=False,
            focal_px=settings.focal_px,
            camera_fov_deg=settings.camera_fov_deg,
            inference=settings.inference,
        )

    def _images(self, task: Compute, folder: Path, watched: Watched, report: Report) -> None:
        files = task.input.images()[task.shard.first : task.shard.last]
        FrameProcessor(watched, folder, self._file_options(), report).process_images(files)

    def _video(self, task: Compute, folder: Path, watched: Watched, report: Report) -> None:
        shard = task.shard
        with VideoReader(task.input.path, first=shard.first or 0, last=shard.last) as reader:
            FrameProcessor(watched, folder, self._file_options(), report).process_video(reader)

    def _bag(self, task: Compute, folder: Path, watched: Watched, report: Report) -> None:
        settings = self._settings
        depth = settings.depth_format_of(BAG)
        options = BagOptions(
            outputs=OutputOptions('16UC1' if depth == 'png16' else '32FC1'),
            focal_px=settings.focal_px,
            camera_fov_deg=settings.camera_fov_deg,
            start_ns=task.shard.first,
            stop_ns=task.shard.last,
            inference=settings.inference,
        )
        with ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter('ignore', BagWarning)
            reader = stack.enter_context(BagReader(task.input.path, settings.ros_distro))
            if reader.notes:
                report.facts['warnings'] = list(reader.notes)
            cameras = choose(reader, settings.topics, settings.camera_infos)
            writer = BagWriter(folder / parts.BAG, settings.bag_format, reader.store)
            process(reader, stack.enter_context(writer), cameras, watched, options, report)


def _part(shard: Shard) -> slice:
    return slice(shard.first, shard.last)


def _failure(error: BaseException) -> Answer:
    """Return why a task failed, and whether another try can help."""
    outside = _is_full(error) or isinstance(error, _NoNetworkError)
    again = outside or isinstance(error, remote.RemoteError) or not isinstance(error, ValueError)
    return Answer(reason=_sentence(error), again=again, outside=outside)


def _is_full(error: BaseException | None) -> bool:
    """Return whether a disk was full, whatever was made of it on the way."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if 'disk is full' in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f'{error.filename}: {error.strerror}'
    return ' '.join(str(error).split()) or type(error).__name__
