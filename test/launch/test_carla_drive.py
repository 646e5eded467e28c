# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions with what CARLA puts on the wire: all processes of the launch file, and faults."""

from collections import defaultdict
from contextlib import contextmanager
import csv
import json
import os
from pathlib import Path
import re
import subprocess
import sys
import time

import carla_wire_double
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from segformer_ros import cli
from segformer_ros.datasets import DatasetSpec, open_dataset
from segformer_ros.demo.environment import demo_environment
from segformer_ros.demo.processes import Processes
from segformer_ros.nodes import own_messages
from segformer_ros.nodes.bridge_messages import QUEUE_DEPTH
from sensor_msgs.msg import CameraInfo
import stand_in
from std_srvs.srv import Trigger
from stderr_lines import own_lines
from tiny_bundle import make_tiny_bundle

ROOT = Path(__file__).parents[2]
# Never the time that a test takes: it only ends one that fails.
DEADLINE_S = 300.0
WARN = DiagnosticStatus.WARN
CAMERA, EVALUATION = 'segformer_node: camera', 'evaluation_node: evaluation'


class Session:
    """What carla.launch.py starts, beside a double of CARLA that takes orders."""

    def __init__(self, folder, coding, environment, **arguments):
        launch_file = ROOT / 'launch' / 'carla.launch.py'
        context = stand_in.launch(
            launch_file, share=ROOT, environment=environment, coding=coding, **arguments
        )
        self.names = [item.executable for item in context.commands]
        self.logs = folder / 'logs'
        self.logs.mkdir()
        rclpy.init()
        self.said = defaultdict(list)
        self.stats, self.infos = [], []
        self._node = rclpy.create_node('listener')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._hear, 50)
        self._node.create_subscription(CameraInfo, '/depth/camera_info', self.infos.append, 50)
        self._reset = self._node.create_client(Trigger, '/evaluation_node/reset')
        kind = own_messages.evaluation_stats_type()
        if kind is not None:
            self._node.create_subscription(kind, '/evaluation_node/stats', self.stats.append, 50)
        self._processes = Processes(self.logs, environment, patience_s=DEADLINE_S)
        for item in context.commands:
            module = f'segformer_ros.nodes.{item.executable}'
            command = (sys.executable, '-m', module, *item.arguments)
            self._processes.start(item.executable, command)
        self._wire_log = (self.logs / 'wire.log').open('w')
        self._double = None
        if arguments.get('carla_mode') != 'native':
            self._double = subprocess.Popen(
                (sys.executable, str(ROOT / 'test' / 'support' / 'carla_wire_double.py'), coding),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._wire_log,
                text=True,
                cwd=ROOT,
                env=environment,
            )

    def order(self, *lines):
        """Let the double do something; it gives up by itself when that takes too long."""
        for line in lines:
            self._double.stdin.write(f'{line}\n')
            self._double.stdin.flush()
            assert self._double.stdout.readline() == 'done\n', f'{line}: {self.report()}'

    def hears(self, *sentences):
        """Wait until diagnostics have said each of (name, level, text) since the last wait."""

        def found():
            return all(
                any(item.level == level and text in item.message for item in self.said[name])
                for name, level, text in sentences
            )

        self.spin(found, sentences)
        self.said.clear()

    def spin(self, condition, what):
        """Listen until a condition is true."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, f'{what}: {self.report()}'
            self._processes.check()
            self._executor.spin_once(timeout_sec=0.05)

    def logs_match(self, name, pattern):
        """Wait until what a process has said so far has a match."""
        log = self.logs / f'{name}.log'
        self.spin(lambda: re.search(pattern, log.read_text()), f'{name} does not say {pattern}')

    def warm_up(self):
        """Go on until a frame is evaluated: on a busy machine nodes meet after seconds."""

        def met():
            self.order('try')
            for _ in range(10):
                self._executor.spin_once(timeout_sec=0.0)
            return min(self.value('label_frames'), self.value('depth_frames')) > 0

        self.spin(met, 'nothing is evaluated')
        # The network has done with all of them.
        self.order('frames 1')

    def reset(self):
        """
        Let the evaluation start anew, and give its first answer.

        Between two answers it takes a message of each topic: none that waits is counted later.
        """
        self.spin(self._reset.service_is_ready, 'no service')
        answers = []
        for _ in range(QUEUE_DEPTH + 1):
            answer = self._reset.call_async(Trigger.Request())
            self.spin(answer.done, 'no answer')
            answers.append(answer.result().message)
        self.said.clear()
        return answers[0]

    def value(self, name):
        """Return a number of the latest diagnostics of the evaluation."""
        return int(_values(self.said[EVALUATION][-1])[name]) if self.said[EVALUATION] else 0

    def evaluated(self, labels, depth):
        """Wait until so many images are evaluated, and their figures are published."""

        def found():
            values = [_values(item) for item in self.said[EVALUATION][-1:]]
            counts = [(item['label_frames'], item['depth_frames']) for item in values]
            told = [(str(item.label_frames), str(item.depth_frames)) for item in self.stats[-1:]]
            expected = [(str(labels), str(depth))]
            return counts == expected and (told == expected or not _HAS_STATS)

        self.spin(found, f'not evaluated: {labels} and {depth}')
        self.said.clear()

    def end(self):
        """End all that was started, each in order."""
        for name in self.names:
            self._processes.end(name)

    def report(self):
        """Return what was said last, for a test that fails."""
        said = {name: items[-1].message for name, items in self.said.items() if items}
        logs = {path.stem: path.read_text()[-400:] for path in self.logs.iterdir()}
        return f'{said} {logs}'

    def close(self):
        """End everything."""
        self._processes.end_all()
        if self._double is not None:
            self._double.stdin.close()
            self._double.kill()
            self._double.wait()
            self._double.stdout.close()
        self._wire_log.close()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _hear(self, message):
        for item in message.status:
            self.said[item.name].append(item)


_HAS_STATS = own_messages.evaluation_stats_type() is not None


def _values(status):
    return {item.key: item.value for item in status.values}


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Start sessions in a ROS of their own that end with the test."""
    environment = demo_environment(os.environ, tmp_path / 'ros')
    # The client double is in the place of the real one, where there is one.
    folders = (ROOT, ROOT / 'test' / 'support', ROOT / 'test' / 'carla_client')
    environment['PYTHONPATH'] = os.pathsep.join(str(folder) for folder in folders)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text('segformer_node:\n  ros__parameters:\n    stale_after_s: 0.5\n')

    @contextmanager
    def start(coding, **arguments):
        running = Session(
            tmp_path,
            coding,
            environment,
            model=str(make_tiny_bundle(tmp_path / 'tiny', sizes=((48, 96),))),
            params_file=str(parameters),
            report=str(tmp_path / 'report'),
            dataset=str(tmp_path / 'dataset'),
            dataset_every='1',
            **arguments,
        )
        try:
            yield running
        finally:
            running.close()

    return start


