# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Check that the memory of segformer_node stays flat, frame after frame.

A real node gets real messages in one process, with every output subscribed and a network that
costs nothing; the resident memory after a warm-up may not change by more than two per cent.

    python bench/memory.py --max-frames 10000
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import sys
import time
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.bundle import Manifest
from segformer_ros.engines.builder_process import start_build
from segformer_ros.inference.failover import Failover, Network
from segformer_ros.inference.pipeline import Options, Prediction, Timings
from segformer_ros.labels import CARLA_0914
from segformer_ros.msg import FrameStats
from segformer_ros.nodes.segformer_node import SegformerNode
from segformer_ros.process_memory import keep_freed_memory
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

_IMAGES = ('label', 'label/color', 'label/confidence', 'depth', 'overlay')
_LIMIT = 0.02


class Copies:
    """A network that makes its outputs from the channels of the image, new for every frame."""

    manifest = SimpleNamespace(
        name='copies',
        tasks=('segmentation', 'depth'),
        results=lambda scaled=False: ('segmentation', 'depth'),
        source_of_labels=lambda: 'a stand-in',
        classes=CARLA_0914.classes,
        depth_range_m=(0.5, 300.0),
        depth=SimpleNamespace(unit='metres', scale=None),
    )
    backend_name = 'numpy'
    backend_reason = 'the only one'
    takes_raw = False

    def predict_batch(
        self,
        images: list[npt.NDArray[np.uint8]],
        focal_lengths_px: object,
        options: Options,
        memories: object = None,
    ) -> list[Prediction]:
        """Copy the channels."""
        return [
            Prediction(
                labels=image[..., 0] % 29,
                depth=image[..., 1].astype(np.float32),
                confidence=image[..., 2].copy(),
                timings=Timings(0.0, 0.0, 0.0),
            )
            for image in images
        ]

    def close(self) -> None:
        """Free nothing."""


def alone(network: Copies) -> Failover:
    """Return a network as the node takes it: the only backend of its order."""
    manifest = cast('Manifest', network.manifest)
    return Failover(manifest, ('numpy',), lambda step: cast('Network', network), start_build)


class Camera:
    """Sends images of changing content and subscribes to everything."""

    def __init__(self, node: Node, height: int, width: int) -> None:
        """Create the connections."""
        self.points = 0
        self._rows = np.random.default_rng(0).integers(0, 256, (height + 64, 4 * width), np.uint8)
        self._shape = (height, width)
        self._info = CameraInfo(height=height, width=width)
        self._info.k = [width / 2, 0.0, width / 2, 0.0, width / 2, height / 2, 0.0, 0.0, 1.0]
        self._node = node
        self.images = node.create_publisher(Image, 'image', qos_profile_sensor_data)
        self.infos = node.create_publisher(CameraInfo, 'camera_info', qos_profile_sensor_data)
        for name in _IMAGES:
            node.create_subscription(Image, f'{name}/image', _ignore, 5)
        for name in ('label', 'depth'):
            node.create_subscription(CameraInfo, f'{name}/camera_info', _ignore, 5)
        node.create_subscription(FrameStats, '/segformer_node/frame_stats', _ignore, 5)
        node.create_subscription(PointCloud2, 'depth/points', self._count, 5)

    def send(self, number: int) -> None:
        """Send one image and its camera_info."""
        height, width = self._shape
        first = number % 64
        last = first + height
        message = Image(height=height, width=width, encoding='bgra8', step=4 * width)
        message.header.stamp = self._info.header.stamp = self._node.get_clock().now().to_msg()
        message.data.frombytes(self._rows[first:last].data.cast('B'))
        self.infos.publish(self._info)
        self.images.publish(message)

    def _count(self, message: PointCloud2) -> None:
        self.points += 1


def main() -> int:
    """Run the bench, print the memory, and fail where it is not flat."""
    args = _arguments()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'OFF'
    keep_freed_memory()
    rclpy.init()
    node = SegformerNode(load=lambda values: alone(Copies()))
    probe = rclpy.create_node('bench_camera')
    camera = Camera(probe, args.height, args.width)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(probe)
    try:
        samples = _run(executor, camera, args.max_frames)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    steady = [mib for number, mib in samples if number >= args.max_frames // 10]
    change = max(steady) / min(steady) - 1.0
    sys.stdout.write(
        f'{args.max_frames} frames of {args.width}x{args.height}, all outputs: memory '
        f'{min(steady):.1f} to {max(steady):.1f} MiB after the first tenth, {change:.2%}\n'
    )
    return 0 if change <= _LIMIT else 1


def _run(executor: SingleThreadedExecutor, camera: Camera, frames: int) -> list[tuple[int, float]]:
    while not camera.images.get_subscription_count() or not camera.infos.get_subscription_count():
        executor.spin_once(timeout_sec=0.1)
    samples = []
    for number in range(frames):
        camera.send(number)
        end = time.monotonic() + 10.0
        while camera.points <= number and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
        if camera.points <= number:
            raise RuntimeError(f'expected frame {number} within 10 s, got nothing')
        if number % max(1, frames // 40) == 0 or number == frames - 1:
            samples.append((number, _resident_mib()))
            sys.stdout.write(f'{number:8d} frames {samples[-1][1]:9.1f} MiB\n')
            sys.stdout.flush()
    return samples


def _resident_mib() -> float:
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def _ignore(message: Any) -> None:
    pass


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--max-frames', type=int, default=10000)
    parser.add_argument('--width', type=int, default=320)
    parser.add_argument('--height', type=int, default=200)
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
