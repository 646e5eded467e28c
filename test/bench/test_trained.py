# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels of a trained network on several backends."""

from comparison import trained
import numpy as np
import pytest
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def in_this_process(monkeypatch):
    """Compute where the test runs; 'broken' cannot run the network, 'coarse' differs a little."""

    def write(model, name, path, frames):
        if name == 'broken':
            return False
        trained.predict(model, 'onnxruntime', path, frames)
        if name == 'coarse':
            with np.load(path) as file:
                labels, depth = file['labels'], file['depth']
            labels[0, 0, :64] += 1
            np.savez(path, labels=labels, depth=1.01 * depth)
        return True

    monkeypatch.setattr(trained, '_is_written', write)


def test_backends_are_compared_with_the_first(tmp_path, in_this_process):
    """64 of 2 x 64 x 128 labels differ, and each depth by one per cent."""
    model = str(make_tiny_bundle(tmp_path / 'tiny'))
    names = ['onnxruntime', 'openvino', 'coarse', 'broken']

    facts = trained.compare(model, names, tmp_path, 2)

    assert facts['left_out'] == ['broken']
    assert facts['backends']['openvino'] == {'labels': 1.0, 'depth_median': 0.0, 'depth_p99': 0.0}
    coarse = facts['backends']['coarse']
    assert coarse['labels'] == 1.0 - 64 / (2 * 64 * 128)
    assert coarse['depth_median'] == pytest.approx(0.01, rel=1e-3)


def test_without_the_reference_no_figures_are_compared(tmp_path, in_this_process):
    """Where the first one cannot run it, only who was left out is known."""
    facts = trained.compare(str(tmp_path), ['broken'], tmp_path, 1)
    assert facts['backends'] == {}
    assert facts['left_out'] == ['broken']
