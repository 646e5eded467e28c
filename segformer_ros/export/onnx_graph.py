# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs of a network: one per input size, all with the weights of one file."""

from __future__ import annotations

from collections.abc import Sequence
import copy
import hashlib
import io
import warnings

import onnx
from onnx import numpy_helper, TensorProto
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.segformer_head import fuse_maps, SegformerHead
import torch
from torch import nn, Tensor
from torch.nn import functional

OPSET = 17
WEIGHTS_FILE = 'weights.bin'
# Smaller constants, such as shapes, stay inside the graph; ONNX Runtime needs some there.
_SHARED_BYTES = 256
_ALIGNMENT = 64


class FoldedSegformerHead(nn.Module):
    """The segmentation head with projections, fusion and batch norm as one matrix per stage."""

    def __init__(self, head: SegformerHead) -> None:
        super().__init__()
        norm = head.batch_norm
        mean, variance = norm.get_buffer('running_mean'), norm.get_buffer('running_var')
        scale = norm.weight / torch.sqrt(variance + norm.eps)
        shift = norm.bias - mean * scale
        self.convs = nn.ModuleList()
        for index, (weight, bias) in enumerate(head.stage_weights()):
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
            conv.weight = nn.Parameter(weight * scale[:, None, None, None])
            conv.bias = nn.Parameter(bias * scale + (shift if index == 0 else 0.0))
            self.convs.append(conv)
        self.classifier = head.classifier

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute the logits (N, num_classes, h_0, w_0) of the features of the four stages."""
        maps = [conv(feature) for conv, feature in zip(self.convs, features, strict=True)]
        logits: Tensor = self.classifier(functional.relu(fuse_maps(maps)))
        return logits


class _Outputs(nn.Module):
    """The network with its outputs in the order of their names."""

    def __init__(self, network: MultitaskSegformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Give the outputs as a tuple."""
        return tuple(self.network(image).values())


def output_names(network: MultitaskSegformer) -> list[str]:
    """Name the outputs in the order of the graph."""
    heads = {'logits': network.segmentation_head, 'depth': network.depth_head}
    return [name for name, head in heads.items() if head is not None]


@torch.no_grad()
def fold(network: MultitaskSegformer) -> MultitaskSegformer:
    """
    Copy a network for the run time, computing the same with fewer operations.

    :returns: float32, in evaluation mode; folded in float64, so that nothing is lost.
    """
    folded = copy.deepcopy(network).double().eval()
    if isinstance(folded.segmentation_head, SegformerHead):
        head = FoldedSegformerHead(folded.segmentation_head)
        folded.segmentation_head = head  # type: ignore[assignment]
    return folded.float()


def export_graph(folded: MultitaskSegformer, height: int, width: int) -> onnx.ModelProto:
    """
    Trace one input size; the number of images stays free.

    :param folded: What fold returns.
    :param height: Of the input, a multiple of 32; width likewise.
    :raises ValueError: The size is no multiple of 32.
    """
    if height % 32 or width % 32:
        raise ValueError(f'input sizes must be multiples of 32, not {height}x{width}')
    names = output_names(folded)
    buffer = io.BytesIO()
    # Two images, so that no dimension of one is taken for a constant. Constants are not folded:
    # copies of the weights, transposed for one graph, could not be shared.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            _Outputs(folded).eval(),
            (torch.zeros(2, 3, height, width),),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=['image'],
            output_names=names,
            dynamic_axes={name: {0: 'N'} for name in ['image', *names]},
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model


def share_weights(models: Sequence[onnx.ModelProto]) -> bytes:
    """
    Move the weights of all graphs into one block of bytes, equal ones once.

    :param models: Changed to refer to WEIGHTS_FILE beside them.
    :returns: The content of that file.
    """
    block = bytearray()
    places: dict[bytes, int] = {}
    for model in models:
        for tensor in model.graph.initializer:
            data = numpy_helper.to_array(tensor).tobytes()
            if len(data) < _SHARED_BYTES:
                continue
            digest = hashlib.sha256(data).digest()
            if digest not in places:
                block.extend(bytes(-len(block) % _ALIGNMENT))
                places[digest] = len(block)
                block.extend(data)
            _make_external(tensor, places[digest], len(data))
    return bytes(block)


def _make_external(tensor: TensorProto, offset: int, length: int) -> None:
    for name in ('raw_data', 'float_data', 'int64_data', 'int32_data', 'double_data'):
        tensor.ClearField(name)
    del tensor.external_data[:]
    tensor.data_location = TensorProto.EXTERNAL
    facts = {'location': WEIGHTS_FILE, 'offset': str(offset), 'length': str(length)}
    for key, value in facts.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
