# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records topics into a rosbag2, as bytes and without a conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
import sys

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from rosbags.interfaces import Connection
from segformer_ros.bags import message_types
from segformer_ros.bags.rosbag import qos, STORAGES
from segformer_ros.bags.writer import BagWriter
from segformer_ros.nodes import executable
from segformer_ros.nodes.fixed_parameters import parameter, take
from segformer_ros.nodes.message_classes import message_class

_LOOK_PERIOD_S = 0.05
_COMMIT_PERIOD_S = 0.5


@dataclass(frozen=True)
class RecorderParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    topics: tuple[str, ...] = parameter(('',), 'Topics to record; they may appear later.')
    output: str = parameter('', 'Folder of the new bag; it appears when the node ends.')
    storage: str = parameter('sqlite3', f'Storage format: {" or ".join(STORAGES)}.')
    queue: int = parameter(50, 'Maximum number of waiting messages per topic.', between=(1, 10000))
    max_file_mb: int = parameter(
        2000,
        'Maximum file size in MB, after which a new file is started; 0 = unlimited.',
        between=(0, 1 << 31),
    )

    def __post_init__(self) -> None:
        if not (self.topics and all(self.topics)):
            raise ValueError(f'expected names in topics, got {list(self.topics)}')
        if not self.output:
            raise ValueError('expected a folder in output, got nothing')


class RecorderNode(Node):
    """Subscribes to each topic as soon as somebody publishes it; the bag is whole at the end."""

    def __init__(self) -> None:
        """
        Take the parameters and open the bag.

        :raises ValueError: A parameter has no sense, or there is something in place of the bag.
        """
        # What it says at its end comes when ROS is down already.
        super().__init__('recorder_node', enable_rosout=False)
        self.parameters = take(self, RecorderParameters)
        self.counts: Counter[str] = Counter()
        self._store = message_types.make_store()
        path = Path(self.parameters.output).expanduser()
        self.failed = False
        self._shift_ns = self._last_ns = 0
        self._bag = BagWriter(
            path,
            self.parameters.storage,
            self._store,
            max_file_bytes=self.parameters.max_file_mb * 1_000_000,
        )
        with ExitStack() as opened:
            opened.enter_context(self._bag)
            self._begin()
            # No one closes a node that a signal kept from being made.
            self._open = opened.pop_all()

    def _begin(self) -> None:
        """Log what an earlier recording left, and start looking for the topics."""
        if self._bag.left is not None:
            self.get_logger().warning(
                f'an earlier recording of {self._bag.path} did not end in order: it is kept in '
                f'{self._bag.left}'
            )
        # By its full name, what every topic is subscribed by: rclpy would remap that name again.
        self._names = {self.resolve_topic_name(name): name for name in self.parameters.topics}
        self._missing = list(self._names)
        # A steady clock: simulated time may begin late.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(_LOOK_PERIOD_S, self._look, clock=clock)
        self.create_timer(_COMMIT_PERIOD_S, self._commit, clock=clock)

    @property
    def missing(self) -> tuple[str, ...]:
        """The topics that no one has published yet."""
        return tuple(self._missing)

    def destroy_node(self) -> None:
        """Close the bag; it is in its place afterwards."""
        closing = self._open.pop_all()
        try:
            closing.close()
        except ValueError as error:
            self._fail(error)
        else:
            topics = ', '.join(f'{name} {count}' for name, count in sorted(self.counts.items()))
            self.get_logger().info(f'recorded {topics or "nothing"} -> {self._bag.path}')
        super().destroy_node()

    def _look(self) -> None:
        """Subscribe to the topics that have appeared."""
        if not self.get_clock().now().nanoseconds:
            return
        types = dict(self.get_topic_names_and_types())
        for name in [name for name in self._missing if name in types]:
            if self._endpoints(name):
                self._missing.remove(name)
                self._subscribe(name, types[name])
        if not self._missing:
            self._timer.cancel()
            self.get_logger().info(f'recording {", ".join(sorted(self.counts)) or "nothing"}')

    def _subscribe(self, name: str, types: Sequence[str]) -> None:
        kind = types[0]
        message = message_class(kind)
        known = message is not None and message_types.learn_installed(self._store, kind)
        if message is None or not known or len(types) > 1:
            self.get_logger().error(
                f'cannot record {name}: expected one type that is installed, '
                f'found {" and ".join(types)}'
            )
            return
        profile = self._profile(name)
        offered = qos(
            reliable=profile.reliability is ReliabilityPolicy.RELIABLE,
            latched=profile.durability is DurabilityPolicy.TRANSIENT_LOCAL,
        )
        connection = self._bag.add_topic(name, kind, offered)
        self.counts[name] = 0

        def receive(raw: bytes) -> None:
            self._write(connection, raw)

        self.create_subscription(message, self._names[name], receive, profile, raw=True)

    def _endpoints(self, name: str) -> list[TopicEndpointInfo]:
        found: list[TopicEndpointInfo] = self.get_publishers_info_by_topic(self._names[name])
        return found

    def _profile(self, name: str) -> QoSProfile:
        """Ask for what every publisher of the topic offers."""
        offers = [info.qos_profile for info in self._endpoints(name)]
        reliable = all(item.reliability is ReliabilityPolicy.RELIABLE for item in offers)
        latched = all(item.durability is DurabilityPolicy.TRANSIENT_LOCAL for item in offers)
        return QoSProfile(
            depth=self.parameters.queue,
            history=HistoryPolicy.KEEP_LAST,
            reliability=(
                ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
            ),
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
            ),
        )

    def _write(self, connection: Connection, raw: bytes) -> None:
        if self.failed:
            return
        try:
            self._bag.write(connection, self._time_ns(), raw)
        except ValueError as error:
            self._fail(error)
            self.context.try_shutdown()
        else:
            self.counts[connection.topic] += 1

    def _commit(self) -> None:
        """Let what was recorded survive this process."""
        if self.failed:
            return
        try:
            self._bag.commit()
        except ValueError as error:
            self._fail(error)
            self.context.try_shutdown()

    def _time_ns(self) -> int:
        """Return the time of the bag, which continues where simulated time jumps back."""
        now = self.get_clock().now().nanoseconds
        self._shift_ns = max(self._shift_ns, self._last_ns - now)
        self._last_ns = now + self._shift_ns
        return self._last_ns

    def _fail(self, error: Exception) -> None:
        self.failed = True
        self.get_logger().error(f'{error}')


def main(args: Sequence[str] | None = None) -> int:
    """Record until the node is told to end."""
    nodes: list[RecorderNode] = []

    def make_node() -> RecorderNode:
        nodes.append(RecorderNode())
        return nodes[-1]

    return executable.run(make_node, args) or int(any(node.failed for node in nodes))


if __name__ == '__main__':
    sys.exit(main())
