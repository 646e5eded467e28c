# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag through the network: what the live node would publish, at the original times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
import math
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from rosbags.interfaces import Connection
from segformer_ros.bags.cameras import Camera, latched_info
from segformer_ros.bags.infos import (
    damaged_info,
    infos_first,
    missing_info,
    read_info,
    recall_infos,
)
from segformer_ros.bags.outputs import Outputs
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.bags.writer import BagWriter
from segformer_ros.frame_rules import calibrate, Calibration, CameraModel
from segformer_ros.image_encoding import decode_message
from segformer_ros.inference.pipeline import Options, Prediction, Predictor
from segformer_ros.inference.road_scale import for_scale, RoadScale, ScaleOptions
from segformer_ros.inference.temporal import images_at_once, TemporalMemories
from segformer_ros.output_topics.contents import CAMERA_INFO
from segformer_ros.output_topics.frame import Frame, OutputOptions
from segformer_ros.run_folder import Report
from segformer_ros.side_thread import in_order

Image = npt.NDArray[np.uint8]
# Messages that are copied together while images before them are in the network.
_MOST_COPIES = 16


@dataclass(frozen=True)
class BagOptions:
    """
    How a bag is processed.

    :param outputs: As the parameters of the node.
    :param focal_px: Focal length in pixels of the images; None leaves it to the rest.
    :param camera_fov_deg: Horizontal field of view that replaces camera_info; 0 uses camera_info.
    :param copy: Whether the topics of the input are in the output too.
    :param all_outputs: Whether every output of the table is written, also those for people.
    :param max_frames: End after so many images; None takes all.
    :param start_ns: First time of receipt of an image; None begins with the bag. What was received
        of a camera_info before it counts.
    :param stop_ns: First time of receipt that is not processed any more; None ends with the bag.
    :param inference: What the network is asked for.
    :param scale: How depth is scaled by the road; None: it is not.
    :param temporal: One of inference.temporal.TEMPORAL.
    """

    outputs: OutputOptions = field(default_factory=OutputOptions)
    focal_px: float | None = None
    camera_fov_deg: float = 0.0
    copy: bool = False
    all_outputs: bool = False
    max_frames: int | None = None
    start_ns: int | None = None
    stop_ns: int | None = None
    inference: Options = field(default_factory=Options)
    scale: ScaleOptions | None = None
    temporal: str = 'off'


# What comes before an image, its camera, and the image where it can be read.
_Step: TypeAlias = 'tuple[list[Callable[[], object]], _Stream | None, _Image | None]'


class OnFrame(Protocol):
    """Is told of every frame."""

    def __call__(self, camera: Camera, time_ns: int, image: Image, prediction: Prediction) -> None:
        """Take the image as it was read, the time of receipt, and what the network said."""


def count_images(reader: BagReader, cameras: Sequence[Camera], limit: int | None) -> int:
    """Return how many images will be processed."""
    names = {(camera.topic, camera.type) for camera in cameras}
    count = sum(item.count for item in reader.topics if (item.name, item.type) in names)
    return count if limit is None else min(count, limit)


def process(
    reader: BagReader,
    writer: BagWriter,
    cameras: Sequence[Camera],
    pipeline: Predictor,
    options: BagOptions,
    report: Report,
    *,
    on_frame: OnFrame | None = None,
    advance: Callable[[], object] = lambda: None,
) -> None:
    """
    Put every image of some cameras through the network.

    An image that cannot be read is counted in the report and has no output.

    :param advance: Called after every image.
    :raises BagError: The bag is damaged further on.
    """
    streams = {
        camera.topic: _Stream(reader, writer, camera, pipeline, options, report, on_frame)
        for camera in cameras
    }
    copies = _add_copies(reader, writer, list(streams.values()), report) if options.copy else {}
    infos = {camera.camera_info: latched_info(reader, camera.camera_info) for camera in cameras}
    missing = {camera.camera_info: missing_info(reader, camera) for camera in cameras}
    if options.start_ns is not None:
        recall_infos(reader, infos, missing, options.start_ns)

    messages = infos_first(
        reader.messages(
            None if options.copy else [*streams, *infos],
            start_ns=options.start_ns,
            stop_ns=options.stop_ns,
        )
    )

    def steps() -> Iterator[_Step]:
        images, before = 0, list[Callable[[], object]]()
        try:
            for connection, time_ns, raw in messages:
                stream = streams.get(connection.topic)
                if stream is not None and connection.msgtype != stream.camera.type:
                    stream = None
                if stream is not None and images == options.max_frames:
                    break
                if connection.id in copies:
                    before.append(partial(writer.write, copies[connection.id], time_ns, raw))
                if connection.topic in infos and connection.msgtype == CAMERA_INFO:
                    info = infos[connection.topic] = read_info(reader, connection, raw, report)
                    if info is None:
                        missing[connection.topic] = damaged_info(connection.topic)
                if stream is not None:
                    images += 1
                    topic = stream.camera.camera_info
                    item = stream.read(connection, time_ns, raw, infos[topic], missing[topic])
                    yield before, stream, item
                elif len(before) == _MOST_COPIES:
                    yield before, None, None
                else:
                    continue
                before = []
        except Exception:
            # What was read before the damage is written.
            yield before, None, None
            raise
        yield before, None, None

    at_once = images_at_once(pipeline, options.temporal)
    with closing(in_order(steps(), _predict, at_once)) as computed:
        for (before, stream, item), prediction in computed:
            for copy in before:
                copy()
            if stream is not None:
                if item is not None and prediction is not None:
                    stream.write(item, prediction)
                advance()


