# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares labels and depth with the ground truth of a simulator while both are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
import functools
from pathlib import Path
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from segformer_ros import run_folder
from segformer_ros.carla.topics import sensor_topic
from segformer_ros.evaluation.drive import DriveEvaluation
from segformer_ros.evaluation.drive_report import write_report
from segformer_ros.evaluation.live_statistics import header, LiveStatistics, TIMES
from segformer_ros.nodes import executable, own_messages
from segformer_ros.nodes.bridge_messages import QUEUE_DEPTH
from segformer_ros.nodes.evaluation_messages import (
    evaluation_diagnostics,
    evaluation_stats_message,
    JUMPED,
)
from segformer_ros.nodes.evaluation_parameters import EvaluationParameters
from segformer_ros.nodes.fixed_parameters import take
from segformer_ros.nodes.subscriptions import SilentTopics
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

_ROWS_PER_HEADER = 20
# Of a summary, what nothing is known of without ground truth.
_OF_TRUTH = frozenset({'segmentation', 'depth', 'window'})


class EvaluationNode(Node):
    """
    Takes the results of segformer_node and the truth of CARLA or of the built-in world.

    They are paired by exact stamp. Prints a row of a table every second and publishes the
    figures; at the end prints the classes and writes a summary and a report.
    """

    def __init__(
        self,
        write: Callable[[str], Any] = sys.stdout.write,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Take the parameters and subscribe.

        :param write: Takes the lines of the table.
        :param now: Steady clock, seconds.
        :raises ValueError: A parameter has no sense.
        """
        # What it says at its end comes when ROS is down already.
        super().__init__('evaluation_node', enable_rosout=False)
        self.parameters = take(self, EvaluationParameters)
        self.statistics = LiveStatistics(
            DriveEvaluation(self.parameters.drive_options()),
            ground_truth=self.parameters.ground_truth,
        )
        self._write, self._now = write, now
        report = Path(self.parameters.report)
        if self.parameters.report and report.is_dir() and any(report.iterdir()):
            self.get_logger().warning(
                f'{report} has a report, which this one will replace at the end'
            )
        self._first_result_s: float | None = None
        self._latest_ns = 0
        self._contradiction = ''
        self._restarts = self._told = 0
        self._rows = 0
        self._has_depth = self._jumped = False
        self._finished = False
        self.exit_code = 0
        self._images: dict[str, type[Image]] = {}
        self._subscribe()
        self._silent = SilentTopics(self, self._images)
        self.create_service(Trigger, '~/reset', self._on_reset)
        stats = own_messages.evaluation_stats_type()
        self._stats = None if stats is None else self.create_publisher(stats, '~/stats', 10)
        self._stats_window = (
            None if stats is None else self.create_publisher(stats, '~/stats_window', 10)
        )
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # A steady clock: the table continues when simulated time stands still.
        period = self.parameters.report_period_s or 1.0
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(period, self._on_timer, clock=steady)

    def destroy_node(self) -> None:
        """Log the result and shut down."""
        self._finish()
        super().destroy_node()

    def summary(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        return self.statistics.summary(self._now())

    def _subscribe(self) -> None:
        parameters = self.parameters
        reliable = QoSProfile(depth=QUEUE_DEPTH)
        # CARLA itself publishes reliably or not, by version; its bridge always reliably.
        carla = reliable
        if parameters.coding == 'native':
            carla = QoSProfile(depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._listen(CameraInfo, 'camera_info', self._on_input, carla)
        self._listen(Image, 'label/image', self._on_labels, reliable)
        self._listen(Image, 'depth/image', self._on_depth, reliable)
        stats, classes = own_messages.frame_stats_type(), own_messages.label_classes_type()
        if stats is not None:
            self._listen(stats, 'segformer_node/frame_stats', self._on_stats, reliable)
        if classes is not None:
            latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
            self._listen(classes, 'label/classes', self._on_classes, latched)
        if parameters.ground_truth:
            for stream, sensor in (
                ('true_labels', parameters.label_sensor),
                ('true_depth', parameters.depth_sensor),
            ):
                topic = sensor_topic(parameters.role_name, sensor, 'image')
                self._listen(Image, topic, functools.partial(self._evaluate, stream), carla)

    def _listen(
        self, kind: Any, topic: str, callback: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        def receive(message: Any) -> None:
            self._silent.heard(topic)
            callback(message)

        if kind is Image:
            self._images[topic] = kind
        options = QoSOverridingOptions.with_default_policies()
        # rclpy writes the overrides of this topic into the profile, which others share.
        own = copy(qos)
        self.create_subscription(kind, topic, receive, own, qos_overriding_options=options)

    def _on_input(self, msg: CameraInfo) -> None:
        self.statistics.add_input(self._now())

    def _on_stats(self, msg: Any) -> None:
        times = {name: getattr(msg, f'{name}_ms') for name in TIMES}
        self.statistics.add_times(times, dropped=msg.replaced)

    def _on_classes(self, msg: Any) -> None:
        """Evaluate no labels while the network says that their ids mean something else."""
        classes = {item.class_id: item.class_name for item in msg.class_map}
        self._contradiction = self.statistics.drive.contradiction(classes)
        if self._contradiction:
            self.get_logger().error(f'The labels cannot be evaluated: {self._contradiction}')

    def _on_labels(self, msg: Image) -> None:
        now_s = self._now()
        if self._first_result_s is None:
            self._first_result_s = now_s
        self.statistics.add_output(now_s)
        if self._contradiction:
            self.statistics.drive.refused[self._contradiction] += 1
        else:
            self._evaluate('labels', msg)

    def _on_depth(self, msg: Image) -> None:
        self._has_depth = True
        self._evaluate('depth', msg)

    def _evaluate(self, stream: str, msg: Image) -> None:
        self.statistics.drive.add(stream, msg)
        self._latest_ns = msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec
        if self.statistics.drive.restarts > self._restarts:
            self._restarts = self.statistics.drive.restarts
            self._jumped = True
            self.get_logger().warning(f'{JUMPED}: continuing from there')
        self._end_if_done()

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        evaluated = max(self.statistics.drive.scores.evaluated.values(), default=0)
        response.success = True
        response.message = f'{evaluated} evaluated frames are forgotten'
        self.get_logger().info(f'Restarting the evaluation: {response.message}')
        self.statistics.reset(self._now())
        self._first_result_s = None
        self._restarts = self._told = 0
        return response

    def _on_timer(self) -> None:
        self._silent.look()
        if self.parameters.report_period_s:
            self._report()
        self._publish()
        name = self.get_fully_qualified_name()[1:]
        message = evaluation_diagnostics(
            name,
            self.statistics.drive,
            self._contradiction,
            jumped=self._jumped,
            silent=str(self._silent),
        )
        self._jumped = False
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._end_if_done()

    def _publish(self) -> None:
        """Publish the figures when there are new ones."""
        evaluated = self.statistics.drive.scores.evaluated.total()
        if self._stats is not None and evaluated != self._told:
            self._told = evaluated
            drive, scores = self.statistics.drive, self.statistics.drive.scores
            self._stats.publish(evaluation_stats_message(drive, scores.total, self._latest_ns))
            if self._stats_window is not None and self._stats_window.get_subscription_count():
                self._stats_window.publish(
                    evaluation_stats_message(
                        drive,
                        scores.window.figures(),
                        self._latest_ns,
                        window=scores.window.frames,
                    )
                )

    def _report(self) -> None:
        if not self.statistics.outputs.count:
            waiting = str(self._silent) or self.resolve_topic_name('label/image')
            self._write(f'waiting for {waiting}\n')
        else:
            if self._rows % _ROWS_PER_HEADER == 0:
                self._write(f'{header(ground_truth=self.parameters.ground_truth)}\n')
            self._rows += 1
            self._write(f'{self.statistics.row(self._now())}\n')
        sys.stdout.flush()

    def _end_if_done(self) -> None:
        if self._finished or not (self._has_all_frames() or self._is_over()):
            return
        self._timer.cancel()
        self._publish()
        self._finish()
        self.context.try_shutdown()

    def _has_all_frames(self) -> bool:
        evaluated = self.statistics.drive.scores.evaluated
        if not self.parameters.ground_truth:
            done = self.statistics.outputs.count
        else:
            done = evaluated['labels']
            if self._has_depth:
                done = min(done, evaluated['depth'])
        return 0 < self.parameters.max_frames <= done

    def _is_over(self) -> bool:
        if self._first_result_s is None or not self.parameters.duration_s:
            return False
        return self._now() - self._first_result_s >= self.parameters.duration_s

    def _finish(self) -> None:
        """Write the files and the last lines, once."""
        if self._finished:
            return
        self._finished = True
        summary, drive = self.summary(), self.statistics.drive
        if self.parameters.summary:
            path, known = Path(self.parameters.summary), summary
            if not self.parameters.ground_truth:
                known = {name: summary[name] for name in summary if name not in _OF_TRUTH}
            self._save(path, functools.partial(run_folder.write_json, path, known))
        if self.parameters.report:
            path = Path(self.parameters.report)
            rows = drive.scores.rows
            self._save(path, functools.partial(write_report, path, summary, rows))
        if self.parameters.report_period_s and self.statistics.outputs.count:
            self._report()
            if drive.scores.evaluated['labels']:
                self._write(f'intersection over union\n{self.statistics.classes()}\n')
            for text, count in (*drive.refused.items(), *drive.unknown.most_common(3)):
                self._write(f'not evaluated: {text} ({count})\n')
        sys.stdout.flush()

    def _save(self, path: Path, write: Callable[[], object]) -> None:
        """Write a file; where that fails, the others and the figures on the screen remain."""
        try:
            write()
        except OSError as error:
            self.exit_code = 1
            self.get_logger().error(f'{path} cannot be written: {error}')


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end or the evaluation is done."""
    return executable.run(EvaluationNode, args)


if __name__ == '__main__':
    sys.exit(main())
