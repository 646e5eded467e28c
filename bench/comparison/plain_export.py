# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What exporters give without any rewriting: the plain graph, and the one that ends in labels."""

from __future__ import annotations

import io
from pathlib import Path
import warnings

import onnx
from onnx import helper, TensorProto
import torch
from torch import nn

OPSET = 17


def plain_graph(network: nn.Module, height: int, width: int) -> onnx.ModelProto:
    """Export a network that gives logits and depth with torch.onnx.export, as its manual says."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, height, width),),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=['image'],
            output_names=['logits', 'depth'],
        )
    return onnx.load_from_string(buffer.getvalue())


def with_labels(plain: onnx.ModelProto, height: int, width: int) -> onnx.ModelProto:
    """
    Copy a graph and put Resize to the size of its input and ArgMax behind its logits.

    This is what mmdeploy exports; its run time then resizes the labels to the image, nearest.
    """
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    graph = model.graph
    (logits,) = (item for item in graph.output if item.name == 'logits')
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    sizes = helper.make_tensor('label_size', TensorProto.INT64, [4], [1, classes, height, width])
    graph.initializer.append(sizes)
    bilinear = {'mode': 'linear', 'coordinate_transformation_mode': 'half_pixel'}
    graph.node.extend(
        [
            helper.make_node('Resize', ['logits', '', '', 'label_size'], ['scores'], **bilinear),
            helper.make_node('ArgMax', ['scores'], ['labels'], axis=1, keepdims=0),
        ]
    )
    (depth,) = (item for item in plain.graph.output if item.name == 'depth')
    labels = helper.make_tensor_value_info('labels', TensorProto.INT64, [1, height, width])
    del graph.output[:]
    graph.output.extend([labels, depth])
    return model


def write(model: onnx.ModelProto, path: Path) -> None:
    """Check a graph and write it."""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
