# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Two programs for test_large_images.py: one sends images, one counts those that arrive.

    image_stream.py send|count TOPIC

Each takes a line of standard input at a time and answers with a line, when the other one is there:

    send N     send so many images at once
    count N    wait for so many different images in all, or until no more come; answer how many
"""

from __future__ import annotations

import sys

import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data as best_effort
from sensor_msgs.msg import Image

WIDTH, HEIGHT = 1280, 800
# An image that has been sent lies there, or is lost: these looks are for what is on its way.
IDLE_LOOKS, LOOK_S = 20, 0.1


class Sender(Node):
    """Send images whose frame_id carries their number."""

    def __init__(self, topic: str) -> None:
        super().__init__('sender')
        self._sent = 0
        self._images = self.create_publisher(Image, topic, best_effort)
        self._message = Image(
            width=WIDTH, height=HEIGHT, encoding='bgr8', step=WIDTH * 3, data=b'\x07' * (3 * WIDTH)
        )
        self._message.data *= HEIGHT

    def is_met(self) -> bool:
        """Return whether somebody listens."""
        return self._images.get_subscription_count() > 0

    def answer(self, count: int) -> int:
        """Send images, and return how many were sent so far."""
        for _ in range(count):
            self._message.header.frame_id = str(self._sent)
            self._images.publish(self._message)
            self._sent += 1
        return self._sent


class Counter(Node):
    """Count the different images that arrive whole."""

    def __init__(self, topic: str) -> None:
        super().__init__('counter')
        self._numbers: set[str] = set()
        self._images = self.create_subscription(Image, topic, self._on_image, best_effort)

    def is_met(self) -> bool:
        """Return whether somebody sends."""
        return self._images.get_publisher_count() > 0

    def answer(self, count: int) -> int:
        """Wait for images, and return how many came so far."""
        idle = 0
        while len(self._numbers) < count and idle < IDLE_LOOKS:
            before = len(self._numbers)
            rclpy.spin_once(self, timeout_sec=LOOK_S)
            idle = 0 if len(self._numbers) > before else idle + 1
        return len(self._numbers)

    def _on_image(self, message: Image) -> None:
        if len(message.data) == WIDTH * HEIGHT * 3:
            self._numbers.add(message.header.frame_id)


def main() -> int:
    """Run one side until its input ends."""
    role, topic = sys.argv[1:]
    rclpy.init()
    node = Sender(topic) if role == 'send' else Counter(topic)
    while not node.is_met():
        rclpy.spin_once(node, timeout_sec=LOOK_S)
    for line in sys.stdin:
        sys.stdout.write(f'{node.answer(int(line.split()[1]))}\n')
        sys.stdout.flush()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
