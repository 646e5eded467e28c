# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what threads, batches and the settings of the engines do to the network alone.

Every variant has a process of its own, loads the same graph and waits; then they take turns.

    python bench/backends.py --model world_b0_fast
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
import os
from pathlib import Path
from statistics import median
import sys
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle
from segformer_ros.inference.denormals import denormals_as_zero
from segformer_ros.inference.golden_gate import golden_input

_PAUSE_S = 0.1
_DEFAULTS = 'defaults of the engine'
_AS_ZERO = 'session.set_denormal_as_zero'
_SESSION = {'session.intra_op.allow_spinning': '0', _AS_ZERO: '1'}


@dataclass(frozen=True)
class Variant:
    """One way to run the graph; options are those of the engine that differ from ours."""

    engine: str
    title: str = 'as the backend has it'
    threads: int = 1
    images: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return it for people."""
        return f'{self.engine}: {self.title}'


def scaling(threads: Sequence[int], batches: Sequence[int]) -> list[Variant]:
    """Return the variants of threads and batches."""
    single = [
        Variant(engine, threads=n) for n in threads for engine in ('openvino', 'openvino_bfloat16')
    ]
    many = [Variant('onnxruntime', threads=n, images=m) for n in threads for m in batches]
    return many + single


def settings() -> list[Variant]:
    """Return the variants that change one setting of the backends each."""
    spin = {'session.intra_op.allow_spinning': '1'}
    as_they_are = {'session.disable_prepacking': '1'}
    tied = {'ENABLE_CPU_PINNING': True}
    return [
        Variant('onnxruntime'),
        Variant('onnxruntime', 'for one image', options={'free': False}),
        Variant('onnxruntime', 'memory planned ahead', options={'pattern': True}),
        Variant('onnxruntime', 'without arena', options={'arena': False}),
        Variant('onnxruntime', 'weights as they are', options=as_they_are),
        Variant('onnxruntime', 'denormals as they are', options={_AS_ZERO: '0'}),
        Variant('onnxruntime', 'fewer optimisations', options={'level': 1}),
        Variant('onnxruntime', _DEFAULTS, options={'pattern': True, **spin, _AS_ZERO: '0'}),
        Variant('onnxruntime', '2 threads', threads=2),
        Variant('onnxruntime', '2 threads that spin', threads=2, options=spin),
        Variant('openvino'),
        Variant('openvino', 'any number of images', options={'free': True}),
        Variant('openvino', 'denormals are zero', options={'CPU_DENORMALS_OPTIMIZATION': True}),
        Variant('openvino', '2 threads', threads=2),
        Variant('openvino', '2 threads tied to cores', threads=2, options=tied),
    ]  # fmt: skip


class Runner:
    """The parent's end of a variant."""

    def __init__(self, variant: Variant, graph: Path, image: npt.NDArray[Any]) -> None:
        """Start its process, and wait until it is loaded and warm."""
        context = get_context('spawn')
        self._connection, other = context.Pipe()
        arguments = (other, variant, graph, image)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self.peak_mb: float = self._connection.recv()

    def turn(self, paced: bool = False) -> tuple[float, float]:
        """Return the seconds of a run on the clock and of the CPU, for each image."""
        self._connection.send(paced)
        seconds: tuple[float, float] = self._connection.recv()
        return seconds

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()


def _serve(connection: Connection, variant: Variant, graph: Path, image: npt.NDArray[Any]) -> None:
    make = _onnxruntime if variant.engine == 'onnxruntime' else _openvino
    before = _peak_mb()
    images = np.repeat(image, variant.images, axis=0)
    run = make(variant, graph, images)
    for _ in range(3):
        run()
    connection.send(_peak_mb() - before)
    while True:
        try:
            paced = connection.recv()
        except EOFError:
            return
        start, processor = perf_counter(), process_time()
        run()
        clock = perf_counter() - start
        if paced:
            # What threads do while there is no image counts too.
            sleep(_PAUSE_S)
        connection.send((clock / variant.images, (process_time() - processor) / variant.images))


def _onnxruntime(variant: Variant, graph: Path, images: npt.NDArray[Any]) -> Callable[[], object]:
    import onnxruntime

    chosen = dict(variant.options)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = variant.threads, 1
    options.enable_mem_pattern = chosen.pop('pattern', False)
    options.enable_cpu_mem_arena = chosen.pop('arena', True)
    level = chosen.pop('level', 99)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(level)
    if not chosen.pop('free', True):
        options.add_free_dimension_override_by_name('N', 1)
    for key, value in {**_SESSION, **chosen}.items():
        options.add_session_config_entry(key, value)
    as_zero = nullcontext if chosen.get(_AS_ZERO) == '0' else denormals_as_zero
    with as_zero():
        session = onnxruntime.InferenceSession(graph, options, providers=['CPUExecutionProvider'])
    (entry,) = session.get_inputs()

    def run() -> object:
        with as_zero():
            return session.run(None, {entry.name: images})

    return run


