# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The life cycle of the node that turns camera images into labels and depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import sys
import time
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, JumpHandle, JumpThreshold, TimeJump
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.timer import Timer
from segformer_ros import interrupts
from segformer_ros.bundle import Manifest
from segformer_ros.inference.failover import Failover
from segformer_ros.nodes import diagnostics, executable, own_messages
from segformer_ros.nodes.backend_switch import (
    BackendLog,
    build_outcome,
    check_against_network,
    describe,
    load_pipeline,
    possible_parameters,
)
from segformer_ros.nodes.camera_stream import Arrival, CameraStream
from segformer_ros.nodes.fixed_parameters import take
from segformer_ros.nodes.frame_computer import FrameComputer
from segformer_ros.nodes.frame_statistics import FrameCounts
from segformer_ros.nodes.parameters import Parameters, watch
from segformer_ros.nodes.worker import Worker

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)
DIAGNOSTICS_PERIOD_S = 1.0
STOP_PATIENCE_S = 10.0
BACKWARDS = JumpThreshold(
    min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
)


class SegformerNode(LifecycleNode):
    """Configured it has a network and outputs, active also inputs and a worker."""

    def __init__(
        self,
        *,
        load: Callable[[Parameters], Failover] = load_pipeline,
        steady: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        """
        Declare the parameters, and start by itself if they say so.

        :param load: Makes the network at every configuration.
        :param steady: A clock in seconds that never jumps.
        :param kwargs: Those of rclpy's Node.
        :raises ParameterException: A value is of another type or out of range.
        :raises ValueError: Values contradict each other.
        """
        super().__init__('segformer_node', **kwargs)
        self._load, self._steady = load, steady
        self._pipeline: Failover | None = None
        self._backend_log = BackendLog(self)
        self._streams: list[CameraStream] = []
        self._worker: Worker[CameraStream, Arrival] | None = None
        self._stats_publisher: Any | None = None
        self._problem, self.exit_code = '', 0
        self._starter: Timer | None = None
        self._jump_handle: JumpHandle | None = None
        self._values = take(self, Parameters)
        self._possible: tuple[Parameters, Manifest | None, Parameters] | None = None
        watch(self, self._change, lambda new: check_against_network(new, self._pipeline))
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # On a steady clock: with use_sim_time and no /clock, other timers never fire.
        self._steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DIAGNOSTICS_PERIOD_S, self.report, clock=self._steady_clock)
        self._jump_handle = self.get_clock().create_jump_callback(
            BACKWARDS, post_callback=self._clock_jumped
        )
        if self._values.autostart:
            self._starter = self.create_timer(0.0, self._start, clock=self._steady_clock)

    @property
    def state(self) -> str:
        """Return the lifecycle state: unconfigured, inactive, active, finalized or transition."""
        label: str = self._state_machine.current_state[1]
        return label

    def camera_counts(self) -> list[FrameCounts]:
        """Return what became of the images, by camera in the order of the parameter."""
        return [stream.statistics.counts for stream in self._streams]

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the network and create the outputs."""
        try:
            self._backend_log.loading()
            with interrupts.interruptible():
                self._pipeline = self._load(self._values)
            self._end_if_shut_down()
            check_against_network(self._values, self._pipeline)
            manifest = self._pipeline.manifest
            results = manifest.results(scaled=self._values.camera_height_m > 0.0)
            source = manifest.source_of_labels()
            self._streams = [
                CameraStream(
                    self, name, manifest.classes, self._values, self._steady, results, source
                )
                for name in self._values.cameras
            ]
            stats_type = own_messages.frame_stats_type()
            if stats_type is not None:
                self._stats_publisher = self.create_publisher(stats_type, '~/frame_stats', 10)
        except Exception as error:  # noqa: BLE001 rclpy would swallow it without a word
            self._end_if_shut_down()
            self._problem = ' '.join(f'{error}'.split()) or type(error).__name__
            self.get_logger().error(f'cannot be configured: {self._problem}')
            self._release()
            return FAILURE
        self._problem = ''
        if self._stats_publisher is None:
            self.get_logger().warning(
                'the messages of segformer_ros are not built (colcon or make does that): there '
                'is no ~/frame_stats and no label/classes'
            )
        tasks = ' and '.join(manifest.tasks)
        self.get_logger().info(
            f'{manifest.name} for {tasks} on {self._pipeline.backend_name or "no backend yet"}: '
            f'{self._pipeline.backend_reason}'
        )
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the cameras and start to compute."""
        if self._pipeline is None:
            return ERROR
        computer = FrameComputer(
            self, self._pipeline, self._effective, self._steady, self._stats_publisher
        )
        self._worker = Worker(computer.compute, computer.failed, self._steady)
        self._worker.start()
        try:
            for stream in self._streams:
                stream.start(self._values, self._receiver(stream, self._worker))
        except Exception as error:  # noqa: BLE001 rclpy would swallow it without a word
            self._end_if_shut_down()
            self._problem = ' '.join(f'{error}'.split())
            self.get_logger().error(f'cannot be activated: {self._problem}')
            self._stop()
            return FAILURE
        self.get_logger().info(f'active: {", ".join(stream.topic for stream in self._streams)}')
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, and finish the frame that is being computed."""
        return SUCCESS if self._stop() else ERROR

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the network and the outputs."""
        self._release()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything."""
        self._stop()
        self._release()
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node can be configured again."""
        self._stop()
        self._release()
        return SUCCESS

    def destroy_node(self) -> None:
        """Stop and free everything, in whatever state."""
        self._stop()
        self._release()
        if self._jump_handle is not None:
            self._jump_handle.unregister()
            self._jump_handle = None
        super().destroy_node()

    def report(self) -> None:
        """Publish the diagnostics."""
        name = self.get_fully_qualified_name()[1:]
        hardware_id = '' if self._pipeline is None else self._pipeline.manifest.name
        message = DiagnosticArray(status=[self._own_status(name, hardware_id)])
        message.header.stamp = self.get_clock().now().to_msg()
        if self._worker is not None:
            message.status += [
                diagnostics.camera_status(
                    f'{name}: camera {stream.name}'.strip(),
                    stream.topic,
                    stream.statistics.summary(),
                    self._effective(),
                    hardware_id=hardware_id,
                )
                for stream in self._streams
            ]
        self._diagnostics.publish(message)
        self._backend_log.update(self._pipeline)
        if self._values.build_only and self._pipeline is not None:
            self._end_if_built()

    def _own_status(self, name: str, hardware_id: str) -> DiagnosticStatus:
        level, text, facts = describe(self._pipeline)
        text = text or self.state
        busy_s = 0.0 if self._worker is None else self._worker.busy_s()
        if self._problem:
            level, text = DiagnosticStatus.ERROR, self._problem
        elif busy_s > self._values.stale_after_s:
            level, text = DiagnosticStatus.WARN, f'one frame has taken {busy_s:.1f} s so far'
        values = {
            'state': self.state,
            'model': self._values.model,
            **facts,
            'busy_s': busy_s,
        }
        return diagnostics.status(f'{name}: network', level, text, values, hardware_id)

    def _end_if_shut_down(self) -> None:
        """Leave a transition that a signal overtook, by the one way that rclpy leaves open."""
        if not self.context.ok():
            raise KeyboardInterrupt

    def _start(self) -> None:
        if self._starter is not None:
            self.destroy_timer(self._starter)
            self._starter = None
        ready = self.state == 'unconfigured' and self.trigger_configure() == SUCCESS
        if self._values.build_only:
            self._end_if_built()
        elif self.state == 'unconfigured' or (ready and self.trigger_activate() != SUCCESS):
            # No one who started it like this waits for a second try; a signal is no failure.
            self.exit_code = int(self.context.ok())
            self.context.try_shutdown()

    def _end_if_built(self) -> None:
        """End the process of a node that only builds, once that is done."""
        outcome = build_outcome(self._pipeline)
        if outcome is not None:
            self.exit_code, text = outcome
            self.get_logger().info(text)
            self.context.try_shutdown()

    def _receiver(
        self, stream: CameraStream, worker: Worker[CameraStream, Arrival]
    ) -> Callable[[Arrival], None]:
        def receive(arrival: Arrival) -> None:
            if worker.put(stream, arrival):
                stream.statistics.replaced()
            # Of several cameras those whose images come together are computed together.
            if len(self._streams) == 1:
                worker.let_begin()

        return receive

    def _effective(self) -> Parameters:
        """Return the parameters without what the network does not have."""
        pipeline, values, kept = self._pipeline, self._values, self._possible
        manifest = None if pipeline is None else pipeline.manifest
        # Made once, not for every frame; two threads ask.
        if kept is None or kept[0] is not values or kept[1] is not manifest:
            kept = self._possible = values, manifest, possible_parameters(values, manifest)
        return kept[2]

    def _change(self, values: Parameters) -> None:
        if values.latency_window != self._values.latency_window:
            for stream in self._streams:
                stream.statistics.set_window(values.latency_window)
        self._values = values

    def _clock_jumped(self, jump: TimeJump) -> None:
        for stream in self._streams:
            stream.statistics.clock_jumped()

    def _stop(self) -> bool:
        """Unsubscribe and end the worker; False when it does not come back from a frame."""
        for stream in self._streams:
            stream.stop()
        worker, self._worker = self._worker, None
        for stream in worker.forget() if worker is not None else ():
            stream.statistics.idle()
        if worker is None or worker.stop(STOP_PATIENCE_S):
            return True
        # The thread still uses the network: leave it to the thread rather than free it.
        self._pipeline = None
        self.get_logger().error(
            f'inference did not return within {STOP_PATIENCE_S:g} s; the network was abandoned'
        )
        return False

    def _release(self) -> None:
        for stream in self._streams:
            stream.close()
        self._streams = []
        if self._stats_publisher is not None:
            self.destroy_publisher(self._stats_publisher)
            self._stats_publisher = None
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None


def main(args: Sequence[str] | None = None) -> int:
    """Run the node."""
    # The pieces are too small to share: on a busy machine OpenCV waits longer for its second
    # thread than that helps (bench/node.py, load 11 on 2 cores: 28 ms instead of 46).
    cv2.setNumThreads(1)
    return executable.run(SegformerNode, args)


if __name__ == '__main__':
    sys.exit(main())
