# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Of several holders one has the lock, and it leaves no file."""

import subprocess
import sys
import threading

import pytest
from segformer_ros.engines.file_lock import file_lock, LockCancelledError, try_lock

HOLD = """
import sys
from pathlib import Path
from segformer_ros.engines.file_lock import file_lock
with file_lock(Path(sys.argv[1])):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_one_holder_at_a_time(tmp_path):
    """The second waits, says so once, and gets the lock when the first is done."""
    path, order = tmp_path / 'x.lock', []
    waits = threading.Event()

    def second():
        with file_lock(path, waiting=waits.set):
            order.append('second')

    thread = threading.Thread(target=second)
    with file_lock(path):
        thread.start()
        assert waits.wait(240.0)
        order.append('first')
    thread.join(240.0)

    assert order == ['first', 'second']
    assert list(tmp_path.iterdir()) == []


def test_waiting_for_a_lock_can_be_cancelled(tmp_path):
    """And leaves the lock to its holder."""
    path = tmp_path / 'x.lock'
    with file_lock(path):
        second = file_lock(path, cancelled=lambda: True)
        with pytest.raises(LockCancelledError, match='no longer waiting'):
            second.__enter__()
        with try_lock(path) as held:
            assert not held
        assert path.exists()
    with try_lock(path) as held:
        assert held


def test_the_lock_of_a_process_that_died_is_free(tmp_path):
    """Its file is still there, and means nothing."""
    path = tmp_path / 'x.lock'
    with subprocess.Popen(
        [sys.executable, '-c', HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b'held\n'
        with try_lock(path) as held:
            assert not held
        process.kill()
        process.wait(240.0)
    assert path.exists()
    with file_lock(path, waiting=lambda: pytest.fail('nobody holds it')):
        pass


def test_errors_pass_and_free_the_lock(tmp_path):
    """Whatever happens in the block."""
    path = tmp_path / 'x.lock'
    with pytest.raises(ZeroDivisionError), file_lock(path):
        raise ZeroDivisionError
    with try_lock(path) as held:
        assert held
    with pytest.raises(FileNotFoundError), file_lock(tmp_path / 'absent' / 'x.lock'):
        pass
