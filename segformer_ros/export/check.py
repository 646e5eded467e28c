# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The proof that an exported graph computes what the network does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from segformer_ros.export.precision import emulated
from segformer_ros.inference.golden_gate import REDUCED_EQUAL, REDUCED_TOLERANCE, relative_rms

FloatArray = npt.NDArray[np.float32]

# Of the largest absolute difference in float32. ONNX Runtime differs from torch by about 1e-5; a
# miscompiled graph differed by more than 1.
TOLERANCE = {'logits': 2e-3, 'depth': 1e-3, 'depth_scale': 1e-3}
_FATAL_ONLY = 4


class ExportError(RuntimeError):
    """An exported graph does not compute what the network does; nothing was written."""


def run_graph(path: Path, image: npt.NDArray[np.generic], opset: int) -> dict[str, FloatArray]:
    """
    Compute the outputs of a graph with ONNX Runtime.

    :param path: Of the graph, its weights next to it.
    :param image: As the graph takes it.
    :param opset: Of its float32 form.
    """
    model = onnx.load(path, load_external_data=False)
    bfloat16, fp8 = onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT8E4M3FN
    types = {item.data_type for item in model.graph.initializer}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    source: str | bytes = str(path)
    if bfloat16 in types:
        source = emulated(onnx.load(path), opset).SerializeToString()
    if types & {bfloat16, fp8}:
        # The optimizer would remove casts there and back, which is what rounds, and move nodes
        # between those of fp8 that do not take it.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(source, options, providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_outputs()]
    return dict(zip(names, session.run(names, {'image': image}), strict=True))


def check_graph(
    name: str,
    found: Mapping[str, FloatArray],
    expected: Mapping[str, FloatArray],
    precision: str,
) -> dict[str, float]:
    """
    Compare the outputs of a graph with those of the network.

    :param name: Of the graph, for messages.
    :param expected: Those of the network in float64, rounded, for the same image; others than
        found are not looked at.
    :returns: Of each output the largest absolute difference.
    :raises ExportError: An output differs by more than the tolerance of its precision; those of
        lower precisions are the ones of the run time.
    """
    errors = {}
    for output, value in found.items():
        errors[output] = float(np.abs(value - expected[output]).max())
        if precision == 'float32':
            difference, limit = errors[output], TOLERANCE[output]
        else:
            difference, limit = relative_rms(value, expected[output]), REDUCED_TOLERANCE
        if not difference <= limit:
            raise ExportError(
                f'{name}: expected {precision} {output} within {limit:g} of those of torch, found '
                f'a difference of {difference:.3g}: nothing was written; choose float32 or report '
                'the network'
            )
    if precision != 'float32' and 'logits' in found:
        equal = equal_labels(found['logits'], expected['logits'])
        if not equal >= REDUCED_EQUAL:
            raise ExportError(
                f'{name}: expected {REDUCED_EQUAL:.0%} of the labels in {precision} to be '
                f'those of torch, found {equal:.1%}: nothing was written; choose float32'
            )
    return errors


def equal_labels(found: FloatArray, expected: FloatArray) -> float:
    """Return the share of pixels whose largest logit (N, C, H, W) is of the same class."""
    return float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
