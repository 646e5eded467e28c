# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Batch norm over the batches of all processes, where torch's own one runs: and on CPUs."""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed, nn, Tensor


class _Sum(torch.autograd.Function):
    """Add up over all processes; so do the gradients, which all of them have a part in."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.contiguous().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def _mean(values: Tensor) -> Tensor:
    add: Any = _Sum.apply
    mean: Tensor = add(values) / distributed.get_world_size()
    return mean


class SyncedBatchNorm(nn.BatchNorm2d):
    """
    Normalise by the mean and variance over all processes; equal batches in each.

    torch.nn.SyncBatchNorm refuses tensors on a CPU. Weights have the names of nn.BatchNorm2d.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not (self.training and distributed.is_initialized()):
            result: Tensor = super().forward(x)
            return result
        values = x.float()
        mean = _mean(values.mean((0, 2, 3)))
        centred = values - mean[:, None, None]
        variance = _mean(centred.square().mean((0, 2, 3)))
        self._remember(mean, variance, distributed.get_world_size() * x.numel() // x.shape[1])
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, values: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * values / max(values - 1, 1), self.momentum)


def synced(network: nn.Module) -> nn.Module:
    """Replace every BatchNorm2d of a module on a CPU by a synced one with the same weights."""
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm2d:
            norm = SyncedBatchNorm(child.num_features, child.eps, child.momentum)
            norm.load_state_dict(child.state_dict())
            norm.train(child.training)
            setattr(network, name, norm)
        else:
            synced(child)
    return network
