# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The life cycle of the node: what exists in which state, and what a failure leaves behind."""

import sys

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_rig import DEADLINE_S, FakePipeline, image_message
import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from segformer_ros.bundle import BundleError
from segformer_ros.inference.backend import BackendError
from segformer_ros.nodes import backend_switch, own_messages, segformer_node
from segformer_ros.nodes.parameters import Parameters

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
_STEPS = (
    (Transition.TRANSITION_CONFIGURE, 'inactive'),
    (Transition.TRANSITION_ACTIVATE, 'active'),
    (Transition.TRANSITION_DEACTIVATE, 'inactive'),
    (Transition.TRANSITION_ACTIVATE, 'active'),
    (Transition.TRANSITION_DEACTIVATE, 'inactive'),
    (Transition.TRANSITION_CLEANUP, 'unconfigured'),
    (Transition.TRANSITION_CONFIGURE, 'inactive'),
)


def _topics(rig):
    return {name for name, _ in rig.node.get_topic_names_and_types()}


def _call(rig, kind, name, request):
    client = rig.probe.create_client(kind, f'/segformer_node/{name}')
    rig.until(client.service_is_ready)
    future = client.call_async(request)
    rig.until(future.done)
    return future.result()


def test_node_starts_by_itself(make_rig):
    """It is active without being asked."""
    rig = make_rig()
    assert rig.node.state == 'active'
    assert {'/image', '/camera_info', '/label/image', '/depth/image'} <= _topics(rig)


def test_node_without_autostart_waits_for_a_manager(make_rig):
    """Nothing is loaded and no topic of images exists before the first transition."""
    loaded = []
    rig = make_rig(
        load=lambda values: loaded.append(values), start=False, autostart=False, reports=True
    )
    rig.until(lambda: rig.received['/diagnostics'])
    assert rig.node.state == 'unconfigured'
    assert not loaded
    assert '/label/image' not in _topics(rig)


def test_every_transition_through_the_services(make_rig):
    """As a lifecycle manager does it, also for a second time."""
    rig = make_rig(start=False, autostart=False)
    for transition, state in _STEPS:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert _call(rig, ChangeState, 'change_state', request).success
        assert _call(rig, GetState, 'get_state', GetState.Request()).current_state.label == state


def test_order_of_the_lifecycle_manager_of_nav2(make_rig):
    """Start, reset, start and shutdown through the services; the state is asked in between."""
    rig = make_rig(start=False, autostart=False)
    start = [
        (Transition.TRANSITION_CONFIGURE, 'inactive'),
        (Transition.TRANSITION_ACTIVATE, 'active'),
    ]
    reset = [
        (Transition.TRANSITION_DEACTIVATE, 'inactive'),
        (Transition.TRANSITION_CLEANUP, 'unconfigured'),
    ]
    end = [(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, 'finalized')]
    before = 'unconfigured'
    for transition, after in [*start, *reset, *start, *reset, *end]:
        assert _call(rig, GetState, 'get_state', GetState.Request()).current_state.label == before
        request = ChangeState.Request(transition=Transition(id=transition))
        assert _call(rig, ChangeState, 'change_state', request).success
        before = after
    assert _call(rig, GetState, 'get_state', GetState.Request()).current_state.label == 'finalized'
    assert rig.pipeline.closed


def test_outputs_appear_with_the_configuration_and_inputs_with_the_activation(make_rig):
    """In between, consumers can connect and get the classes."""
    rig = make_rig(start=False, autostart=False)
    assert rig.node.trigger_configure() == _SUCCESS
    assert rig.node.count_publishers('/label/image') == 1
    assert rig.node.count_subscribers('/image') == 0
    assert rig.node.trigger_activate() == _SUCCESS
    assert rig.node.count_subscribers('/image') == 1
    assert rig.node.trigger_deactivate() == _SUCCESS
    assert rig.node.count_subscribers('/image') == 0
    assert rig.node.trigger_cleanup() == _SUCCESS
    assert rig.node.count_publishers('/label/image') == 0
    assert rig.pipeline.closed


def test_node_that_is_activated_again_works_again(make_rig):
    """Its numbers start at zero."""
    rig = make_rig()
    rig.connect()
    rig.listen('/label/image')
    rig.exchange(image_message())
    assert rig.counts().published == 1
    assert rig.node.trigger_deactivate() == _SUCCESS
    assert rig.node.trigger_activate() == _SUCCESS
    assert rig.counts().published == 0
    rig.until(lambda: rig.cameras[''][0].get_subscription_count() == 1)
    rig.exchange(image_message())
    assert rig.counts().published == 1


