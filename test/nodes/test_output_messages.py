# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every output is the same message live and in bags, field by field."""

import pytest
from rclpy.serialization import serialize_message
from segformer_ros.bags.message_types import make_store
from segformer_ros.bags.messages import bag_message
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes.messages import ros_message
from segformer_ros.output_topics import contents, table
from std_msgs.msg import Header
from test_output_topics import sample_results


def _pair(make):
    """Return the fields of a live message and of one in a bag, as bytes."""
    header = contents.header(7_000_000_009)
    live, stored = make(ros_message(header)), make(header)
    store = make_store()
    expected = bytes(store.serialize_cdr(bag_message(store, stored), stored.type))
    # Read and written again: what ROS leaves between the fields is not defined.
    found = store.deserialize_cdr(serialize_message(ros_message(live)), live.type)
    return bytes(store.serialize_cdr(found, live.type)), expected


@pytest.mark.parametrize('row', table.OUTPUTS, ids=lambda row: row.topic)
def test_live_and_bag_messages_are_equal(row):
    """Of the same data."""
    live, stored = _pair(lambda header: row.make(sample_results(header)))
    assert live == stored


def test_classes_are_equal_live_and_in_bags(own):
    """label/classes is the one latched topic that bags have."""
    live, stored = _pair(lambda header: contents.label_classes(header, CARLA_0914.classes, 'net'))
    assert live == stored


def test_header_is_one_of_ros():
    """Stamp and an empty frame."""
    header = ros_message(contents.header(7_000_000_009))
    assert isinstance(header, Header)
    assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (7, 9, '')
