# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The moving average of the weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """
    Move the average towards the network, faster in the first steps.

    :param decay: Share of the average that stays, once step is large.
    :param step: Steps done.
    """
    rate = 1.0 - min(decay, (step + 1.0) / (step + 10.0))
    own, other = ema.state_dict(), network.state_dict()
    floats = [name for name, value in own.items() if value.is_floating_point()]
    torch._foreach_lerp_([own[n] for n in floats], [other[n] for n in floats], rate)
    for name in own.keys() - set(floats):
        own[name].copy_(other[name])
