# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Subscriptions to what others publish: by names that are remapped once, and never in silence.

A name that resolve_topic_name has remapped must not be used to subscribe: rclpy remaps it again,
and topics that were swapped are swapped back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

_COMPRESSED = '/compressed'
_LISTED = 4
NOBODY = 'it has no publisher'
ANOTHER_TYPE = 'it is published as'
"""How publisher_fault begins where somebody publishes, but not that type."""

_IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


def compressed_name(node: Node, image: str) -> str:
    """
    Return the name to subscribe by to the compressed images of a topic.

    As with image_transport, a rule for the raw topic holds for the compressed one too, unless
    that has a rule of its own.

    :param image: Name of the raw images, before remapping.
    """
    own = f'{image}{_COMPRESSED}'
    if node.resolve_topic_name(own) != node.resolve_topic_name(own, only_expand=True):
        return own
    return f'{node.resolve_topic_name(image)}{_COMPRESSED}'


def type_name(kind: Any) -> str:
    """Return the name of a message type, such as 'sensor_msgs/msg/Image'."""
    return f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}'


def publisher_fault(node: Node, name: str, kind: Any) -> str:
    """
    Describe why nothing can arrive on a topic.

    :param name: Before remapping.
    :param kind: The type of the messages that are expected.
    :returns: A clause, or '' where somebody publishes that type there.
    """
    expected = type_name(kind)
    found = sorted({item.topic_type for item in node.get_publishers_info_by_topic(name)})
    if expected in found:
        return ''
    if not found:
        return NOBODY
    advice, topic = '', node.resolve_topic_name(name)
    if expected in _IMAGES and found[0] in _IMAGES:
        transport, remapped = 'raw', 'image'
        if found[0] != _IMAGES[0]:
            transport, remapped = 'compressed', f'image{_COMPRESSED}'
        advice = f': set transport to {transport} and remap {remapped} to {topic}'
    return f'{ANOTHER_TYPE} {" and ".join(found)}, expected {expected}{advice}'


def elsewhere(node: Node, kind: Any, own: Collection[str]) -> str:
    """
    Name the topics on which somebody publishes messages of a type.

    :param own: Names of topics that are left out, after remapping.
    :returns: A clause, or '' where there are none.
    """
    found = [
        topic
        for topic, types in node.get_topic_names_and_types()
        if type_name(kind) in types and topic not in own and node.count_publishers(topic)
    ]
    more = ', ...' if len(found) > _LISTED else ''
    return f'; {type_name(kind)} is on {", ".join(found[:_LISTED])}{more}' if found else ''


def rivals(node: Node, name: str, kind: Any) -> str:
    """
    Warn that several publishers share a topic: their cameras cannot be told apart.

    :param name: Before remapping.
    :returns: A clause that names their nodes, or '' where there is one publisher or none.
    """
    found = [
        f'{item.node_namespace.rstrip("/")}/{item.node_name}'
        for item in node.get_publishers_info_by_topic(name)
        if item.topic_type == type_name(kind)
    ]
    if len(found) < 2:
        return ''
    topic, names = node.resolve_topic_name(name), ', '.join(sorted(found))
    return f'{topic} has {len(found)} publishers ({names}), whose messages are mixed: remap them'


class SilentTopics:
    """The topics of a node on which nothing has come so far, and why."""

    def __init__(self, node: Node, topics: Mapping[str, Any]) -> None:
        """
        Begin with all of them.

        :param topics: The type of the messages by name, before remapping.
        """
        self._node = node
        self._faults = dict.fromkeys(topics, '')
        self._kinds = topics
        self._told: set[str] = set()

    def heard(self, name: str) -> None:
        """Note that a message has come."""
        self._faults.pop(name, None)

    def look(self) -> None:
        """Ask for the publishers; of another type on a topic, log a warning once."""
        for name in self._faults:
            fault = publisher_fault(self._node, name, self._kinds[name])
            self._faults[name] = fault
            if fault.startswith(ANOTHER_TYPE) and fault not in self._told:
                self._told.add(fault)
                topic = self._node.resolve_topic_name(name)
                self._node.get_logger().warning(f'nothing arrives on {topic}: {fault}')

    def __str__(self) -> str:
        """Name them with what was found when it was looked last; empty where there are none."""
        return ', '.join(
            f'{self._node.resolve_topic_name(name)} ({fault or "it has a publisher"})'
            for name, fault in self._faults.items()
        )


class SequenceGaps:
    """
    Counts the messages of a topic that were published and never handed over.

    They were lost on the way, or newer ones took their places in the queue of the middleware. Only
    some middlewares number what is published (Fast DDS does); of others nothing is counted. Jazzy
    does not say which publisher a message is from: a topic is counted while it has one publisher.

    :param is_alone: Tells whether the topic has one publisher now.
    """

    def __init__(self, is_alone: Callable[[], bool]) -> None:
        self._last: dict[bytes, int] = {}
        self._is_alone = is_alone

    def add(self, info: Mapping[str, Any]) -> int:
        """
        Take what came with a message.

        :param info: The MessageInfo of rclpy.
        :returns: How many messages of the same publisher are missing between the former and this.
        """
        number, publisher = info.get('publication_sequence_number'), info.get('publisher_gid')
        if number is None or (publisher is None and not self._is_alone()):
            self._last.clear()
            return 0
        key = b'' if publisher is None else bytes(publisher['data'])
        last = self._last.get(key, number)
        self._last[key] = number
        gap: int = number - last - 1
        return max(0, gap)


class LatchedSubscription:
    """
    A subscription that gets what was published before it, where publishers keep that.

    A volatile subscription receives from every publisher, but nothing sent before it. A transient
    local one receives only from publishers that keep their messages, and both sides log a warning
    for the others. So it is transient local as long as every publisher is, and volatile otherwise;
    look() follows.
    """

    def __init__(
        self,
        node: Node,
        kind: Any,
        name: str,
        callback: Callable[[Any], None],
        qos: QoSProfile,
    ) -> None:
        """
        Subscribe.

        :param name: Before remapping.
        :param qos: While it is volatile; `qos_overrides` of the user hold for that.
        """
        self._node, self._kind, self._name = node, kind, name
        self._callback, self._qos = callback, qos
        self._latched = self._is_latched()
        self._subscription = self._subscribe()

    def look(self) -> None:
        """Subscribe again where the publishers have changed what they offer."""
        latched = self._is_latched()
        if latched != self._latched:
            self._latched, former = latched, self._subscription
            self._subscription = self._subscribe()
            self._node.destroy_subscription(former)

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)

    def _is_latched(self) -> bool:
        found = self._node.get_publishers_info_by_topic(self._name)
        offers = [item.qos_profile for item in found if item.topic_type == type_name(self._kind)]
        return bool(offers) and all(
            # Fast DDS gives nothing of before without reliability.
            item.durability is DurabilityPolicy.TRANSIENT_LOCAL
            and item.reliability is ReliabilityPolicy.RELIABLE
            for item in offers
        )

    def _subscribe(self) -> Subscription[Any]:
        qos, options = copy(self._qos), QoSOverridingOptions.with_default_policies()
        if self._latched:
            options = QoSOverridingOptions([])
            qos = QoSProfile(
                depth=self._qos.depth,
                history=self._qos.history,
                reliability=ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL,
            )
        return self._node.create_subscription(
            self._kind, self._name, self._callback, qos, qos_overriding_options=options
        )