def test_frame_that_is_being_computed_is_finished_first(make_rig):
    """Deactivation waits for it, and nothing comes after it."""
    rig = make_rig(lazy=False)
    rig.connect()
    rig.listen('/label/image')
    for count in (1, 2):
        rig.pipeline.gate.clear()
        rig.send(image_message())
        rig.until(lambda count=count: len(rig.pipeline.calls) == count)
        rig.pipeline.gate.set()
        counts = rig.node._streams[0].statistics
        assert rig.node.trigger_deactivate() == _SUCCESS
        assert counts.counts.published == 1
        assert rig.node.trigger_activate() == _SUCCESS
        rig.until(lambda: rig.cameras[''][0].get_subscription_count() == 1)


def test_image_that_waits_while_the_node_is_deactivated_is_counted(make_rig, monkeypatch):
    """Nothing is lost without a count: it is idle, as nobody wants it any more."""
    rig = make_rig(lazy=False)
    rig.connect()
    rig.pipeline.gate.clear()
    rig.send(image_message())
    rig.until(lambda: rig.pipeline.calls)
    rig.send(image_message())
    statistics = rig.node._streams[0].statistics
    rig.until(lambda: statistics.counts.received == 2)
    stop = rig.node._worker.stop

    def go_on_and_stop(timeout_s):
        rig.pipeline.gate.set()
        return stop(timeout_s)

    monkeypatch.setattr(rig.node._worker, 'stop', go_on_and_stop)
    monkeypatch.setattr(segformer_node, 'STOP_PATIENCE_S', DEADLINE_S)
    assert rig.node.trigger_deactivate() == _SUCCESS
    counts = statistics.counts
    assert (counts.received, counts.published, counts.idle) == (2, 1, 1)


def test_depth_range_that_the_network_does_not_have_is_refused(make_rig, capfd):
    """One limit alone may lie beyond the network's other one: all depth would be unknown."""
    rig = make_rig(start=False, autostart=False, min_depth_m=80.0)
    assert rig.node.trigger_configure() == _FAILURE
    assert 'got 80 and 80: the network gives 0.5 to 80 m' in capfd.readouterr().err

    rig.node.set_parameters([rclpy.Parameter('min_depth_m', value=0.0)])
    assert rig.node.trigger_configure() == _SUCCESS
    (result,) = rig.node.set_parameters([rclpy.Parameter('max_depth_m', value=0.25)])
    assert not result.successful
    assert 'got 0.5 and 0.25' in result.reason
    changes = {'min_depth_m': 90.0, 'max_depth_m': 100.0}
    assert rig.node.set_parameters_atomically(
        [rclpy.Parameter(name, value=value) for name, value in changes.items()]
    ).successful


def test_frame_that_never_ends_does_not_block_the_node(make_rig, monkeypatch, capfd):
    """The network is left to its thread, and the node can be configured with a new one."""
    hanging, fresh = FakePipeline(), FakePipeline()
    networks = [hanging, fresh]
    rig = make_rig(load=lambda values: networks.pop(0), lazy=False)
    rig.connect()
    hanging.gate.clear()
    rig.send(image_message())
    rig.until(lambda: hanging.calls)
    abandoned = rig.node._worker
    with monkeypatch.context() as impatient:
        impatient.setattr(segformer_node, 'STOP_PATIENCE_S', 0.05)
        assert rig.node.trigger_deactivate() == TransitionCallbackReturn.ERROR
    assert rig.node.state == 'unconfigured'
    assert 'did not return within' in capfd.readouterr().err
    assert not hanging.closed

    assert rig.node.trigger_configure() == _SUCCESS
    assert rig.node.trigger_activate() == _SUCCESS
    rig.until(lambda: rig.cameras[''][0].get_subscription_count() == 1)
    rig.listen('/label/image')
    rig.exchange(image_message())
    assert len(fresh.calls) == 1
    hanging.gate.set()
    # What it says at last belongs to this test, not to the next one.
    assert abandoned.stop(DEADLINE_S)


@pytest.mark.parametrize(
    'error',
    [
        BundleError('manifest.json', expected='a file', found='none', do='look'),
        ValueError("backend must be one of auto, onnxruntime, not 'tensorflow'"),
        OSError(2, 'No such file or directory', '/models/x'),
        ImportError('no engine'),
    ],
)
def test_configuration_that_fails_leaves_the_node_unconfigured(make_rig, capfd, error):
    """One line says why, the diagnostics repeat it, and a second attempt may succeed."""
    attempts = [error, FakePipeline()]

    def load(values):
        found = attempts.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    rig = make_rig(load=load, start=False, autostart=False)
    assert rig.node.trigger_configure() == _FAILURE
    assert rig.node.state == 'unconfigured'
    assert '/label/image' not in _topics(rig)
    lines = capfd.readouterr().err.splitlines()
    own = [line for line in lines if '[ERROR]' in line and '[segformer_node]' in line]
    assert len(own) == 1, lines
    assert str(error) in own[0]
    status = rig.status('network')
    assert status.level == DiagnosticStatus.ERROR
    assert str(error) in status.message

    assert rig.node.trigger_configure() == _SUCCESS
    assert rig.status('network').level == DiagnosticStatus.OK


