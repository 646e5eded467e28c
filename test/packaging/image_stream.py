# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Two programs for test_large_images.py: one sends images, one counts those that arrive.

    image_stream.py send|count TOPIC FRAMES
"""

from __future__ import annotations

import sys

import rclpy
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_profile_sensor_data as best_effort
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

WIDTH, HEIGHT, RATE_HZ = 1280, 800, 30.0
# Ticks between the match and the first image, and between the last image and the end: each side
# learns of the other at its own time, and the end must not overtake the last image.
SETTLE_TICKS = 10
ONCE = QoSProfile(
    depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE
)


class Sender(Node):
    """Send FRAMES images, the first one when somebody listens; frame_id carries the number."""

    def __init__(self, topic: str, frames: int) -> None:
        super().__init__('sender')
        self._ticks = 0
        self.finished = False
        self._frames = frames
        self._images = self.create_publisher(Image, topic, best_effort)
        self._end = self.create_publisher(Empty, f'{topic}/end', ONCE)
        self._message = Image(
            width=WIDTH, height=HEIGHT, encoding='bgr8', step=WIDTH * 3, data=b'\x07' * (3 * WIDTH)
        )
        self._message.data *= HEIGHT
        # A timer, not a sleep: the pace does not drift with the time that publishing takes.
        self.create_timer(1.0 / RATE_HZ, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _tick(self) -> None:
        listening = all(p.get_subscription_count() for p in (self._images, self._end))
        # Before the first image nobody is there yet; after the end the counter leaves.
        self.finished = self._ticks > 0 and not listening
        self._ticks += listening
        number = self._ticks - SETTLE_TICKS
        if 0 <= number < self._frames:
            self._message.header.frame_id = str(number)
            self._images.publish(self._message)
        elif number == self._frames + SETTLE_TICKS:
            self._end.publish(Empty())


class Counter(Node):
    """Count the different images that arrive whole until the sender says that it ended."""

    def __init__(self, topic: str) -> None:
        super().__init__('counter')
        self.numbers: set[str] = set()
        self.finished = False
        self.create_subscription(Image, topic, self._on_image, best_effort)
        self.create_subscription(Empty, f'{topic}/end', self._on_end, ONCE)

    def _on_image(self, message: Image) -> None:
        if len(message.data) == WIDTH * HEIGHT * 3:
            self.numbers.add(message.header.frame_id)

    def _on_end(self, _: Empty) -> None:
        self.finished = True


def main() -> int:
    """Run one side until it has finished; the counter prints its count."""
    role, topic, frames = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rclpy.init()
    node = Sender(topic, frames) if role == 'send' else Counter(topic)
    while not node.finished:
        rclpy.spin_once(node, timeout_sec=1.0)
    if isinstance(node, Counter):
        sys.stdout.write(f'{len(node.numbers)}\n')
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
