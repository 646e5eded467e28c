# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that are started, watched and ended together."""

import importlib
import os
import signal
import sys
import time

import pytest
from segformer_ros import interrupts
from segformer_ros.demo import processes as processes_module
from segformer_ros.demo.processes import Process, ProcessError, Processes

# Never the time that a test takes: it only ends one that fails.
PATIENCE_S = 240.0
_FOR_EVER = 'import os, signal; print(os.getpid(), flush=True); signal.pause()'
# As a ROS node: SIGINT ends it in order.
_NODE = f'try:\n {_FOR_EVER}\nexcept KeyboardInterrupt:\n print("bye")'
_STUBBORN = (
    'import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); '
    f'signal.signal(signal.SIGTERM, signal.SIG_IGN); {_FOR_EVER}'
)


@pytest.fixture
def processes(tmp_path):
    """Yield an empty family that has much patience."""
    environment = {**os.environ, 'PYTHONUNBUFFERED': '1'}
    with Processes(tmp_path, environment, patience_s=PATIENCE_S) as family:
        yield family


def _start(processes, name, code):
    processes.start(name, (sys.executable, '-c', code))


def _until(condition, deadline_s=PATIENCE_S):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, 'the condition did not come true'
        time.sleep(0.01)


def test_output_of_a_process_is_received_and_logged(processes, tmp_path):
    """The log keeps what scrolls by."""
    _start(processes, 'talker', 'import sys; print("one"); sys.stderr.write("two\\n")')
    said = [processes.next_line(PATIENCE_S), processes.next_line(PATIENCE_S)]
    assert said == [('talker', 'one'), ('talker', 'two')]
    _until(lambda: processes.ended('talker'))
    assert (tmp_path / 'talker.log').read_text() == 'one\ntwo\n'


def test_a_process_that_died_is_said_with_its_last_words(processes):
    """One line tells who, how and why."""
    _start(processes, 'victim', 'import sys; print("hello"); sys.exit("no network in /tmp/x")')
    with pytest.raises(ProcessError) as caught:
        _until(processes.check)
    text = str(caught.value)
    assert 'victim ended with exit code 1' in text
    assert 'no network in /tmp/x' in text
    assert 'victim.log' in text


def test_a_signal_during_a_start_leaves_nothing_running(tmp_path, monkeypatch):
    """It takes effect when the new process is known, so that it is ended too."""
    born = []

    class Slow(Process):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            born.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr('segformer_ros.demo.processes.Process', Slow)
    with pytest.raises(KeyboardInterrupt), Processes(tmp_path, dict(os.environ)) as family:
        _start(family, 'node', _NODE)
    assert [process.returncode is None for process in born] == [False]


def test_a_signal_that_waited_for_an_import_leaves_nothing_running(tmp_path, monkeypatch):
    """It comes back by an alarm, which waits for the new process as the signal would have."""
    born = []

    class Slow(Process):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            born.append(self)
            assert signal.getitimer(signal.ITIMER_REAL)[0]
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            while signal.getitimer(signal.ITIMER_REAL)[0]:
                time.sleep(0.01)

    # The alarm comes when the process is born.
    monkeypatch.setattr(interrupts, '_LOOK_PERIOD_S', PATIENCE_S)
    monkeypatch.setattr('segformer_ros.demo.processes.Process', Slow)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'interrupted.py').write_text('import signal\nsignal.raise_signal(2)\n')

    def started_after_an_import():
        with interrupts.handled(None), Processes(tmp_path, dict(os.environ)) as family:
            importlib.import_module('interrupted')
            _start(family, 'node', _NODE)

    with pytest.raises(KeyboardInterrupt):
        started_after_an_import()
    assert [process.returncode is None for process in born] == [False]


def test_an_early_end_counts_even_with_code_zero(processes):
    """A node that should run and does not is missed, however politely it left."""
    _start(processes, 'quitter', 'print("enough")')
    _until(lambda: processes.ended('quitter'))
    processes.check(may_end=('quitter',))
    with pytest.raises(ProcessError, match='quitter ended with exit code 0'):
        processes.check()


def test_a_process_ends_in_order(processes, tmp_path):
    """A recorder that is interrupted has time to close its bag."""
    _start(processes, 'node', _NODE)
    pid = processes.next_line(PATIENCE_S)[1]
    processes.end('node')
    assert (tmp_path / 'node.log').read_text() == f'{pid}\nbye\n'


def test_a_failure_while_ending_is_said(processes):
    """A bag that could not be closed is no recording."""
    _start(processes, 'node', f'try:\n {_FOR_EVER}\nexcept KeyboardInterrupt:\n exit("disk full")')
    processes.next_line(PATIENCE_S)
    with pytest.raises(ProcessError, match='disk full'):
        processes.end('node')


_DEAF_AT_FIRST = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('ready', flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.mark.parametrize('end', [lambda family: family.end('node'), Processes.end_all])
def test_a_process_that_has_swallowed_the_first_signal_gets_another(tmp_path, monkeypatch, end):
    """Long before the patience is over: a start may lose SIGINT inside an import."""
    for name in ('_IN_ORDER', '_BY_FORCE'):
        (first, share), *others = getattr(processes_module, name)
        assert (first, sum([share, *(item[1] for item in others)])) == (signal.SIGINT, 1.0)
        monkeypatch.setattr(processes_module, name, ((first, 0.001), *others))
    with Processes(tmp_path, os.environ, patience_s=PATIENCE_S) as family:
        _start(family, 'node', _DEAF_AT_FIRST)
        assert family.next_line(PATIENCE_S) == ('node', 'ready')
        end(family)
        assert family.ended('node')


def test_no_process_survives_the_block(tmp_path, monkeypatch):
    """Even a process that ignores every polite signal is gone after the block."""
    polite, (kill, _) = processes_module._BY_FORCE[:-1], processes_module._BY_FORCE[-1]
    shares = (*((number, 0.001) for number, _ in polite), (kill, 1.0))
    monkeypatch.setattr(processes_module, '_BY_FORCE', shares)
    with Processes(tmp_path, os.environ, patience_s=PATIENCE_S) as family:
        for name in ('first', 'second'):
            _start(family, name, _STUBBORN)
        pids = [int(family.next_line(PATIENCE_S)[1]) for _ in range(2)]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_error_in_the_block_ends_the_processes_too(tmp_path):
    """Ctrl-C leaves no node running."""
    family = Processes(tmp_path, os.environ)

    def interrupted():
        with family:
            _start(family, 'node', _FOR_EVER)
            pids.append(int(family.next_line(PATIENCE_S)[1]))
            raise KeyboardInterrupt

    pids = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