def rows(path):
    """Read a table."""
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def recorded_frames(folder):
    """Count the frames that are on the disk, of a recording that still runs too."""
    return sum(len(rows(path)) for path in folder.glob('train/*/frames.csv'))


def check_dataset(folder, at_least, restarts):
    """Compare the route of a session with the frames of the worlds that it is of."""
    samples = open_dataset(DatasetSpec('drive', str(folder), 'train'))
    (path,) = folder.glob('train/*/frames.csv')
    stamps = [int(row['stamp_ns']) for row in rows(path)]
    assert len(samples) == len(stamps) >= at_least
    lives = np.cumsum([0, *(np.diff(stamps) < -1e9)])
    assert lives[-1] == restarts
    step_ns = carla_wire_double.STEP_S * 1e9
    for sample, stamp, life in zip(samples, stamps, lives, strict=True):
        frame = carla_wire_double.render(
            int(life), round(stamp / step_ns) * carla_wire_double.STEP_S
        )
        np.testing.assert_array_equal(sample.image, frame.image)
        np.testing.assert_array_equal(sample.labels, frame.labels)
        known = np.where(frame.depth < 1000.0, frame.depth, np.inf)
        np.testing.assert_allclose(sample.depth, known, atol=7e-5, rtol=1e-6)
        assert sample.intrinsics.fx == pytest.approx(frame.intrinsics.fx, rel=1e-7)


