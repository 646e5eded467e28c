# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From arrived images to published frames: what the worker does with each set of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Any

from rclpy.node import Node
from segformer_ros.image_encoding import EncodingError
from segformer_ros.inference.failover import Failover
from segformer_ros.inference.pipeline import Options, Prediction
from segformer_ros.inference.road_scale import for_scale, RoadScale
from segformer_ros.inference.temporal import TemporalMemories
from segformer_ros.nodes import own_messages
from segformer_ros.nodes.backend_switch import scale_options
from segformer_ros.nodes.camera_stream import Arrival, CameraStream
from segformer_ros.nodes.frame_statistics import FrameTimes
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.output_topics.frame import Frame
from segformer_ros.output_topics.table import INTRINSICS, Wanted

_LOG_PERIOD_S = 5.0


@dataclass(frozen=True)
class _Job:
    stream: CameraStream
    arrival: Arrival
    frame: Frame
    wanted: Wanted
    wait_s: float
    decode_s: float


class FrameComputer:
    """Runs in the thread of the worker; an error costs the frame it is about and no other."""

    def __init__(
        self,
        node: Node,
        pipeline: Failover,
        parameters: Callable[[], Parameters],
        steady: Callable[[], float],
        stats_publisher: Any | None = None,
    ) -> None:
        """
        Keep what the frames need.

        :param parameters: Gives the values that hold now.
        :param steady: A clock in seconds that never jumps.
        :param stats_publisher: Of FrameStats, None where there is no such message.
        """
        self._node = node
        self._pipeline = pipeline
        self._parameters = parameters
        self._steady = steady
        self._stats_publisher = stats_publisher
        self._scales: dict[CameraStream, RoadScale] = {}
        self._memories = TemporalMemories()

    def compute(self, arrivals: dict[CameraStream, Arrival]) -> None:
        """Compute and publish one image of every camera that has one."""
        parameters = self._parameters()
        if not self._pipeline.serving:
            for stream in arrivals:
                stream.statistics.idle()
            return
        opened = (self._open(*item, parameters) for item in arrivals.items())
        jobs = [job for job in opened if job is not None]
        if not jobs:
            return
        for job, result in zip(jobs, self._predict(jobs, parameters), strict=True):
            if isinstance(result, Exception):
                self.failed([job.stream], result)
                continue
            try:
                self._publish(job, result, parameters, len(jobs))
            except Exception as error:  # noqa: BLE001 the frames of other cameras continue
                self.failed([job.stream], error)

    def failed(self, streams: list[CameraStream], error: Exception) -> None:
        """Count and report a frame of each of the cameras as failed."""
        if not self._node.context.ok():
            return
        reason = f'{type(error).__name__}: {error}'
        for stream in streams:
            stream.statistics.failed(reason)
            self._node.get_logger().error(
                f'a frame of {stream.topic} has failed: {reason}',
                throttle_duration_sec=_LOG_PERIOD_S,
            )

    def _open(self, stream: CameraStream, arrival: Arrival, parameters: Parameters) -> _Job | None:
        start = self._steady()
        wanted = stream.outputs.wanted(parameters, points_possible=True)
        if not wanted.outputs:
            stream.statistics.idle()
            return None
        try:
            frame = stream.open(arrival, parameters, raw=self._pipeline.takes_raw)
        except EncodingError as error:
            stream.statistics.refused(str(error))
            self._node.get_logger().error(
                f'an image of {stream.topic} was refused: {error}',
                throttle_duration_sec=_LOG_PERIOD_S,
            )
            return None
        if INTRINSICS in wanted.data and frame.intrinsics is None:
            wanted = stream.outputs.wanted(parameters, points_possible=False)
            if not wanted.outputs:
                stream.statistics.idle()
                return None
        wait_s = start - arrival.arrived_s
        return _Job(stream, arrival, frame, wanted, wait_s, self._steady() - start)

    @staticmethod
    def _options(jobs: list[_Job], parameters: Parameters) -> Options:
        return Options(
            segmentation=any(job.wanted.segmentation for job in jobs),
            depth=any(job.wanted.depth for job in jobs),
            confidence=any(job.wanted.confidence for job in jobs),
            min_depth_m=parameters.min_depth_m or None,
            max_depth_m=parameters.max_depth_m or None,
            sky_depth=parameters.sky_depth,
            image_rotation=parameters.image_rotation,
            depth_confidence=any(job.wanted.depth_confidence for job in jobs),
            min_depth_confidence=parameters.min_depth_confidence,
        )

    def _predict(self, jobs: list[_Job], parameters: Parameters) -> list[Prediction | Exception]:
        options = self._options(jobs, parameters)
        asked = for_scale(options) if options.depth and parameters.camera_height_m else options
        images = [job.frame.image for job in jobs]
        focal_lengths = [
            None
            if job.frame.intrinsics is None
            else job.frame.intrinsics.focal_across(parameters.image_rotation)
            for job in jobs
        ]
        try:
            return list(
                self._pipeline.predict_batch(
                    images, focal_lengths, asked, **self._memory(jobs, parameters)
                )
            )
        except Exception as error:  # noqa: BLE001 it is raised again for the frame it is about
            if len(jobs) == 1:
                # Its traceback holds frames that hold it, and the images: only the garbage
                # collector would free them, some hundred images later.
                return [error.with_traceback(None)]
        return [self._predict([job], parameters)[0] for job in jobs]

    def _scaled(self, job: _Job, prediction: Prediction, parameters: Parameters) -> Prediction:
        """Turn depth into metres by the road."""
        manifest, stream = self._pipeline.manifest, job.stream
        if stream not in self._scales:
            self._scales[stream] = RoadScale.of(manifest, scale_options(parameters))
        scale, wanted = self._scales[stream], self._options([job], parameters)
        limits_m = manifest.depth_range_m or (0.0, math.inf)
        result = scale.scaled(prediction, job.frame.intrinsics, wanted, limits_m)
        stream.statistics.scale(scale.text, refused=bool(scale.last.refused))
        return result

    def _memory(self, jobs: list[_Job], parameters: Parameters) -> dict[str, Any]:
        """Return what pipelines need to calm their outputs; nothing where that is off."""
        stamps = [job.frame.header.stamp for job in jobs]
        memories = [
            self._memories.of(
                job.stream, parameters.temporal, stamp.sec * 1_000_000_000 + stamp.nanosec
            )
            for job, stamp in zip(jobs, stamps, strict=True)
        ]
        return {'memories': memories} if any(memories) else {}

    def _publish(
        self, job: _Job, prediction: Prediction, parameters: Parameters, batch_size: int
    ) -> None:
        start = self._steady()
        if parameters.camera_height_m and job.wanted.depth:
            prediction = self._scaled(job, prediction, parameters)
        job.stream.outputs.publish(job.frame, prediction, job.wanted, parameters)
        end = self._steady()
        timings = prediction.timings
        times = FrameTimes(
            wait_ms=job.wait_s * 1e3,
            preprocess_ms=(job.decode_s + timings.preprocess_s) * 1e3,
            network_ms=timings.network_s * 1e3,
            postprocess_ms=timings.postprocess_s * 1e3,
            publish_ms=(end - start) * 1e3,
            latency_ms=(end - job.arrival.arrived_s) * 1e3,
            age_ms=self._age_ms(job.frame),
            depth_network_ms=timings.depth_network_s * 1e3,
        )
        job.stream.statistics.published(times)
        if self._stats_publisher is not None:
            height, width = job.frame.image.shape[:2]
            self._stats_publisher.publish(
                own_messages.frame_stats_message(
                    job.frame.header,
                    times,
                    job.stream.statistics.counts,
                    camera=job.stream.name,
                    height=height,
                    width=width,
                    batch_size=batch_size,
                )
            )

    def _age_ms(self, frame: Frame) -> float:
        stamp = frame.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        age_ns: int = self._node.get_clock().now().nanoseconds - stamp_ns
        return age_ns / 1e6 if stamp_ns and age_ns >= 0 else math.nan
