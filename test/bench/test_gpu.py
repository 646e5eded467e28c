# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures a GPU: run small on the processor, and what it says without a GPU."""

from contextlib import ExitStack
import os
from pathlib import Path
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

torch = pytest.importorskip('torch', reason='the candidates need torch')
pytest.importorskip('transformers', reason='the baselines are made of transformers')

from comparison import gpu_shipped, yolo_graphs  # noqa: E402
from comparison.gpu_turns import Setting, TYPES  # noqa: E402
from engines.doubles import fake_trt, FakeCuda, FakeEngine  # noqa: E402
import gpu  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from segformer_ros.engines.gpu import Gpu  # noqa: E402
from segformer_ros.engines.request import BuildRequest  # noqa: E402

# Processors emulate float16, slowly.
_SMALL = Setting(
    torch.device('cpu'),
    [(32, 64)],
    1,
    warm_ups=0,
    camera_hw=(40, 60),
    copy_bytes=1 << 16,
    matrix=32,
    targets=('torch',),
    precisions=dict.fromkeys(TYPES, 'float32'),
)


class Checkout:
    """Stands in for the checkout that trains; each command takes a second of CPU time more."""

    folder, this = Path(gpu.__file__).parents[1], True

    def __init__(self):
        self.calls = []

    def segformer(self, *words):
        """Note the words of a command."""
        self.calls.append(words)
        return float(len(self.calls)), 100.0