def test_a_node_that_starts_by_itself_and_cannot_ends(make_rig):
    """With 1: it would run for ever, and do nothing."""

    def load(values):
        raise ValueError('no such network')

    rig = make_rig(load=load, start=False)
    rig.until(lambda: not rclpy.ok())
    assert rig.node.exit_code == 1


def test_backend_is_named_with_the_reason_for_it(make_rig, capfd):
    """In the log once, and in the diagnostics as long as it is loaded."""
    rig = make_rig()
    assert 'on numpy: the only one' in capfd.readouterr().err
    values = rig.status('network').values
    assert (values['backend'], values['backend_reason']) == ('numpy', 'the only one')


def test_parameters_name_the_backend_and_what_auto_may_choose(monkeypatch):
    """They reach the choice of the backend as they are."""
    given = []

    def load_step(step, bundle, **options):
        given.append((step, options))
        raise BackendError('enough')

    monkeypatch.setattr(backend_switch.backend_choice, 'load_step', load_step)
    with pytest.raises(BackendError, match='enough'):
        backend_switch.load_pipeline(
            Parameters(backend='openvino', threads=3, precision='any', cuda_api='pycuda')
        )
    assert given == [('openvino', {'threads': 3, 'precision': 'any', 'cuda_api': 'pycuda'})]


def test_failure_with_half_of_the_outputs_takes_them_back(make_rig):
    """What the failed configuration created is gone, and the network is freed."""
    rig = make_rig(start=False, autostart=False)
    rig.pipeline.manifest.classes = (None,)
    assert rig.node.trigger_configure() == _FAILURE
    assert rig.pipeline.closed
    assert rig.node.count_publishers('/segformer_node/frame_stats') == 0


def test_failed_activation_stays_inactive(make_rig):
    """An override that is no quality of service is told, and nothing is left half open."""
    rig = make_rig(
        start=False,
        autostart=False,
        **{'qos_overrides./image.subscription.reliability': 'perhaps'},
    )
    assert rig.node.trigger_configure() == _SUCCESS
    assert rig.node.trigger_activate() == _FAILURE
    assert rig.node.state == 'inactive'
    assert 'perhaps' in rig.status('network').message
    assert rig.node.count_subscribers('/camera_info') == 0


@pytest.mark.parametrize('state', ['unconfigured', 'inactive', 'active'])
def test_node_can_be_shut_down_from_every_state(make_rig, state):
    """And it frees the network."""
    rig = make_rig(start=False, autostart=False)
    if state != 'unconfigured':
        rig.node.trigger_configure()
    if state == 'active':
        rig.node.trigger_activate()
    assert rig.node.state == state
    assert rig.node.trigger_shutdown() == _SUCCESS
    assert rig.node.state == 'finalized'
    assert rig.pipeline.closed == (state != 'unconfigured')


def test_node_without_generated_messages_says_so_once_and_works(make_rig, monkeypatch, capfd):
    """An installation by pip alone has labels and depth, but neither stats nor classes."""
    monkeypatch.setattr(own_messages, '_own', None)
    monkeypatch.setitem(sys.modules, 'segformer_ros.msg', None)
    rig = make_rig()
    rig.connect()
    rig.listen('/label/image')
    rig.exchange(image_message())
    assert capfd.readouterr().err.count('are not built') == 1
    assert not {'/segformer_node/frame_stats', '/label/classes'} & _topics(rig)


def test_diagnostics_come_every_second_without_a_clock(make_rig):
    """With use_sim_time and no /clock the steady timer goes on."""
    rig = make_rig(use_sim_time=True, reports=True)
    assert rig.node.get_clock().ros_time_is_active
    rig.received['/diagnostics'].clear()
    message = rig.get('/diagnostics', 2)
    assert isinstance(message, DiagnosticArray)
    assert message.header.stamp.sec == 0
    assert [item.name for item in message.status] == [
        'segformer_node: network',
        'segformer_node: camera',
    ]


@pytest.mark.parametrize('step', ['configure', 'activate'])
def test_a_shutdown_during_a_transition_is_no_error(step, monkeypatch, capfd):
    """SIGTERM ends ROS at any moment: what it then cannot create is not what is wrong."""
    context = rclpy.Context()
    rclpy.init(context=context)

    def fails(*args, **named):
        context.try_shutdown()
        raise RuntimeError("Failed to create publisher: rcl node's context is invalid")

    node = segformer_node.SegformerNode(
        load=lambda values: FakePipeline(),
        context=context,
        parameter_overrides=[rclpy.Parameter('autostart', value=False)],
    )
    try:
        if step == 'configure':
            monkeypatch.setattr(segformer_node, 'CameraStream', fails)
        else:
            assert node.trigger_configure() == _SUCCESS
            monkeypatch.setattr(segformer_node.CameraStream, 'start', fails)
        with pytest.raises(KeyboardInterrupt):
            getattr(node, f'trigger_{step}')()
    finally:
        node.destroy_node()
        context.try_shutdown()
    assert 'Failed to create' not in capfd.readouterr().err
