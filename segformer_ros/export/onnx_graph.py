# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a module in torch to an ONNX graph of one input size."""

from __future__ import annotations

from collections.abc import Sequence
import io
import warnings

import onnx
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.glpn_head import SCALE
import torch
from torch import nn, Tensor

OPSET = 17
"""The first with LayerNormalization as one operator; all engines of today read it."""
OPSETS = (17, 18, 19, 20)
"""Those that torch 2.13 writes and that keep LayerNormalization whole."""


class OutputTuple(nn.Module):
    """A network with its outputs as a tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in their order."""
        return tuple(self.network(image).values())


def output_names(network: MultitaskSegformer) -> list[str]:
    """Name the outputs in the order of the graph."""
    heads = {'logits': network.segmentation_head, 'depth': network.depth_head}
    scale = [SCALE] * network.config.depth_scale
    return [name for name, head in heads.items() if head is not None] + scale


def empty_input(height: int, width: int, input_format: str, *, images: int = 1) -> Tensor:
    """Return a black image as a graph takes it; input_format is one of bundle.INPUTS."""
    if input_format == 'uint8':
        return torch.zeros(images, height, width, 3, dtype=torch.uint8)
    return torch.zeros(images, 3, height, width)


def export_graph(
    network: nn.Module,
    image: Tensor,
    names: Sequence[str],
    *,
    opset: int = OPSET,
    fold_constants: bool = False,
) -> onnx.ModelProto:
    """
    Trace a network; the number of images stays free.

    :param network: float32; gives a dict of outputs.
    :param image: As the network takes it; two images, so that no dimension of one is taken for a
        constant.
    :param names: Of the outputs, in order.
    :param fold_constants: Let the exporter compute what depends on weights alone. It makes
        changed copies of weights, which other graphs could not share.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            OutputTuple(network).eval(),
            (image,),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=opset,
            input_names=['image'],
            output_names=list(names),
            dynamic_axes={name: {0: 'N'} for name in ['image', *names]},
            do_constant_folding=fold_constants,
        )
    return onnx.load_from_string(buffer.getvalue())
