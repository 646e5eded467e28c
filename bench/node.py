# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what segformer_node adds to the time of its network.

A camera in this process sends images with the present time as their stamp to a node in another
process, more slowly than the network runs, and takes labels and depth. The overhead is the time
from the stamp to the last publication, less the network's own time, both as the node says them in
~/frame_stats; next to it stands the same up to the arrival of labels and depth in this process.

    python bench/node.py --model world_b0_fast --max-frames 100
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import platform
import random
import subprocess
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.msg import FrameStats
from segformer_ros.process_memory import keep_freed_memory
from segformer_ros.world import random_frame
from sensor_msgs.msg import Image

_PROFILE = Path(__file__).parents[1] / 'config' / 'fastdds_large_images.xml'
_PARTS = ('wait_ms', 'preprocess_ms', 'network_ms', 'postprocess_ms', 'publish_ms', 'latency_ms')
_WARM_UP = 10


class Camera:
    """Sends one image at a time and waits for what becomes of it."""

    def __init__(self, height: int, width: int) -> None:
        """Prepare the image and the connections."""
        self.node = rclpy.create_node('bench_camera')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.pixels = _picture(height, width)
        self.arrivals: dict[str, float] = {}
        self.stats: Any = None
        self._images = self.node.create_publisher(Image, 'image', qos_profile_sensor_data)
        for topic in ('label/image', 'depth/image'):
            self.node.create_subscription(Image, topic, self._receiver(topic), 5)
        topic = '/segformer_node/frame_stats'
        self.node.create_subscription(FrameStats, topic, self._take_stats, 5)

    def connect(self, process: subprocess.Popen[bytes]) -> None:
        """
        Wait for the node.

        :raises RuntimeError: It has ended, or does not come within a minute.
        """
        end = time.monotonic() + 60.0
        while not self._images.get_subscription_count():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError('expected a node that takes images, found none: see above')
            self.executor.spin_once(timeout_sec=0.1)

    def shoot(self, timeout_s: float) -> tuple[Any, float] | None:
        """
        Send one image.

        :returns: The statistics and the time until labels and depth arrived in milliseconds;
            None where anything is missing after the time.
        """
        self.arrivals.clear()
        self.stats = None
        height, width = self.pixels.shape[:2]
        message = Image(height=height, width=width, encoding='bgra8', step=4 * width)
        message.data.frombytes(self.pixels.data.cast('B'))
        start = time.monotonic()
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._images.publish(message)
        while len(self.arrivals) < 2 or self.stats is None:
            if time.monotonic() > start + timeout_s:
                return None
            self.executor.spin_once(timeout_sec=0.01)
        return self.stats, (max(self.arrivals.values()) - start) * 1e3

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=max(0.0, end - time.monotonic()))

    def _receiver(self, topic: str) -> Any:
        def receive(message: Image) -> None:
            self.arrivals[topic] = time.monotonic()

        return receive

    def _take_stats(self, message: Any) -> None:
        self.stats = message


def main() -> int:
    """Run the bench and print the table."""
    args = _arguments()
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randrange(1, 101)))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        os.environ.setdefault(name, str(_PROFILE))
    keep_freed_memory()
    command = [sys.executable, '-m', 'segformer_ros.nodes.segformer_node', '--ros-args']
    values = ('-p', f'model:={args.model}', '-p', f'threads:={args.threads}')
    rclpy.init()
    with subprocess.Popen([*command, *values]) as process:
        try:
            camera = Camera(args.height, args.width)
            camera.connect(process)
            shots = []
            for _ in range(args.max_frames + _WARM_UP):
                shots.append(camera.shoot(args.timeout))
                camera.rest(args.pause)
        except RuntimeError as error:
            sys.stderr.write(f'{error}\n')
            return 1
        finally:
            process.terminate()
            rclpy.try_shutdown()
    _print(args, shots[_WARM_UP:])
    return 0


def _print(args: argparse.Namespace, shots: list[tuple[Any, float] | None]) -> None:
    known = [shot for shot in shots if shot is not None]
    write = sys.stdout.write
    write(f'{_hardware()}\n')
    write(
        f'{args.width}x{args.height} bgra8 in, labels and depth out, model {args.model}, '
        f'{len(known)} of {len(shots)} frames\n'
    )
    if not known:
        return
    columns = {name: [getattr(stats, name) for stats, _ in known] for name in _PARTS}
    columns['stamp to callback'] = [stats.age_ms - stats.latency_ms for stats, _ in known]
    columns['stamp to publication, less the network'] = [
        stats.age_ms - stats.network_ms for stats, _ in known
    ]
    columns['stamp to arrival, less the network'] = [
        total - stats.network_ms for stats, total in known
    ]
    write(f'{"":42}{"median":>10}{"p99":>10}\n')
    for name, values in columns.items():
        median, high = np.percentile(values, (50, 99))
        write(f'{name:42}{median:10.2f}{high:10.2f}\n')


def _picture(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return a street of the built-in world as BGRA."""
    image = random_frame(3, width, height).image
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[..., :3] = image[..., ::-1]
    return picture


def _hardware() -> str:
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    names = [line.split(':')[1].strip() for line in lines if line.startswith('model name')]
    load = os.getloadavg()[0]
    name = names[0] if names else platform.machine()
    return f'{name}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--model', default='world_b0_fast', help='name or path of a bundle')
    parser.add_argument('--threads', type=int, default=1, help='threads of the network')
    parser.add_argument('--max-frames', type=int, default=100, help='frames to measure')
    parser.add_argument('--width', type=int, default=1280)
    parser.add_argument('--height', type=int, default=800)
    parser.add_argument('--pause', type=float, default=0.05, help='seconds between frames')
    parser.add_argument('--timeout', type=float, default=5.0, help='seconds to wait for a frame')
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
