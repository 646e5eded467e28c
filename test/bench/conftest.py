# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/baselines.py, and one small case that is prepared once."""

from pathlib import Path
import sys

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'bench'))

_ULTRALYTICS = """
class YOLO:
    def __init__(self, name):
        self.name = name
    def export(self, format, imgsz, device):
        if format == 'torchscript':
            import torch
            torch.jit.script(torch.nn.ReLU()).save('written.torchscript')
            return 'written.torchscript'
        import onnx
        from onnx import helper
        shape = [1, 3, *imgsz]
        values = [helper.make_tensor_value_info(name, 1, shape) for name in ('images', 'output0')]
        two = helper.make_tensor('value', 1, [], [2.0])
        nodes = [
            helper.make_node('Constant', [], ['two'], value=two),
            helper.make_node('Mul', ['images', 'two'], ['output0']),
        ]
        graph = helper.make_graph(nodes, self.name, values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
        onnx.save(model, 'written.onnx')
        return 'written.onnx'
"""


@pytest.fixture
def ultralytics(tmp_path, monkeypatch):
    """Return a Python that imports a stand-in of ultralytics."""
    folder = tmp_path / 'stand_in'
    folder.mkdir()
    (folder / 'ultralytics.py').write_text(_ULTRALYTICS, encoding='utf-8')
    monkeypatch.setenv('PYTHONPATH', str(folder))
    return sys.executable


@pytest.fixture(scope='session')
def case(tmp_path_factory):
    """Export a B0 with random weights in every way, for 64x128 and a camera of 80x128."""
    pytest.importorskip('torch', reason='the baselines need torch')
    pytest.importorskip('transformers', reason='the baselines are made of transformers')
    from comparison.case import Case
    from comparison.prepare import prepare

    made = Case('b0', 64, 128, tmp_path_factory.mktemp('case'), camera_h=80, camera_w=128)
    prepare(made)
    return made
