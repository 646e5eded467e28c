# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What bench/against.py runs by the Python of a checkout: one figure of it, by what all commits have.

    python against_child.py network BUNDLE IMAGE openvino_bfloat16
"""

from __future__ import annotations

from collections.abc import Callable
import inspect
import json
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import time
from typing import Any

import cv2
import numpy as np

# Through shared memory: fragments of images are lost on a busy machine otherwise.
_PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds_large_images.xml'
_REPEATS = 5
_PATIENCE_S = 120.0
# What is published before both sides know one another is lost; a camera sends ten a second.
_CAMERA_PERIOD_S, _RETRY_S = 0.1, 2.0


def timed(
    work: Callable[[], object], clock: Callable[[], float], repeats: int = _REPEATS
) -> float:
    """Return the median seconds of some calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return median(times)


def _picture(path: str) -> Any:
    return np.ascontiguousarray(cv2.imread(path)[..., ::-1])


def network(bundle: str, image: str, backend: str) -> dict[str, float]:
    """Return the CPU time of one image on one thread, whatever the backend is called."""
    from segformer_ros.inference.pipeline import Pipeline

    try:
        pipeline = Pipeline.load(bundle, backend=backend, threads=1)
    except ValueError:
        short = backend.replace('bfloat16', 'bf16')
        pipeline = Pipeline.load(bundle, backend=short, threads=1)
    pixels = _picture(image)
    return {'ms of CPU': 1e3 * timed(lambda: pipeline.predict(pixels), time.process_time)}


def cameras(image: str) -> dict[str, float]:
    """Return how many times as long four images in one batch take as one."""
    from segformer_ros.inference.pipeline import Pipeline

    pipeline = Pipeline.load('world_b0_fast', backend='onnxruntime')
    pixels = _picture(image)
    four = timed(lambda: pipeline.predict_batch([pixels] * 4), time.perf_counter)
    return {'times one image': four / timed(lambda: pipeline.predict(pixels), time.perf_counter)}


def cores(image: str, backend: str = 'onnxruntime') -> dict[str, float]:
    """Return how many times as fast one image is on two threads as on one."""
    from segformer_ros.inference.pipeline import Pipeline

    pixels = _picture(image)
    seconds = [
        timed(lambda loaded=loaded: loaded.predict(pixels), time.perf_counter)
        for loaded in (
            Pipeline.load('world_b0_fast', backend=backend, threads=threads) for threads in (1, 2)
        )
    ]
    return {'times one thread': seconds[0] / seconds[1]}


