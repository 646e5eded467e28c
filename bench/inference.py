# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the pipeline against the plain way to run the same network.

The plain way is what exporters such as mmdeploy produce: one ONNX graph that ends in Resize to the
size of the camera and ArgMax, numpy for the input, onnxruntime for the rest. Both have the same
weights, the same input and the same number of threads; they take turns, and medians are compared.

    python bench/inference.py --model world_b0 --height 800 --width 1280
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
import platform
import shutil
from statistics import median
import sys
import tempfile
from time import perf_counter, process_time

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, TensorProto
import onnxruntime
from segformer_ros import bundle
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.pipeline import Options, Pipeline, Prediction
from segformer_ros.inference.preprocess import fit, Geometry

_WARM_UP = 3
_SKY_KEPT = Options(sky_depth='keep')


class PlainRival:
    """The network with Resize and ArgMax in its graph, and nothing around it but numpy."""

    def __init__(self, network: bundle.Bundle, geometry: Geometry, threads: int) -> None:
        """Build the graph for one image size, which must fill its input without padding."""
        facts = network.manifest
        self._size = (geometry.input_w, geometry.input_h)
        self._mean = np.array(facts.mean, np.float32)
        self._std = np.array(facts.std, np.float32)
        (size,) = (
            item
            for item in facts.input_sizes
            if (item.height, item.width) == (geometry.input_h, geometry.input_w)
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as name:
            for file in facts.files:
                if not file.endswith(('.onnx', '.npz')):
                    shutil.copyfile(network.file(file), Path(name) / file)
            model = onnx.load(network.file(size.graph('any').file), load_external_data=False)
            path = Path(name) / 'plain.onnx'
            onnx.save(_with_ends(model, facts, geometry), path)
            self._session = onnxruntime.InferenceSession(
                path, options, providers=['CPUExecutionProvider']
            )

    def predict(
        self, image: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Give the channel of every pixel and its depth."""
        resized = cv2.resize(image, self._size, interpolation=cv2.INTER_LINEAR)
        pixels = (resized.astype(np.float32) / 255.0 - self._mean) / self._std
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], np.float32)
        labels, depth = self._session.run(['labels', 'metres'], {'image': planes})
        return labels[0].astype(np.uint8), depth[0, 0]


def _with_ends(
    model: onnx.ModelProto, facts: bundle.Manifest, geometry: Geometry
) -> onnx.ModelProto:
    graph = model.graph
    graph.initializer.append(
        helper.make_tensor(
            'camera_size', TensorProto.INT64, [2], [geometry.image_h, geometry.image_w]
        )
    )
    nodes = []
    raw = 'depth'
    if facts.depth is not None and facts.depth.activation == 'log':
        nodes.append(helper.make_node('Exp', ['depth'], ['network_metres']))
        raw = 'network_metres'
    for source, target in (('logits', 'camera_logits'), (raw, 'metres')):
        shape, sizes = f'{source}_shape', f'{source}_sizes'
        nodes += [
            helper.make_node('Shape', [source], [shape], start=0, end=2),
            helper.make_node('Concat', [shape, 'camera_size'], [sizes], axis=0),
            helper.make_node(
                'Resize',
                [source, '', '', sizes],
                [target],
                mode='linear',
                coordinate_transformation_mode='half_pixel',
            ),
        ]
    nodes.append(helper.make_node('ArgMax', ['camera_logits'], ['labels'], axis=1, keepdims=0))
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.extend(
        [
            helper.make_tensor_value_info('labels', TensorProto.INT64, None),
            helper.make_tensor_value_info('metres', TensorProto.FLOAT, None),
        ]
    )
    return model


def _milliseconds(run: Callable[[], object]) -> tuple[float, float]:
    """Give the time on the clock and the time of the processor."""
    start, cpu_start = perf_counter(), process_time()
    run()
    return 1000.0 * (perf_counter() - start), 1000.0 * (process_time() - cpu_start)


def _agreement(
    ours: Prediction,
    theirs: tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]],
    facts: bundle.Manifest,
) -> str:
    ids = np.array([item.id for item in facts.classes], np.uint8)
    if ours.labels is None or ours.depth is None:
        raise ValueError('expected a network for labels and depth, found one with fewer tasks')
    same = float(np.mean(ids[theirs[0]] == ours.labels))
    difference = np.nanmax(np.abs(theirs[1] / ours.depth - 1.0), initial=0.0)
    return (
        f'labels equal {100.0 * same:.3f} %, depth differs by {100.0 * difference:.4f} % at most'
    )


def _processor() -> str:
    path = Path('/proc/cpuinfo')
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def measure(arguments: argparse.Namespace) -> str:
    """
    Run both in turns.

    :returns: The report.
    :raises BundleError: There is no such bundle.
    """
    network = bundle.read(bundle.find(arguments.model))
    pipeline = Pipeline.load(network.path, threads=arguments.threads)
    image = bundle.golden_image(1, arguments.height, arguments.width)
    sizes = [(size.height, size.width) for size in network.manifest.input_sizes]
    geometry = fit((arguments.height, arguments.width), sizes)
    if (geometry.resized_h, geometry.resized_w) != (geometry.input_h, geometry.input_w):
        raise ValueError(
            f'expected an image of the aspect ratio of an input size, got {arguments.height}x'
            f'{arguments.width}: the plain way knows no padding'
        )
    rival = PlainRival(network, geometry, arguments.threads)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    parts: list[tuple[float, float, float]] = []
    for index in range(_WARM_UP + arguments.repeats):
        predictions: list[Prediction] = []
        mine = _milliseconds(lambda: predictions.append(pipeline.predict(image)))  # noqa: B023
        plain = _milliseconds(lambda: rival.predict(image))
        if index >= _WARM_UP:
            ours.append(mine)
            theirs.append(plain)
            times = predictions[0].timings
            parts.append((times.preprocess_s, times.network_s, times.postprocess_s))
    kept = pipeline.predict(image, options=_SKY_KEPT)
    medians = [1000.0 * median(part) for part in zip(*parts, strict=True)]
    clock, cpu = (median(part) for part in zip(*ours, strict=True))
    plain_clock, plain_cpu = (median(part) for part in zip(*theirs, strict=True))
    lines = [
        f'{_processor()}, {arguments.threads} thread(s), onnxruntime {onnxruntime.__version__}',
        f'{network.manifest.name}: {arguments.width}x{arguments.height} through '
        f'{geometry.input_w}x{geometry.input_h}, medians of {arguments.repeats} in turns',
        f'plain    {plain_clock:8.1f} ms, {plain_cpu:8.1f} ms of processor time',
        f'pipeline {clock:8.1f} ms, {cpu:8.1f} ms of processor time',
        f'         preprocess {medians[0]:.1f} + network {medians[1]:.1f} + postprocess '
        f'{medians[2]:.1f} ms',
        f'ratio    {plain_clock / clock:8.2f},    {plain_cpu / cpu:8.2f}',
        _agreement(kept, rival.predict(image), network.manifest),
    ]
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', default='world_b0', help='name or folder of a bundle')
    parser.add_argument('--height', type=int, default=800, help='of the camera image')
    parser.add_argument('--width', type=int, default=1280, help='of the camera image')
    parser.add_argument('--repeats', type=int, default=30, help='runs of each')
    parser.add_argument('--threads', type=int, default=1, help='threads of both')
    arguments = parser.parse_args(words)
    cv2.setNumThreads(max(1, arguments.threads))
    try:
        report = measure(arguments)
    except (bundle.BundleError, BackendError, ValueError) as error:
        sys.stderr.write(f'bench/inference.py: error: {error}\n')
        return 1
    sys.stdout.write(f'{report}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
