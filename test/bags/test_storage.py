# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags whose files are not what a recorder leaves that ends well."""

import itertools
import shutil
import sqlite3
import struct

from bag_builder import drive, read_bag, STORE, write_bag
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from segformer_ros.bags.rosbag import BagError, BagReader, BagWarning
from segformer_ros.bags.writer import BagWriter

_SIZE = (240, 320)
"""Of images of which five fill a chunk of rosbags."""


@pytest.fixture(scope='module')
def content(tmp_path_factory):
    """Return the bytes of an MCAP file with 20 frames in four chunks."""
    path = write_bag(tmp_path_factory.mktemp('whole') / 'bag', drive(20, size=_SIZE), 'mcap')
    return (path / 'bag.mcap').read_bytes()


def _records(content):
    """Yield start, end and opcode of the records of an MCAP file."""
    place = 8
    while place < len(content) - 8:
        opcode, size = struct.unpack_from('<BQ', content, place)
        yield place, place + 9 + size, opcode
        place += 9 + size


def _stamps(path):
    with BagReader(path) as reader:
        return [(item.topic, time_ns) for item, time_ns, _ in reader.messages()]


def test_an_mcap_file_cut_anywhere_is_read_by_its_whole_chunks(tmp_path, content):
    """Counts of messages and seconds, and a builder of a file with its index."""
    whole = tmp_path / 'whole.mcap'
    whole.write_bytes(content)
    expected = _stamps(whole)
    chunks = [(start, end) for start, end, opcode in _records(content) if opcode == 6]
    assert len(chunks) == 4
    cut = tmp_path / 'cut.mcap'
    places = [end + off for _, end in chunks for off in (-1, 0, 1)]
    places += [start + 1 for start, _ in chunks[1:]] + [len(content) - 1]
    for place in places:
        cut.write_bytes(content[:place])
        count = sum(end <= place for _, end in chunks)
        if not count:
            with pytest.raises(BagError, match=r'cut\.mcap, .* before its first chunk is whole'):
                BagReader(cut)
            continue
        with pytest.warns(BagWarning) as caught:
            found = _stamps(cut)
        assert found == expected[: len(found)]
        assert len(found) == 10 * count, place
        (warning,) = caught
        seconds = (found[-1][1] - found[0][1]) / 1e9
        text = f'whole chunks, {len(found)} messages over {seconds:.1f} s'
        assert text in str(warning.message)
        assert 'mcap recover cut.mcap' in str(warning.message)


@pytest.mark.parametrize('zeros', [0, 10, 300_000])
def test_bytes_after_the_last_whole_chunk_are_ignored(tmp_path, content, zeros):
    """A file system leaves zeros where a machine lost its power."""
    start = [item[0] for item in _records(content) if item[2] == 6][3]
    file = tmp_path / 'cut.mcap'
    file.write_bytes(content[: start + 300] + bytes(zeros) + b'\0' * 1_200_000 * bool(zeros))
    with pytest.warns(BagWarning, match='30 messages over'):
        found = read_bag(file)
    assert {name: len(items) for name, items in found.items()} == {
        '/front/camera_info': 15,
        '/front/image': 15,
    }


