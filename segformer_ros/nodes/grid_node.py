# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Publishes how drivable the ground around the robot is, from labels and depth of segformer_node.

A node of its own, because a grid is of all cameras together, in a frame of the robot and at a rate
of its own, and works from a bag of labels and depth as well: navigation stacks keep sensing and
mapping apart in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import math
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import OccupancyGrid
import numpy as np
import numpy.typing as npt
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from segformer_ros.drivable_grid import contact_depth, GridMemory, observe, Placement, View
from segformer_ros.labels import label_set, LabelClass
from segformer_ros.nodes import diagnostics, executable
from segformer_ros.nodes.fixed_parameters import take
from segformer_ros.nodes.grid_inputs import GridCamera, GridImages
from segformer_ros.nodes.grid_parameters import GridParameters
from segformer_ros.nodes.message_classes import message_class
from segformer_ros.nodes.transforms import level_camera, TransformError, Transforms
from segformer_ros.output_topics.contents import LABEL_CLASSES, LABEL_INFO

_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_LOG_PERIOD_S = 5.0
_SILENT_S = 2.0


class GridNode(Node):
    """Takes the newest labels and depth of every camera at each tick, and forgets with time."""

    def __init__(self, steady: Callable[[], float] = time.monotonic, **kwargs: Any) -> None:
        """
        Take the parameters; the cameras are subscribed to while somebody wants the grid.

        :param steady: A clock in seconds that never jumps.
        :param kwargs: Those of rclpy's Node.
        :raises ValueError: A parameter has no sense, or tf2_ros is needed and missing.
        """
        super().__init__('grid_node', **kwargs)
        own = self.parameters = take(self, GridParameters)
        self._steady, self._spec, self._costs = steady, own.spec, own.read_costs()
        self._tables: tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]] | None = None
        moves, asks = own.frame != own.robot_frame, not own.camera_height_m
        self._transforms = Transforms(self) if moves or asks else None
        self._memory = GridMemory(self._spec.cells, own.keep_s)
        self._cameras: list[GridCamera] = []
        self._last_used_s = steady()
        self.used = self.dropped = self.grids = 0
        self._new_drops, self._last_error, self._missing = 0, '', ''
        self._publisher = self.create_publisher(OccupancyGrid, 'drivable_grid', _LATCHED)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        if own.label_set:
            self._take_classes(label_set(own.label_set).classes)
        else:
            self._ask_for_classes()
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / own.rate_hz, self.tick, clock=clock)
        self.create_timer(1.0, self.report, clock=clock)

    def tick(self) -> None:
        """Subscribe as long as somebody wants the grid, and publish what is new."""
        own, wanted = self.parameters, self._publisher.get_subscription_count() > 0
        if wanted and not self._cameras:
            self._last_used_s = self._steady()
            self._cameras = [
                GridCamera(
                    self,
                    name,
                    self._steady,
                    use_depth=own.depth,
                    use_confidence=own.min_depth_confidence > 0.0,
                )
                for name in own.cameras
            ]
        elif not wanted:
            self._unsubscribe()
        newest, self._missing = None, ''
        for camera in sorted(self._cameras, key=_stamp_ns):
            newest = self._add(camera) or newest
        if newest is not None:
            self._publisher.publish(newest)
            self.grids += 1

    def report(self) -> None:
        """Publish the diagnostics."""
        level, text = DiagnosticStatus.OK, f'{self.used} images used'
        silent_s = self._steady() - self._last_used_s
        if self._new_drops:
            level, text = DiagnosticStatus.ERROR, f'{self._new_drops} images lost'
            text += f': {self._last_error}'
        elif not self._cameras:
            text = 'idle: the grid has no subscriber'
        elif silent_s > _SILENT_S:
            level = DiagnosticStatus.WARN
            missing = self._missing or f'no labels{self._awaited()}'
            text = f'{missing} for {silent_s:.1f} s'
        self._new_drops = 0
        values = {
            'grids': self.grids,
            'used': self.used,
            'dropped': self.dropped,
            'replaced': sum(camera.replaced for camera in self._cameras),
            'last_error': self._last_error,
        }
        name = f'{self.get_fully_qualified_name()[1:]}: grid'
        message = DiagnosticArray(status=[diagnostics.status(name, level, text, values)])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _awaited(self) -> str:
        """Name what has to come with the labels."""
        own = self.parameters
        if own.min_depth_confidence:
            return ' with depth and its confidence (which not every network states)'
        return ' with depth' * own.depth

    def _add(self, camera: GridCamera) -> OccupancyGrid | None:
        """Put the newest image of a camera into the grid whose transforms are known by now."""
        for images in camera.waiting():
            try:
                grid = self._updated(camera, images)
            except TransformError as error:
                problem = f'no transform: {error}'
                if self._steady() - images.arrived_s < self.parameters.tf_timeout_s:
                    self._missing = problem
                    continue
            except ValueError as error:
                problem = str(error)
            else:
                camera.used(images)
                return grid
            camera.forget(images)
            self._drop(problem)
        camera.hold()
        return None

    def _drop(self, reason: str) -> None:
        self.dropped += 1
        self._new_drops, self._last_error = self._new_drops + 1, reason
        self.get_logger().error(
            f'an image was dropped: {reason}', throttle_duration_sec=_LOG_PERIOD_S
        )

    def _updated(self, camera: GridCamera, images: GridImages) -> OccupancyGrid:
        """
        Put an image into the grid.

        :raises TransformError: Its transforms are not known.
        :raises ValueError: It cannot be used.
        """
        if self._tables is None:
            raise ValueError(
                'the classes of the network are not known yet: nothing has come on label/classes '
                'or label/info; set label_set where it never does'
            )
        own = self.parameters
        pose, placement = self._camera_pose(images.header), self._placement(images.header)
        labels, depth, intrinsics = images.read(camera.info, own.stride, own.min_depth_confidence)
        view = View(intrinsics, pose)
        if depth is None:
            depth = contact_depth(labels, view, self._tables[1])
        observed = observe(labels, depth, view, self._tables, self._spec, placement)
        first, stamp = placement.first_cell(self._spec), images.header.stamp
        grid = self._memory.update(observed, first, stamp.sec + stamp.nanosec * 1e-9)
        self.used += 1
        self._last_used_s = self._steady()
        return self._message(grid, first, stamp)

    def _camera_pose(self, header: Any) -> npt.NDArray[np.float64]:
        own = self.parameters
        if self._transforms is None or own.camera_height_m:
            return level_camera(own.camera_height_m, own.camera_pitch_deg)
        return self._transforms.lookup(own.robot_frame, header.frame_id, header.stamp)

    def _placement(self, header: Any) -> Placement:
        own = self.parameters
        if self._transforms is None or own.frame == own.robot_frame:
            return Placement()
        pose = self._transforms.lookup(own.frame, own.robot_frame, header.stamp)
        return Placement(pose[0, 3], pose[1, 3], math.atan2(pose[1, 0], pose[0, 0]))

    def _message(
        self, grid: npt.NDArray[np.int8], first: tuple[int, int], stamp: Any
    ) -> OccupancyGrid:
        message = OccupancyGrid()
        message.header.stamp, message.header.frame_id = stamp, self.parameters.frame
        info = message.info
        info.map_load_time, info.resolution = stamp, self._spec.resolution_m
        info.height, info.width = grid.shape
        info.origin.position.x = first[0] * self._spec.resolution_m
        info.origin.position.y = first[1] * self._spec.resolution_m
        message.data.frombytes(grid.tobytes())
        return message

    def _ask_for_classes(self) -> None:
        """Subscribe to the classes of the first camera: one network serves all."""
        name = self.parameters.cameras[0]
        prefix = f'{name}/label' if name else 'label'
        for topic, kind in (('classes', LABEL_CLASSES), ('info', LABEL_INFO)):
            found = message_class(kind)
            if found is not None:
                self.create_subscription(found, f'{prefix}/{topic}', self._on_classes, _LATCHED)

    def _on_classes(self, message: Any) -> None:
        self._take_classes(
            [LabelClass(item.class_id, item.class_name, (0, 0, 0)) for item in message.class_map]
        )

    def _take_classes(self, classes: Sequence[LabelClass]) -> None:
        known = [item for item in classes if 0 <= item.id < 256]
        unlisted = self._costs.unlisted(known)
        if self._tables is None and unlisted:
            self.get_logger().info(
                f'classes without a cost of their own are obstacles: {", ".join(unlisted)}'
            )
        self._tables = self._costs.tables(known)

    def _unsubscribe(self) -> None:
        for camera in self._cameras:
            camera.close()
        self._cameras = []


def _stamp_ns(camera: GridCamera) -> int:
    """Return the stamp of the newest image; 0 without one."""
    for images in camera.waiting():
        stamp = images.header.stamp
        return int(stamp.sec * 1_000_000_000 + stamp.nanosec)
    return 0


def main(args: Sequence[str] | None = None) -> int:
    """Run the node."""
    return executable.run(GridNode, args)


if __name__ == '__main__':
    sys.exit(main())
