# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a camera, a network and their listeners, drawn by a seed."""

from __future__ import annotations

from collections.abc import Callable
import time

from sensor_msgs.msg import CameraInfo

from endurance.camera import Camera, EXTRAS, HEIGHT, WIDTH
from endurance.node import RAISES, SLOW

ENCODINGS = ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8')
_POINTS = 'depth/points'
_HOUR_NS = 3600 * 10**9
# The share of all steps that are a fault; every other one is a plain image.
SHARE = 0.06


def another_size(camera: Camera) -> None:
    """Send a good image of another size, from one pixel to a little more than usual."""
    rng = camera.rng
    height, width = int(rng.integers(1, HEIGHT + 9)), int(rng.integers(1, WIDTH + 9))
    camera.send(camera.picture(height, width))


def unknown_encoding(camera: Camera) -> None:
    """Send an image of an encoding that no one knows."""
    message = camera.message(camera.picture())
    message.encoding = ('rgb10', 'RGB8', '', 'h264', '32FC1')[int(camera.rng.integers(5))]
    camera.send_bad(message)


def damage(camera: Camera) -> None:
    """Send an image whose fields and bytes contradict each other."""
    message = camera.message(camera.picture())
    kind = int(camera.rng.integers(5))
    if kind == 0:
        del message.data[int(camera.rng.integers(len(message.data))) :]
    elif kind == 1:
        message.data.extend([0] * int(camera.rng.integers(1, 5000)))
    elif kind == 2:
        message.step -= int(camera.rng.integers(1, message.step))
    elif kind == 3:
        message.height = int(camera.rng.integers(HEIGHT))
    else:
        message.width += int(camera.rng.integers(1, 1 << 20))
    camera.send_bad(message)


def another_camera_info(camera: Camera) -> None:
    """Send a camera_info that is right, of another size, not calibrated or absurd."""
    height, width, focal = HEIGHT, WIDTH, (160.0, 0.0, float('nan'), -3.0, 1e9)
    if camera.rng.random() < 0.3:
        height, width = height // 2, width // 2
    fx = focal[int(camera.rng.integers(len(focal)))]
    info = CameraInfo(height=height, width=width, distortion_model='plumb_bob', d=[0.0] * 5)
    info.k = [fx, 0.0, width / 2, 0.0, fx, height / 2, 0.0, 0.0, 1.0]
    info.p = [fx, 0.0, width / 2, 0.0, 0.0, fx, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    camera.infos.publish(info)
    camera.send(camera.picture())


def stamp_jump(camera: Camera) -> None:
    """Let the stamps jump forwards or backwards, never to one that was there."""
    # Odd steps of the stamps keep them apart.
    camera.stamp_ns += int(camera.rng.integers(-5, 6)) * _HOUR_NS + 1
    camera.send(camera.picture())


def stall(camera: Camera) -> None:
    """Send nothing for a while."""
    camera.spin(float(camera.rng.uniform(0.02, 0.2)))


def burst_behind_a_slow_frame(camera: Camera) -> None:
    """Let the network take long, so that newer images replace older ones."""
    camera.send(camera.picture(first=SLOW))
    for _ in range(int(camera.rng.integers(1, 5))):
        camera.send(camera.picture())


def backend_raises(camera: Camera) -> None:
    """Let the backend fail on an image while no other one can take its place."""
    camera.settle()
    camera.send(camera.picture(first=RAISES))
    camera.tally['raised'] += 1
    camera.settle()


def listener_of_pictures(camera: Camera) -> None:
    """Subscribe to pictures and points, or leave them."""
    for name in (*EXTRAS, _POINTS):
        if camera.rng.random() < 0.5:
            if camera.listens(name):
                camera.leave((name,))
            else:
                camera.listen((name,))


def all_listeners_leave(camera: Camera) -> None:
    """Let no one subscribe, and come back."""
    camera.go_and_come(images=int(camera.rng.integers(1, 6)))


def publisher_restart(camera: Camera) -> None:
    """Be another publisher on the same topics."""
    camera.connect()


FAULTS: dict[Callable[[Camera], None], float] = {
    another_size: 10.0,
    unknown_encoding: 6.0,
    damage: 10.0,
    another_camera_info: 10.0,
    stamp_jump: 6.0,
    stall: 1.0,
    burst_behind_a_slow_frame: 4.0,
    backend_raises: 6.0,
    listener_of_pictures: 2.0,
    all_listeners_leave: 0.3,
    publisher_restart: 0.3,
}


def step(camera: Camera) -> None:
    """Send a plain image, or do something else; the tally knows what."""
    rng = camera.rng
    if rng.random() >= SHARE:
        camera.send(camera.picture(), ENCODINGS[int(rng.integers(len(ENCODINGS)))])
        return
    weights = list(FAULTS.values())
    number = int(rng.choice(len(weights), p=[weight / sum(weights) for weight in weights]))
    fault = list(FAULTS)[number]
    camera.tally[f'fault: {fault.__name__.replace("_", " ")}'] += 1
    fault(camera)


def wait_for_node(camera: Camera) -> None:
    """Wait until it is active."""
    end = time.monotonic() + 300.0
    while camera.node.counts()['state'] != 'active':
        if time.monotonic() > end:
            raise RuntimeError('expected an active node within five minutes')
        time.sleep(0.05)