def test_a_cut_file_is_read_from_a_time_on(tmp_path, content):
    """As datasets do it."""
    file = tmp_path / 'cut.mcap'
    file.write_bytes(content[:-20])
    with pytest.warns(BagWarning):
        reader = BagReader(file)
    with reader:
        times = [time_ns for _, time_ns, _ in reader.messages(['/front/image'])]
        found = reader.messages(['/front/image'], start_ns=times[7], stop_ns=times[9])
        assert [time_ns for _, time_ns, _ in found] == times[7:9]
        assert reader.duration_s == pytest.approx(1.9, abs=1e-6)
        assert [item.count for item in reader.topics] == [20, 20]


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
@pytest.mark.parametrize('change', [('reliability: reliable', 'reliability: best_effort'), None])
def test_metadata_of_another_qos_or_hash_lose_nothing(tmp_path, storage, change):
    """Topics are known by name and type; the QoS of the metadata is that of copies."""
    path = write_bag(tmp_path / 'bag', drive(3), storage)
    metadata = path / 'metadata.yaml'
    old, new = change or ('RIHS01_', 'RIHS01_0')
    text = metadata.read_text()
    assert old in text
    metadata.write_text(text.replace(old, new))
    assert {name: len(items) for name, items in read_bag(path).items()} == {
        '/front/camera_info': 3,
        '/front/image': 3,
    }
    if change:
        with BagReader(path) as reader:
            (topic,) = reader.connections(['/front/image'])
            assert topic.ext.offered_qos_profiles[0].reliability.name == 'BEST_EFFORT'


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_a_topic_that_the_metadata_do_not_know_is_read(tmp_path, storage):
    """The files say what is in them."""
    path = write_bag(tmp_path / 'bag', drive(3), storage)
    metadata = path / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('/front/image', '/other'))
    with pytest.warns(BagWarning, match=r'3 of 6: /other 0 of 3') as caught:
        found = read_bag(path)
    assert len(caught) == 1
    assert len(found['/front/image']) == 3


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_fewer_messages_than_the_metadata_count_are_noticed(tmp_path, storage):
    """With the topics that lack some; counts are those of the files."""
    path = write_bag(tmp_path / 'bag', drive(3), storage)
    metadata = path / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('message_count: 3', 'message_count: 7'))
    with pytest.warns(BagWarning, match=r'6 of 14: .*/front/image 3 of 7'):
        reader = BagReader(path)
    with reader:
        assert [item.count for item in reader.topics] == [3, 3]


def test_a_file_that_the_metadata_do_not_name_is_noticed(tmp_path):
    """A recorder that was killed may have begun it."""
    path = write_bag(tmp_path / 'bag', drive(3), 'mcap')
    shutil.copyfile(path / 'bag.mcap', path / 'bag_1.mcap')
    with pytest.warns(BagWarning, match=r'bag_1\.mcap in .* not named in metadata\.yaml'):
        assert len(read_bag(path)['/front/image']) == 3


def test_several_files_without_metadata_are_one_bag(tmp_path):
    """In the order of time; one that holds nothing yet is named."""
    messages = drive(6)
    folder = tmp_path / 'bag'
    folder.mkdir()
    for name, part, storage in (
        ('b', messages[:4], 'mcap'),
        ('a', messages[4:8], 'mcap'),
        ('c', messages[8:], 'sqlite3'),
    ):
        source = write_bag(tmp_path / name, part, storage)
        (file,) = (item for item in source.iterdir() if item.suffix != '.yaml')
        file.rename(folder / file.name)
    (folder / 'd.mcap').write_bytes(b'\x89MCAP0\r\n')
    with pytest.warns(BagWarning, match=r'd\.mcap has nothing that can be read'):
        found = _stamps(folder)
    assert found == [(item.topic, item.time_ns) for item in messages]


def _killed(path, mode):
    """Write a database as a recorder does that is killed, with half of it beside it."""
    source = write_bag(path / 'source', drive(8, size=(120, 160)), 'sqlite3')
    target, half = path / 'bag' / 'bag_0.db3', 8
    target.parent.mkdir()
    shutil.copyfile(source / 'source.db3', target)
    database = sqlite3.connect(target)
    rows = database.execute('SELECT * FROM messages ORDER BY id').fetchall()
    database.execute('DELETE FROM messages WHERE id > ?', (half,))
    database.commit()
    database.execute('VACUUM')
    database.execute(f'PRAGMA journal_mode={mode}')
    database.execute('PRAGMA cache_size=4')
    database.execute('BEGIN')
    database.executemany('INSERT INTO messages VALUES (?, ?, ?, ?)', rows[half:])
    if mode == 'wal':
        database.commit()
    # What is there now is what a kill leaves.
    for file in list(target.parent.iterdir()):
        shutil.copyfile(file, path / file.name)
    database.close()
    shutil.rmtree(target.parent)
    target.parent.mkdir()
    for file in path.glob('bag_0.db3*'):
        if not file.name.endswith('-shm'):
            file.rename(target.parent / file.name)
    return target.parent


