# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure networks on a CUDA device: ours on torch and TensorRT next to Hugging Face's modules.

All candidates of a table have the same random weights and take turns. It writes markdown: the
network alone with its input on the device, its share of what the device was measured to copy and
multiply, and the whole path from the image of a camera to labels and depth in the host's memory.

    python bench/gpu.py --model b0
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
import sys
import tempfile
from time import perf_counter

from comparison import hugging_face
from comparison.report import table
import numpy as np
from segformer_ros import bundle as bundles
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.get_or_build import get_or_build_engine
from segformer_ros.engines.gpu import current_gpu
from segformer_ros.export.bundle_export import export_bundle
from segformer_ros.export.manifest import Facts
from segformer_ros.export.variants import ExportOptions
from segformer_ros.inference import tensorrt_backend, torch_backend
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.labels import CITYSCAPES_19
import torch
from torch import nn, Tensor

SIZES = ((512, 512), (512, 1024), (800, 1280))
PRECISIONS = {name: name for name in ('float16', 'float32')}
CAMERA_HW = (800, 1280)
WHOLE_HW = (512, 1024)
MISSING = (
    'Not measured: network times at {sizes} in float16 and float32, their shares of bandwidth '
    'and of matrix multiplication, and the whole path at {height}x{width}.'
)
_WARM_UPS = 20
_TYPES = {'float16': torch.float16, 'float32': torch.float32}
_COPY_BYTES, _MATRIX = 1 << 30, 8192

Call = Callable[[], object]
Backend = torch_backend.TorchBackend | tensorrt_backend.TensorrtBackend


@dataclass(frozen=True)
class Setting:
    """Where and how often: a small one on the CPU lets tests run the program."""

    device: torch.device
    sizes: Sequence[tuple[int, int]]
    repeats: int
    model: str = 'b0'
    warm_ups: int = _WARM_UPS
    copy_bytes: int = _COPY_BYTES
    matrix: int = _MATRIX
    targets: tuple[str, ...] = ('torch', 'tensorrt')


@dataclass(frozen=True)
class Peaks:
    """What the device was measured to do: copied GB/s (read and written), TFLOP/s by precision."""

    copied_gb_s: float
    tflops: Mapping[str, float]


def settled(setting: Setting, run: Call) -> Call:
    """Return a call that returns when the device has done it."""

    def call() -> None:
        run()
        if setting.device.type == 'cuda':
            torch.cuda.synchronize()

    return call


