# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Times of backends, and the arithmetic of times."""

import numpy as np
import pytest
from segformer_ros import benchmark, bundle
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend import BackendError
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def tiny(tmp_path):
    """Return a bundle of two convolutions."""
    return bundle.read(make_tiny_bundle(tmp_path / 'tiny'))


def test_spread_is_median_and_quartiles():
    """In milliseconds, between the values where there is none."""
    found = benchmark.spread([0.005, 0.001, 0.002, 0.004])
    assert (found.q1_ms, found.median_ms, found.q3_ms) == pytest.approx((1.75, 3.0, 4.25))


def test_metrics_have_the_names_of_ros2_benchmark():
    """Latency, and how much it changes from frame to frame."""
    metrics = benchmark.ros2_benchmark_metrics([0.01, 0.03, 0.02])
    assert metrics['Mean Frame Rate (fps)'] == pytest.approx(50.0)
    assert metrics['# of Frames Sent'] == 3
    assert metrics['Max. End-to-End Latency (ms)'] == pytest.approx(30.0)
    assert metrics['Min. End-to-End Latency (ms)'] == pytest.approx(10.0)
    assert metrics['Mean End-to-End Latency (ms)'] == pytest.approx(20.0)
    assert metrics['Max. Frame-to-Frame Jitter (ms)'] == pytest.approx(20.0)
    assert metrics['Min. Frame-to-Frame Jitter (ms)'] == pytest.approx(10.0)
    assert metrics['Mean Frame-to-Frame Jitter (ms)'] == pytest.approx(15.0)
    assert metrics['Frame-to-Frame Jitter Std. Deviation (ms)'] == pytest.approx(5.0)


def test_backends_take_turns_and_each_has_its_times(tiny, monkeypatch):
    """One that cannot be used has the reason; the order moves from round to round."""
    calls = []
    load = backend_choice.load

    class Noted:
        def __init__(self, name, backend):
            self._name, self._backend = name, backend

        def __getattr__(self, name):
            return getattr(self._backend, name)

        def infer(self, *arguments, **options):
            calls.append(self._name)
            return self._backend.infer(*arguments, **options)

    def load_noted(name, *arguments, **options):
        if name == 'openvino_bfloat16':
            raise BackendError('backend openvino_bfloat16 is not installed')
        loaded = load('onnxruntime', *arguments, **options)
        return backend_choice.Loaded(Noted(name, loaded.backend), '', {})

    monkeypatch.setattr(backend_choice, 'load', load_noted)
    names = ['onnxruntime', 'openvino_bfloat16', 'openvino']
    image = np.zeros((48, 96, 3), np.uint8)

    found = benchmark.time_backends(tiny, names, image, threads=1, repeats=2)

    assert [item.backend for item in found] == names
    assert found[1].refused == 'backend openvino_bfloat16 is not installed'
    assert found[1].network is None
    for item in (found[0], found[2]):
        assert item.engine.startswith('onnxruntime')
        assert 0.0 < item.network.median_ms <= item.whole.median_ms
        assert item.metrics['# of Frames Sent'] == 2
    assert calls == [*names[::2], *names[::-2], *names[::2], *names[::-2]]


def test_one_repeat_has_no_spread(tiny):
    """It is refused before anything is loaded."""
    with pytest.raises(ValueError, match='two repeats or more, got 1'):
        benchmark.time_backends(tiny, [], np.zeros((8, 8, 3), np.uint8), repeats=1)
