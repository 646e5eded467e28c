# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares labels and depth with the ground truth of a simulator while both are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
import sys
import time
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from segformer_ros import result_images, run_folder
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes import executable, own_messages
from segformer_ros.nodes.bridge_messages import DEPTH, LABELS, QUEUE_DEPTH, sensor_topic
from segformer_ros.nodes.evaluation_parameters import EvaluationParameters
from segformer_ros.nodes.fixed_parameters import take
from segformer_ros.nodes.pairing import StampPairs
from segformer_ros.nodes.scoreboard import HEADER, Scoreboard, TIMES
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Empty

_ROWS_PER_HEADER = 20


class EvaluationNode(Node):
    """
    Takes the results of segformer_node and the truth of the CARLA bridge or the world node.

    They are paired by exact stamp. Prints a row of a table every second, and at the end the
    classes; writes a summary.
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
        super().__init__('evaluation_node')
        self.parameters = take(self, EvaluationParameters)
        self.board = Scoreboard(
            CARLA_0914,
            min_depth_m=self.parameters.min_depth_m,
            max_depth_m=self.parameters.max_depth_m,
        )
        self._write, self._now = write, now
        self._labels: StampPairs[Image, Image] = StampPairs(self.parameters.kept)
        self._depth: StampPairs[Image, Image] = StampPairs(self.parameters.kept)
        self._first_result_s: float | None = None
        self._rows = 0
        self._has_depth = False
        self._finished = False
        self._subscribe()
        # A steady clock: the table goes on when simulated time stands still.
        period = self.parameters.report_period_s or 1.0
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(period, self._on_timer, clock=steady)

    def destroy_node(self) -> None:
        """Tell the result and leave."""
        self._finish()
        super().destroy_node()

    def summary(self) -> dict[str, Any]:
        """Give all figures as plain values."""
        summary = self.board.summary(self._now())
        for name, pairs in (('segmentation', self._labels), ('depth', self._depth)):
            results, truths = pairs.unpaired
            summary[name]['unpaired'] = {'results': results, 'truths': truths}
        summary['restarts'] = max(self._labels.restarts, self._depth.restarts)
        return summary

    def _subscribe(self) -> None:
        self._listen(CameraInfo, 'camera_info', self._on_input)
        self._listen(Image, 'label/image', self._on_labels)
        self._listen(Image, 'depth/image', self._on_depth)
        self._listen(Empty, '~/reset', self._on_reset)
        stats = own_messages.frame_stats_type()
        if stats is not None:
            self._listen(stats, 'segformer_node/frame_stats', self._on_stats)
        if self.parameters.ground_truth:
            role = self.parameters.role_name
            self._listen(Image, sensor_topic(role, LABELS, 'image'), self._on_true_labels)
            self._listen(Image, sensor_topic(role, DEPTH, 'image'), self._on_true_depth)

    def _listen(self, kind: Any, topic: str, callback: Callable[[Any], None]) -> None:
        options = QoSOverridingOptions.with_default_policies()
        self.create_subscription(
            kind, topic, callback, QUEUE_DEPTH, qos_overriding_options=options
        )

    def _on_input(self, msg: CameraInfo) -> None:
        self.board.add_input(self._now())

    def _on_stats(self, msg: Any) -> None:
        times = {name: getattr(msg, f'{name}_ms') for name in TIMES}
        self.board.add_times(times, dropped=msg.replaced)

    def _on_labels(self, msg: Image) -> None:
        self._result_came()
        self._judge_labels(self._labels.add_first(_stamp_ns(msg), msg))
        self._end_if_done()

    def _on_true_labels(self, msg: Image) -> None:
        self._judge_labels(self._labels.add_second(_stamp_ns(msg), msg))
        self._end_if_done()

    def _on_depth(self, msg: Image) -> None:
        self._has_depth = True
        self._judge_depth(self._depth.add_first(_stamp_ns(msg), msg))
        self._end_if_done()

    def _on_true_depth(self, msg: Image) -> None:
        self._judge_depth(self._depth.add_second(_stamp_ns(msg), msg))
        self._end_if_done()

    def _result_came(self) -> None:
        now_s = self._now()
        if self._first_result_s is None:
            self._first_result_s = now_s
        self.board.add_output(now_s)

    def _judge_labels(self, pair: tuple[Image, Image] | None) -> None:
        if pair is None:
            return
        try:
            labels = result_images.labels_from_message(pair[0])
            truth = result_images.true_labels_from_message(pair[1])
        except ValueError as error:
            self.board.refused[str(error)] += 1
        else:
            self.board.judge_labels(labels, truth.labels, truth.unknown_pixels)

    def _judge_depth(self, pair: tuple[Image, Image] | None) -> None:
        if pair is None:
            return
        try:
            depth = result_images.depth_from_message(pair[0])
            truth = result_images.true_depth_from_message(pair[1])
        except ValueError as error:
            self.board.refused[str(error)] += 1
        else:
            self.board.judge_depth(depth, truth)

    def _on_reset(self, msg: Empty) -> None:
        self.get_logger().info('Starting the evaluation anew')
        self.board.reset(self._now())
        self._labels.clear()
        self._depth.clear()
        self._first_result_s = None

    def _on_timer(self) -> None:
        if self.parameters.report_period_s:
            self._report()
        self._end_if_done()

    def _report(self) -> None:
        if not self.board.outputs.count:
            self._write(f'waiting for {self.resolve_topic_name("label/image")}\n')
        else:
            if self._rows % _ROWS_PER_HEADER == 0:
                self._write(f'{HEADER}\n')
            self._rows += 1
            self._write(f'{self.board.row(self._now())}\n')
        sys.stdout.flush()

    def _end_if_done(self) -> None:
        if self._finished or not (self._has_all_frames() or self._is_over()):
            return
        self._timer.cancel()
        self._finish()
        self.context.try_shutdown()

    def _has_all_frames(self) -> bool:
        if not self.parameters.ground_truth:
            done = self.board.outputs.count
        else:
            done = self.board.judged['labels']
            if self._has_depth:
                done = min(done, self.board.judged['depth'])
        return 0 < self.parameters.frames <= done

    def _is_over(self) -> bool:
        if self._first_result_s is None or not self.parameters.duration_s:
            return False
        return self._now() - self._first_result_s >= self.parameters.duration_s

    def _finish(self) -> None:
        """Write the summary and the last lines, once."""
        if self._finished:
            return
        self._finished = True
        if self.parameters.summary:
            run_folder.write_json(Path(self.parameters.summary), self.summary())
        if self.parameters.report_period_s and self.board.outputs.count:
            self._report()
            if self.board.judged['labels']:
                self._write(f'intersection over union\n{self.board.classes()}\n')
        sys.stdout.flush()


def _stamp_ns(msg: Image) -> int:
    return int(msg.header.stamp.sec) * 1_000_000_000 + int(msg.header.stamp.nanosec)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end or the evaluation is done."""
    return executable.run(EvaluationNode, args)


if __name__ == '__main__':
    sys.exit(main())
