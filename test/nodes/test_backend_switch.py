# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Backends that change under a running node, and what its diagnostics say of it.

Builds and backends are doubles; node, topics and diagnostics are real.
"""

import time
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticStatus
from inference.builder_double import Machine
from node_rig import image_message, pixels_of, SteadyClock
import numpy as np
import pytest
from segformer_ros.engines.errors import EngineError
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.failover import Failover
from segformer_ros.labels import CARLA_0914
from segformer_ros.nodes import backend_switch
from segformer_ros.nodes.parameters import Parameters
from spinning import DEADLINE_S
from tiny_bundle import make_tiny_bundle

ORDER = ('tensorrt_float16', 'tensorrt_float32', 'cpu')
MANIFEST = SimpleNamespace(
    name='fake',
    tasks=('segmentation', 'depth'),
    depth=SimpleNamespace(unit='metres', scale=None),
    results=lambda scaled=False: ('segmentation', 'depth'),
    classes=CARLA_0914.classes,
    depth_range_m=(0.5, 300.0),
    source_of_labels=lambda: 'fake',
)


@pytest.fixture
def make_node(make_rig):
    """Return a node over the backends of a machine, with a camera and a listener for labels."""

    def make(machine, order=ORDER, **values):
        clock = SteadyClock()

        def load(parameters):
            return Failover(MANIFEST, order, machine.open, machine.start_build, steady=clock)

        rig = make_rig(load=load, **values)
        rig.backend_clock = clock
        rig.connect()
        rig.listen('/label/image')
        return rig

    return make


def _send(rig, number):
    """Send an image whose stamp is a number."""
    pixels = np.full((6, 8, 3), number % 200, np.uint8)
    rig.send(image_message(pixels, stamp_ns=number * 1_000_000))


def _report_until_down(rig):
    """Report until the node has shut ROS down."""
    end = time.monotonic() + DEADLINE_S
    while rig.node.context.ok():
        assert time.monotonic() < end, 'the node does not end'
        rig.node.report()
        time.sleep(0.001)


def _finish(rig, machine, count):
    """Let so many builds finish, and wait until the engine is open."""
    for number in range(count):
        rig.until(lambda number=number: len(machine.builds) > number)
        if number == count - 1:
            machine.missing.clear()
        machine.builds[number].finish()


def test_frames_continue_while_an_engine_is_built_and_none_is_lost(make_node):
    """The diagnostics show how far it is; then labels come from the engine."""
    machine = Machine(missing=ORDER[:1])
    rig = make_node(machine)
    rig.until(lambda: machine.builds)
    for number in range(1, 6):
        _send(rig, number)
        rig.get('/label/image', number)
    status = rig.status('network')
    assert status.level == DiagnosticStatus.OK
    assert status.message == (
        'runs on tensorrt_float32 meanwhile; tensorrt_float16: building engine 1 of 2, 42% after '
        '63 s: tactics'
    )
    assert status.values['backend'] == 'tensorrt_float32 1.0'
    assert status.values['backend_building'].startswith('tensorrt_float16: building engine')

    _finish(rig, machine, 2)
    number = 5
    while machine.calls[-1] != 'tensorrt_float16':
        number += 1
        _send(rig, number)
        rig.get('/label/image', number)
    _send(rig, number + 1)
    last = rig.get('/label/image', number + 1)

    assert rig.counts().published == rig.counts().received == number + 1
    assert (pixels_of(last) == (number + 1) % 200).all()
    status = rig.status('network')
    assert (status.level, status.message) == (DiagnosticStatus.OK, 'active')
    assert status.values['backend'] == 'tensorrt_float16 1.0'
    assert status.values['backend_note'] == (
        'tensorrt_float16 is ready and takes the place of tensorrt_float32'
    )
    assert rig.status().values['failed'] == '0'


def test_where_tensorrt_is_required_nothing_is_published_before(make_node):
    """Images count as idle meanwhile, and the diagnostics say why."""
    machine = Machine(missing=ORDER[:2])
    rig = make_node(machine, ORDER[:2])
    _send(rig, 1)
    rig.until(lambda: rig.counts().idle == 1)
    status = rig.status('network')
    assert status.level == DiagnosticStatus.WARN
    assert 'nothing is published until TensorRT runs: tensorrt_float16: building' in status.message

    _finish(rig, machine, 2)
    number = 1
    while not rig.received['/label/image']:
        number += 1
        _send(rig, number)
        rig.until(lambda number=number: rig.counts().idle + rig.counts().published >= number)
        rig.until(lambda: len(rig.received['/label/image']) == rig.counts().published)
    assert rig.counts().failed == 0
    assert rig.status('network').level == DiagnosticStatus.OK


def test_where_tensorrt_is_required_and_cannot_be_built(make_node):
    """Frames fail with the reason."""
    machine = Machine(missing=ORDER[:1])
    rig = make_node(machine, ORDER[:1])
    rig.until(lambda: machine.builds)
    machine.builds[0].finish(EngineError('the disk is full'))
    rig.until(lambda: 'the disk is full' in rig.status('network').message)
    assert rig.status('network').level == DiagnosticStatus.ERROR
    _send(rig, 1)
    rig.until(lambda: rig.counts().failed == 1)
    assert 'the disk is full' in rig.status().values['last_error']


def test_a_device_that_fails_for_good_gives_way(make_node):
    """Each failed frame is counted; after three the next backend runs, and it is said."""
    machine = Machine(broken=['tensorrt_float32'])
    rig = make_node(machine)
    _send(rig, 1)
    rig.get('/label/image', 1)
    machine.failing['tensorrt_float16'] = BackendError('cudaErrorMemoryAllocation')
    for number in range(2, 5):
        rig.backend_clock.offset_s += 20.0
        _send(rig, number)
        rig.until(lambda number=number: rig.counts().failed == number - 1)
        assert 'cudaErrorMemoryAllocation' in rig.status('camera').values['last_error']

    _send(rig, 5)
    rig.get('/label/image', 2)

    assert machine.calls == [*['tensorrt_float16'] * 4, 'cpu']
    status = rig.status('network')
    assert status.level == DiagnosticStatus.WARN
    assert 'cpu takes the place of tensorrt_float32' in status.message
    assert status.values['backend_failures'] == '3'
    assert 'tensorrt_float16 refused: failed 3 times' in status.values['backend_reason']
    assert rig.counts().failed == 3


def test_a_device_that_fails_once_is_restarted(make_node):
    """It waits a moment, and the diagnostics name it as an error until then."""
    machine = Machine()
    rig = make_node(machine)
    machine.failing['tensorrt_float16'] = BackendError('the GPU is lost')
    _send(rig, 1)
    rig.until(lambda: rig.counts().failed == 1)
    status = rig.status('network')
    assert status.level == DiagnosticStatus.ERROR
    assert 'no backend runs: tensorrt_float16 has failed (the GPU is lost)' in status.message

    machine.failing.clear()
    rig.backend_clock.offset_s += 1.0
    _send(rig, 2)
    rig.get('/label/image', 1)
    assert machine.opened == ['tensorrt_float16'] * 2
    assert rig.status('network').level == DiagnosticStatus.OK


def test_a_node_that_ends_while_it_builds_ends_the_build(make_node):
    """No process is left behind."""
    machine = Machine(missing=ORDER[:1])
    rig = make_node(machine)
    rig.until(lambda: machine.builds)
    assert rig.node.trigger_deactivate().name == 'SUCCESS'
    assert rig.node.trigger_cleanup().name == 'SUCCESS'
    assert machine.builds[0].cancelled
    assert machine.all_closed()


def test_build_only_ends_when_the_engines_are_built(make_rig):
    """Never active, and with status 0."""
    machine = Machine(missing=ORDER[:2])
    rig = make_rig(
        load=lambda values: Failover(MANIFEST, ORDER[:2], machine.open, machine.start_build),
        start=False,
        build_only=True,
    )
    rig.until(lambda: machine.builds)
    rig.node.report()
    assert rig.node.context.ok()
    _finish(rig, machine, 2)
    _report_until_down(rig)
    assert rig.node.exit_code == 0
    assert rig.node.state == 'inactive'


@pytest.mark.parametrize('error', [EngineError('no tactic'), None])
def test_build_only_fails_with_status_1(make_rig, error):
    """The build has failed, or the network cannot be loaded at all."""
    machine = Machine(missing=ORDER[:1])

    def load(values):
        if error is None:
            raise BackendError('no TensorRT')
        return Failover(MANIFEST, ORDER[:1], machine.open, machine.start_build)

    rig = make_rig(load=load, start=False, autostart=False, build_only=True)
    rig.node._start()
    if error is not None:
        rig.until(lambda: machine.builds)
        machine.builds[0].finish(error)
    _report_until_down(rig)
    assert rig.node.exit_code == 1


@pytest.mark.parametrize('compiled', [False, True])
def test_the_first_start_on_a_machine_says_why_it_takes_longer(
    make_node, monkeypatch, capfd, compiled
):
    """The line comes before the network is loaded, and only where something is compiled."""
    monkeypatch.setattr(backend_switch, 'is_compiled', lambda: compiled)

    make_node(Machine())

    said = capfd.readouterr().err
    assert ('compiling the post-processing kernels' in said) is not compiled
    if not compiled:
        assert said.index('compiling') < said.index('fake for segmentation and depth')


def test_the_real_order_on_a_machine_without_a_gpu(tmp_path):
    """TensorRT cannot run, the reason is told, and the processor does."""
    model = make_tiny_bundle(tmp_path / 'tiny')
    pipeline = backend_switch.load_pipeline(
        Parameters(model=str(model), backend='tensorrt_float32', threads=1)
    )
    level, _, values = backend_switch.describe(pipeline)
    pipeline.close()
    if values['backend_step'].startswith('tensorrt'):
        pytest.skip('there is a GPU here')
    assert level == DiagnosticStatus.OK
    assert values['backend_step'] == 'cpu'
    assert 'tensorrt_float32 refused: TensorRT cannot run here' in values['backend_reason']


def test_required_without_a_gpu_is_an_error(tmp_path):
    """It says what is missing."""
    model = make_tiny_bundle(tmp_path / 'tiny')
    with pytest.raises(BackendError, match=r'TensorRT cannot run here|no backend can be used'):
        backend_switch.load_pipeline(Parameters(model=str(model), require_tensorrt=True))
