# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Drives through a scene of the built-in world in place of CARLA and its ROS bridge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import functools
import sys
import time

from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from segformer_ros import interrupts
from segformer_ros.nodes import executable
from segformer_ros.nodes.bridge_messages import (
    BridgePublisher,
    messages_from_frame,
    QUEUE_DEPTH,
    SensorMessages,
    WorldFrame,
)
from segformer_ros.nodes.fixed_parameters import take
from segformer_ros.nodes.lock_step import LockStep
from segformer_ros.nodes.world_parameters import WorldParameters
from sensor_msgs.msg import Image

# Gives the frame of a moment of the drive, in seconds of simulated time.
Camera = Callable[[float], WorldFrame]

_WAIT_FOR_READERS = Duration(seconds=2)


def make_camera(parameters: WorldParameters) -> Camera:
    """
    Make the camera in the scene that the parameters ask for.

    :raises ValueError: The world does not know the time of day or the weather.
    """
    from segformer_ros import world  # numba, which a node with another camera does not need

    scene = world.Scene(
        parameters.seed,
        time_of_day=parameters.time_of_day or None,
        weather=parameters.weather or None,
    )
    rig = world.CameraRig(
        width=parameters.width,
        height=parameters.height,
        camera_fov_deg=parameters.camera_fov_deg,
        height_m=parameters.camera_height_m,
        pitch_deg=parameters.camera_pitch_deg,
    )
    return functools.partial(world.render, scene, rig)


class WorldNode(Node):
    """
    Publishes one frame after the other, each rendered while the one before is on its way.

    Simulated time advances by one period per frame: where the computer cannot follow, the world
    is slow, and never leaps.
    """

    def __init__(self, make: Callable[[WorldParameters], Camera] = make_camera) -> None:
        """
        Take the parameters and prepare the first frame, or all frames of the loop.

        :param make: Makes the camera.
        :raises ValueError: A parameter has no sense.
        """
        super().__init__('world_node')
        self.parameters = take(self, WorldParameters)
        self.published = 0
        # The first start compiles for many seconds.
        with interrupts.interruptible():
            self._camera = make(self.parameters)
        self._loop: list[list[SensorMessages]] = []
        self._next: list[SensorMessages] = []
        self._bridge = BridgePublisher(
            self, self.parameters.role_name, ground_truth=self.parameters.ground_truth
        )
        self._due = False
        self._lock = self._follow_results() if self.parameters.lock_step else None
        self._prepare_drive()
        # A steady clock: this node is the one who makes simulated time.
        self._timer = self.create_timer(
            self._timer_period_s(), self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def _timer_period_s(self) -> float:
        if self.parameters.real_time:
            return 1.0 / self.parameters.rate_hz
        # In lock-step the results set the pace, and the timer looks after those that never come.
        return 0.02 if self.parameters.lock_step else 0.001

    def _follow_results(self) -> LockStep:
        for name in self.parameters.wait_for:
            callback = functools.partial(self._on_result, name)
            self.create_subscription(Image, name, callback, QUEUE_DEPTH)
        return LockStep(self.parameters.wait_for, timeout_s=self.parameters.wait_timeout_s)

    def _prepare_drive(self) -> None:
        self.get_logger().info('Preparing the world; the first start compiles it')
        start = time.monotonic()
        for index in range(self.parameters.loop_frames):
            if not self.context.ok():
                return
            self._loop.append(self._render(index + 1))
        with interrupts.interruptible():
            self._next = self._messages(1)
        self.get_logger().info(f'The world is ready after {time.monotonic() - start:.1f} s')

    def _render(self, number: int) -> list[SensorMessages]:
        frame = self._camera(number / self.parameters.rate_hz)
        parameters = self.parameters
        return messages_from_frame(
            frame, parameters.role_name, ground_truth=parameters.ground_truth
        )

    def _messages(self, number: int) -> list[SensorMessages]:
        """Return the messages of a frame; the first frame has number 1."""
        if self._loop:
            return self._loop[(number - 1) % len(self._loop)]
        return self._render(number)

    def _on_timer(self) -> None:
        self._due = True
        self._advance()

    def _on_result(self, name: str, msg: Image) -> None:
        if self._lock is not None:
            stamp = msg.header.stamp
            self._lock.received(name, stamp.sec * 1_000_000_000 + stamp.nanosec)
            self._advance()

    def _advance(self) -> None:
        """Publish the next frame if it is due and nothing holds it back."""
        if (self.parameters.real_time and not self._due) or not self._may_go():
            return
        if 0 < self.parameters.max_frames <= self.published:
            self._end()
            return
        self._due = False
        number = self.published + 1
        stamp_ns = round(number * 1e9 / self.parameters.rate_hz)
        stamp = Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
        self._bridge.publish(self._next, stamp)
        self.published = number
        if self._lock is not None:
            self._lock.sent(stamp_ns, time.monotonic())
        if number != self.parameters.max_frames:
            self._next = self._messages(number + 1)

    def _may_go(self) -> bool:
        if self._lock is None:
            return True
        if not self.published and not self._has_consumer():
            return False
        missing, before = self._lock.missing(), self._lock.timeouts
        if not self._lock.ready(time.monotonic()):
            return False
        if self._lock.timeouts > before:
            self.get_logger().warning(
                f'No {" and no ".join(missing)} within {self.parameters.wait_timeout_s:g} s, '
                'driving on',
                throttle_duration_sec=10.0,
            )
        return True

    def _has_consumer(self) -> bool:
        """Return whether somebody takes the images and somebody offers the results."""
        # count_publishers would not remap the name.
        lacking = [
            name
            for name in self.parameters.wait_for
            if not self.get_publishers_info_by_topic(name)
        ]
        if not lacking and self._bridge.has_subscriber():
            return True
        self.get_logger().info(
            f'In lock-step: waiting for {" and ".join(lacking) or "a subscriber"}',
            throttle_duration_sec=10.0,
        )
        return False

    def _end(self) -> None:
        """End the process in order, after the last messages have arrived."""
        self.get_logger().info(f'The drive ends after {self.published} frames')
        self._timer.cancel()
        for publisher in self._bridge.publishers():
            publisher.wait_for_all_acked(_WAIT_FOR_READERS)
        self.context.try_shutdown()


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end or the drive is over."""
    return executable.run(WorldNode, args)


if __name__ == '__main__':
    sys.exit(main())
