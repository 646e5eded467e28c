# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a rosbag2, or a video file as if it were a camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
import threading
import time
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from segformer_ros.bags.rosbag import is_bag
from segformer_ros.nodes import executable
from segformer_ros.nodes.fixed_parameters import parameter, take
from segformer_ros.nodes.pacing import Pacer
from segformer_ros.nodes.recordings import BagRecording, Recording, VideoRecording

_ENCODINGS = ('bgr8', 'rgb8')
_LOOK_PERIOD_S = 0.02
_WAIT_FOR_READERS = Duration(seconds=2)
# This node may know of a subscription before the node that publishes there does.
_SETTLED_S = 0.5


@dataclass(frozen=True)
class ReplayParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    input: str = parameter('', 'Input: a rosbag2 (folder, .mcap, .db3) or a video file.')
    topics: tuple[str, ...] = parameter(('',), "Topics of a bag to play; [''] = all.")
    image: str = parameter(
        '',
        'Image topic that a bag must contain and whose subscriber is waited for; empty = '
        'all image topics.',
    )
    subscriber: str = parameter(
        '', 'Name of the node that must subscribe to the images; empty = any node.'
    )
    recorded: tuple[str, ...] = parameter(
        ('',), 'Results that recorder_node must subscribe to before the first message.'
    )
    rate: float = parameter(1.0, 'Playback rate relative to the recording.', between=(0.01, 100.0))
    loop: bool = parameter(False, 'Start over at the end.')
    clock: bool = parameter(False, 'Publish the recorded time of a bag as /clock.')
    wait_for_subscribers_s: float = parameter(
        0.0,
        'Maximum wait for a subscriber of the images and for the recorder, in seconds.',
        between=(0.0, 3600.0),
    )
    encoding: str = parameter(
        'bgr8', f'Encoding of the images of a video: {" or ".join(_ENCODINGS)}.'
    )
    frame_id: str = parameter('camera_optical', 'frame_id of the images of a video.')
    camera_fov_deg: float = parameter(
        0.0,
        'Horizontal field of view of a video in degrees, for camera_info; 0 = unknown.',
        between=(0.0, 179.0),
    )

    def __post_init__(self) -> None:
        if not self.input:
            raise ValueError('expected a bag or a video in input, got nothing')
        if self.encoding not in _ENCODINGS:
            raise ValueError(
                f'encoding must be one of {", ".join(_ENCODINGS)}, not {self.encoding!r}'
            )


