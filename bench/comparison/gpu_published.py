# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The published network on a device: ours and Hugging Face's modules, with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
import tempfile

import numpy as np
from segformer_ros import bundle as bundles
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.get_or_build import get_or_build_engine
from segformer_ros.export.bundle_export import export_bundle
from segformer_ros.export.manifest import Facts
from segformer_ros.export.variants import ExportOptions
from segformer_ros.inference import tensorrt_backend, torch_backend
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.labels import CITYSCAPES_19
import torch
from torch import nn, Tensor

from comparison import hugging_face
from comparison.gpu_turns import Call, Setting, settled, take_turns, TYPES
from comparison.report import table

Backend = torch_backend.TorchBackend | tensorrt_backend.TensorrtBackend


@dataclass(frozen=True)
class Peaks:
    """What the device was measured to do: copied GB/s (read and written), TFLOP/s by precision."""

    copied_gb_s: float
    tflops: Mapping[str, float]


def measure_peaks(setting: Setting) -> Peaks:
    """Copy a large block and multiply large matrices."""
    source = torch.empty(setting.copy_bytes, dtype=torch.uint8, device=setting.device)
    target = torch.empty_like(source)
    calls = {'copy': settled(setting, lambda: target.copy_(source))}
    for name, kind in setting.precisions.items():
        matrix = torch.randn(setting.matrix, setting.matrix, device=setting.device)
        matrix = matrix.to(TYPES[kind])
        calls[name] = settled(setting, lambda matrix=matrix: matrix @ matrix)
    times = take_turns(setting, calls)
    operations = 2.0 * setting.matrix**3
    return Peaks(
        2.0 * setting.copy_bytes / times['copy'] / 1e6,
        {name: operations / times[name] / 1e9 for name in setting.precisions},
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
    options = ExportOptions(
        targets=setting.targets, precisions=setting.exported, single_task=False
    )
    return export_bundle(network, folder, setting.sizes, facts, options)


def backends(
    setting: Setting, files: bundles.Bundle, precision: str, absent: dict[str, str]
) -> dict[str, Backend]:
    """Load ours; what is absent is noted with its reason."""
    kind = setting.precisions[precision]
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
    kind, rows = TYPES[setting.precisions[precision]], list[list[str]]()
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
    image = np.random.default_rng(0).integers(0, 256, (*setting.camera_hw, 3), np.uint8)
    kind, hw = TYPES[setting.precisions['float16']], setting.whole_hw
    baseline = theirs.to(setting.device, kind)
    known = (files.manifest.mean, files.manifest.std)
    mean, std = (torch.tensor(item).view(3, 1, 1) for item in known)
    resize = torch.nn.functional.interpolate

    def eager() -> None:
        planes = torch.from_numpy(image).permute(2, 0, 1).float() / 255.0
        planes = resize(((planes - mean) / std)[None], hw, mode='bilinear')
        logits, depth = baseline(planes.to(setting.device, kind))
        resize(logits.float(), setting.camera_hw, mode='bilinear').argmax(1).byte().cpu()
        resize(depth.float(), setting.camera_hw, mode='bilinear').cpu()

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


def parts(setting: Setting, absent: dict[str, str]) -> list[str]:
    """Measure everything and write it as markdown; what is absent is noted with its reason."""
    peaks = measure_peaks(setting)
    theirs = hugging_face.randomized(setting.model)
    with tempfile.TemporaryDirectory() as name:
        files = export(setting, theirs, Path(name) / 'measured')
        rows = []
        for precision in setting.precisions:
            rows += network_rows(setting, theirs, files, peaks, precision, absent)
        whole = whole_rows(setting, theirs, files, absent)
    tflops = ', '.join(f'{name} {value:.1f} TFLOP/s' for name, value in peaks.tflops.items())
    (height, width), camera = setting.whole_hw, setting.camera_hw
    return [
        f'{setting.model.upper()} as published, random weights, batch 1; measured: copies '
        f'{peaks.copied_gb_s:.0f} GB/s, matrices {tflops}.',
        table(['network', 'ms', 'times eager', 'of bandwidth', 'of matrices'], rows),
        f'Camera image {camera[0]}x{camera[1]}, network {height}x{width}, float16:',
        table(['whole path', 'ms', 'times eager'], whole),
    ]
