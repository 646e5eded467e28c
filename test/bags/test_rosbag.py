# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags, read and written."""

from bag_builder import drive, read_bag, STORE, write_bag
import numpy as np
import pytest
from segformer_ros.bags.rosbag import BagError, BagReader, is_bag, qos
from segformer_ros.bags.writer import BagWriter

_IMAGE = 'sensor_msgs/msg/Image'


@pytest.fixture(params=['sqlite3', 'mcap'])
def storage(request):
    """Both kinds of file."""
    return request.param


def test_messages_come_back_as_they_were(tmp_path, storage):
    """Topics, types, times of receipt and bytes."""
    messages = drive(3)
    found = read_bag(write_bag(tmp_path / 'bag', messages, storage))
    assert sorted(found) == ['/front/camera_info', '/front/image']
    for topic, items in found.items():
        expected = [item for item in messages if item.topic == topic]
        assert [item.time_ns for item in items] == [item.time_ns for item in expected]
        for item, other in zip(items, expected, strict=True):
            assert item.message.header == other.message.header
    for item, other in zip(found['/front/image'], messages[1::2], strict=True):
        np.testing.assert_array_equal(item.message.data, other.message.data)


def test_topics_and_duration_are_known_before_reading(tmp_path, storage):
    """As a progress bar needs them."""
    with BagReader(write_bag(tmp_path / 'bag', drive(3), storage)) as reader:
        assert [(item.name, item.count) for item in reader.topics] == [
            ('/front/camera_info', 3),
            ('/front/image', 3),
        ]
        assert reader.duration_s == pytest.approx(0.2, abs=1e-6)
        assert list(reader.messages(['/nothing'])) == []


def test_the_bag_appears_when_it_is_whole(tmp_path, storage):
    """Until then it has another name; after a failure that of an unfinished one."""
    path = tmp_path / 'bag'

    def fail_in_the_middle():
        yield from drive(1)
        assert not path.exists()
        raise RuntimeError('the disk is full')

    with pytest.raises(RuntimeError, match='the disk is full'):
        write_bag(path, fail_in_the_middle(), storage)
    assert [item.name for item in tmp_path.iterdir()] == ['bag.unfinished']
    assert {name: len(items) for name, items in read_bag(tmp_path / 'bag.unfinished').items()} == {
        '/front/camera_info': 1,
        '/front/image': 1,
    }
    write_bag(path, drive(1), storage)
    assert sorted(item.name for item in tmp_path.iterdir()) == ['bag', 'bag.unfinished']
    suffix = '.mcap' if storage == 'mcap' else '.db3'
    assert sorted(item.name for item in path.iterdir()) == [f'bag{suffix}', 'metadata.yaml']


def test_an_empty_folder_of_a_killed_run_does_not_disturb(tmp_path, storage):
    """The next run begins anew."""
    (tmp_path / '.bag.part' / 'bag').mkdir(parents=True)
    write_bag(tmp_path / 'bag', drive(1), storage)
    assert len(read_bag(tmp_path / 'bag')) == 2
    assert [item.name for item in tmp_path.iterdir()] == ['bag']


def test_existing_folder_is_not_overwritten(tmp_path, storage):
    """Not even an empty folder."""
    path = write_bag(tmp_path / 'bag', drive(1), storage)
    with pytest.raises(BagError, match='already there'):
        BagWriter(path, storage, STORE)
    with pytest.raises(ValueError, match='sqlite3, mcap'):
        BagWriter(tmp_path / 'other', 'bag', STORE)


def test_a_file_alone_is_a_bag_too(tmp_path, storage):
    """Also a folder without metadata.yaml, which a killed recorder leaves."""
    path = write_bag(tmp_path / 'bag', drive(2), storage)
    (path / 'metadata.yaml').unlink()
    (file,) = path.iterdir()
    assert is_bag(path)
    assert is_bag(file)
    assert read_bag(path).keys() == read_bag(file).keys()


@pytest.mark.parametrize('keep', [0.0, 0.1, 0.5, 0.9])
def test_a_cut_off_bag_without_a_whole_chunk_is_refused(tmp_path, storage, keep):
    """In one sentence that names it."""
    path = write_bag(tmp_path / 'bag', drive(5), storage)
    (file,) = (item for item in path.iterdir() if item.suffix != '.yaml')
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(BagError, match=r'bag.*damaged'):
        BagReader(path)


@pytest.mark.parametrize('text', ['', 'a: [', 'a: 1', '- 1'])
def test_foreign_metadata_are_refused(tmp_path, text):
    """Whatever the file holds."""
    (tmp_path / 'metadata.yaml').write_text(text)
    with pytest.raises(BagError, match='damaged or of another kind'):
        BagReader(tmp_path)


def test_other_things_are_no_bags(tmp_path):
    """A missing one is said to be missing."""
    (tmp_path / 'a.png').write_bytes(b'')
    assert not is_bag(tmp_path)
    assert not is_bag(tmp_path / 'a.png')
    with pytest.raises(BagError, match='found nothing'):
        BagReader(tmp_path / 'no.mcap')


def test_bytes_that_are_no_message_are_a_value_error(tmp_path):
    """A damaged message costs itself alone."""
    with BagReader(write_bag(tmp_path / 'bag', drive(1))) as reader:
        (_, _, raw), *_ = reader.messages(['/front/image'])
        with pytest.raises(ValueError, match='expected a sensor_msgs/msg/Image'):
            reader.deserialize(bytes(raw)[:50], _IMAGE)


def test_a_copy_keeps_type_and_qos(tmp_path, storage):
    """Of a type that nobody here knows, too; its text is in the bag."""
    latched = qos(reliable=False, latched=True, depth=3)
    source = write_bag(tmp_path / 'a', drive(1), storage, {'/front/image': latched})
    with BagReader(source) as reader, BagWriter(tmp_path / 'b', storage, STORE) as writer:
        for connection in reader.connections(['/front/image', '/front/camera_info']):
            assert writer.add_copy(connection) is not None
    with BagReader(source) as reader, BagReader(tmp_path / 'b') as copy:
        (first,), (second,) = (bag.connections(['/front/image']) for bag in (reader, copy))
        assert (first.msgtype, first.digest) == (second.msgtype, second.digest)
        assert first.ext.offered_qos_profiles == second.ext.offered_qos_profiles == [latched]
