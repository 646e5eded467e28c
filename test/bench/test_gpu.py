# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures a GPU: run small on the processor, and what it says without a GPU."""

import pytest

torch = pytest.importorskip('torch', reason='the candidates need torch')
pytest.importorskip('transformers', reason='the baselines are made of transformers')

import gpu  # noqa: E402
from segformer_ros.engines.errors import EngineError  # noqa: E402


def test_without_a_gpu_it_says_what_is_missing(monkeypatch, capsys):
    """Every figure by name, and status 1."""

    def none():
        raise EngineError('expected an NVIDIA driver')

    monkeypatch.setattr(gpu, 'current_gpu', none)
    assert gpu.main([]) == 1
    said = capsys.readouterr().out
    assert 'There is no GPU here: expected an NVIDIA driver' in said
    assert (
        'Not measured: network times at 512x512, 512x1024, 800x1280 in float16 and float32' in said
    )


@pytest.mark.slow
def test_the_program_runs(monkeypatch):
    """Small and on the processor: every candidate has its line, and TensorRT its reason."""
    monkeypatch.setattr(gpu, 'CAMERA_HW', (40, 60))
    # Processors emulate float16, slowly.
    monkeypatch.setattr(gpu, '_TYPES', dict.fromkeys(gpu.PRECISIONS, torch.float32))
    monkeypatch.setattr(gpu, 'PRECISIONS', dict.fromkeys(gpu.PRECISIONS, 'float32'))
    setting = gpu.Setting(
        torch.device('cpu'),
        [(32, 64)],
        1,
        warm_ups=0,
        copy_bytes=1 << 16,
        matrix=32,
        targets=('torch',),
    )
    text = gpu.report(setting, 'a processor')
    for precision in ('float16', 'float32'):
        for name in ('Hugging Face, eager', 'ours, torch'):
            assert f'| 32x64 {precision} {name} |' in text
    assert '| ours, torch |' in text
    assert 'Absent: ours, TensorRT: ' in text
