# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time a network of ours beside YOLO26n-sem and YOLO26n-depth, one thread, in turns.

ultralytics is under the AGPL-3.0 and no part of this package: install it, with onnx, into an
environment of its own and name its Python. There it writes both graphs with random weights into a
temporary folder, with the class of each pixel computed inside of the first; they are timed, and
nothing is said of what they compute. Ours has both tasks, and its labels alone.

    segformer export weights/world_b0_slim.safetensors slim --size 512x1024
    python bench/yolo.py slim --ultralytics ultralytics/bin/python
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
import sys
import tempfile

from backends import Runner, Variant
from comparison import machine
from comparison.yolo_graphs import export_others, OTHERS, SEM
import numpy as np
from segformer_ros import bundle
from segformer_ros.inference.golden_gate import golden_input

_ENGINES = ('onnxruntime', 'openvino', 'openvino_bfloat16')
_HEAD = '| engine | labels and depth | both YOLO26n | ratio | labels | YOLO26n-sem | ratio |'
Times = dict[str, float]


def measure(
    network: bundle.Bundle, size: bundle.InputSize, folder: Path, repeats: int
) -> Iterator[tuple[str, Times]]:
    """
    Let the four graphs take turns on one engine after another.

    :returns: The engine, and milliseconds of CPU time: 'both', 'labels' and by name of the others.
    """
    other = np.zeros((1, 3, size.height, size.width), np.float32)
    for engine in _ENGINES:
        target = engine if engine == 'onnxruntime' else 'openvino'
        ours = {
            'both': size.graph(target),
            'labels': size.graph(target, outputs=['logits']),
        }
        runners = {
            name: Runner(
                Variant(engine), network.file(graph.file), golden_input(network, size, graph.input)
            )
            for name, graph in ours.items()
        }
        for name in OTHERS:
            runners[name] = Runner(Variant(engine), folder / f'{name}.onnx', other)
        turns = [
            {name: runner.turn()[1] for name, runner in runners.items()} for _ in range(repeats)
        ]
        for runner in runners.values():
            runner.close()
        yield engine, {name: 1e3 * median(turn[name] for turn in turns) for name in runners}


def report(rows: Sequence[tuple[str, Times]]) -> str:
    """Write a table; ratios are our time over theirs."""
    lines = [_HEAD, '|' + '---|' * (_HEAD.count('|') - 1)]
    for engine, times in rows:
        pair = sum(times[name] for name in OTHERS)
        sem = times[SEM]
        lines.append(
            f'| {engine} | {times["both"]:.1f} | {pair:.1f} | {times["both"] / pair:.2f} | '
            f'{times["labels"]:.1f} | {sem:.1f} | {times["labels"] / sem:.2f} |'
        )
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().splitlines()[0])
    parser.add_argument('model', help='name or folder of a bundle; its first size is taken')
    parser.add_argument(
        '--ultralytics', required=True, metavar='PYTHON', help='Python that imports ultralytics'
    )
    parser.add_argument('--repeats', type=int, default=15, help='turns of each graph')
    arguments = parser.parse_args(words)
    machine.pin()
    try:
        network = bundle.read(bundle.find(arguments.model))
        size = network.manifest.input_sizes[0]
        with tempfile.TemporaryDirectory() as folder:
            export_others(arguments.ultralytics, Path(folder), size.height, size.width)
            rows = list(measure(network, size, Path(folder), arguments.repeats))
    except (bundle.BundleError, RuntimeError) as error:
        sys.stderr.write(f'bench/yolo.py: error: {error}\n')
        return 1
    facts = ', '.join(machine.describe().values())
    sys.stdout.write(
        f'{network.manifest.name}, {size.height}x{size.width}, ms of CPU time, {facts}\n\n'
    )
    sys.stdout.write(report(rows) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
