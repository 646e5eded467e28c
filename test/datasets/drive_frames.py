# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive whose frames are known, as frames and as the messages of a bag."""

from collections.abc import Iterator

from bag_builder import camera_info, image, Message
import cv2
import numpy as np
from segformer_ros import carla
from segformer_ros.drive_dataset.recording import DriveFrame

SIZE = (24, 40)
PERIOD_NS = 50_000_000
VEHICLE = '/carla/ego_vehicle'
IMAGE = 'sensor_msgs/msg/Image'


def drive_frames(count: int, seed: int = 0) -> Iterator[DriveFrame]:
    """Yield the frames; every second one is of a camera that nobody has calibrated."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        labels = rng.choice([1, 11, 14, 24], SIZE).astype(np.uint8)
        depth = rng.uniform(1.0, 90.0, SIZE).astype(np.float32)
        depth[labels == 11] = np.inf
        k = (33.0, 0.0, 20.0, 0.0, 34.0, 12.0, 0.0, 0.0, 1.0)
        pixels = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        stamp = 1_000_000_000 + number * PERIOD_NS
        yield DriveFrame(stamp, pixels, labels, depth, None if number % 2 else k, None)


def drive_messages(frames, *, coding: str = 'bridge') -> Iterator[Message]:
    """Yield the messages of a drive as the bridge, or the simulator itself, publishes them."""
    native = coding == 'native'
    for frame in frames:
        stamp = frame.stamp_ns
        # Recorders receive later than cameras stamp.
        received = stamp + 7_000_000
        if frame.k is not None:
            info = camera_info(*SIZE, 33.0, stamp)
            path = f'{VEHICLE}/rgb_front/camera_info'
            yield Message(path, 'sensor_msgs/msg/CameraInfo', received, info)
        labels = (carla.encode_tags if native else carla.encode_labels)(frame.labels)
        if native:
            depth = carla.encode_depth_code(frame.depth), 'bgra8'
        else:
            depth = carla.encode_depth(frame.depth), '32FC1'
        bgra = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGRA)
        coded = {
            'rgb_front': (bgra, 'bgra8'),
            'semantic_segmentation_front': (labels, 'bgra8'),
            'depth_front': depth,
        }
        for number, (sensor, (pixels, encoding)) in enumerate(coded.items()):
            message = image(pixels, encoding, stamp)
            yield Message(f'{VEHICLE}/{sensor}/image', IMAGE, received + number, message)
