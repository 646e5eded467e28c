# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graphs of a bundle: one or more for each input size, by engine and precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.fields import Fields

ENGINES = ('onnxruntime', 'openvino', 'tensorrt', 'torch')
"""What a graph can be written for."""
TARGETS = ('any', *ENGINES)
"""'any': standard operators alone, which ONNX Runtime and OpenVINO take."""
SCRIPT = 'torch'
"""The target whose files are TorchScript; all others are ONNX."""
FLOATS = ('float32', 'float16', 'bfloat16')
PRECISIONS = (*FLOATS, 'int8', 'fp8')
"""Of graphs; in the last two some operators are quantised and the rest is float32."""
INPUTS = ('float32', 'uint8')
KEYS = ('target', 'precision', 'input', 'outputs', 'file', 'error')


@dataclass(frozen=True)
class Graph:
    """
    One ONNX file, or one TorchScript file where target is 'torch'.

    target is the engine that it was written for; 'any' has standard operators alone.
    precision is that of its weights. input 'float32' is (N, 3, H, W) normalised RGB, 'uint8' is
    (N, H, W, 3) RGB from 0 to 255, normalised inside. error is the largest absolute difference to
    the network in torch, measured on the golden input at export, for each of the outputs.
    """

    target: str
    precision: str
    input: str
    outputs: tuple[str, ...]
    file: str
    error: Mapping[str, float]


@dataclass(frozen=True)
class InputSize:
    """One input size in pixels, its graphs, and their golden check (seed and file of outputs)."""

    height: int
    width: int
    graphs: tuple[Graph, ...]
    golden_seed: int
    golden_outputs: str

    def graph(
        self,
        target: str,
        *,
        precision: str = 'float32',
        inputs: Sequence[str] = ('float32', 'uint8'),
        outputs: Sequence[str] | None = None,
    ) -> Graph:
        """
        Choose the graph for an engine: the one written for it, or else one for any engine.

        :param inputs: Inputs that the engine takes, the preferred one first.
        :param outputs: All of these and no others; None: the graph with the most outputs.
        :raises BundleError: There is none.
        """
        wanted = None if outputs is None else set(outputs)
        found = [
            graph
            for graph in self.graphs
            if graph.target in {target, 'any' if target != SCRIPT else target}
            and graph.precision == precision
            and graph.input in inputs
            and (wanted is None or set(graph.outputs) == wanted)
        ]
        if not found:
            raise BundleError(
                f'input size {self.height}x{self.width}',
                expected=f'a {precision} graph for {target}',
                found=', '.join(f'{item.precision} for {item.target}' for item in self.graphs),
                do=f'export the network for {target}, or choose another backend',
            )
        return min(
            found,
            key=lambda item: (
                -len(item.outputs), item.target != target, inputs.index(item.input),
            ),
        )  # fmt: skip


def parse_graphs(size: Fields, outputs: Sequence[str]) -> tuple[Graph, ...]:
    """
    Check the graphs of an input size.

    :param size: The entry of the manifest.
    :param outputs: Names of the outputs of the network, in order.
    :raises BundleError: Anything is missing, unknown or of another type.
    """
    graphs = []
    for item in size.inners('graphs'):
        item.only(KEYS, complete=True)
        names = item.items('outputs')
        if not names or names != [name for name in outputs if name in names]:
            item.refuse('outputs', f'some of {", ".join(outputs)}, in order', repr(names))
        error = item.inner('error')
        error.only(names, complete=True)
        graphs.append(
            Graph(
                target=item.choice('target', TARGETS),
                precision=item.choice('precision', PRECISIONS),
                input=item.choice('input', INPUTS),
                outputs=tuple(names),
                file=item.text('file'),
                error={name: error.number(name) for name in names},
            )
        )
    kinds = [(item.target, item.precision, item.input, item.outputs) for item in graphs]
    if not any(len(item.outputs) == len(outputs) for item in graphs):
        size.refuse('graphs', f'one that gives {", ".join(outputs)}', 'none')
    if len(set(kinds)) != len(kinds):
        size.refuse('graphs', 'graphs of different kinds', 'one kind that occurs twice')
    return tuple(graphs)
