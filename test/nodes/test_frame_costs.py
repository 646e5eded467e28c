# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node does once and not for every frame, or not as often: counted, not timed."""

from node_rig import camera_info, image_message
import rclpy
from segformer_ros.nodes import camera_stream, segformer_node
from segformer_ros.nodes.publishers import Outputs
from segformer_ros.output_topics import compressed
from sensor_msgs.msg import CompressedImage, PointCloud2


def _count(monkeypatch, place, name):
    """Return a list that grows with every call of a function."""
    calls, original = [], getattr(place, name)

    def counted(*args, **kwargs):
        calls.append(kwargs)
        return original(*args, **kwargs)

    monkeypatch.setattr(place, name, counted)
    return calls


def test_subscribers_are_counted_once_for_a_frame(make_rig, monkeypatch):
    """Again only where someone wants points of a camera that is not known."""
    rig = make_rig()
    rig.connect()
    rig.listen('/label/image')
    calls = _count(monkeypatch, Outputs, 'wanted')
    for message in (image_message(stamp_ns=1), image_message(stamp_ns=2)):
        rig.exchange(message)
    assert [call['points_possible'] for call in calls] == [True, True]
    rig.listen('/depth/points', PointCloud2)
    calls.clear()
    rig.exchange(image_message(stamp_ns=3))
    assert [call['points_possible'] for call in calls] == [True, False]
    calls.clear()
    rig.exchange(image_message(stamp_ns=4), info=camera_info())
    assert [call['points_possible'] for call in calls] == [True]


def test_points_of_an_unknown_camera_alone_are_not_computed(make_rig):
    """The image counts as idle: nothing could be made of it."""
    rig = make_rig()
    rig.connect()
    rig.listen('/depth/points', PointCloud2)
    rig.send(image_message())
    rig.until(lambda: rig.counts().idle == 1)
    assert not rig.pipeline.calls


def test_compressed_images_are_made_only_while_they_have_subscribers(make_rig, monkeypatch):
    """Each by itself, of every camera, with the tasks that it needs and no others."""
    made = []
    for name in ('labels', 'colors', 'depth'):
        original = getattr(compressed, name)
        monkeypatch.setattr(
            compressed, name, lambda *item, name=name, f=original: made.append(name) or f(*item)
        )
    rig = make_rig(cameras=['a', 'b'])
    rig.connect('b')
    steps = [
        ('label/image/compressed', 'labels', (True, False)),
        ('depth/image/compressedDepth', 'depth', (False, True)),
        ('overlay/image/compressed', 'colors', (True, False)),
    ]
    for stamp_ns, (topic, name, tasks) in enumerate(steps, 1):
        before = len(rig.pipeline.calls)
        subscription = rig.listen(f'/b/{topic}', CompressedImage)
        message = image_message(stamp_ns=stamp_ns)
        found = rig.exchange(message, f'/b/{topic}', camera='b')
        assert found.header == message.header
        asked = rig.pipeline.calls[-1].options
        assert (made, (asked.segmentation, asked.depth)) == ([name], tasks)
        assert len(rig.pipeline.calls) == before + 1
        rig.probe.destroy_subscription(subscription)
        rig.until(lambda topic=topic: not rig.node.count_subscribers(f'/b/{topic}'))
        made.clear()
    rig.send(image_message(stamp_ns=9), camera='b')
    rig.until(lambda: rig.counts(1).idle == 1)
    assert not made


def test_parameters_are_compared_with_the_network_once_after_each_change(make_rig, monkeypatch):
    """Not for every frame and not for every report."""
    calls = _count(monkeypatch, segformer_node, 'possible_parameters')
    rig = make_rig()
    rig.connect()
    rig.listen('/label/image')
    for stamp_ns in (1, 2, 3):
        rig.exchange(image_message(stamp_ns=stamp_ns))
        rig.node.report()
    assert len(calls) == 1
    changes = [rclpy.Parameter('depth', value=False)]
    assert rig.node.set_parameters_atomically(changes).successful
    rig.exchange(image_message(stamp_ns=4))
    assert not rig.pipeline.calls[-1].options.depth
    assert len(calls) == 2


def test_publishers_are_looked_for_less_often_after_a_while(make_rig, monkeypatch):
    """At first every 0.2 s, later every second: each look keeps the executor."""
    monkeypatch.setattr(camera_stream, '_FIRST_LOOKS', 2)
    rig = make_rig()
    (stream,) = rig.node._streams
    assert stream._looker.timer_period_ns == 200_000_000
    calls = _count(monkeypatch, camera_stream, 'rivals')
    rig.until(lambda: stream._looker.timer_period_ns == 1_000_000_000)
    assert len(calls) <= 4