def pictures(image: str) -> dict[str, float]:
    """Return the time of the picture of camera, labels and depth."""
    from segformer_ros import draw, labels

    pixels = _picture(image)
    height, width = pixels.shape[:2]
    ids = np.repeat(np.arange(width, dtype=np.int64)[None] // 64, height, 0).astype(np.uint8)
    depth = np.linspace(0.5, 90.0, height * width, dtype=np.float32).reshape(height, width)
    former = 'palette' in inspect.signature(draw.side_by_side).parameters
    colors: Any = labels.CARLA_0914.palette() if former else labels.CARLA_0914.classes

    def work() -> None:
        draw.side_by_side(pixels, ids, depth, colors)

    return {'ms of CPU': 1e3 * timed(work, time.process_time, 15)}


def cloud(image: str) -> dict[str, float]:
    """Return the time of the bytes of a cloud as its node makes it, with its colours if any."""
    from segformer_ros.camera import Intrinsics

    # Page faults take longer than the work: 20 MB of memory that come and go.
    try:
        from segformer_ros.process_memory import keep_freed_memory
    except ImportError:
        from segformer_ros.nodes.executable import set_allocator_limits as keep_freed_memory
    keep_freed_memory()

    height, width = _picture(image).shape[:2]
    random = np.random.default_rng(1)
    depth = random.uniform(0.5, 90.0, (height, width)).astype(np.float32)
    ids = random.integers(0, 29, (height, width)).astype(np.uint8)
    camera = Intrinsics(500.0, 500.0, width / 2, height / 2, width, height)
    try:
        from segformer_ros.labels import CARLA_0914
        from segformer_ros.point_cloud import make_points, packed_palette
    except ImportError:
        from segformer_ros.nodes.messages import point_cloud_message
        from std_msgs.msg import Header

        def work() -> object:
            return point_cloud_message(Header(), depth, ids, camera).data
    else:
        colors = packed_palette(CARLA_0914.palette())

        def work() -> object:
            return make_points(depth, camera, labels=ids, colors=colors).tobytes()

    return {'ms of CPU': 1e3 * timed(work, time.process_time, 15)}


def node(frames: str) -> dict[str, float]:
    """Start the node, send it images one by one, and look at its memory."""
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from segformer_ros.msg import FrameStats
    from sensor_msgs.msg import Image

    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        os.environ.setdefault(name, str(_PROFILE))
    rclpy.init()
    camera = rclpy.create_node('bench_camera')
    images = camera.create_publisher(Image, 'image', qos_profile_sensor_data)
    seen: list[Any] = []
    stats: list[Any] = []
    camera.create_subscription(Image, 'label/image', seen.append, 5)
    camera.create_subscription(Image, 'depth/image', lambda message: None, 5)
    camera.create_subscription(FrameStats, '/segformer_node/frame_stats', stats.append, 5)
    message = Image(height=800, width=1280, encoding='bgr8', step=3 * 1280)
    message.data.frombytes(np.random.default_rng(1).bytes(800 * 1280 * 3))
    start = time.monotonic()
    command = [sys.executable, '-m', 'segformer_ros.nodes.segformer_node', '--ros-args']
    command += ['-p', 'model:=world_b0_fast', '-p', 'threads:=1']
    with subprocess.Popen(command) as process:
        try:
            first = _shoot(camera, images, message, seen, process, _CAMERA_PERIOD_S)
            # No later image may meet one of those that were sent more than once.
            _spin(camera, 1.0)
            for _ in range(int(frames) - 1):
                _shoot(camera, images, message, seen, process)
            _spin(camera, 0.2)
            pages = Path(f'/proc/{process.pid}/status').read_text(encoding='ascii')
        finally:
            process.terminate()
    rclpy.try_shutdown()
    resident = next(line for line in pages.splitlines() if line.startswith('VmRSS'))
    overhead = [item.age_ms - item.network_ms for item in stats[len(stats) // 5 :]]
    return {
        's to the first labels': first - start,
        f'MB after {frames} frames': int(resident.split()[1]) / 1024,
        'ms next to the network': float(median(overhead)),
    }


def _shoot(
    camera: Any,
    images: Any,
    message: Any,
    seen: list[Any],
    process: Any,
    period_s: float = _RETRY_S,
) -> float:
    """Send an image, again after each period, until labels arrive; return when they did."""
    seen.clear()
    end, again = time.monotonic() + _PATIENCE_S, 0.0
    while not seen:
        now = time.monotonic()
        if now > end or process.poll() is not None:
            raise RuntimeError(f'expected labels within {_PATIENCE_S:.0f} s, got none: see above')
        if now > again and images.get_subscription_count():
            message.header.stamp = camera.get_clock().now().to_msg()
            images.publish(message)
            again = now + period_s
        _spin(camera, 0.01)
    return time.monotonic()


def _spin(camera: Any, seconds: float) -> None:
    import rclpy

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.0:
        rclpy.spin_once(camera, timeout_sec=left)


CHILDREN: dict[str, Callable[..., dict[str, float]]] = {
    'network': network,
    'cameras': cameras,
    'cores': cores,
    'pictures': pictures,
    'cloud': cloud,
    'node': node,
}

if __name__ == '__main__':
    sys.stdout.write(json.dumps(CHILDREN[sys.argv[1]](*sys.argv[2:])) + '\n')
