# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What stays of a bag whose writer does not come to its end."""

import os
from pathlib import Path
import resource
import signal
import subprocess
import sys

from bag_builder import STORE
import pytest
from segformer_ros import interrupts
from segformer_ros.bags import writer as writer_module
from segformer_ros.bags.rosbag import BagError, BagReader, is_bag
from segformer_ros.bags.storage import written_for
from segformer_ros.bags.writer import BagWriter

_ROOT = Path(__file__).parents[2]
_IMAGE = 'sensor_msgs/msg/Image'


@pytest.fixture(params=['sqlite3', 'mcap'])
def storage(request):
    """Both kinds of file."""
    return request.param


@pytest.fixture
def steady(monkeypatch):
    """Return a clock that stands still, in a list."""
    now = [100.0]
    monkeypatch.setattr(writer_module.time, 'monotonic', lambda: now[0])
    return now


def _fill(writer, count, size=1000):
    connection = writer.add_topic('/front/image', _IMAGE)
    raw = bytes(size)
    for index in range(count):
        writer.write(connection, index, raw)
    return connection, raw


def _overfill(writer):
    connection, raw = _fill(writer, 0, size=100_000)
    for index in range(30):
        writer.write(connection, index, raw)
        writer.commit()


def _times(path):
    with BagReader(path) as reader:
        return [time_ns for _, time_ns, _ in reader.messages()]


_KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from bag_builder import STORE
from segformer_ros.bags import writer as module
writer = module.BagWriter(Path(sys.argv[1]), sys.argv[2], STORE, max_file_bytes=int(sys.argv[4]))
writer.__enter__()
connection = writer.add_topic('/front/image', 'sensor_msgs/msg/Image')
module.time.monotonic = lambda: 0.0
for index in range(20):
    writer.write(connection, index, bytes(50_000))
    if index % 5 == 4 and index < 17:
        writer.commit()
os.kill(os.getpid(), 9)
"""


def _kill_a_writer(path, storage, max_bytes=0):
    support = str(_ROOT / 'test' / 'support')
    command = [sys.executable, '-c', _KILLED, str(path), storage, support, str(max_bytes)]
    done = subprocess.run(command, cwd=_ROOT, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
@pytest.mark.parametrize('max_bytes', [0, 200_000])
def test_what_a_killed_writer_has_committed_is_kept_by_the_next_one(tmp_path, storage, max_bytes):
    """Under a name of its own, and a bag; a third one finds both."""
    path = tmp_path / 'bag'
    for number, name in enumerate(('bag.unfinished', 'bag.unfinished-2')):
        _kill_a_writer(path, storage, max_bytes)
        with BagWriter(path, storage, STORE) as writer:
            assert writer.left == tmp_path / name
            _fill(writer, 1)
        path.rename(tmp_path / f'second{number}')
        assert _times(tmp_path / name)[:15] == list(range(15))
    assert not list(tmp_path.glob('.*'))


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
@pytest.mark.parametrize('max_bytes', [0, 200_000])
def test_what_a_killed_writer_has_committed_is_named_and_read(tmp_path, storage, max_bytes):
    """Also where no other writer comes: all of its files, by the name of its hidden folder."""
    path, place = tmp_path / 'bag', tmp_path / '.bag.part'
    _kill_a_writer(path, storage, max_bytes)
    with pytest.raises(BagError, match=f'found nothing; {place} has what was recorded until now'):
        BagReader(path)
    assert is_bag(place)
    assert _times(place)[:15] == list(range(15))
    assert not written_for(tmp_path / 'other')


def test_messages_are_committed_twice_a_second(tmp_path, storage, steady):
    """Another process sees them."""
    with BagWriter(tmp_path / 'bag', storage, STORE) as writer:
        place = tmp_path / '.bag.part' / 'bag'
        file = next(item for item in place.iterdir() if item.suffix in {'.db3', '.mcap'})
        connection, raw = _fill(writer, 3)
        before = file.stat().st_size
        steady[0] += 0.4
        writer.write(connection, 3, raw)
        assert file.stat().st_size == before
        steady[0] += 0.1
        writer.write(connection, 4, raw)
        assert file.stat().st_size > before


def test_a_large_recording_has_several_files(tmp_path, storage):
    """They are read as one bag, in the order of time."""
    path = tmp_path / 'bag'
    with BagWriter(path, storage, STORE, max_file_bytes=300_000) as writer:
        connection, raw = _fill(writer, 0, size=100_000)
        for index in range(10):
            writer.write(connection, index, raw)
            writer.commit()
    suffix = '.mcap' if storage == 'mcap' else '.db3'
    names = [f'bag_{number}{suffix}' for number in range(4)]
    assert sorted(item.name for item in path.iterdir()) == [*names, 'metadata.yaml']
    with BagReader(path) as reader:
        assert [(item.name, item.count) for item in reader.topics] == [('/front/image', 10)]
    assert _times(path) == list(range(10))


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_a_full_disk_keeps_what_is_there(tmp_path, storage):
    """The error says where; a process may write no file larger than this."""
    path = tmp_path / 'bag'
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        writer = BagWriter(path, storage, STORE)
        with pytest.raises(BagError, match=r'could not write .*bag.*'), writer:
            _overfill(writer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not path.exists()
    assert writer.unfinished == tmp_path / 'bag.unfinished'
    assert len(_times(writer.unfinished)) >= 5


def test_two_processes_do_not_write_the_same_bag(tmp_path, storage):
    """The second is refused, and the first goes on undisturbed."""
    path = tmp_path / 'bag'
    with BagWriter(path, storage, STORE) as writer:
        _fill(writer, 2)
        with pytest.raises(BagError, match='another process is writing'):
            BagWriter(path, storage, STORE)
    assert _times(path) == [0, 1]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_while_a_bag_is_closed_come_after_it(tmp_path, storage, number, monkeypatch):
    """However many there are."""
    path = tmp_path / 'bag'
    writer = BagWriter(path, storage, STORE)

    def close(real):
        signal.raise_signal(number)
        signal.raise_signal(number)
        real()

    def write():
        with writer:
            _fill(writer, 2)
            real = writer._part.close
            monkeypatch.setattr(writer._part, 'close', lambda: close(real))

    with interrupts.handled(None) as signals:
        signals.begin()
        with pytest.raises(KeyboardInterrupt):
            write()
    assert _times(path) == [0, 1]
    assert os.listdir(tmp_path) == ['bag']