def test_without_a_gpu_it_refuses_at_once():
    """One line and status 1, before anything is imported that takes seconds."""
    child = subprocess.run(
        [sys.executable, '-X', 'importtime', gpu.__file__],
        env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert child.returncode == 1
    imports = re.findall(r'^import time:.*\| *(\S+)$', child.stderr, re.MULTILINE)
    assert 'segformer_ros.engines.gpu' in imports
    assert not {'torch', 'transformers', 'cv2', 'onnx'} & set(imports)
    (refusal,) = (line for line in child.stderr.splitlines() if not line.startswith('import time'))
    assert refusal.startswith('bench/gpu.py: error: expected an NVIDIA ')
    assert refusal.endswith('; not measured: published, shipped, training')


def test_a_torch_for_processors_is_one_line(monkeypatch, capsys):
    """There is a GPU, which torch does not see."""
    monkeypatch.setattr(gpu, 'current_gpu', lambda: Gpu('sm90', 'a GPU', '600.1'))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    assert gpu.main(['--tables', 'shipped']) == 1

    said = capsys.readouterr().err
    assert said.endswith('finds no GPU: install it for CUDA; not measured: shipped\n')


@pytest.mark.slow
def test_every_row_of_every_table(monkeypatch, ultralytics):
    """Small and on the processor, with stand-ins for ultralytics, TensorRT and the training."""
    built = []

    def engine_request(files, size, *, precision, images):
        return BuildRequest(files.path, precision=precision, images=images)

    def engine_call(request, stack):
        built.append((request.precision, request.images))
        return lambda: None

    # Without the graphs for TensorRT the export takes half as long.
    monkeypatch.setattr(gpu_shipped, 'engine_request', engine_request)
    monkeypatch.setattr(gpu_shipped, 'engine_call', engine_call)
    tree = Checkout()

    parts = list(gpu.report(_SMALL, tree, ultralytics))

    text = '\n\n'.join(parts)
    for precision in ('float16', 'float32'):
        for name in ('Hugging Face, eager', 'ours, torch'):
            assert f'| 32x64 {precision} {name} |' in text
        for engine in ('torch', 'TensorRT'):
            (row,) = re.findall(rf'^\| {precision} {engine} \|.*$', text, re.MULTILINE)
            cells = row.strip('| ').split(' | ')
            assert len(cells) == len(gpu_shipped._HEAD)
            assert all(float(cell) >= 0.0 for cell in cells[1:])
    assert '| ours, torch |' in text
    for precision in ('float32', 'bfloat16'):
        assert f'\n| {precision} | ' in text
    assert 'Absent: ours, TensorRT: ' in text
    assert text.count('Absent: ') == 1
    # Both networks, labels, two others, and the batch, in two precisions.
    assert sorted(built) == [('float32', (1, 1))] * 10 + [('float32', (4, 4))] * 2
    said = [[word for word in words if str(word).startswith('hardware.')] for words in tree.calls]
    on_gpu = 'hardware.accelerator=cuda'
    assert said[-1] == [on_gpu, 'hardware.precision=bfloat16']
    assert said[0] == [on_gpu, 'hardware.precision=float32']


def test_ratios_and_what_is_absent():
    """Ours over theirs, the former over the fast one; empty cells where there is nothing."""
    times = {
        'world_b0_slim': 2.0, 'world_b0_fast': 5.0, 'world_b0_slim_labels': 1.5,
        'four images': 6.0, 'yolo26n-sem': 3.0, 'yolo26n-depth': 5.0,
    }  # fmt: skip

    whole = gpu_shipped.row('float16 torch', times)
    less = gpu_shipped.row('float16 torch', {name: times[name] for name in list(times)[:4]})

    assert whole[1:] == [
        '2.000', '5.000', '2.50', '8.000', '0.25', '1.500', '3.000', '0.50', '6.000', '3.00',
    ]  # fmt: skip
    assert less[1:] == ['2.000', '5.000', '2.50', '', '', '1.500', '', '', '6.000', '3.00']


def test_an_environment_without_ultralytics_is_a_reason(tmp_path):
    """Ours are measured all the same."""
    absent = {}

    assert gpu_shipped.others(_SMALL, tmp_path, sys.executable, absent) == {}
    assert "No module named 'ultralytics'" in absent['YOLO26n']
    assert gpu_shipped.others(_SMALL, tmp_path, '', absent) == {}
    assert absent['YOLO26n'].endswith('--ultralytics PYTHON')


def test_a_candidate_that_fails_is_absent():
    """The others take their turns."""
    absent = {}

    def fail(setting, kind, stack):
        raise RuntimeError('no\nTensorRT')

    makers = {'one': lambda *_: lambda: None, 'other': fail}

    times = gpu_shipped.measure(_SMALL, 'float16', makers, absent, 'TensorRT')

    assert list(times) == ['one']
    assert absent == {'other, float16 TensorRT': 'no TensorRT'}


def test_graphs_of_others_are_lowered(tmp_path, monkeypatch, ultralytics):
    """TensorRT follows the types of a graph: float16 has one of its own."""
    seen = []
    monkeypatch.setattr(gpu_shipped, 'engine_call', lambda request, stack: seen.append(request))
    yolo_graphs.export_others(ultralytics, tmp_path, 32, 64)

    for kind in TYPES:
        gpu_shipped._graph(tmp_path / 'yolo26n-sem.onnx', _SMALL, kind, ExitStack())

    for request in seen:
        model = onnx.load(request.graph)
        onnx.checker.check_model(model, full_check=True)
        low = [node.attribute[0].i for node in model.graph.node if node.op_type == 'Cast']
        assert (onnx.TensorProto.FLOAT16 in low) == (request.precision == 'float16')
    assert [item.precision for item in seen] == ['float16', 'float32']


def test_an_engine_runs_on_what_is_on_the_device(monkeypatch, tmp_path):
    """Four images at once, with labels as whole numbers; its memory is freed at the end."""
    cuda, runs = FakeCuda(), []

    def network(images):
        runs.append(images.shape)
        return {'labels': np.zeros((len(images), 2, 2), np.int64)}

    engine = FakeEngine(cuda, ((3, 2, 2), np.float32), {'labels': (2, 2)}, network, 4)
    engine.tensors['labels'] = ((2, 2), np.dtype(np.int64))
    opened = SimpleNamespace(engine=engine, trt_variant=SimpleNamespace(module=fake_trt()))
    found = SimpleNamespace(engine=None)
    monkeypatch.setattr(gpu_shipped, 'get_or_build_engine', lambda request: found)
    monkeypatch.setattr(gpu_shipped, 'open_engine', lambda stored: opened)
    monkeypatch.setattr(gpu_shipped, 'open_cuda', lambda: cuda)

    with ExitStack() as stack:
        call = gpu_shipped.engine_call(BuildRequest(tmp_path / 'a.onnx', images=(4, 4)), stack)
        for _ in range(3):
            call()

    assert runs == [(4, 3, 2, 2)] * 3
    assert not cuda.taken()
