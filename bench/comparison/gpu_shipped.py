# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The shapes of the networks that ship on a device, next to YOLO26n-sem and YOLO26n-depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
import tempfile

import numpy as np
import onnx
from segformer_ros import bundle as bundles
from segformer_ros.checkpoints import LoadedModel, read
from segformer_ros.checkpoints.model import only
from segformer_ros.engines.cuda import open_cuda
from segformer_ros.engines.get_or_build import get_or_build_engine
from segformer_ros.engines.opening import open_engine
from segformer_ros.engines.request import BuildRequest
from segformer_ros.export.checkpoint_export import export_checkpoint
from segformer_ros.export.precision import lowered
from segformer_ros.export.tidy import tidy
from segformer_ros.export.variants import ExportOptions
from segformer_ros.inference import torch_backend
from segformer_ros.inference.device_engine import Lane, read_tensor
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.network import MultitaskSegformer
import torch

from comparison.gpu_turns import Call, Setting, take_turns, TYPES
from comparison.report import table
from comparison.yolo_graphs import export_others, OTHERS, SEM

FAST, FORMER, LABELS = 'world_b0_slim', 'world_b0_fast', 'world_b0_slim_labels'
FOUR = 'four images'
_WEIGHTS = Path(__file__).parents[2] / 'weights'
_IMAGES = 4
_HEAD = [
    'ms', FAST, FORMER, 'times as fast', 'both YOLO26n', f'{FAST} over both', 'its labels alone',
    'YOLO26n-sem', 'labels over it', FOUR, 'times one',
]  # fmt: skip

Make = Callable[[Setting, str, ExitStack], Call]


def parts(setting: Setting, python: str, absent: dict[str, str]) -> list[str]:
    """
    Measure and write it as markdown; what is absent is noted with its reason.

    :param python: That imports ultralytics; '': the others are left out.
    """
    height, width = setting.whole_hw
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidates, more = ours(setting, folder), others(setting, folder, python, absent)
        rows = []
        for precision in setting.precisions:
            for engine, makers in candidates.items():
                title = f'{precision} {engine}'
                both = {**makers, **more.get(engine, {})}
                rows.append(row(title, measure(setting, precision, both, absent, engine)))
    return [
        f'The networks that ship at {height}x{width}, input and outputs on the device, ms; '
        f'YOLO26n with random weights; {FOUR} are one batch of {FAST}:',
        table(_HEAD, rows),
    ]


def ours(setting: Setting, folder: Path) -> dict[str, dict[str, Make]]:
    """Export the networks: by engine and candidate, what makes a call."""
    made: dict[str, dict[str, Make]] = {'torch': {}, 'TensorRT': {}}
    options = ExportOptions(
        targets=setting.targets, precisions=setting.exported, single_task=False
    )
    for name, weights in ((FAST, FAST), (FORMER, FORMER), (LABELS, FAST)):
        model = read(_WEIGHTS / f'{weights}.safetensors')
        model = only(model, 'segmentation') if name == LABELS else model
        network = model.build()
        if not isinstance(network, MultitaskSegformer):
            raise RuntimeError(f'expected a network for labels or depth in {weights}, found none')
        source = LoadedModel(network, model.facts, model.format)
        files = export_checkpoint(source, folder / name, [setting.whole_hw], options=options)
        for key, images in ((name, 1), (FOUR, _IMAGES))[: 2 if name == FAST else 1]:
            made['torch'][key] = partial(_bundle_on_torch, files, images)
            made['TensorRT'][key] = partial(_bundle_on_tensorrt, files, images)
    return made


def others(
    setting: Setting, folder: Path, python: str, absent: dict[str, str]
) -> dict[str, dict[str, Make]]:
    """Have the others written, by the Python that imports ultralytics; return the same of them."""
    if not python:
        absent['YOLO26n'] = 'name a Python that imports ultralytics: --ultralytics PYTHON'
        return {}
    try:
        export_others(python, folder, *setting.whole_hw, ('onnx', 'torchscript'))
    except RuntimeError as error:
        absent['YOLO26n'] = str(error)
        return {}
    return {
        'torch': {name: partial(_script, folder / f'{name}.torchscript') for name in OTHERS},
        'TensorRT': {name: partial(_graph, folder / f'{name}.onnx') for name in OTHERS},
    }


