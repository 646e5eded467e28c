# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of random weights of which every single one matters."""

from segformer_ros.network import build, MultitaskSegformer
import torch
from torch import nn, Tensor


@torch.no_grad()
def randomize(module: nn.Module, seed: int = 2) -> nn.Module:
    """Draw norms, their statistics and biases anew, far from one and zero; gives the module."""
    random = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if 'running_var' in name or ('norm' in name and name.endswith('weight')):
            value.uniform_(0.5, 1.5, generator=random)
        elif 'running_mean' in name or name.endswith('bias'):
            value.uniform_(-0.3, 0.3, generator=random)
        elif name.endswith('weight'):
            value.normal_(0.0, 1.5 / value[0].numel() ** 0.5, generator=random)
    return module.eval()


def random_network(size: str = 'b0', classes: int = 3, **options: object) -> MultitaskSegformer:
    """
    Make a network in float32.

    :param options: Of NetworkConfig; heads are small unless they say otherwise.
    """
    options = {'decoder_dim': 32, 'depth_dim': 16, **options}
    network = build(size, classes, **options)
    randomize(network)
    return network


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the largest absolute difference over the largest absolute value."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())