def _predict(step: _Step) -> Prediction | None:
    _, stream, item = step
    return None if stream is None or item is None else stream.predict(item)


def _add_copies(
    reader: BagReader, writer: BagWriter, streams: Sequence[_Stream], report: Report
) -> dict[int, Connection]:
    """Announce the topics of the input, by the id that they have there; outputs come first."""
    taken = {name for stream in streams for name in stream.outputs.names()}
    copies = {}
    lost: dict[str, None] = {}
    for connection in sorted(reader.connections(), key=lambda item: item.topic):
        copy = None if connection.topic in taken else writer.add_copy(connection)
        if copy is None:
            lost[connection.topic] = None
        else:
            copies[connection.id] = copy
    if lost:
        report.facts['topics_not_copied'] = list(lost)
    return copies


@dataclass(frozen=True)
class _Image:
    time_ns: int
    image: Image
    frame: Frame


class _Stream:
    """The images of one camera on their way through the network."""

    def __init__(
        self,
        reader: BagReader,
        writer: BagWriter,
        camera: Camera,
        pipeline: Predictor,
        options: BagOptions,
        report: Report,
        on_frame: OnFrame | None,
    ) -> None:
        self.camera = camera
        manifest, wanted = pipeline.manifest, options.inference
        self._scale = None if options.scale is None else RoadScale.of(manifest, options.scale)
        self.outputs = Outputs(
            writer,
            camera,
            manifest.classes,
            manifest.results(scaled=self._scale is not None),
            wanted,
            options.outputs,
            source=manifest.source_of_labels(),
            latched=options.start_ns is None,
            every=options.all_outputs,
        )
        self._reader = reader
        self._pipeline = pipeline
        self._options = options
        self._report = report
        self._on_frame = on_frame
        self._memories = TemporalMemories()

    def read(
        self, connection: Connection, time_ns: int, raw: bytes, info: Any, missing: str
    ) -> _Image | None:
        """
        Read one image; None where it cannot be read, which is reported.

        :param info: The camera_info that holds, None where there is none.
        :param missing: Why there is none.
        """
        try:
            with self._report.timed('decode'):
                message = self._reader.deserialize(raw, connection.msgtype)
                image = decode_message(message)
        except ValueError as error:
            self._report.fail(f'{connection.topic} at {time_ns} ns', error)
            return None
        camera = self._calibrate(image, info)
        self._note(camera, missing if info is None else camera.problem)
        replaced = bool(self._options.camera_fov_deg) or self._options.focal_px is not None
        frame = Frame.of(message.header, image, camera, info, replaced=replaced)
        return _Image(time_ns, image, frame)

    def predict(self, item: _Image) -> Prediction:
        """Put one image through the network, in any thread."""
        intrinsics, wanted = item.frame.intrinsics, self._options.inference
        return self._pipeline.predict(
            item.image,
            focal_length_px=(
                None if intrinsics is None else intrinsics.focal_across(wanted.image_rotation)
            ),
            options=wanted if self._scale is None else for_scale(wanted),
            **self._memory(item.frame.header.stamp),
        )

    def write(self, item: _Image, prediction: Prediction) -> None:
        """Write what the network has made of an image, in the order of the images."""
        report, frame = self._report, item.frame
        report.add_timings(prediction.timings)
        if self._scale is not None:
            limits_m = self._pipeline.manifest.depth_range_m or (0.0, math.inf)
            wanted = self._options.inference
            prediction = self._scale.scaled(prediction, frame.intrinsics, wanted, limits_m)
            if self._scale.last.refused:
                report.count('frames_without_road')
            report.facts.setdefault('depth_scale', {})[self.camera.topic] = self._scale.text
        with report.timed('write'):
            self.outputs.write(frame, item.time_ns, prediction)
        if self._on_frame is not None:
            self._on_frame(self.camera, item.time_ns, item.image, prediction)
        report.done += 1

    def _memory(self, stamp: Any) -> dict[str, Any]:
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        memory = self._memories.of(self.camera.topic, self._options.temporal, stamp_ns)
        return {} if memory is None else {'memory': memory}

    def _calibrate(self, image: Image, info: Any) -> Calibration:
        """Decide what is known of the camera, as the live node does."""
        return calibrate(
            None if info is None else CameraModel.from_message(info),
            (image.shape[0], image.shape[1]),
            camera_fov_deg=self._options.camera_fov_deg,
            focal_px=self._options.focal_px,
            topic=self.camera.topic,
        )

    def _note(self, camera: Calibration, problem: str) -> None:
        """Count in the report what the intrinsics of the frames are taken from."""
        text = camera.source
        if camera.intrinsics is None:
            self._report.count('frames_of_unknown_camera')
            text = problem
        elif camera.doubt:
            text += f'; {camera.doubt}'
        found = self._report.facts.setdefault('intrinsics', {}).setdefault(self.camera.topic, {})
        found[text] = found.get(text, 0) + 1