class ReplayNode(Node):
    """Publishes from a thread of its own, and ends the process after the last message."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        """
        Take the parameters, open the recording and start to play.

        :param steady: A clock in seconds that never jumps.
        :raises ValueError: A parameter has no sense, or the input is neither a bag nor a video.
        """
        super().__init__('replay_node')
        self.parameters = take(self, ReplayParameters)
        self.published = self.exit_code = 0
        self._steady = steady
        self._stopping = threading.Event()
        self._recording = self._open()
        self._time_publisher = self._publish_clock()
        self._time_ns = 0
        # A shutdown destroys the node, which waits for the thread: another one has to do it.
        self._finished = self.create_guard_condition(self._end)
        self._thread = threading.Thread(target=self._run, name='replay', daemon=True)
        self._thread.start()

    def destroy_node(self) -> None:
        """Stop to play."""
        self._stopping.set()
        self._thread.join(timeout=10.0)
        super().destroy_node()

    def _open(self) -> Recording:
        values = self.parameters
        path = Path(values.input).expanduser()
        try:
            if is_bag(path):
                topics = tuple(filter(None, values.topics))
                recording = BagRecording(self, path, topics, clock=values.clock)
                self._check_image(path, recording)
                return recording
            return VideoRecording(
                self,
                path,
                encoding=values.encoding,
                frame_id=values.frame_id,
                camera_fov_deg=values.camera_fov_deg,
            )
        except OSError as error:
            raise ValueError(f'{path}: {error.strerror}') from error

    def _check_image(self, path: Path, recording: Recording) -> None:
        names = [item.topic_name for item in recording.images]
        if self.parameters.image and not self._waited_for(recording):
            raise ValueError(
                f'expected the images {self.resolve_topic_name(self.parameters.image)} in {path}, '
                f'found {", ".join(names) or "no images"}: set image to the one that is meant'
            )

    def _waited_for(self, recording: Recording) -> list[Publisher[Any]]:
        """Return the publishers that somebody must listen to."""
        if not self.parameters.image:
            return recording.images or recording.publishers
        name = self.resolve_topic_name(self.parameters.image)
        names = {name, f'{name}/compressed'}
        return [item for item in recording.images if item.topic_name in names]

    def _publish_clock(self) -> Publisher[Clock] | None:
        if self.parameters.clock and isinstance(self._recording, BagRecording):
            return self.create_publisher(Clock, '/clock', 10)
        return None

    def _run(self) -> None:
        for text in self._recording.notes:
            self.get_logger().warning(text)
        for text in self._recording.skipped:
            self.get_logger().warning(f'not played: {text}')
        try:
            lacking = self._wait_for_subscribers()
        except RuntimeError:
            # A shutdown of ROS takes the node away from under the thread.
            if self.context.ok():
                raise
            return
        if lacking and self._is_strict() and not self._stopping.is_set():
            self._fail(
                f'expected a subscriber of {", ".join(lacking)} within '
                f'{self.parameters.wait_for_subscribers_s:g} s, found none: nothing is played'
            )
            return
        start = self._steady()
        pacer = Pacer(self.parameters.rate, self._steady, self._stopping.wait, self._tell_time)
        try:
            while self._play_once(pacer) and self.parameters.loop:
                self._time_ns = 0
                pacer.jump(self._recording.pause_s / self.parameters.rate)
        except (OSError, RuntimeError, ValueError) as error:
            # A shutdown of ROS takes the publishers away from under the thread.
            if self.context.ok() and not self._stopping.is_set():
                self._fail(f'the recording ends early: {error}')
        if not self._stopping.is_set():
            self._say_end(self._steady() - start, pacer.latest_s)
            self._finished.trigger()

    def _fail(self, text: str) -> None:
        self.exit_code = 1
        self.get_logger().error(text)
        self._finished.trigger()

    def _wait_for_subscribers(self) -> list[str]:
        """Wait for subscribers that must not miss the first message; name topics without."""
        until = self._steady() + self.parameters.wait_for_subscribers_s
        settled_s = _SETTLED_S if self._is_strict() else 0.0
        lacking, since = self._lacking(), self._steady()
        while lacking or self._steady() < since + settled_s:
            if (lacking and self._steady() >= until) or self._stopping.wait(_LOOK_PERIOD_S):
                break
            lacking = self._lacking()
            since = self._steady() if lacking else since
        return lacking

    def _is_strict(self) -> bool:
        """Return whether nothing is played without the subscribers."""
        values = self.parameters
        return bool(values.image or any(values.recorded)) and values.wait_for_subscribers_s > 0

    def _has_subscriber(self, publisher: Publisher[Any]) -> bool:
        name = self.parameters.subscriber
        if not name:
            return publisher.get_subscription_count() > 0
        readers = self.get_subscriptions_info_by_topic(publisher.topic_name)
        return any(item.node_name == name for item in readers)

    def _lacking(self) -> list[str]:
        images = self._waited_for(self._recording)
        lacking = [item.topic_name for item in images if not self._has_subscriber(item)]
        if self.parameters.image and len(lacking) < len(images):
            # Raw or compressed: it takes one of them.
            lacking = []
        results = [self.resolve_topic_name(name) for name in self.parameters.recorded if name]
        published = [name for name in results if self.count_publishers(name)]
        # Which of them there are depends on the network, and is known with the first.
        return lacking + [name for name in published or results if not self._is_recorded(name)]

    def _is_recorded(self, name: str) -> bool:
        readers = self.get_subscriptions_info_by_topic(name)
        return any(item.node_name == 'recorder_node' for item in readers)

    def _play_once(self, pacer: Pacer) -> bool:
        """Play to the end; False when the node was stopped before."""
        for item in self._recording.publications():
            if not pacer.reach(item.time_ns):
                return False
            item.publish()
            self.published += 1
        return True

    def _tell_time(self, time_ns: int) -> None:
        if self._time_publisher is not None and time_ns > self._time_ns:
            self._time_ns = time_ns
            stamp = Time(sec=time_ns // 1_000_000_000, nanosec=time_ns % 1_000_000_000)
            self._time_publisher.publish(Clock(clock=stamp))

    def _say_end(self, seconds: float, latest_s: float) -> None:
        lost = len(self._recording.skipped)
        self.get_logger().info(
            f'played {self.published} messages in {seconds:.2f} s, at most '
            f'{latest_s * 1000.0:.0f} ms late' + (f'; {lost} left out' if lost else '')
        )

    def _end(self) -> None:
        """End the process in order, after the last messages have arrived."""
        for publisher in self._recording.publishers:
            publisher.wait_for_all_acked(_WAIT_FOR_READERS)
        self.context.try_shutdown()


def main(args: Sequence[str] | None = None) -> int:
    """Play until the end, or until the node is told to end."""
    return executable.run(ReplayNode, args)


if __name__ == '__main__':
    sys.exit(main())