def _openvino(variant: Variant, graph: Path, images: npt.NDArray[Any]) -> Callable[[], object]:
    from segformer_ros.inference.openvino_backend import openvino

    chosen = dict(variant.options)
    model = openvino.Core().read_model(graph)
    if not chosen.pop('free', False):
        model.reshape(images.shape)
    properties = {
        'INFERENCE_PRECISION_HINT': 'bf16' if variant.engine == 'openvino_bfloat16' else 'f32',
        'INFERENCE_NUM_THREADS': variant.threads,
        'PERFORMANCE_HINT': 'LATENCY',
        'NUM_STREAMS': 1,
        'ENABLE_CPU_PINNING': False,
        **chosen,
    }
    request = openvino.Core().compile_model(model, 'CPU', properties).create_infer_request()
    request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
    return lambda: request.infer()


def _peak_mb() -> float:
    # Not getrusage: its peak begins with that of the process that started this one.
    status = Path('/proc/self/status').read_text(encoding='ascii')
    (line,) = (line for line in status.splitlines() if line.startswith('VmHWM'))
    return int(line.split()[1]) / 1024.0


def start(variant: Variant, network: bundle.Bundle, size: bundle.InputSize) -> Runner:
    """Start a variant on the graph that the bundle has for its engine, with the golden image."""
    graph = size.graph('onnxruntime' if variant.engine == 'onnxruntime' else 'openvino')
    return Runner(variant, network.file(graph.file), golden_input(network, size, graph.input))


def measure(
    variants: Sequence[Variant], network: bundle.Bundle, size: bundle.InputSize, repeats: int
) -> list[tuple[float, float, float, float]]:
    """
    Let all take turns.

    :returns: For each variant, and for one image: milliseconds on the clock, of the CPU, of
        the CPU where images come with pauses; then the peak memory in MB.
    """
    runners = [start(variant, network, size) for variant in variants]
    quick: list[list[tuple[float, float]]] = [[] for _ in variants]
    paced: list[list[float]] = [[] for _ in variants]
    order = list(range(len(variants)))
    for _ in range(repeats):
        for index in order:
            quick[index].append(runners[index].turn())
            paced[index].append(runners[index].turn(paced=True)[1])
        order = order[1:] + order[:1]
    results = []
    for index, runner in enumerate(runners):
        clock, processor = (1e3 * median(part) for part in zip(*quick[index], strict=True))
        results.append((clock, processor, 1e3 * median(paced[index]), runner.peak_mb))
        runner.close()
    return results


def report(
    variants: Sequence[Variant], results: Sequence[tuple[float, float, float, float]]
) -> str:
    """Write a table, with ratios to the first variant of the same engine."""
    first: dict[str, tuple[float, ...]] = {}
    lines = [
        '| engine | variant | threads | images | ms | CPU time, ms | ratio of these | '
        'with pauses, ms | MB |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for item, result in zip(variants, results, strict=True):
        base = first.setdefault(item.engine, result)
        clock, processor, paced, memory = result
        lines.append(
            f'| {item.engine} | {item.title} | {item.threads} | {item.images} | {clock:.1f} | '
            f'{processor:.1f} | {processor / base[1]:.2f} | {paced:.1f} | {memory:.0f} |'
        )
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', default='world_b0_fast', help='name or folder of a bundle')
    parser.add_argument('--repeats', type=int, default=15, help='turns of each variant')
    parser.add_argument('--threads', type=int, nargs='+', default=[1, os.cpu_count() or 1])
    parser.add_argument('--batches', type=int, nargs='+', default=[1, 2, 4])
    arguments = parser.parse_args(words)
    try:
        network = bundle.read(bundle.find(arguments.model))
    except bundle.BundleError as error:
        sys.stderr.write(f'bench/backends.py: error: {error}\n')
        return 1
    size = max(network.manifest.input_sizes, key=lambda item: item.height * item.width)
    sys.stdout.write(
        f'{network.manifest.name}, {size.height}x{size.width}, medians for an image\n'
    )
    for variants in (scaling(arguments.threads, arguments.batches), settings()):
        results = measure(variants, network, size, arguments.repeats)
        sys.stdout.write(f'\n{report(variants, results)}\n')
        sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
