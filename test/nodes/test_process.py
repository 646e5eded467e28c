# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node as a process, with a real network and between real processes."""

from collections.abc import Callable
import os
from pathlib import Path
import signal
import subprocess
import sys

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_rig import image_message
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from segformer_ros.bundle import golden_image
from segformer_ros.demo.environment import free_domain
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.nodes import segformer_node
from sensor_msgs.msg import Image
from spinning import DEADLINE_S, spin_until
from stderr_lines import own_lines
from tiny_bundle import make_tiny_bundle

_ROOT = Path(__file__).parents[2]
_STEPS = {
    'unconfigured': [],
    'inactive': [Transition.TRANSITION_CONFIGURE],
    'active': [Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE],
}


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Return a network of a few hundred weights."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


class _Process:
    """The node in a process of its own, and a client of it in this one."""

    def __init__(self, model, arguments):
        command = [sys.executable, '-m', 'segformer_ros.programs', 'segformer_node', '--ros-args']
        self.process = subprocess.Popen(
            [*command, '-p', f'model:={model}', *arguments],
            cwd=_ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.node = rclpy.create_node('client')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def until(self, condition: Callable[[], bool]):
        """Spin until the condition holds; an error after the deadline or with the process."""

        def check():
            assert self.process.poll() is None, 'the process has ended'

        spin_until(self.executor, condition, check=check)

    def call(self, kind, name, request):
        """Call a service of the node."""
        client = self.node.create_client(kind, f'/segformer_node/{name}')
        self.until(client.service_is_ready)
        future = client.call_async(request)
        self.until(future.done)
        return future.result()

    def end(self, number):
        """Send a signal, and give the exit status and what the process had said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, said

    def close(self):
        """End everything."""
        self.executor.shutdown()
        self.node.destroy_node()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def start(model, monkeypatch):
    """Start nodes in a domain of this test's own."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain()))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rclpy.init()
    started = []

    def make(*arguments):
        started.append(_Process(model, arguments))
        return started[-1]

    yield make
    for process in started:
        process.close()
    rclpy.try_shutdown()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('state', list(_STEPS))
def test_signal_ends_the_process_in_every_state(start, state, number):
    """With status 0 and without a word of error."""
    process = start('-p', 'autostart:=false')
    for transition in _STEPS[state]:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert process.call(ChangeState, 'change_state', request).success
    assert process.call(GetState, 'get_state', GetState.Request()).current_state.label == state
    code, said = process.end(number)
    assert code == 0, said
    assert not [line for line in own_lines(said) if 'Traceback' in line or 'ERROR' in line]


def test_signal_ends_the_process_while_frames_run(start, model):
    """The labels before it are those that the pipeline gives, and the status is 0."""
    process = start('-r', 'image:=/camera/image', '-r', '__ns:=/car')
    labels = []
    process.node.create_subscription(Image, '/car/label/image', labels.append, 5)
    camera = process.node.create_publisher(Image, '/camera/image', qos_profile_sensor_data)
    process.until(lambda: camera.get_subscription_count() > 0)
    pixels = golden_image(3, 64, 128)
    message = image_message(pixels)

    def answered():
        camera.publish(message)
        return len(labels) >= 3

    process.until(answered)
    code, said = process.end(signal.SIGINT)
    assert (code, 'Traceback' in said) == (0, False), said
    pipeline = Pipeline.load(model)
    expected = pipeline.predict(pixels).labels
    pipeline.close()
    found = np.frombuffer(labels[-1].data, np.uint8).reshape(expected.shape)
    np.testing.assert_array_equal(found, expected)
    assert labels[-1].header == message.header


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['-p', 'sky_depth:=blue'], "sky_depth must be one of nan, inf, keep, not 'blue'"),
        (['-p', 'max_depth_m:=far'], "max_depth_m: expected a number, found 'far'"),
        (
            ['-p', 'cameras:=front'],
            "cameras: expected a list of texts such as [one, two], found 'f",
        ),
        (['-p', 'autostart:=1'], 'autostart: expected true or false, found 1'),
        (['-p', 'threads:=-1'], 'threads'),
        (['--params-file', '/nowhere.yaml'], '/nowhere.yaml'),
        (['--nonsense'], '--nonsense'),
    ],
)
def test_wrong_argument_is_one_line_and_status_1(monkeypatch, capsys, arguments, sentence):
    """The line says which one, and ROS is down again."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    assert segformer_node.main(['--ros-args', *arguments]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count('\n') == 1
    assert not rclpy.ok()


_LOADING = """
import signal, sys, time
import rclpy
from segformer_ros.nodes import executable
from segformer_ros.nodes.segformer_node import SegformerNode, load_pipeline
def load(values):
    signal.raise_signal(signal.Signals(int(sys.argv[1])))
    while rclpy.ok():
        pass
    return load_pipeline(values)
sys.exit(executable.run(lambda: SegformerNode(load=load), sys.argv[2:]))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_while_the_network_is_loaded_ends_the_process(monkeypatch, model, number):
    """The transition that it overtakes ends without a word of error."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    command = [sys.executable, '-c', _LOADING, str(int(number)), '--ros-args']
    result = subprocess.run(
        [*command, '-p', f'model:={model}'],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert (result.returncode, own_lines(result.stderr)) == (0, [])


def test_entry_script_is_that_of_the_module():
    """The program that ros2 run starts runs main()."""
    text = (_ROOT / 'scripts' / 'segformer_node').read_text()
    assert 'sys.exit(segformer_node())' in text
    assert os.access(_ROOT / 'scripts' / 'segformer_node', os.X_OK)
