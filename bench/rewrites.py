# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what each rewrite of the exported network is worth, on ONNX Runtime and OpenVINO.

The steps are the same network of random weights: as published, and with one rewrite more at a
time. Every step has a process of its own for each engine, one thread, and they take turns.

    python bench/rewrites.py
    python bench/rewrites.py --size 256x512 --repeats 15
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
import copy
from dataclasses import dataclass
from pathlib import Path
from statistics import median
import sys
import tempfile

from backends import Runner, Variant
from comparison import machine
import numpy as np
from segformer_ros.export.onnx_graph import empty_input, export_graph
from segformer_ros.export.published import PublishedNetwork
from segformer_ros.export.rewrites import CPU, ONNX_RUNTIME, rewrite, RewrittenNetwork, Style
from segformer_ros.export.rewrites.depth_head import FoldedFusion, FoldedGlpnHead
from segformer_ros.export.rewrites.encoder import RowEncoder
from segformer_ros.export.rewrites.mlp_heads import ResizedHead
from segformer_ros.export.tidy import tidy
from segformer_ros.network import build, MultitaskSegformer
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_CLASSES = 19
_ENGINES = {
    'onnxruntime': 'ONNX Runtime',
    'openvino': 'OpenVINO',
    'openvino_bfloat16': 'OpenVINO bfloat16',
}
_WHOLE = Style(query_rows=0)


@dataclass(frozen=True)
class Step:
    """A network with one rewrite more than the step before; make gets network, height, width."""

    title: str
    make: Callable[[MultitaskSegformer, int, int], nn.Module]
    engines: tuple[str, ...] = tuple(_ENGINES)


def _folded_heads(network: MultitaskSegformer, height: int, width: int) -> nn.Module:
    return RewrittenNetwork(
        None,
        network.encoder,
        ResizedHead(network.segmentation_head),
        FoldedGlpnHead(network.depth_head, height // 4, width // 4, banded=False),
    )


def _row_encoder(network: MultitaskSegformer, height: int, width: int) -> RewrittenNetwork:
    made = _folded_heads(network, height, width)
    made.encoder = RowEncoder(network.encoder, height, width, _WHOLE)
    return made


def _polyphase(network: MultitaskSegformer, height: int, width: int) -> RewrittenNetwork:
    made = _row_encoder(network, height, width)
    head = FoldedGlpnHead(network.depth_head, height // 4, width // 4, banded=True)
    head.fusions[-1] = FoldedFusion(network.depth_head.fusions[-1])
    made.depth_head = head
    return made


def _split_fusion(network: MultitaskSegformer, height: int, width: int) -> RewrittenNetwork:
    made = _row_encoder(network, height, width)
    made.depth_head = FoldedGlpnHead(network.depth_head, height // 4, width // 4, banded=True)
    return made


STEPS = (
    Step('as published', lambda network, *_: PublishedNetwork(network)),
    Step('+ folded heads', _folded_heads),
    Step('+ folded encoder, Mix-FFN as convolutions, on rows', _row_encoder),
    Step('+ polyphase depth head', _polyphase),
    Step('+ split fusion in the depth decoder', _split_fusion),
    Step('+ banded segmentation head', lambda *case: rewrite(*case, _WHOLE)),
    Step('+ queries 4096 at a time: what is exported', lambda *case: rewrite(*case, CPU)),
    Step(
        '+ com.microsoft MultiHeadAttention',
        lambda *case: rewrite(*case, ONNX_RUNTIME),
        ('onnxruntime',),
    ),
)


def gmacs(step: Step, network: MultitaskSegformer, height: int, width: int) -> float:
    """Count the 10^9 multiplications with addition of a step, for a float64 network."""
    made = copy.deepcopy(step.make(network, height, width)).to('meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        made(torch.empty(1, 3, height, width, dtype=torch.float64, device='meta'))
    return counter.get_total_flops() / 2e9


def measure(
    size: str, height: int, width: int, engines: Sequence[str], repeats: int
) -> list[tuple[str, str, float, float, float]]:
    """
    Let all steps take turns on all engines.

    :param size: Of the encoder.
    :returns: Engine, step, GMAC, milliseconds of the CPU, and peak memory in MB.
    """
    torch.manual_seed(1)
    network = build(size, _CLASSES).double().eval()
    cases = [(engine, step) for step in STEPS for engine in engines if engine in step.engines]
    image = np.random.default_rng(1).standard_normal((1, 3, height, width)).astype(np.float32)
    runners, costs = [], {}
    with tempfile.TemporaryDirectory(prefix='rewrites_') as name:
        for index, step in enumerate(STEPS):
            costs[step.title] = gmacs(step, network, height, width)
            made = step.make(network, height, width)
            plain = index == 0
            traced = export_graph(
                made.float(),
                empty_input(height, width, 'float32', images=2),
                ['logits', 'depth'],
                fold_constants=plain,
            )
            graph = traced if plain else tidy(traced)
            Path(name, f'{index}.onnx').write_bytes(graph.SerializeToString())
            network.double()
        for engine, step in cases:
            graph_path = Path(name, f'{STEPS.index(step)}.onnx')
            options = {'free': False} if engine == 'onnxruntime' else {}
            runners.append(Runner(Variant(engine, step.title, options=options), graph_path, image))
        times = _turns(runners, repeats)
        peaks = [runner.peak_mb for runner in runners]
        for runner in runners:
            runner.close()
    return [
        (engine, step.title, costs[step.title], time, peak)
        for (engine, step), time, peak in zip(cases, times, peaks, strict=True)
    ]


def _turns(runners: Sequence[Runner], repeats: int) -> list[float]:
    """Return the median milliseconds of the CPU of each runner."""
    seconds: list[list[float]] = [[] for _ in runners]
    order = list(range(len(runners)))
    for _ in range(repeats):
        for index in order:
            seconds[index].append(runners[index].turn()[1])
        order = order[1:] + order[:1]
    return [1e3 * median(values) for values in seconds]


def report(results: Sequence[tuple[str, str, float, float, float]]) -> str:
    """Write a table for each engine."""
    lines = []
    for engine in dict.fromkeys(row[0] for row in results):
        rows = [row for row in results if row[0] == engine]
        base = before = rows[0][3]
        title = _ENGINES[engine]
        lines += [
            f'| {title} | GMAC | ms | this step | in all | MB |',
            '|---|---|---|---|---|---|',
        ]
        for _, step, cost, time, peak in rows:
            ratios = f'{before / time:.2f}x | {base / time:.2f}x'
            lines.append(f'| {step} | {cost:.1f} | {time:.0f} | {ratios} | {peak:.0f} |')
            before = time
        lines.append('')
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().splitlines()[0])
    parser.add_argument('--model', default='b0', help='size of the encoder (b0)')
    parser.add_argument(
        '--size', default='512x1024', metavar='HxW', help='of the input (512x1024)'
    )
    parser.add_argument(
        '--engines', nargs='+', choices=_ENGINES, default=['onnxruntime', 'openvino']
    )
    parser.add_argument('--repeats', type=int, default=7)
    arguments = parser.parse_args(words)
    machine.pin()
    torch.set_num_threads(1)
    height, width = (int(part) for part in arguments.size.split('x'))
    results = measure(arguments.model, height, width, arguments.engines, arguments.repeats)
    facts = ', '.join(machine.describe().values())
    sys.stdout.write(f'{arguments.model}, {arguments.size}, one thread, {facts}\n\n')
    sys.stdout.write(report(results))
    return 0


if __name__ == '__main__':
    sys.exit(main())
