# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where SIGINT and SIGTERM take effect, and where they do not."""

import ctypes
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
from segformer_ros import interrupts

_ROOT = Path(__file__).parents[1]
_NUMBERS = [signal.SIGINT, signal.SIGTERM]

# A library that catches everything while it is imported, as some do.
_GREEDY = """
import signal, sys
try:
    signal.raise_signal(int(sys.argv[1]))
    for _ in range(1000): pass
except BaseException:
    pass
"""
_AT_START = """
import importlib, sys
from segformer_ros import programs
real = importlib.import_module
def import_module(name):
    import greedy
    return real(name)
importlib.import_module = import_module
sys.exit(getattr(programs, sys.argv[2])())
"""
_IN_A_COMMAND = """
import sys
import time
from types import SimpleNamespace
from segformer_ros import cli
def run(args):
    import greedy
    print('still here', flush=True)
    for _ in range(10**9): pass
sys.modules['segformer_ros.commands.info'] = SimpleNamespace(
    add_arguments=lambda parser: None, run=run)
sys.exit(cli.main(['info']))
"""


def _python(code, folder, *arguments):
    (folder / 'greedy.py').write_text(_GREEDY)
    environment = {**os.environ, 'PYTHONPATH': f'{_ROOT}{os.pathsep}{folder}'}
    command = [sys.executable, '-c', code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize('number', _NUMBERS)
@pytest.mark.parametrize(('program', 'code'), [('recorder_node', 0), ('segformer', None)])
def test_a_signal_during_the_imports_ends_a_program_without_a_word(
    tmp_path, program, code, number
):
    """Also where a library catches it: it never runs on as if nothing had been."""
    done = _python(_AT_START, tmp_path, str(int(number)), program)
    expected = 128 + number if code is None else code
    assert (done.returncode, done.stdout, done.stderr) == (expected, '', '')


@pytest.mark.parametrize('number', _NUMBERS)
def test_a_signal_waits_for_an_import_of_a_command(tmp_path, number):
    """It takes effect behind it."""
    done = _python(_IN_A_COMMAND, tmp_path, str(int(number)))
    assert (done.returncode, done.stderr) == (128 + number, '')


@pytest.fixture(params=_NUMBERS)
def number(request):
    """Both signals."""
    return request.param


@pytest.fixture
def signals():
    """Yield a handler that is installed, and raises."""
    with interrupts.handled(None) as handler:
        handler.begin()
        yield handler


def test_a_signal_inside_a_held_block_comes_after_it(signals, number):
    """Nothing is left half done."""
    done = []

    def write():
        with interrupts.held():
            with interrupts.held():
                signal.raise_signal(number)
            done.append('whole')
        done.append('never')

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ['whole']
    assert signals.number == number


def test_the_second_of_two_signals_does_not_interrupt_the_end(signals, number):
    """A double Ctrl-C is one; so is that of launch beside the terminal's."""
    done = []

    def work():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            done.append('closed')

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ['closed']


def test_a_signal_is_noted_where_another_one_ends_the_work(signals, number):
    """But ends at once what may be interrupted."""
    signals.note()
    signal.raise_signal(number)
    assert signals.number == number
    with pytest.raises(KeyboardInterrupt), interrupts.interruptible():
        pytest.fail('a signal had come')


def test_the_former_handlers_come_back():
    """A program that calls us keeps its own."""
    before = [signal.getsignal(number) for number in _NUMBERS]
    with interrupts.handled(0):
        assert interrupts.installed() is not None
    assert [signal.getsignal(number) for number in _NUMBERS] == before
    assert interrupts.installed() is None


def test_a_signal_waits_for_a_finalizer(signals, number, capfd):
    """Python prints and forgets what is raised in there."""

    class Closing:
        def __del__(self):
            signal.raise_signal(number)
            for _ in range(100):
                pass

    def work():
        Closing()
        end = time.monotonic() + 240.0
        while time.monotonic() < end:
            pass

    with pytest.raises(KeyboardInterrupt):
        work()
    assert capfd.readouterr().err == ''


def test_a_signal_waits_for_the_compiler(signals, number, capfd):
    """C calls back into it, where Python prints and forgets what is raised."""
    source = """
def notify(number, _address):
    signal.raise_signal(number)
    for _ in range(100):
        pass
"""
    names = {'signal': signal}
    exec(compile(source, '/lib/llvmlite/binding/executionengine.py', 'exec'), names)
    callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)(names['notify'])

    def work():
        callback(number, None)
        end = time.monotonic() + 240.0
        while time.monotonic() < end:
            pass

    with pytest.raises(KeyboardInterrupt):
        work()
    assert capfd.readouterr().err == ''


def test_a_second_signal_takes_the_timer_of_the_first_back(signals, monkeypatch):
    """A timer that is left would end the process as Python takes its handlers down."""
    # A busy machine must not let it end before the test has seen it.
    monkeypatch.setattr(interrupts, '_LOOK_PERIOD_S', 60.0)
    names = {'signal': signal}
    exec(compile('def notify(n): signal.raise_signal(n)', '/lib/llvmlite/a.py', 'exec'), names)

    names['notify'](signal.SIGINT)
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0.0
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_exit_code_holds_after_an_interrupt_inside_exec(tmp_path):
    """Python notes one that comes out of exec() of text, and would end by SIGINT."""
    (tmp_path / 'program.py').write_text(
        'import sys\n'
        'from segformer_ros import interrupts\n'
        'try:\n'
        "    exec('raise KeyboardInterrupt')\n"
        'except KeyboardInterrupt:\n'
        '    interrupts.end()\n'
        'sys.exit(130)\n'
    )
    path = os.pathsep.join((str(tmp_path), str(_ROOT)))
    done = subprocess.run(
        [sys.executable, '-m', 'program'], env={**os.environ, 'PYTHONPATH': path}, check=False
    )
    assert done.returncode == 130
