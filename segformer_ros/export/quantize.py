# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle with one more graph for TensorRT of each input size, in int8 or fp8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import json
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto
from segformer_ros import bundle as bundles
from segformer_ros.bundle import Bundle, Graph, InputSize
from segformer_ros.export.check import run_graph
from segformer_ros.export.weights_file import WeightsFile
from segformer_ros.inference.golden_gate import check_outputs, golden_input
from segformer_ros.inference.preprocess import (
    fit,
    Geometry,
    lookup_table,
    prepare,
    prepare_bytes,
)

Image = npt.NDArray[np.uint8]
Quantizer = Callable[[Path, list[Path], str, npt.NDArray[Any], str], ModelProto]
"""As export.modelopt.quantized."""

_INPUT = 'image'


def calibration_batch(
    bundle: Bundle, size: InputSize, input_format: str, images: Sequence[Image]
) -> npt.NDArray[Any]:
    """
    Prepare camera images as a graph takes them.

    :param input_format: One of bundle.INPUTS.
    :param images: (H, W, 3) RGB of any sizes.
    :returns: (N, 3, H, W) float32 or (N, H, W, 3) uint8.
    """
    manifest, hw = bundle.manifest, (size.height, size.width)
    if input_format == 'uint8':
        pixels = np.empty((len(images), *hw, 3), np.uint8)
        pad = [round(255.0 * value) for value in manifest.mean]
        for image, out in zip(images, pixels, strict=True):
            prepare_bytes(image, _geometry(bundle, image, hw), pad, out)
        return pixels
    planes = np.empty((len(images), 3, *hw), np.float32)
    table = lookup_table(manifest.mean, manifest.std)
    for image, plane in zip(images, planes, strict=True):
        prepare(image, _geometry(bundle, image, hw), table, plane)
    return planes


def _geometry(bundle: Bundle, image: Image, hw: tuple[int, int]) -> Geometry:
    stretch = bundle.manifest.resize == 'stretch'
    return fit((image.shape[0], image.shape[1]), [hw], stretch=stretch)


def quantize_bundle(
    source: Bundle,
    folder: Path,
    images: Sequence[Image],
    *,
    precision: str,
    quantizer: Quantizer,
) -> Bundle:
    """
    Write a bundle that has the graphs of another and quantised ones for TensorRT.

    Each is run by ONNX Runtime on the golden image and compared with the network.

    :param images: Calibration images, (H, W, 3) RGB of any sizes.
    :param precision: 'int8' or 'fp8'; replaces graphs of this precision.
    :raises BundleError: There is no float32 graph, the folder cannot be written, or a quantised
        graph does not compute what the network does; nothing is written.
    """
    content = json.loads(source.file('manifest.json').read_bytes())
    weights = WeightsFile(f'weights_{precision}.bin')
    with tempfile.TemporaryDirectory() as name:
        staging = Path(name)
        for size, entry in zip(source.manifest.input_sizes, content['input_sizes'], strict=True):
            graph = size.graph('tensorrt', inputs=('uint8', 'float32'))
            model = _quantized(source, size, graph, images, precision, quantizer)
            path = staging / f'network_{size.height}x{size.width}_tensorrt_{precision}.onnx'
            path.write_bytes(model.SerializeToString())
            error = _check(source, size, graph, path, precision)
            weights.take(model)
            path.write_bytes(model.SerializeToString())
            kept = [item for item in entry['graphs'] if item['precision'] != precision]
            fresh = {
                'target': 'tensorrt',
                'precision': precision,
                'input': graph.input,
                'outputs': list(graph.outputs),
                'file': path.name,
                'error': error,
            }
            entry['graphs'] = [*kept, fresh]
        if weights.content:
            (staging / weights.name).write_bytes(weights.content)
        old = {item: source.file(item) for item in content.pop('files')}
        del content['format_version']
        files = {**old, **{path.name: path for path in staging.iterdir()}}
        return bundles.write(folder, content, files)


def _quantized(
    source: Bundle,
    size: InputSize,
    graph: Graph,
    images: Sequence[Image],
    precision: str,
    quantizer: Quantizer,
) -> ModelProto:
    path = source.file(graph.file)
    weights = [source.file(name) for name in bundles.weights_of_graph(path)]
    batch = calibration_batch(source, size, graph.input, images)
    model = quantizer(path, weights, _INPUT, batch, precision)
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def _check(
    source: Bundle, size: InputSize, graph: Graph, path: Path, precision: str
) -> dict[str, float]:
    """Compute the golden image; gives the largest absolute difference of each output."""
    image = golden_input(source, size, graph.input)
    found = run_graph(path, image, source.manifest.opset)
    check_outputs(
        source, size, found, graph.outputs, precision=precision, engine=f'onnxruntime {precision}'
    )
    golden = source.golden_outputs(size)
    return {name: float(np.abs(found[name] - golden[name]).max()) for name in graph.outputs}
