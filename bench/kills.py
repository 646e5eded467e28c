# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Kill recorder_node at random moments, and look what is left.

A camera publishes while the node records; kill -9 ends the node. A second one is started on the
same folder, and records too. The bag that it has set aside must hold every image but those of the
last second before the kill, and the second bag must be whole.

    python bench/kills.py --moments 20
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import random
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
import warnings

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from segformer_ros.bags.rosbag import BagReader, BagWarning, STORAGES
from sensor_msgs.msg import Image

_RATE_HZ = 50.0
_PATIENCE_S = 240.0
_ALLOWED_S = 1.0


class Camera:
    """
    Publishes images that carry the time at which they were sent; images_sent keeps it too.

    Each has a topic of its own: who was killed is still taken for a subscriber for a while.
    """

    def __init__(self, node: Node) -> None:
        self.images_sent: list[int] = []
        self.topic = f'/image_{time.time_ns()}'
        self._publisher = node.create_publisher(Image, self.topic, QoSProfile(depth=500))
        self._message = Image(height=200, width=320, encoding='mono8', step=320)
        self._message.data.frombytes(bytes(320 * 200))

    def send(self) -> None:
        """Publish one image."""
        now = time.time_ns()
        self._message.header.stamp.sec, self._message.header.stamp.nanosec = divmod(now, 10**9)
        self._publisher.publish(self._message)
        self.images_sent.append(now)

    def is_heard(self) -> bool:
        """Return whether somebody subscribes."""
        return self._publisher.get_subscription_count() > 0

    def run_until(self, condition: Callable[[], bool]) -> None:
        """
        Publish at the rate of a camera.

        :raises TimeoutError: The condition does not come true.
        """
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > _PATIENCE_S:
                raise TimeoutError('nothing is heard of recorder_node')
            self.send()
            time.sleep(1.0 / _RATE_HZ)


@contextmanager
def _recorder(topic: str, bag: Path, storage: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, '-m', 'segformer_ros.programs', 'recorder_node', '--ros-args']
    command += ['-p', f'topics:=[{topic}]', '-p', f'output:={bag}', '-p', f'storage:={storage}']
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _size(folder: Path) -> int:
    return sum(item.stat().st_size for item in folder.rglob('*') if item.is_file())


def stamps(bag: Path) -> list[int]:
    """Return the stamps of a recording that may lack its end, in nanoseconds."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', BagWarning)
        with BagReader(bag) as reader:
            messages = [
                reader.deserialize(raw, connection.msgtype)
                for connection, _, raw in reader.messages()
            ]
    found = [item.header.stamp for item in messages]
    return [item.sec * 10**9 + item.nanosec for item in found]


def kill_once(
    node: Node, folder: Path, storage: str, wait: Callable[[Camera], object]
) -> tuple[int, float]:
    """
    Kill a recorder, and start another one.

    :param wait: Returns at the moment of the kill; called when the recorder has begun.
    :returns: Images that were kept; seconds from the last of them to the kill.
    :raises AssertionError: Something is lost.
    """
    bag, left = folder / 'bag', folder / 'bag.unfinished'
    camera = Camera(node)
    with _recorder(camera.topic, bag, storage) as process:
        camera.run_until(camera.is_heard)
        # On a busy computer it hears the first image later than it is known.
        camera.run_until(lambda: _size(folder / '.bag.part') > 500_000)
        wait(camera)
        killed = time.time_ns()
        process.kill()
        process.wait()
    other = Camera(node)
    with _recorder(other.topic, bag, storage) as process:
        other.run_until(lambda: left.exists() and _size(folder / '.bag.part') > 500_000)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=_PATIENCE_S)[1]
    assert process.returncode == 0, said
    assert str(left) in said, said
    assert stamps(bag), 'the second recording is empty'
    kept = stamps(left)
    assert kept, 'nothing is kept'
    expected = [
        item for item in camera.images_sent if kept[0] <= item <= killed - _ALLOWED_S * 1e9
    ]
    lost = set(expected) - set(kept)
    assert not lost, f'{len(lost)} of {len(expected)} images are lost'
    return len(kept), (killed - kept[-1]) / 1e9


def _for(seconds: float) -> Callable[[Camera], None]:
    """Return a wait in which the camera goes on."""

    def wait(camera: Camera) -> None:
        end = time.monotonic() + seconds
        camera.run_until(lambda: time.monotonic() > end)

    return wait


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


def main() -> int:
    """Kill recorders of both storages; 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--moments', type=int, default=20)
    parser.add_argument('--longest', type=float, default=6.0, help='seconds of a recording')
    parser.add_argument('--storages', nargs='+', choices=STORAGES, default=STORAGES)
    parser.add_argument('--seed', type=int, default=11)
    args = parser.parse_args()
    # A shell that runs this in the background has every child ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    dice = random.Random(args.seed)
    failures = 0
    rclpy.init()
    node = rclpy.create_node('camera')
    for storage in args.storages:
        losses = []
        for _ in range(args.moments):
            moment_s = dice.uniform(1.2, args.longest)
            with TemporaryDirectory() as folder:
                try:
                    kept, lost_s = kill_once(node, Path(folder), storage, _for(moment_s))
                except AssertionError as error:
                    failures += 1
                    _say(f'{storage} killed after {moment_s:.2f} s: {error}')
                    continue
            losses.append(lost_s)
            sys.stdout.write(
                f'{storage} killed after {moment_s:.2f} s: {kept} kept, {lost_s:.2f} s lost\n'
            )
        worst = max(losses, default=float('nan'))
        sys.stdout.write(
            f'{storage}: {len(losses)} of {args.moments} kept, at most {worst:.2f} s lost\n'
        )
    node.destroy_node()
    rclpy.shutdown()
    return int(failures > 0)


if __name__ == '__main__':
    sys.exit(main())
