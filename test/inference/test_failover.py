# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Backends that change: to a better one that was built, from one that fails."""

import time

from inference.builder_double import Machine
import numpy as np
import pytest
from segformer_ros.engines.errors import EngineError
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.failover import Failover, FAILURES_BEFORE_CHANGE

ORDER = ('tensorrt_float16', 'tensorrt_float32', 'torch', 'cpu')
IMAGE = np.zeros((2, 3, 3), np.uint8)


class Clock:
    """A clock that a test moves on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def start(clock):
    """Yield networks that are closed at the end, with everything that they opened."""
    made = []

    def make(machine, order=ORDER):
        failover = Failover('manifest', order, machine.open, machine.start_build, steady=clock)
        made.append((failover, machine))
        return failover

    yield make
    for failover, machine in made:
        failover.close()
        assert machine.all_closed()


def until(condition):
    """Wait for another thread."""
    end = time.monotonic() + 240.0
    while not condition():
        assert time.monotonic() < end, 'the deadline has passed'
        time.sleep(0.001)


def fails(failover, match):
    """Predict, with an error."""
    with pytest.raises(BackendError, match=match):
        failover.predict_batch([IMAGE])


def test_the_best_backend_is_opened_and_no_other(start):
    """Nothing is built where nothing is missing."""
    machine = Machine()
    failover = start(machine)
    failover.predict_batch([IMAGE])
    assert machine.opened == ['tensorrt_float16']
    assert failover.backend_name == 'tensorrt_float16 1.0'
    assert failover.backend_reason == 'tensorrt_float16 was chosen'
    state = failover.state()
    assert (state.step, state.building, state.failures, state.worse) == (
        'tensorrt_float16', '', 0, False,
    )  # fmt: skip


def test_frames_continue_while_an_engine_is_built(start):
    """On the next best backend; then it changes between two frames, and none fails."""
    machine = Machine(missing=ORDER[:2], broken=['torch'])
    failover = start(machine)
    until(lambda: machine.builds)
    failover.predict_batch([IMAGE])
    assert failover.state().building == (
        'tensorrt_float16: building engine 1 of 2, 42% after 63 s: tactics'
    )
    assert 'torch refused: not installed' in failover.backend_reason

    machine.missing.clear()
    machine.builds[0].finish()
    until(lambda: len(machine.builds) == 2)
    assert failover.state().building.startswith('tensorrt_float16: building engine 2 of 2')
    failover.predict_batch([IMAGE])
    machine.builds[1].finish()
    until(lambda: not failover.state().building)
    assert failover.state().step == 'cpu'
    assert not machine.networks[0].closed

    failover.predict_batch([IMAGE])
    assert machine.calls == ['cpu', 'cpu', 'tensorrt_float16']
    assert machine.networks[0].closed
    state = failover.state()
    assert (state.step, state.changes, state.worse) == ('tensorrt_float16', 1, False)
    assert state.note == 'tensorrt_float16 is ready and takes the place of cpu'
    assert [build.request for build in machine.builds] == [
        'tensorrt_float16 a',
        'tensorrt_float16 b',
    ]


def test_an_engine_that_fails_its_gate_gives_way_to_the_next_precision(start):
    """It was built, computes something else, and float32 is built in its place."""
    machine = Machine(missing=ORDER[:2])
    failover = start(machine)
    machine.missing.discard('tensorrt_float16')
    machine.broken['tensorrt_float16'] = 'golden logits within 0.05, found 547'
    for number in range(4):
        until(lambda number=number: len(machine.builds) > number)
        if number == 3:
            machine.missing.clear()
        machine.builds[number].finish()
    until(lambda: not failover.state().building)
    failover.predict_batch([IMAGE])
    assert failover.state().step == 'tensorrt_float32'
    assert (
        'tensorrt_float16 refused: golden logits within 0.05, found 547' in failover.backend_reason
    )
    assert 'tensorrt_float32 refused' not in failover.backend_reason


def test_a_build_that_fails_is_reported(start):
    """The backend that stands in goes on."""
    machine = Machine(missing=ORDER[:1])
    failover = start(machine)
    until(lambda: machine.builds)
    machine.builds[0].finish(EngineError('out of memory'))
    until(lambda: not failover.state().building)
    failover.predict_batch([IMAGE])
    assert failover.state().step == 'tensorrt_float32'
    assert 'tensorrt_float16 refused: out of memory' in failover.backend_reason


def test_an_engine_that_cannot_be_found_after_its_build(start):
    """It is told and not built for ever."""
    machine = Machine(missing=ORDER[:1])
    failover = start(machine)
    for number in range(2):
        until(lambda number=number: len(machine.builds) > number)
        machine.builds[number].finish()
    until(lambda: not failover.state().building)
    assert 'tensorrt_float16 refused: was built and is not found' in failover.backend_reason


def test_where_tensorrt_is_required_nothing_stands_in(start):
    """There are no frames until the engine is there."""
    machine = Machine(missing=ORDER[:2])
    failover = start(machine, ORDER[:2])
    until(lambda: machine.builds)
    assert not failover.serving
    assert failover.backend_name == ''
    fails(failover, 'no backend is ready')

    machine.missing.clear()
    machine.builds[0].finish()
    until(lambda: len(machine.builds) == 2)
    machine.builds[1].finish()
    until(lambda: not failover.state().building)
    assert failover.serving
    failover.predict_batch([IMAGE])
    assert failover.state().changes == 0
    assert failover.state().step == 'tensorrt_float16'


def test_where_tensorrt_is_required_and_cannot_be_built(start):
    """Every frame says why."""
    machine = Machine(missing=ORDER[:1])
    failover = start(machine, ORDER[:1])
    until(lambda: machine.builds)
    machine.builds[0].finish(EngineError('the disk is full'))
    until(lambda: failover.serving)
    fails(
        failover, 'no backend is ready: none is ready; tensorrt_float16 refused: the disk is full'
    )


def test_without_a_usable_backend_all_reasons_are_reported():
    """It is an error with all reasons."""
    machine = Machine(broken=ORDER)
    with pytest.raises(
        BackendError, match='no backend can be used: tensorrt_float16: not installed'
    ):
        Failover('manifest', ORDER, machine.open, machine.start_build)


def test_closing_ends_a_build_and_frees_what_was_never_used():
    """The process that builds is told to stop."""
    machine = Machine(missing=ORDER[:1])
    failover = Failover('manifest', ORDER, machine.open, machine.start_build)
    until(lambda: machine.builds)
    failover.close()
    assert machine.builds[0].cancelled
    assert machine.all_closed()

    machine = Machine(missing=ORDER[:1])
    failover = Failover('manifest', ORDER, machine.open, machine.start_build)
    machine.missing.clear()
    for number in range(2):
        until(lambda number=number: len(machine.builds) > number)
        machine.builds[number].finish()
    until(lambda: not failover.state().building)
    failover.close()
    assert len(machine.networks) == 2
    assert machine.all_closed()


def test_a_frame_that_fails_costs_that_frame(start, clock):
    """The backend is opened anew, but not at once."""
    machine = Machine()
    failover = start(machine)
    machine.failing['tensorrt_float16'] = BackendError('cudaErrorIllegalAddress')
    fails(failover, 'cudaErrorIllegalAddress')
    assert machine.networks[0].closed
    machine.failing.clear()

    fails(failover, r'tensorrt_float16 is restarted in 0\.5 s')
    clock.now += 0.5
    failover.predict_batch([IMAGE])
    assert machine.opened == ['tensorrt_float16'] * 2
    state = failover.state()
    assert (state.failures, state.changes, state.worse) == (1, 0, False)
    assert 'cudaErrorIllegalAddress' in state.note


def test_after_some_failures_the_next_backend_runs(start, clock):
    """Each wait is longer than the one before; the reason stays in the diagnostics."""
    machine = Machine(broken=['tensorrt_float32'])
    failover = start(machine)
    machine.failing['tensorrt_float16'] = BackendError('out of memory')
    for wait_s in (0.5, 1.0, 0.0)[:FAILURES_BEFORE_CHANGE]:
        fails(failover, 'out of memory')
        if wait_s:
            fails(failover, f'restarted in {wait_s:.1f} s')
        clock.now += wait_s

    failover.predict_batch([IMAGE])

    state = failover.state()
    assert (state.step, state.failures, state.worse) == ('torch', 3, True)
    assert (
        'torch takes the place of tensorrt_float32, which has failed (not installed)' in state.note
    )
    assert 'tensorrt_float16 refused: failed 3 times in a row, last: out of memory' in (
        failover.backend_reason
    )


def test_a_good_frame_forgives_the_failures_before_it(start, clock):
    """Only failures in a row count."""
    machine = Machine()
    failover = start(machine)
    for _ in range(5):
        machine.failing['tensorrt_float16'] = BackendError('now and then')
        fails(failover, 'now and then')
        machine.failing.clear()
        clock.now += 10.0
        failover.predict_batch([IMAGE])
    assert failover.state().step == 'tensorrt_float16'
    assert failover.state().failures == 5


def test_the_last_backend_is_tried_for_ever(start, clock):
    """Ten seconds apart at most."""
    machine = Machine()
    failover = start(machine, ('cpu',))
    machine.failing['cpu'] = BackendError('gone')
    for _ in range(9):
        fails(failover, 'gone')
        clock.now += 10.0
    machine.failing.clear()
    failover.predict_batch([IMAGE])
    assert failover.state().step == 'cpu'


def test_a_device_that_cannot_be_opened_again(start, clock):
    """The restart fails too: after three attempts the next backend runs, in the same frame."""
    machine = Machine()
    failover = start(machine)
    machine.failing['tensorrt_float16'] = BackendError('the GPU is lost')
    machine.broken['tensorrt_float16'] = 'no device'
    fails(failover, 'the GPU is lost')
    clock.now += 0.5
    fails(failover, 'tensorrt_float16 cannot be restarted: no device')
    clock.now += 1.0
    failover.predict_batch([IMAGE])
    assert machine.calls[-1] == 'tensorrt_float32'


def test_a_wrong_image_is_no_failure_of_the_backend(start):
    """The caller is wrong, not the device."""
    machine = Machine()
    failover = start(machine)
    machine.failing['tensorrt_float16'] = ValueError('expected a (H, W, 3) image')
    with pytest.raises(ValueError, match='expected a'):
        failover.predict_batch([IMAGE])
    machine.failing.clear()
    failover.predict_batch([IMAGE])
    assert failover.state().failures == 0
