# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every node does as a process."""

import gc
from pathlib import Path
import signal
import subprocess
import sys

import pytest
import rclpy
from segformer_ros.nodes import executable
from spinning import DEADLINE_S
from stderr_lines import own_lines

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def alone(monkeypatch):
    """Keep ROS to this process."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')


def _node_that(act):
    def make():
        node = rclpy.create_node('short')
        node.create_timer(0.0, act)
        return node

    return make


def test_node_that_shuts_ros_down_ends_with_status_0(alone):
    """A drive that is over is no error."""
    assert executable.run(_node_that(rclpy.shutdown), []) == 0
    assert not rclpy.ok()


def test_interrupt_ends_with_status_0(alone):
    """As SIGINT does."""

    def interrupt():
        raise KeyboardInterrupt

    assert executable.run(_node_that(interrupt), []) == 0


def test_bug_is_not_hidden(alone):
    """A RuntimeError while ROS is up has its traceback."""

    def fail():
        raise RuntimeError('a bug')

    with pytest.raises(RuntimeError, match='a bug'):
        executable.run(_node_that(fail), [])
    assert not rclpy.ok()


@pytest.mark.filterwarnings('error::pytest.PytestUnraisableExceptionWarning')
def test_an_executor_that_a_shutdown_kept_from_being_made_says_nothing(alone):
    """SIGTERM between the node and its executor."""
    executor = executable._Executor.__new__(executable._Executor)
    del executor
    gc.collect()


def test_refusal_is_one_line(alone, capsys):
    """The node says what is wrong, on stderr, with status 1."""

    def refuse():
        raise ValueError('expected this,\n  found that')

    assert executable.run(refuse, []) == 1
    assert capsys.readouterr().err == 'expected this, found that\n'
    assert not rclpy.ok()


_CLOSING = """
import signal, sys, time
import rclpy
from segformer_ros.nodes import executable
class Slow(rclpy.node.Node):
    def __init__(self):
        super().__init__('slow')
        self.timer = self.create_timer(0.0, self.work)
    def work(self):
        self.timer.cancel()
        signal.raise_signal(int(sys.argv[1]))
        print('callback', flush=True)
    def destroy_node(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            time.sleep(0.01)
        print('closed', flush=True)
        super().destroy_node()
sys.exit(executable.run(Slow, []))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_neither_a_callback_nor_the_end(alone, number):
    """What is written is whole, however often somebody presses Ctrl-C."""
    command = [sys.executable, '-c', _CLOSING, str(int(number))]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (0, 'callback\nclosed\n')
    assert not own_lines(done.stderr)


_EARLY = """
import os, signal, sys
import rclpy
from segformer_ros.nodes import executable
def begin(args):
    import interrupted
    rclpy.init(args=args)
executable._begin = begin
def make():
    print('made', flush=True)
    return rclpy.node.Node('early')
sys.exit(executable.run(make, []))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_an_import_before_ros_is_up_is_not_forgotten(alone, number, tmp_path):
    """It waits for the end of the import, which may come when rclpy has the signals already."""
    module = f'import signal\nsignal.raise_signal({int(number)})\n'
    (tmp_path / 'interrupted.py').write_text(module)
    done = subprocess.run(
        [sys.executable, '-c', f'import sys; sys.path.append({str(tmp_path)!r})\n{_EARLY}'],
        cwd=_ROOT, capture_output=True, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, '')
    assert not own_lines(done.stderr)


def test_a_node_imports_no_generators():
    """Neither the parsers behind the first message nor the converter of OpenVINO."""
    code = """
import sys
from segformer_ros.nodes import executable
executable.leave_out_generators()
import rosidl_generator_py
from std_msgs.msg import String
String.__class__.__import_type_support__()
assert String.__class__._TYPE_SUPPORT is not None
try:
    import openvino
except ImportError:
    pass
else:
    assert openvino.Core().available_devices
assert not {'em', 'lark', 'openvino.tools.ovc.convert'} & set(sys.modules)
"""
    subprocess.run([sys.executable, '-c', code], check=True, timeout=DEADLINE_S)