def measure(
    setting: Setting,
    precision: str,
    makers: Mapping[str, Make],
    absent: dict[str, str],
    engine: str,
) -> dict[str, float]:
    """
    Let the candidates of one engine take turns.

    :returns: Milliseconds of those that run here.
    """
    calls: dict[str, Call] = {}
    kind = setting.precisions[precision]
    with ExitStack() as stack:
        for name, make in makers.items():
            try:
                call = make(setting, kind, stack)
                call()
            except (RuntimeError, ValueError, KeyError) as error:
                absent[f'{name}, {precision} {engine}'] = ' '.join(str(error).split())[:300]
            else:
                calls[name] = call
        return take_turns(setting, calls)


def row(title: str, times: Mapping[str, float]) -> list[str]:
    """Write the times of one engine; a cell is empty where one of its candidates is absent."""

    def ratio(upper: float | None, lower: float | None) -> str:
        return '' if upper is None or lower is None else f'{upper / lower:.2f}'

    fast, former, labels, four, sem = map(times.get, (FAST, FORMER, LABELS, FOUR, SEM))
    pair = sum(times[name] for name in OTHERS) if set(OTHERS) <= set(times) else None
    values = (fast, former, pair, labels, sem, four)
    cells = ['' if value is None else f'{value:.3f}' for value in values]
    return [
        title, cells[0], cells[1], ratio(former, fast), cells[2], ratio(fast, pair), cells[3],
        cells[4], ratio(labels, sem), cells[5], ratio(four, fast),
    ]  # fmt: skip


def engine_call(request: BuildRequest, stack: ExitStack) -> Call:
    """
    Build an engine, or take it from the cache.

    :param stack: That frees its memory.
    :returns: A call that runs it on what is on the device already, and waits.
    :raises RuntimeError: There is no TensorRT or no GPU, or the engine cannot be built or run.
    """
    opened = open_engine(get_or_build_engine(request).engine)
    cuda, engine, trt = open_cuda(), opened.engine, opened.trt_variant.module
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    tensors = {name: read_tensor(trt, engine, name) for name in names}
    sources = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
    source = tensors.pop(sources[0])
    images = request.images[1]
    lane = Lane(cuda, engine, source, tensors, images, graphs=cuda.has_graphs)
    stack.callback(lane.close)

    def call() -> object:
        lane.enqueue()
        lane.finish()
        # The runtime must live as long as the engine.
        return opened

    return call


def _bundle_on_torch(
    files: bundles.Bundle, images: int, setting: Setting, kind: str, stack: ExitStack
) -> Call:
    backend = torch_backend.TorchBackend(files, setting.device, kind)
    stack.callback(backend.close)
    return backend.resident(np.zeros((images, 3, *setting.whole_hw), np.float32))


def _bundle_on_tensorrt(
    files: bundles.Bundle, images: int, setting: Setting, kind: str, stack: ExitStack
) -> Call:
    (size,) = files.manifest.input_sizes
    request = engine_request(files, size, precision=kind, images=(images, images))
    return engine_call(request, stack)


def _script(path: Path, setting: Setting, kind: str, stack: ExitStack) -> Call:
    device, dtype = setting.device, TYPES[kind]
    network = torch_backend.load_script(path, device, dtype)
    planes = torch_backend.on_device(torch.zeros(1, 3, *setting.whole_hw), device, dtype)
    return torch_backend.resident_call(network, planes, kind, graphs=device.type == 'cuda')


def _graph(path: Path, setting: Setting, kind: str, stack: ExitStack) -> Call:
    if kind != 'float32':
        low = path.with_name(f'{path.stem}_{kind}.onnx')
        onnx.save(lowered(tidy(onnx.load(path)), kind), low)
        path = low
    return engine_call(BuildRequest(path, precision=kind, name=path.stem), stack)
