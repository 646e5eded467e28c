# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NVIDIA ModelOpt: convolutions of a graph in int8 or fp8, with scales from calibration images."""

from __future__ import annotations

from pathlib import Path
import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

# In int8 the convolutions of world_b0_fast change 1 % of the labels, with attention and linear
# layers it is 3 %; docs/tensorrt.md.
_OPERATORS = ['Conv']


def require() -> None:
    """
    Import ModelOpt, which takes a while.

    :raises ImportError: It is not installed.
    """
    _import()


def _import() -> Any:
    # Here, because few have it installed.
    from modelopt.onnx.quantization import quantize

    return quantize


def quantized(
    graph: Path, weights: list[Path], name: str, images: npt.NDArray[Any], precision: str
) -> onnx.ModelProto:
    """
    Let ModelOpt write QuantizeLinear and DequantizeLinear into a float32 graph.

    What is not quantised stays float32: with float16 around it ONNX Runtime computes logits that
    are off by four times as much (docs/tensorrt.md).

    :param graph: Its file, which is not changed; ModelOpt writes to its input.
    :param name: Of the input of the graph.
    :param images: (N, ...) calibration images as the graph takes them.
    :param precision: 'int8' or 'fp8'.
    :returns: The graph with its weights inside.
    """
    quantize = _import()
    with tempfile.TemporaryDirectory() as folder:
        for file in (graph, *weights):
            shutil.copyfile(file, Path(folder) / file.name)
        out = Path(folder) / 'quantized.onnx'
        quantize(
            str(Path(folder) / graph.name),
            quantize_mode=precision,
            calibration_data={name: np.ascontiguousarray(images)},
            calibration_method='max',
            calibration_eps=['cpu'],
            op_types_to_quantize=_OPERATORS,
            high_precision_dtype='fp32',
            output_path=str(out),
            log_level='ERROR',
        )
        model: onnx.ModelProto = onnx.load(out)
    return model
