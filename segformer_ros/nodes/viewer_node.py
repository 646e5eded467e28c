# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shows cameras, their results and ground truth in the browser while they are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from segformer_ros import result_images
from segformer_ros.carla import tag_table
from segformer_ros.carla.topics import DEPTH, LABELS, ROLE_NAME, truth_topic
from segformer_ros.labels import DISTINCT, LabelClass, PALETTES
from segformer_ros.nodes import diagnostics, executable, own_messages
from segformer_ros.nodes.fixed_parameters import check_cameras, check_values, parameter, take
from segformer_ros.nodes.subscriptions import SilentTopics
from segformer_ros.nodes.viewer_camera import listen, ViewedCamera
from segformer_ros.nodes.worker import Worker
from segformer_ros.viewer import session
from segformer_ros.viewer.bag_source import classes_of
from segformer_ros.viewer.scene import Scene, SceneOptions, ViewFrame
from segformer_ros.viewer.sdk import ViewerError
from segformer_ros.viewer.server import LOOPBACK, PAGE_PORT, Server
from sensor_msgs.msg import Image

_TRANSPORTS = ('raw', 'compressed')
_END_S = 10.0


@dataclass(frozen=True)
class ViewerParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    cameras: tuple[str, ...] = parameter(
        ('',),
        "Camera namespaces, e.g. [front, left], shown in a column and a tab each. Leave at [''] "
        'for a single camera without a namespace.',
    )
    address: str = parameter(
        LOOPBACK,
        'IP address of the interface to serve on; any other than 127.0.0.1 shows the images to '
        'everybody who reaches it, without a password.',
    )
    port: int = parameter(
        PAGE_PORT,
        'TCP port of the page; another one is taken where it is in use.',
        between=(0, 65535),
    )
    memory_mb: int = parameter(
        1024, 'Megabytes that are kept to scrub through.', between=(16, 1 << 20)
    )
    max_width: int = parameter(
        640,
        'Maximum width of what is shown, in pixels; rows and columns of wider images are left '
        'out; 0 = show every pixel.',
        between=(0, 1 << 16),
    )
    palette: str = parameter(
        DISTINCT,
        'Colours of the classes: distinct, network, carla or cityscapes.',
        one_of=PALETTES,
    )
    save: str = parameter('', 'File (.rrd) to record to instead of serving a page; empty = none.')
    transport: str = parameter('raw', 'Transport of the images of the camera.', one_of=_TRANSPORTS)
    camera_fov_deg: float = parameter(
        0.0,
        'Horizontal field of view in degrees, overriding camera_info; 0 = use camera_info.',
        between=(0.0, 179.9),
    )
    depth_confidence: bool = parameter(
        False,
        'Show depth/confidence/image, which the network computes only for its subscribers.',
    )
    ground_truth: bool = parameter(
        True,
        'Show ground truth where it is published; that of a camera rgb_VIEW of the vehicle is '
        'that of the sensors below with VIEW instead of front.',
    )
    role_name: str = parameter(ROLE_NAME, 'Role name of the vehicle in the ground-truth topics.')
    label_sensor: str = parameter(LABELS, 'Id of the ground-truth label sensor, as in its topics.')
    depth_sensor: str = parameter(DEPTH, 'Id of the ground-truth depth sensor, as in its topics.')
    coding: str = parameter(
        'bridge',
        'Coding of the ground-truth labels: bridge (colours) or native (tags).',
        one_of=result_images.CODINGS,
    )
    tag_table: str = parameter(
        't3', 'Semantic tags of the simulator: t1, t2, t3, t3_ue5, or auto.'
    )

    def __post_init__(self) -> None:
        check_values(self)
        check_cameras(self.cameras)
        tag_table(self.tag_table)


