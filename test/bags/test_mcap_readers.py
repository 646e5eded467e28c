# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The MCAP of `segformer run`, read by the packages of the format's own authors."""

from bag_builder import drive, read_bag, write_bag
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
import pytest
from segformer_ros import cli
from segformer_ros.output_topics import table
import yaml

_QOS = {'history', 'depth', 'reliability', 'durability', 'liveliness'}
_NOT_OF_THIS_NETWORK = {
    '/front/depth/relative/image',
    '/front/depth/relative/camera_info',
    '/front/depth/confidence/image',
}


@pytest.fixture(scope='module')
def run(tmp_path_factory, bundle):
    """Return the folder of the bag that a run on two frames writes, with every output."""
    folder = tmp_path_factory.mktemp('run')
    source = write_bag(folder / 'drive', drive(2))
    words = ['run', source, '--model', bundle, '--out', folder / 'out', '--bag-format', 'mcap']
    options = ['--copy', '--all-outputs', '--confidence']
    assert cli.main([*map(str, words), *options]) == 0
    return folder / 'out' / 'bag'


def _decoded(run):
    with (run / 'bag.mcap').open('rb') as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        return reader.get_header(), reader.get_summary(), list(reader.iter_decoded_messages())


def test_every_topic_is_described_as_rosbag2_does(run):
    """By the name and the text of its type, its encoding, and the QoS that was offered."""
    header, summary, _ = _decoded(run)
    assert header.profile == 'ros2'
    info = yaml.safe_load((run / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    counts = {
        item['topic_metadata']['name']: item['message_count']
        for item in info['topics_with_message_count']
    }
    types = {}
    for number, channel in summary.channels.items():
        schema = summary.schemas[channel.schema_id]
        assert (channel.message_encoding, schema.encoding) == ('cdr', 'ros2msg')
        types[channel.topic] = schema.name
        (qos,) = yaml.safe_load(channel.metadata['offered_qos_profiles'])
        assert qos.keys() >= _QOS
        assert summary.statistics.channel_message_counts[number] == counts[channel.topic]
    outputs = {f'/front/{row.topic}': row.type for row in table.OUTPUTS}
    made = {topic for topic in types if topic in outputs}
    assert made == outputs.keys() - _NOT_OF_THIS_NETWORK
    assert {topic: types[topic] for topic in made} == {t: outputs[t] for t in made}
    assert types['/front/image'] == 'sensor_msgs/msg/Image'
    assert types['/front/label/classes'] == 'segformer_ros/msg/LabelClasses'


def test_every_message_is_decoded_to_what_was_written(run):
    """By the text of its schema alone, as Foxglove does it."""
    expected = read_bag(run)
    _, _, found = _decoded(run)
    assert len(found) == sum(map(len, expected.values()))
    for _, channel, message, decoded in found:
        item = expected[channel.topic].pop(0)
        assert message.log_time == item.time_ns
        stamp = decoded.header.stamp if hasattr(decoded, 'header') else None
        if stamp is not None:
            assert (stamp.sec, stamp.nanosec) == (
                item.message.header.stamp.sec,
                item.message.header.stamp.nanosec,
            )
        for name in ('encoding', 'width', 'step', 'format', 'distortion_model', 'names'):
            assert getattr(decoded, name, None) == getattr(item.message, name, None)
        if hasattr(item.message, 'data'):
            assert bytes(decoded.data) == bytes(item.message.data)