def test_a_session_with_the_bridge(session, tmp_path):
    """
    Evaluated, and after a start without time recorded, through every fault.

    The recording gives the very same figures.
    """
    bag, path = tmp_path / 'bag', tmp_path / 'figures.json'
    with session('bridge', record=str(bag)) as running:
        running.order('readers 2')
        running.warm_up()
        assert re.fullmatch(r'[1-9]\d* evaluated frames are forgotten', running.reset())
        running.order('clock on', 'readers 3')
        running.order('frames 3', 'lose labels', 'lose depth', 'hold')
        running.evaluated(5, 5)
        running.order('release')
        running.evaluated(6, 6)
        running.hears((CAMERA, WARN, 'no image on /carla/ego_vehicle/rgb_front/image for'))
        running.order('frames 2')
        running.evaluated(8, 8)
        running.order('reload', 'frames 3')
        running.hears(
            (CAMERA, WARN, 'the time went backwards'),
            (EVALUATION, WARN, 'the simulated time has jumped back'),
        )
        running.evaluated(11, 11)
        running.end()

    report = tmp_path / 'report'
    live = json.loads((report / 'summary.json').read_text())
    assert cli.main(['evaluate', '--bag', str(bag), '--report', str(path)]) == 0
    offline = json.loads((path / 'summary.json').read_text())
    assert {name: live[name] for name in offline} == offline
    assert live['segmentation']['frames'] == live['depth']['frames'] == 11
    assert live['segmentation']['unpaired'] == {'results': 1, 'truths': 0}
    assert live['depth']['unpaired'] == {'results': 1, 'truths': 0}
    assert (live['restarts'], live['refused']) == (1, {})
    assert live['segmentation']['unknown_pixels'] == 0
    assert (report / 'evaluation.png').stat().st_size > 1000
    assert len(rows(report / 'frames.csv')) == 12
    check_dataset(tmp_path / 'dataset', at_least=10, restarts=1)


def test_a_session_that_drives_through_carla(session, tmp_path):
    """
    What the objects file asks for is placed, ticked, labelled, evaluated and taken away again.

    With CARLA's own codings, its quality of service, and its wrong camera_info.
    """
    content = json.loads((ROOT / 'config' / 'carla_objects.json').read_text())
    size = {'image_size_x': carla_wire_double.WIDTH, 'image_size_y': carla_wire_double.HEIGHT}
    for sensor in content['objects'][0]['sensors']:
        if sensor['type'].startswith('sensor.camera') and sensor['id'] != 'rgb_view':
            sensor |= {**size, 'fov': carla_wire_double.FOV_DEG}
    objects = tmp_path / 'objects.json'
    objects.write_text(json.dumps(content))
    arguments = {'carla_mode': 'native', 'camera_fov_deg': '80', 'fixed_delta_seconds': '0.1'}
    with session('native', objects_definition_file=str(objects), **arguments) as running:
        running.spin(
            lambda: min(running.value('label_frames'), running.value('depth_frames')) >= 5,
            'five frames are not evaluated',
        )
        # Each process meets the topics at its time.
        running.spin(lambda: running.infos, 'no camera_info')
        running.spin(lambda: recorded_frames(tmp_path / 'dataset') >= 5, 'not recorded')
        running.logs_match('segformer_node', r'camera_info is wrong')
        running.logs_match('evaluation_node', r'(?m)^ *\d+ +[\d.]+ +[\d.]+ ')
        running.names.sort(key='carla_world_node'.__ne__)
        running.end()

    logs = {path.stem: path.read_text() for path in (tmp_path / 'logs').iterdir()}
    world, node = logs['carla_world_node'], logs['segformer_node']
    assert own_lines(world)[-1] == 'left 0 actors, False'
    assert 'drives as ego_vehicle with rgb_front' in world
    assert 'incompatible' not in world
    assert node.count('camera_info is wrong: fx = ') == 1
    assert 'using camera_fov_deg (80)' in node
    summary = json.loads((tmp_path / 'report' / 'summary.json').read_text())
    assert summary['segmentation']['frames'] >= 5
    assert summary['inputs']['frames'] >= 2
    assert (summary['segmentation']['unknown_pixels'], summary['refused']) == (0, {})
    expected = carla_wire_double.render(0, 1.0).intrinsics.fx
    assert all(item.k[0] == pytest.approx(expected) for item in running.infos)
    check_dataset(tmp_path / 'dataset', at_least=5, restarts=0)