def take_turns(setting: Setting, calls: Mapping[str, Call]) -> dict[str, float]:
    """Return the median milliseconds of each; they run one after the other, many times over."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(setting.warm_ups + setting.repeats):
        for name, call in calls.items():
            start = perf_counter()
            call()
            if number >= setting.warm_ups:
                samples[name].append(1e3 * (perf_counter() - start))
    return {name: median(values) for name, values in samples.items()}


def measure_peaks(setting: Setting) -> Peaks:
    """Copy a large block and multiply large matrices."""
    source = torch.empty(setting.copy_bytes, dtype=torch.uint8, device=setting.device)
    target = torch.empty_like(source)
    calls = {'copy': settled(setting, lambda: target.copy_(source))}
    for name, kind in _TYPES.items():
        matrix = torch.randn(setting.matrix, setting.matrix, device=setting.device).to(kind)
        calls[name] = settled(setting, lambda matrix=matrix: matrix @ matrix)
    times = take_turns(setting, calls)
    operations = 2.0 * setting.matrix**3
    return Peaks(
        2.0 * setting.copy_bytes / times['copy'] / 1e6,
        {name: operations / times[name] / 1e9 for name in _TYPES},
    )


def least_traffic(network: nn.Module, image: Tensor) -> int:
    """Count bytes: weights once, and what every module gives written once and read once."""
    total = sum(item.numel() * item.element_size() for item in network.parameters())

    def add(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, Tensor):
            total += 2 * output.numel() * output.element_size()

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(add) for module in leaves]
    with torch.inference_mode():
        network(image)
    for hook in hooks:
        hook.remove()
    return total


def export(setting: Setting, theirs: nn.Module, folder: Path) -> bundles.Bundle:
    """Write our bundle with the same weights."""
    network = hugging_face.ours(theirs, setting.model)
    facts = Facts(
        name='measured',
        label_set=CITYSCAPES_19.name,
        class_ids=tuple(item.id for item in CITYSCAPES_19.classes),
        focal_length_px=1000.0,
        depth_range_m=(1e-3, 1e3),
        provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
    )
    precisions = tuple(PRECISIONS.values()) if 'tensorrt' in setting.targets else ()
    options = ExportOptions(targets=setting.targets, precisions=precisions, single_task=False)
    return export_bundle(network, folder, setting.sizes, facts, options)


def backends(
    setting: Setting, files: bundles.Bundle, precision: str, absent: dict[str, str]
) -> dict[str, Backend]:
    """Load ours; what is absent is noted with its reason."""
    kind = PRECISIONS[precision]
    found: dict[str, Backend] = {
        'ours, torch': torch_backend.TorchBackend(files, setting.device, kind)
    }
    try:
        for request in tensorrt_backend.requests_of(files, kind).values():
            get_or_build_engine(request)
        found['ours, TensorRT'] = tensorrt_backend.load(files, precision=kind)
    except (BackendError, bundles.BundleError, EngineError) as error:
        absent['ours, TensorRT'] = str(error)
    return found


def _compiled(setting: Setting, network: nn.Module) -> Callable[[Tensor], object] | None:
    cuda = setting.device.type == 'cuda'
    return torch.compile(network, mode='max-autotune') if cuda else None


def network_rows(
    setting: Setting,
    theirs: nn.Module,
    files: bundles.Bundle,
    peaks: Peaks,
    precision: str,
    absent: dict[str, str],
) -> list[list[str]]:
    """Measure one precision at all sizes."""
    kind, rows = _TYPES[precision], list[list[str]]()
    baseline = theirs.to(setting.device, kind)
    compiled = _compiled(setting, baseline)
    loaded = backends(setting, files, precision, absent)
    for height, width in setting.sizes:
        planes = torch.randn(1, 3, height, width, device=setting.device).to(kind)
        calls = {'Hugging Face, eager': settled(setting, lambda image=planes: baseline(image))}
        if compiled is not None:
            run = settled(setting, lambda image=planes: compiled(image))
            calls['Hugging Face, torch.compile'] = run
        for name, backend in loaded.items():
            if isinstance(backend, torch_backend.TorchBackend):
                calls[name] = backend.resident(np.zeros((1, 3, height, width), np.float32))
            else:
                calls[name] = backend.resident((height, width))
        with torch.inference_mode():
            times = take_turns(setting, calls)
        gmacs = sum(files.manifest.arithmetic.gmacs[f'{height}x{width}'].values())
        traffic = least_traffic(baseline, planes)
        rows += [
            [
                f'{height}x{width} {precision} {name}',
                f'{value:.3f}',
                f'{times["Hugging Face, eager"] / value:.2f}',
                f'{traffic / value / 1e6 / peaks.copied_gb_s:.0%}',
                f'{2.0 * gmacs / value / peaks.tflops[precision]:.1%}',
            ]
            for name, value in times.items()
        ]
    _close(loaded)
    return rows


def whole_rows(
    setting: Setting, theirs: nn.Module, files: bundles.Bundle, absent: dict[str, str]
) -> list[list[str]]:
    """Measure from the camera image to labels and depth, both in host memory, in float16."""
    image = np.random.default_rng(0).integers(0, 256, (*CAMERA_HW, 3), np.uint8)
    kind, hw = _TYPES['float16'], _whole_hw(setting)
    baseline = theirs.to(setting.device, kind)
    known = (files.manifest.mean, files.manifest.std)
    mean, std = (torch.tensor(item).view(3, 1, 1) for item in known)
    resize = torch.nn.functional.interpolate

    def eager() -> None:
        planes = torch.from_numpy(image).permute(2, 0, 1).float() / 255.0
        planes = resize(((planes - mean) / std)[None], hw, mode='bilinear')
        logits, depth = baseline(planes.to(setting.device, kind))
        resize(logits.float(), CAMERA_HW, mode='bilinear').argmax(1).byte().cpu()
        resize(depth.float(), CAMERA_HW, mode='bilinear').cpu()

    loaded = backends(setting, files, 'float16', absent)
    calls: dict[str, Call] = {'Hugging Face, eager': eager}
    for name, backend in loaded.items():
        pipeline = Pipeline(files, backend)
        calls[name] = lambda pipeline=pipeline: pipeline.predict(image)
    with torch.inference_mode():
        times = take_turns(setting, calls)
    _close(loaded)
    eager_ms = times['Hugging Face, eager']
    return [[name, f'{value:.2f}', f'{eager_ms / value:.2f}'] for name, value in times.items()]


def _close(loaded: Mapping[str, Backend]) -> None:
    for backend in loaded.values():
        backend.close()


def _whole_hw(setting: Setting) -> tuple[int, int]:
    return WHOLE_HW if WHOLE_HW in setting.sizes else setting.sizes[0]


def report(setting: Setting, title: str) -> str:
    """Measure everything and write it as markdown."""
    absent: dict[str, str] = {}
    peaks = measure_peaks(setting)
    theirs = hugging_face.randomized(setting.model)
    with tempfile.TemporaryDirectory() as name:
        files = export(setting, theirs, Path(name) / 'measured')
        rows = []
        for precision in PRECISIONS:
            rows += network_rows(setting, theirs, files, peaks, precision, absent)
        whole = whole_rows(setting, theirs, files, absent)
    tflops = ', '.join(f'{name} {value:.1f} TFLOP/s' for name, value in peaks.tflops.items())
    height, width = _whole_hw(setting)
    parts = [
        f'{title}; {date.today()}, torch {torch.__version__}; {setting.model.upper()}, batch 1, '
        f'medians of {setting.repeats} turns.',
        f'Measured: copies {peaks.copied_gb_s:.0f} GB/s, matrices {tflops}.',
        table(['network', 'ms', 'times eager', 'of bandwidth', 'of matrices'], rows),
        f'Camera image {CAMERA_HW[0]}x{CAMERA_HW[1]}, network {height}x{width}, float16:',
        table(['whole path', 'ms', 'times eager'], whole),
        *(f'Absent: {name}: {reason}.' for name, reason in absent.items()),
    ]
    return '\n\n'.join(parts) + '\n'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or say what cannot be measured here; 1 where there is no device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='b0', help='b0 to b5 (%(default)s)')
    parser.add_argument('--repeats', type=int, default=200, help='turns (%(default)s)')
    args = parser.parse_args(arguments)
    try:
        gpu = current_gpu()
    except EngineError as error:
        sizes = ', '.join(f'{height}x{width}' for height, width in SIZES)
        missing = MISSING.format(sizes=sizes, height=CAMERA_HW[0], width=CAMERA_HW[1])
        sys.stdout.write(f'There is no GPU here: {error}\n{missing}\n')
        return 1
    setting = Setting(torch.device('cuda'), SIZES, args.repeats, args.model)
    sys.stdout.write(report(setting, f'{gpu}, driver {gpu.driver}'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
