# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW as transformers are trained with it, and the moving average of the weights."""

from __future__ import annotations

import torch
from torch import nn


def make_optimizer(network: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """Make AdamW that decays matrices and kernels, but neither norms nor biases."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {'params': kernels, 'weight_decay': weight_decay},
        {'params': others, 'weight_decay': 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, fused=True)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the network, faster in the first steps."""
    rate = 1.0 - min(decay, (step + 1.0) / (step + 10.0))
    own, other = ema.state_dict(), network.state_dict()
    floats = [name for name, value in own.items() if value.is_floating_point()]
    torch._foreach_lerp_([own[n] for n in floats], [other[n] for n in floats], rate)
    for name in own.keys() - set(floats):
        own[name].copy_(other[name])
