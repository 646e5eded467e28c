# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which graphs an export writes for each input size."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.bundle import ENGINES, FLOATS, SCRIPT
from segformer_ros.export.onnx_graph import OPSET, OPSETS
from segformer_ros.export.rewrites import CPU, GPU, ONNX_RUNTIME, Style


@dataclass(frozen=True)
class ExportOptions:
    """
    What a user can choose.

    :param targets: Some of bundle.ENGINES. ONNX Runtime and OpenVINO take the same graph, of
        target 'any'; torch takes TorchScript.
    :param precisions: Of the graphs for tensorrt; empty: float16. All others are float32, which
        CPU engines lower by themselves.
    :param plain: The network in the order of the papers instead of the rewritten one.
    :param fused_attention: One more graph for onnxruntime, with its own attention operator.
    :param single_task: Also graphs for labels alone and for depth alone.
    """

    targets: tuple[str, ...] = ('onnxruntime', 'openvino')
    precisions: tuple[str, ...] = ()
    plain: bool = False
    fused_attention: bool = False
    single_task: bool = True
    opset: int = OPSET


@dataclass(frozen=True)
class Variant:
    """
    One network for one engine.

    target, precision and input are those of bundle.Graph; style says which rewrites it gets,
    None: it is the published network.
    """

    target: str
    precision: str
    input: str
    style: Style | None

    def stem(self, height: int, width: int) -> str:
        """Return the name of its file for an input size, without what tells outputs apart."""
        words = [f'network_{height}x{width}']
        words += [self.target] * (self.target not in {'any', SCRIPT})
        words += [self.precision] * (self.precision != 'float32')
        return '_'.join(words)


def variants(options: ExportOptions) -> list[Variant]:
    """
    List what is written for each input size, the first being what most users run.

    :raises ValueError: The options contradict each other or hold an unknown word.
    """
    _check(options)
    chosen = []
    if 'onnxruntime' in options.targets or 'openvino' in options.targets:
        chosen.append(Variant('any', 'float32', 'float32', None if options.plain else CPU))
    if options.fused_attention:
        chosen.append(Variant('onnxruntime', 'float32', 'float32', ONNX_RUNTIME))
    if 'tensorrt' in options.targets:
        # Bytes need a rewritten first convolution.
        kind = ('float32', None) if options.plain else ('uint8', GPU)
        for precision in options.precisions or ('float16',):
            chosen.append(Variant('tensorrt', precision, *kind))
    if SCRIPT in options.targets:
        # Cast to lower precisions when it is loaded.
        style = None if options.plain else GPU
        chosen.append(Variant(SCRIPT, 'float32', 'float32', style))
    return chosen


def _check(options: ExportOptions) -> None:
    for word, known in (
        *((target, ENGINES) for target in options.targets),
        *((precision, FLOATS) for precision in options.precisions),
        (options.opset, OPSETS),
    ):
        if word not in known:
            names = ', '.join(str(item) for item in known)
            raise ValueError(f'expected one of {names}, got {word!r}')
    if not options.targets:
        raise ValueError(f'expected a target or more of {", ".join(ENGINES)}, got none')
    if options.precisions and 'tensorrt' not in options.targets:
        raise ValueError(
            f'precision {options.precisions[0]} is for the target tensorrt: the graph of the '
            'others is float32, and OpenVINO lowers it by itself where the CPU can'
        )
    if options.fused_attention and (options.plain or 'onnxruntime' not in options.targets):
        raise ValueError(
            'fused attention is a rewrite for the target onnxruntime: leave out --plain and '
            'choose that target, or leave out --fused-attention'
        )
