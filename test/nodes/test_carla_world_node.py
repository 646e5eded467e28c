# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node that drives through CARLA, with a double of its client."""

import os
from pathlib import Path
import signal
import subprocess
import sys
from types import ModuleType

import carla_double
from carla_double import client_module, Simulator
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from segformer_ros.nodes import carla_world_node
from segformer_ros.nodes.carla_session import CarlaError
from segformer_ros.nodes.carla_world_node import CarlaWorldNode, load_client, main
from spinning import DEADLINE_S, spin_until
from stderr_lines import own_lines

ROOT = Path(__file__).parents[2]
OBJECTS = ROOT / 'config' / 'carla_objects.json'
PARAMETERS = ('--ros-args', '-p', f'objects_definition_file:={OBJECTS}', '-p', 'real_time:=false')


@pytest.fixture
def alone(monkeypatch):
    """Let no other process hear of the node."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    yield
    rclpy.try_shutdown()


def run(simulator, monkeypatch, *parameters):
    """Run the program with a simulator until it ends."""
    monkeypatch.setattr(
        carla_world_node.CarlaWorldNode.__init__,
        '__defaults__',
        (lambda: client_module(simulator),),
    )
    words = [word for item in parameters for word in ('-p', item)]
    return main([*PARAMETERS, *words])


def test_the_node_ticks_the_world(alone):
    """At its end nothing is left of it."""
    rclpy.init(args=list(PARAMETERS))
    simulator = Simulator()
    node = CarlaWorldNode(lambda: client_module(simulator))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spin_until(executor, lambda: node.steps >= 5)
    assert simulator.steps == node.steps + 1
    assert simulator.actors
    node.destroy_node()
    assert not simulator.actors
    assert not simulator.settings.synchronous_mode
    assert not node.failed


def test_a_simulator_that_dies_ends_the_node(alone, monkeypatch, capfd):
    """With status 1, and a word about everything that it leaves behind."""
    simulator = Simulator(silent_after=60)
    assert run(simulator, monkeypatch) == 1
    said = capfd.readouterr().err
    assert 'no answer of CARLA at localhost:2000 within 20 s' in said
    assert 'could not take rgb_front away' in said
    assert 'could not restore the settings of the world' in said


def test_an_unforeseen_error_removes_all_actors(alone, monkeypatch):
    """It is told with its traceback, after the clean-up."""
    simulator = Simulator()

    def tick(self, seconds=0.0):
        raise TypeError('no such argument')

    def spin(node, executor):
        monkeypatch.setattr(carla_double.World, 'tick', tick)
        executor.add_node(node)
        executor.spin()

    monkeypatch.setattr(rclpy, 'spin', spin)
    with pytest.raises(TypeError, match='no such argument'):
        run(simulator, monkeypatch)
    assert simulator.spawned
    assert not simulator.actors
    assert not simulator.settings.synchronous_mode


@pytest.mark.parametrize(
    ('parameter', 'reason'),
    [
        ('objects_definition_file:=""', 'expected a file in objects_definition_file'),
        ('objects_definition_file:=/nowhere.json', 'expected an objects file at /nowhere.json'),
        ('town:=[1]', 'town'),
    ],
)
def test_parameters_without_sense_are_one_line(alone, monkeypatch, capfd, parameter, reason):
    """And nothing is asked of the simulator."""
    simulator = Simulator()
    assert run(simulator, monkeypatch, parameter) == 1
    assert reason in capfd.readouterr().err
    assert not simulator.calls


def test_a_start_that_fails_is_one_line(alone, monkeypatch, capfd):
    """Nothing is left behind."""
    simulator = Simulator(free=[False])
    assert run(simulator, monkeypatch) == 1
    (line,) = own_lines(capfd.readouterr().err)
    assert line.startswith('expected a free place for the vehicle')
    assert not simulator.settings.synchronous_mode


def test_a_missing_client_says_how_to_get_it(monkeypatch):
    """It is imported nowhere else; a folder called carla is not taken for it."""
    monkeypatch.setitem(sys.modules, 'carla', None)
    with pytest.raises(CarlaError, match=r'pip install carla==0\.9\.16'):
        load_client()
    folder = ModuleType('carla')
    folder.__path__ = ['/home/me/carla']
    monkeypatch.setitem(sys.modules, 'carla', folder)
    with pytest.raises(CarlaError, match='found a folder /home/me/carla'):
        load_client()


_PROGRAM = """
import os, signal, sys
import carla_double
from carla_double import client_module, Simulator
from segformer_ros.nodes import carla_world_node
simulator = Simulator()
destroy = carla_double.Actor.destroy
def disturbed(actor):
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    return destroy(actor)
carla_double.Actor.destroy = disturbed
if '--early' in sys.argv:
    enable = carla_double.ServerSideSensor.enable_for_ros
    number = int(sys.argv.pop())
    sys.argv.remove('--early')
    def ended(sensor):
        os.kill(os.getpid(), number)
        enable(sensor)
    carla_double.ServerSideSensor.enable_for_ros = ended
made = carla_world_node.CarlaWorldNode.__init__
made.__defaults__ = (lambda: client_module(simulator),)
code = carla_world_node.main()
print('left', len(simulator.actors), simulator.settings.synchronous_mode)
sys.exit(code)
"""


@pytest.fixture
def program():
    """Return the arguments with which the program runs alone in a process."""
    environment = dict(
        os.environ, ROS_AUTOMATIC_DISCOVERY_RANGE='OFF', PYTHONPATH=str(ROOT / 'test' / 'support')
    )
    return {
        'stdout': subprocess.PIPE,
        'stderr': subprocess.PIPE,
        'text': True,
        'env': environment,
        'cwd': ROOT,
    }


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_takes_everything_away(program, number):
    """A launch file ends its processes so; whoever presses Ctrl-C again changes nothing."""
    with subprocess.Popen([sys.executable, '-c', _PROGRAM, *PARAMETERS], **program) as process:
        assert any('drives as ego_vehicle' in line for line in process.stderr)
        process.send_signal(number)
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert said == 'left 0 False\n'


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_the_start_takes_everything_away(program, number):
    """Half of the sensors are there when it comes."""
    words = [*PARAMETERS, '--early', str(int(number))]
    done = subprocess.run([sys.executable, '-c', _PROGRAM, *words], timeout=DEADLINE_S, **program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'left 0 False\n'
    assert 'Traceback' not in done.stderr