@pytest.mark.parametrize(('mode', 'count'), [('wal', 8), ('delete', 4)])
def test_a_database_that_was_not_closed_is_read_whole(tmp_path, mode, count):
    """What was committed counts, and the folder stays as it is."""
    folder = _killed(tmp_path, mode)
    before = {item.name: item.read_bytes() for item in folder.iterdir()}
    assert sorted(before) == ['bag_0.db3', f'bag_0.db3-{"wal" if mode == "wal" else "journal"}']
    for path in (folder, folder / 'bag_0.db3'):
        with pytest.warns(BagWarning, match=r'bag_0\.db3 was not closed'):
            found = read_bag(path)
        assert [len(items) for items in found.values()] == [count, count]
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == before


def test_an_unfinished_database_that_cannot_be_copied_is_refused(tmp_path, monkeypatch):
    """With the command that mends it."""
    folder = _killed(tmp_path, 'wal')

    def full(*_args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(shutil, 'copyfile', full)
    with pytest.raises(BagError, match=r'No space left.*sqlite3 bag_0\.db3 "PRAGMA'):
        BagReader(folder)


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
@pytest.mark.parametrize('name', ['run#3', 'a?b=c', 'at%41', 'a:b', 'a b'])
def test_names_mean_nothing_but_themselves(tmp_path, storage, name):
    """Also those that would mean something in an URI; nothing appears elsewhere."""
    path = write_bag(tmp_path / name / name, drive(2), storage)
    suffix = '.mcap' if storage == 'mcap' else '.db3'
    assert sorted(item.name for item in path.iterdir()) == sorted(
        [f'{name}{suffix}', 'metadata.yaml']
    )
    assert [item.name for item in tmp_path.iterdir()] == [name]
    assert [item.name for item in (tmp_path / name).iterdir()] == [name]
    assert len(read_bag(path)['/front/image']) == 2


def test_a_damaged_chunk_is_an_error_of_one_sentence(tmp_path):
    """Whatever the decompressor calls it."""
    writer = Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        (info, *_) = drive(1)
        connection = writer.add_connection(info.topic, info.type, typestore=STORE)
        writer.write(connection, 1, STORE.serialize_cdr(info.message, info.type))
    file = tmp_path / 'bag' / 'bag.mcap'
    content = bytearray(file.read_bytes())
    place = content.index(b'\x28\xb5\x2f\xfd')
    content[place + 8 : place + 80] = bytes(72)
    file.write_bytes(content)
    with pytest.raises(BagError, match='is damaged after 0 messages'):
        read_bag(tmp_path / 'bag')


def test_two_channels_of_one_topic_are_copied_as_one(tmp_path):
    """As rosbag2 writes them where two publishers of one topic are recorded as MCAP."""
    source = write_bag(tmp_path / 'bag', drive(2), 'mcap') / 'bag.mcap'
    content = source.read_bytes()
    twice = _with_second_channel(content)
    file = tmp_path / 'two.mcap'
    file.write_bytes(twice)
    with pytest.warns(BagWarning):
        reader = BagReader(file)
    with reader:
        connections = reader.connections()
        assert [item.topic for item in connections].count('/front/image') == 2
        with BagWriter(tmp_path / 'copy', 'mcap', STORE) as writer:
            copies = {item.id: writer.add_copy(item) for item in connections}
            for item, time_ns, raw in reader.messages():
                writer.write(copies[item.id], time_ns, raw)
    assert len(read_bag(tmp_path / 'copy')['/front/image']) == 2


def _with_second_channel(content):
    """Return an MCAP file without index that names the channel of the images a second time."""
    (start, end) = next(item[:2] for item in _records(content) if item[2] == 6)
    chunk = content[start + 9 + 40 : end]
    place, parts = 0, []
    ids = itertools.count(7)
    while place < len(chunk):
        opcode, size = struct.unpack_from('<BQ', chunk, place)
        record = chunk[place : place + 9 + size]
        parts.append(record)
        if opcode == 4 and b'/front/image' in record:
            parts.append(record[:9] + struct.pack('<H', next(ids)) + record[11:])
        place += 9 + size
    first = next(_records(content))
    return content[: first[1]] + b''.join(parts)
