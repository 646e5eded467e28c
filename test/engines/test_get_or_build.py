# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine is taken from the cache or built; here with a double of TensorRT that counts."""

from dataclasses import replace

import pytest
from segformer_ros.engines import get_or_build
from segformer_ros.engines.cache import EngineCache
from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.get_or_build import find_engine, get_or_build_engine, WAITING
from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.request import BuildRequest, Target
from segformer_ros.engines.trt_variant import TrtVariant
from tensorrt_double import double_target, make_double


@pytest.fixture
def module(monkeypatch):
    """Return the double, which is the TensorRT of this machine."""
    double = make_double()
    monkeypatch.setattr(get_or_build, 'find_target', lambda request: double_target(double))
    return double


@pytest.fixture
def request_(tmp_path):
    """Return a request for a graph."""
    (tmp_path / 'network.onnx').write_bytes(b'graph')
    return BuildRequest(tmp_path / 'network.onnx', name='street', cache=tmp_path / 'engines')


def builds_of(module):
    """Count the networks that were made."""
    return sum(call[0] == 'network' for call in module.calls)


def test_the_second_time_nothing_is_built(module, request_):
    """What was stored is found, by those who only look too."""
    assert find_engine(request_) == (None, ())
    first = get_or_build_engine(request_)
    second = get_or_build_engine(request_)

    assert (first.reused, second.reused) == (False, True)
    assert first.engine == second.engine == find_engine(request_)[0]
    assert first.engine.data == b'engine'
    assert builds_of(module) == 1


def test_another_version_is_built_again(module, request_, monkeypatch):
    """And so is the one for another GPU; each keeps its own."""
    get_or_build_engine(request_)
    newer = make_double('11.4.0.106')
    monkeypatch.setattr(get_or_build, 'find_target', lambda request: double_target(newer))
    assert not get_or_build_engine(request_).reused
    other = double_target(newer, Gpu('sm120', 'RTX 5090', '580.65.06'))
    monkeypatch.setattr(get_or_build, 'find_target', lambda request: other)
    assert not get_or_build_engine(request_).reused
    assert len(EngineCache(request_.cache).entries()) == 3


def test_a_damaged_engine_is_reported_and_rebuilt(module, request_):
    """It is not given to TensorRT."""
    path = get_or_build_engine(request_).engine.path
    path.write_bytes(b'another program')

    engine, notes = find_engine(request_)
    again = get_or_build_engine(request_)

    assert engine is None
    assert not again.reused
    assert notes == again.notes
    (note,) = notes
    assert 'expected 6 bytes of sha256' in note
    assert note.endswith(': it was not loaded')
    assert get_or_build_engine(request_).notes == ()


def test_what_was_measured_is_kept_for_the_next_engine(module, request_):
    """One timing cache for a TensorRT and a GPU, whatever is built."""
    get_or_build_engine(request_)
    get_or_build_engine(replace(request_, images=(1, 2)))

    timings = [call[1] for call in module.calls if call[0] == 'timing cache']
    assert timings == [b'', b'times']
    (file,) = request_.cache.glob('timing_*')
    assert file.name == 'timing_tensorrt_10.16.1.11_Orin.cache'
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_build_that_fails_leaves_nothing(module, request_):
    """Neither a file nor a lock."""
    with pytest.raises(BuildCancelledError):
        get_or_build_engine(request_, cancelled=lambda: True)
    request_.graph.write_bytes(b'other')
    module.Builder.build_serialized_network = lambda *_: None
    with pytest.raises(EngineError, match='cannot build'):
        get_or_build_engine(request_)
    assert list(request_.cache.iterdir()) == []


def test_a_waiting_process_takes_the_engine_of_the_other_build(module, request_):
    """It says that it waits; when the lock is free the engine is there."""
    told = []
    cache = EngineCache(request_.cache)
    facts = get_or_build.engine_facts(request_, double_target(module))
    lock = cache.lock(facts)
    lock.__enter__()

    def report(fraction, text):
        if text == WAITING and not told:
            built = get_or_build.build_engine(request_, double_target(module))
            cache.store(facts, 'street', built)
            lock.__exit__(None, None, None)
        told.append(text)

    found = get_or_build_engine(request_, report=report)

    assert found.reused
    assert told == [WAITING]
    assert builds_of(module) == 1


def test_waiting_can_be_cancelled(module, request_):
    """As a build can."""
    cache = EngineCache(request_.cache)
    lock = cache.lock(get_or_build.engine_facts(request_, double_target(module)))
    with lock, pytest.raises(BuildCancelledError, match='no longer waiting'):
        get_or_build_engine(request_, cancelled=lambda: True)


def test_an_engine_built_ahead_serves_the_gpu_of_its_capability(request_, monkeypatch):
    """TensorRT for RTX alone; another capability is not served."""
    trt_variant = TrtVariant('tensorrt_rtx', '1.7.1.116', make_double())
    cache = EngineCache(request_.cache)
    ahead = Target(trt_variant, Gpu('sm86'))
    built = get_or_build.build_engine(request_, double_target(make_double()))
    cache.store(get_or_build.engine_facts(request_, ahead), 'street', built)

    here = Target(trt_variant, Gpu('sm86', 'RTX 3060', '580.65.06'))
    monkeypatch.setattr(get_or_build, 'find_target', lambda request: here)
    assert find_engine(request_)[0].data == b'engine'
    monkeypatch.setattr(
        get_or_build, 'find_target', lambda request: replace(here, gpu=Gpu('sm89', 'x'))
    )
    assert find_engine(request_) == (None, ())
