# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera that knows of every image what must become of it, and takes the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from endurance.node import NodeProcess, PLAIN

Pixels = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 200, 320
ANSWERS = ('label', 'depth')
EXTRAS = ('label/color', 'label/confidence', 'overlay')
DEADLINE_S = 120.0
_CHANNELS = {'rgb8': (0, 1, 2), 'bgr8': (2, 1, 0), 'rgba8': (0, 1, 2, 3), 'bgra8': (2, 1, 0, 3)}
_ENDS = ('published', 'replaced', 'idle', 'refused', 'failed')


class SoakError(RuntimeError):
    """Something is missing, or not what it must be."""


class Camera:
    """Sends and listens in this process; the node is in another one."""

    def __init__(self, node: NodeProcess, seed: int) -> None:
        """Connect to nothing yet."""
        self.node, self.rng = node, np.random.default_rng(seed)
        self.tally: Counter[str] = Counter()
        self.stamp_ns = 1_700_000_000_000_000_000
        self._executor = SingleThreadedExecutor()
        self._listener = rclpy.create_node('soak_listener')
        self._executor.add_node(self._listener)
        self._subscriptions: dict[str, Any] = {}
        self._rows = self.rng.integers(0, 256, (HEIGHT + 64, WIDTH, 4), np.uint8)
        self._waiting: dict[str, dict[int, Pixels]] = {name: {} for name in ANSWERS}
        self._sender: Any = None
        self._heard = True

    # What is sent.

    def connect(self) -> None:
        """Be a new publisher, in place of the one before; images continue until one arrives."""
        if self._sender is not None:
            self.settle()
            self._sender.destroy_node()
        self._sender = rclpy.create_node('soak_camera')
        self.images = self._sender.create_publisher(Image, 'image', qos_profile_sensor_data)
        self.infos = self._sender.create_publisher(
            CameraInfo, 'camera_info', qos_profile_sensor_data
        )
        self.until(
            lambda: bool(
                self.images.get_subscription_count() and self.infos.get_subscription_count()
            ),
            'a node that takes images',
        )
        before, sent = self.node.counts().get('received', 0), 0
        while self.node.counts()['received'] == before:
            if sent > 200:
                raise SoakError('expected the node to hear a new publisher, it does not')
            self.publish(self.picture())
            sent += 1
            self.spin(0.1)
        self.spin(0.2)
        # The node had not found the publisher yet: no one could have counted them.
        self.tally['sent'] += sent
        self.tally['before discovery'] += sent - (self.node.counts()['received'] - before)

    def picture(
        self, height: int = HEIGHT, width: int = WIDTH, first: tuple[int, ...] = PLAIN
    ) -> Pixels:
        """Make RGBA pixels that nearly no other image has, with what the backend does with it."""
        if (height, width) == (HEIGHT, WIDTH):
            row = int(self.rng.integers(64))
            pixels = self._rows[row : row + HEIGHT].copy()
        else:
            pixels = self.rng.integers(0, 256, (height, width, 4), np.uint8)
        pixels[0, 0, :3] = first
        return pixels

    def message(self, pixels: Pixels, encoding: str = 'rgb8') -> Image:
        """Make a message with the next stamp."""
        self.stamp_ns += 1_000_003
        if encoding == 'mono8':
            chosen = np.ascontiguousarray(pixels[..., :1])
        else:
            chosen = np.ascontiguousarray(pixels[..., _CHANNELS[encoding]])
        message = Image(height=chosen.shape[0], width=chosen.shape[1], encoding=encoding)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self.stamp_ns, 10**9)
        message.header.frame_id = 'optical'
        message.step = chosen.strides[0]
        message.data.frombytes(chosen.data.cast('B'))
        return message

    def publish(self, pixels: Pixels, encoding: str = 'rgb8') -> None:
        """Publish a good image, and remember what the answers must be."""
        message = self.message(pixels, encoding)
        rgb = np.repeat(pixels[..., :1], 3, axis=2) if encoding == 'mono8' else pixels[..., :3]
        for waiting in self._waiting.values():
            waiting[self.stamp_ns] = rgb
        self.images.publish(message)
        self.tally['good'] += 1

    def send(self, pixels: Pixels, encoding: str = 'rgb8') -> None:
        """Publish a good image and wait until the node has it, not for what becomes of it."""
        self.publish(pixels, encoding)
        self._arrives()

    def send_bad(self, message: Image) -> None:
        """Publish an image that must be refused while the node has nothing else to do."""
        self.settle()
        self.images.publish(message)
        self.tally['bad'] += 1
        self._arrives()
        self.settle()

    def _arrives(self) -> None:
        self.tally['sent'] += 1
        expected = self.tally['sent'] - self.tally['before discovery']
        counts: dict[str, Any] = {}

        def is_there() -> bool:
            counts.update(self.node.counts())
            return bool(counts['received'] >= expected)

        self.until(is_there, 'an image to arrive')
        if self._heard:
            # Outputs keep the last five: a listener that lags behind by more misses some.
            self._answers(counts['published'] - 3)

    def _answers(self, published: int) -> None:
        """Wait until the answers of so many published frames have come."""
        for name in ANSWERS:
            expected = published - self.tally[f'{name} unheard']
            self.until(partial(self._came, name, expected), f'all answers on {name}')

    # What comes back.

    def listen(self, names: tuple[str, ...]) -> None:
        """Subscribe to some outputs."""
        for name in names:
            kind, topic = (
                (PointCloud2, name) if name == 'depth/points' else (Image, f'{name}/image')
            )
            callback = self._taker(name) if name in ANSWERS else _ignore
            self._subscriptions[name] = self._listener.create_subscription(
                kind, topic, callback, 50
            )

    def leave(self, names: tuple[str, ...]) -> None:
        """Unsubscribe from them."""
        for name in names:
            self._listener.destroy_subscription(self._subscriptions.pop(name))

    def listens(self, name: str) -> bool:
        """Return whether an output is subscribed."""
        return name in self._subscriptions

    def go_and_come(self, images: int) -> None:
        """Leave every output, send images that no one wants, come back and receive one."""
        self.settle()
        before, heard = self.node.counts(), {name: self.tally[f'{name} right'] for name in ANSWERS}
        self._heard = False
        self.leave(tuple(self._subscriptions))
        for _ in range(images):
            self.send(self.picture())
        self.settle(answers=False)
        self.listen(ANSWERS)
        for _ in range(200):
            self.send(self.picture())
            self.settle(answers=False)
            self.spin(0.05)
            if all(self.stamp_ns not in waiting for waiting in self._waiting.values()):
                break
        else:
            raise SoakError('expected answers after subscribing again, got none')
        published = self.node.counts()['published'] - before['published']
        for name in ANSWERS:
            right = self.tally[f'{name} right'] - heard[name]
            # Published for those who had just left, or before this output was found again.
            self.tally[f'{name} unheard'] += published - right
        self._heard = True

    def _taker(self, name: str) -> Callable[[Image], None]:
        def take(message: Image) -> None:
            stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            waiting = self._waiting[name]
            rgb = waiting.pop(stamp, None)
            if rgb is None or not _is_right(name, message, rgb):
                self.tally[f'{name} wrong'] += 1
                return
            self.tally[f'{name} right'] += 1
            self._forget(name)

        return take

    def _forget(self, name: str) -> None:
        """Forget what is long past, so that memory stays flat here too."""
        waiting = self._waiting[name]
        while len(waiting) > 200:
            del waiting[next(iter(waiting))]
            self.tally[f'{name} without an answer'] += 1

    def without_answer(self, name: str) -> int:
        """Count the good images that no answer came to."""
        return self.tally[f'{name} without an answer'] + len(self._waiting[name])

    def settle(self, *, answers: bool = True) -> None:
        """Wait until the node has said of every image what became of it, and all answers came."""
        counts: dict[str, Any] = {}

        def is_settled() -> bool:
            counts.update(self.node.counts())
            return sum(counts[name] for name in _ENDS) == counts['received']

        self.until(is_settled, 'the node to finish')
        if answers:
            self._answers(counts['published'])

    def _came(self, name: str, expected: int) -> bool:
        return self.tally[f'{name} right'] + self.tally[f'{name} wrong'] >= expected

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """
        Take messages until something holds.

        :param what: For the message.
        :raises SoakError: It does not in time.
        """
        end = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > end:
                raise SoakError(f'expected {what} within {DEADLINE_S:g} s: {dict(self.tally)}')
            self._executor.spin_once(timeout_sec=0.001)

    def spin(self, seconds: float) -> None:
        """Take messages for some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)

    def close(self) -> None:
        """Leave."""
        self._executor.shutdown()
        self._listener.destroy_node()
        if self._sender is not None:
            self._sender.destroy_node()


def _is_right(name: str, message: Image, rgb: Pixels) -> bool:
    """Compare an answer with what the network says of its image."""
    if (message.height, message.width) != rgb.shape[:2] or message.header.frame_id != 'optical':
        return False
    if name == 'label':
        found = np.frombuffer(message.data, np.uint8).reshape(rgb.shape[:2])
        return bool(np.array_equal(found, rgb[..., 0] % 29))
    depth = np.frombuffer(message.data, '<f4').reshape(rgb.shape[:2])
    return bool(np.array_equal(depth, rgb[..., 1].astype(np.float32)))


def _ignore(message: Any) -> None:
    pass