class ViewerNode(Node):
    """Brings messages of equal stamps together and shows the newest; a thread writes them."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        """
        Start the page and subscribe.

        :param steady: A clock in seconds that never jumps.
        :raises ValueError: A parameter has no sense, or the viewer cannot be had.
        """
        # A node that was not made to its end is destroyed, too, with its context.
        self._open_things = ExitStack()
        super().__init__('viewer_node', enable_rosout=False)
        self.parameters = own = take(self, ViewerParameters)
        self.exit_code = 0
        self.shown = self.replaced = self.refused = 0
        self._last_error = ''
        self._told_error = ''
        self._truth = tag_table(own.tag_table)
        alone = len(own.cameras) == 1
        self._cameras = [
            ViewedCamera(
                name,
                '' if alone else name.strip('/'),
                steady=steady,
                camera_fov_deg=own.camera_fov_deg,
                true_labels=self._true_labels,
                put=partial(self._put, name),
            )
            for name in own.cameras
        ]
        self._server: Server | None = None
        with ExitStack() as stack:
            recording = self._open(stack)
            options = SceneOptions(
                max_width=own.max_width,
                true_classes=self._truth.classes,
                palette=own.palette,
                cameras=tuple(camera.shown for camera in self._cameras),
            )
            self._scene = Scene(recording, (), options)
            self._worker: Worker[str, Any] = Worker(self._work, self._on_error, steady)
            for camera in self._cameras:
                camera.subscribe(
                    self,
                    own.transport,
                    self._received,
                    depth_confidence=own.depth_confidence,
                )
            self._subscribe()
            images = {name: kind for item in self._cameras for name, kind in item.images.items()}
            self._silent = SilentTopics(self, images)
            self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
            self.create_timer(1.0, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
            self._worker.start()
            stack.callback(self._worker.stop, _END_S)
            # Last: whatever keeps the node from being made ends the page as well.
            self._open_things = stack.pop_all()

    def destroy_node(self) -> None:
        """Write what is being written, and end the page."""
        self._open_things.close()
        super().destroy_node()

    def _open(self, stack: ExitStack) -> Any:
        own = self.parameters
        if own.save:
            return stack.enter_context(session.saved(Path(own.save).expanduser()))
        server = Server(own.address, own.port, own.memory_mb)
        self._server = stack.enter_context(server)
        self.get_logger().info(f'open {server.page}')
        return stack.enter_context(session.served(server))

    def _subscribe(self) -> None:
        """Take what is not of one camera alone."""
        own, first = self.parameters, self._cameras[0]
        stats, classes = own_messages.frame_stats_type(), own_messages.label_classes_type()
        if stats is not None:
            listen(self, stats, 'segformer_node/frame_stats', self._on_stats, reliable=True)
        if classes is not None:
            # All cameras have the same network.
            listen(self, classes, first.classes, self._on_classes, reliable=True, latched=True)
        for camera in self._cameras if own.ground_truth else ():
            image = self.resolve_topic_name(camera.image)
            sensors = {'true_labels': own.label_sensor, 'true_depth': own.depth_sensor}
            for name, sensor in sensors.items():
                alone = not camera.shown
                topic = truth_topic(image, own.role_name, sensor, alone=alone)
                if topic is not None:
                    listen(self, Image, topic, partial(camera.add, name), reliable=False)

    def _received(self, topic: str) -> None:
        self._silent.heard(topic)

    def _put(self, camera: str, read: Callable[[], ViewFrame]) -> None:
        if self._worker.put(f'frame {camera}', read):
            self.replaced += 1

    def _on_stats(self, message: Any) -> None:
        for camera in self._cameras:
            if message.camera == camera.name or not (message.camera and camera.shown):
                camera.add('stats', message)

    def _on_classes(self, message: Any) -> None:
        self._worker.put('classes', classes_of(message.class_map))

    def _work(self, items: dict[str, Any]) -> None:
        """Write what waits, in the thread of the worker."""
        classes: tuple[LabelClass, ...] | None = items.pop('classes', None)
        if classes is not None:
            self._scene.set_classes(classes)
        for read in items.values():
            try:
                self._scene.log(read())
                self.shown += 1
            except ValueError as error:
                # The frames of the other cameras have nothing to do with it.
                self._on_error([], error)

    def _true_labels(self, message: Image) -> Any:
        return result_images.true_labels_from_message(
            message, self._truth, coding=self.parameters.coding
        ).labels

    def _on_error(self, _sources: list[str], error: Exception) -> None:
        self.refused += 1
        self._last_error = ' '.join(str(error).split()) or type(error).__name__

    def _look(self) -> None:
        """Report the state; without its server the node has nothing to do."""
        self._silent.look()
        level, text = DiagnosticStatus.OK, f'{self.shown} frames shown'
        if self._last_error and self._last_error != self._told_error:
            self._told_error = self._last_error
            self.get_logger().warning(f'a frame is not shown: {self._last_error}')
        if self.refused:
            level, text = DiagnosticStatus.WARN, f'{self.refused} not shown: {self._last_error}'
        elif not self.shown:
            level, text = DiagnosticStatus.WARN, f'nothing to show: waiting for {self._silent}'
        try:
            if self._server is not None:
                self._server.check()
        except ViewerError as error:
            level, text = DiagnosticStatus.ERROR, str(error)
            self.exit_code = 1
        values = {'shown': self.shown, 'replaced': self.replaced, 'refused': self.refused}
        name = f'{self.get_name()}: page'
        status = diagnostics.status(name, level, text, values)
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
        if self.exit_code:
            self.get_logger().error(text)
            self.context.try_shutdown()


def main(args: Sequence[str] | None = None) -> int:
    """Show until the node is told to end."""
    return executable.run(ViewerNode, args)


if __name__ == '__main__':
    sys.exit(main())
