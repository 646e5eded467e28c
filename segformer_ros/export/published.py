# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in the order of the papers, as a reference and for other tools."""

from __future__ import annotations

from collections.abc import Sequence
import copy

from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.glpn_head import depth_outputs
from torch import nn, Tensor


class PublishedNetwork(nn.Module):
    """
    A copy of a network that computes each step as it was published.

    Tokens, biases and norms as they are, every stage upsampled before the heads fuse them with
    one convolution, the depth head at the resolution of its output.
    """

    def __init__(self, network: MultitaskSegformer) -> None:
        super().__init__()
        network = copy.deepcopy(network).eval()
        self.encoder = network.encoder
        self.segmentation_head = network.segmentation_head
        self.depth_head = network.depth_head

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Compute what MultitaskSegformer does.

        :param image: (N, 3, H, W), H and W multiples of 32.
        """
        features = self.encoder(image)
        outputs: dict[str, Tensor] = {}
        if self.segmentation_head is not None:
            outputs['logits'] = _as_published(self.segmentation_head, features)
        if self.depth_head is not None:
            outputs.update(depth_outputs(_as_published(self.depth_head, features)))
        return outputs


def _as_published(head: nn.Module, features: Sequence[Tensor]) -> Tensor:
    result: Tensor = getattr(head, 'forward_as_published', head)(features)
    return result
