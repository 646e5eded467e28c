# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A segformer_node with a network that costs nothing, and a camera and listeners beside it."""

from collections import defaultdict
import itertools
import threading
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.inference.failover import Failover
from segformer_ros.inference.pipeline import Prediction, Timings
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes.segformer_node import SegformerNode
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from spinning import DEADLINE_S, spin_until

HEIGHT, WIDTH = 6, 8
TASKS = ('segmentation', 'depth')
IMAGES = (
    'label/image',
    'label/color/image',
    'label/confidence/image',
    'depth/image',
    'overlay/image',
)


class FakePipeline:
    """Labels are the red channel, depth the green one in decimetres, confidence the blue one."""

    def __init__(self):
        self.manifest = SimpleNamespace(
            name='fake',
            tasks=TASKS,
            results=lambda scaled=False: TASKS,
            classes=CARLA_0914.classes,
            depth_range_m=(0.5, 80.0),
            depth=SimpleNamespace(unit='metres', scale='laplace'),
            source_of_labels=lambda: 'tiny; of a test; Apache-2.0',
        )
        self.backend_name = 'numpy'
        self.backend_reason = 'the only one'
        self.takes_raw = False
        self.error = None
        self.closed = False
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()

    def predict_batch(self, images, focal_lengths_px=None, options=None, memories=None):
        """Remember what was asked, wait for the gate, and fail where an error is set."""
        self.calls.append(SimpleNamespace(images=images, focal=focal_lengths_px, options=options))
        assert self.gate.wait(DEADLINE_S)
        if self.error is not None:
            raise self.error
        return [self._prediction(image, options) for image in images]

    def close(self):
        """Remember that the node has let go."""
        self.closed = True

    @staticmethod
    def _prediction(image, options):
        return Prediction(
            labels=image[..., 0].copy() if options.segmentation else None,
            depth=image[..., 1].astype(np.float32) / 10 if options.depth else None,
            confidence=image[..., 2].copy() if options.confidence else None,
            timings=Timings(0.001, 0.002, 0.003),
            depth_confidence=image[..., 0].copy() if options.depth_confidence else None,
        )


def _failover(network, steady):
    """Return a network as the node takes it: alone in an order."""
    if isinstance(network, Failover):
        return network
    return Failover(
        network.manifest, ('numpy',), lambda step: network, start_build=None, steady=steady
    )


class SteadyClock:
    """
    A steady clock that a test moves on: as a node sees it, no machine is busy.

    By itself it goes on by a microsecond whenever it is looked at.
    """

    def __init__(self):
        self.offset_s = 0.0
        self._looks = itertools.count()

    def __call__(self):
        """Return seconds."""
        return 1000.0 + self.offset_s + 1e-6 * next(self._looks)


class Rig:
    """
    The node under test and a probe, in one executor.

    Its diagnostics come when status() asks for them, or every second with `reports`: what is said
    once would otherwise be said a moment before it is asked for, now and then.
    """

    def __init__(
        self,
        pipeline=None,
        load=None,
        start=True,
        cli_args=None,
        reports=False,
        clock=None,
        **values,
    ):
        self.pipeline = pipeline or FakePipeline()
        self.clock = clock or SteadyClock()
        self.received = defaultdict(list)
        self.node = SegformerNode(
            load=lambda parameters: _failover(
                load(parameters) if load else self.pipeline, self.clock
            ),
            steady=self.clock,
            cli_args=cli_args,
            parameter_overrides=[
                rclpy.Parameter(name, value=value) for name, value in values.items()
            ],
        )
        for timer in self.node.timers:
            if timer.callback == self.node.report and not reports:
                timer.cancel()
        self.probe = rclpy.create_node('probe')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.probe)
        self.cameras = {}
        self.listen('/diagnostics', DiagnosticArray)
        if start:
            self.until(lambda: self.node.state == 'active')

    def close(self):
        """Destroy everything."""
        self.pipeline.gate.set()
        self.executor.remove_node(self.node)
        self.executor.remove_node(self.probe)
        self.node.destroy_node()
        self.probe.destroy_node()
        self.executor.shutdown()

    def until(self, condition):
        """Spin until the condition holds; an error after the deadline."""
        spin_until(self.executor, condition)

    def listen(self, topic, kind=Image, qos=10):
        """Keep all messages of a topic in received."""
        subscription = self.probe.create_subscription(
            kind, topic, self.received[topic].append, qos
        )
        if self.node.state == 'active':
            self.until(lambda: subscription.get_publisher_count() > 0)
        return subscription

    def connect(self, camera=''):
        """Be the camera of this name, and wait until the node hears it."""
        prefix = f'/{camera}/' if camera else '/'
        compressed = self.node.get_parameter('transport').value == 'compressed'
        kind, topic = (CompressedImage, 'image/compressed') if compressed else (Image, 'image')
        publishers = (
            self.probe.create_publisher(kind, f'{prefix}{topic}', qos_profile_sensor_data),
            self.probe.create_publisher(
                CameraInfo, f'{prefix}camera_info', qos_profile_sensor_data
            ),
        )
        self.until(lambda: all(item.get_subscription_count() for item in publishers))
        self.cameras[camera] = publishers

    def send(self, message, info=None, camera=''):
        """Publish an image, and a camera_info before it."""
        images, infos = self.cameras[camera]
        if info is not None:
            infos.publish(info)
        images.publish(message)

    def get(self, topic, count=1):
        """Wait for this many messages of a topic, and give the last."""
        self.until(lambda: len(self.received[topic]) >= count)
        return self.received[topic][-1]

    def exchange(self, message, topic='/label/image', **kwargs):
        """Send an image and give the next message of an output."""
        count = len(self.received[topic]) + 1
        self.send(message, **kwargs)
        return self.get(topic, count)

    def counts(self, camera=0):
        """Return the counts of a camera."""
        return self.node.camera_counts()[camera]

    def status(self, part='camera'):
        """Let the node report now, and give the level, message and values of one entry."""
        self.received['/diagnostics'].clear()
        self.node.report()
        status = next(item for item in self.get('/diagnostics').status if item.name.endswith(part))
        values = {item.key: item.value for item in status.values}
        return SimpleNamespace(level=status.level, message=status.message, values=values)


def image_message(pixels=None, *, stamp_ns=1_000_000_007, encoding='rgb8', frame_id='optical'):
    """Make an 8-bit image message of (H, W, C) pixels; by default random RGB."""
    if pixels is None:
        pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    pixels = np.ascontiguousarray(pixels)
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    message.header.frame_id = frame_id
    message.step = pixels.nbytes // pixels.shape[0]
    message.data.frombytes(pixels.tobytes())
    return message


def camera_info(height=HEIGHT, width=WIDTH, focal_px=100.0):
    """Make the camera_info of an ideal camera; a focal length of 0 is an uncalibrated one."""
    message = CameraInfo(height=height, width=width, distortion_model='plumb_bob', d=[0.0] * 5)
    if focal_px:
        message.k = [focal_px, 0.0, width / 2, 0.0, focal_px, height / 2, 0.0, 0.0, 1.0]
    message.header.frame_id = 'optical'
    return message


def pixels_of(message):
    """Return the array in an image message."""
    dtype, channels = {
        'mono8': (np.uint8, 1), 'rgb8': (np.uint8, 3), '32FC1': ('<f4', 1), '16UC1': ('<u2', 1),
    }[message.encoding]  # fmt: skip
    array = np.frombuffer(message.data, dtype)
    assert message.step == array.itemsize * channels * message.width
    shape = (message.height, message.width, channels)
    return array.reshape(shape if channels > 1 else shape[:2])
