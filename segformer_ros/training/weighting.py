# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the losses of several tasks become one: by fixed or by learned weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Literal

import torch
from torch import nn, Tensor

TASKS = ('segmentation', 'depth')
# The loss of 'segmentation' is a negative log likelihood, that of 'depth' half of one.
_LIKELIHOOD_SHARE = {'segmentation': 1.0, 'depth': 0.5}
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class WeightingConfig:
    """
    How the losses of the two tasks are weighed against one another.

    :param kind: 'fixed': as segmentation and depth say. 'uncertainty': learned with the network
        (Uncertainty). 'gradnorm': kept so that all tasks learn at one pace (GradNorm).
    :param segmentation: What its loss is multiplied with, with every kind; depth likewise.
    :param gradnorm_alpha: Of 'gradnorm': how strongly a task that lags is favoured.
    :param gradnorm_rate: Of 'gradnorm': the learning rate of the weights.
    """

    kind: Literal['fixed', 'uncertainty', 'gradnorm'] = 'fixed'
    segmentation: float = 1.0
    depth: float = 1.0
    gradnorm_alpha: float = 1.5
    gradnorm_rate: float = 0.025

    def __post_init__(self) -> None:
        """
        Refuse weights that cannot weigh.

        :raises ValueError: A value is out of its range.
        """
        for name in ('segmentation', 'depth', 'gradnorm_alpha', 'gradnorm_rate'):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be 0 or above, got {getattr(self, name)}')


class Uncertainty(nn.Module):
    """
    Weigh tasks by their learned noise (Kendall et al. 2018, arXiv:1705.07115, section 3.2).

    With s = log sigma^2 of each task, exp(-s) L + s / 2 for labels and exp(-s) L / 2 + s / 2 for
    depth (equation 10). The s are parameters: give them to the optimizer.
    """

    def __init__(self, tasks: Sequence[str] = TASKS) -> None:
        super().__init__()
        self.log_variances = nn.ParameterDict({task: torch.zeros(()) for task in tasks})

    def forward(self, losses: Mapping[str, Tensor], taught: Mapping[str, Tensor]) -> Tensor:
        """
        Sum up.

        :param losses: () each, by task.
        :param taught: () bool each: whether the batch holds truth of the task. Without any, its
            noise is left alone; it would shrink without end otherwise.
        """
        parts = []
        for task, loss in losses.items():
            log_variance = self.log_variances[task]
            parts.append(_LIKELIHOOD_SHARE[task] * torch.exp(-log_variance) * loss)
            parts.append(0.5 * log_variance * taught[task])
        return torch.stack(parts).sum()

    def weights(self) -> dict[str, float]:
        """Return what each task counts at present."""
        return {
            task: _LIKELIHOOD_SHARE[task] * math.exp(-float(value.detach()))
            for task, value in self.log_variances.items()
        }


class GradNorm(nn.Module):
    """
    Keep the gradients of all tasks at one size (Chen et al. 2018, arXiv:1711.02257, section 3).

    The weights w follow the gradient of sum |w_i g_i - mean(w g) r_i^alpha|, where g_i is the
    norm of the gradient of the loss of task i in the shared parameters and r_i how much of its
    first loss is left, over the mean of all tasks (equations 1 and 2). They sum to the number of
    tasks. Weights and first losses are buffers, so that they lie in the state of a run.
    """

    def __init__(self, alpha: float, rate: float, tasks: Sequence[str] = TASKS) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.alpha, self.rate = alpha, rate
        self.factors: Tensor
        self.first_losses: Tensor
        self.register_buffer('factors', torch.ones(len(self.tasks)))
        # Not finite: not seen yet.
        self.register_buffer('first_losses', torch.full((len(self.tasks),), math.nan))
        self._latest: dict[str, Tensor] = {}

    def forward(self, losses: Mapping[str, Tensor], taught: Mapping[str, Tensor]) -> Tensor:
        """Sum up; arguments as for Uncertainty.forward."""
        self._latest = dict(losses)
        # update() writes into the buffer before the sum is differentiated.
        factors = self.factors.clone()
        parts = [factors[self.tasks.index(task)] * loss for task, loss in losses.items()]
        return torch.stack(parts).sum()

    def weights(self) -> dict[str, float]:
        """Return what each task counts at present."""
        return dict(zip(self.tasks, self.factors.tolist(), strict=True))

    def update(
        self, shared: Sequence[Tensor], *, mean: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        """
        Move the weights one step, between forward and backward of the sum.

        The step is left out when a task has no loss or no gradient: nothing can be balanced.

        :param shared: Parameters that all tasks use, such as those of the last encoder stage.
        :param mean: Averages a tensor over the processes of a distributed training, so that all
            of them keep the same weights.
        """
        latest, self._latest = self._latest, {}
        if set(latest) != set(self.tasks):
            return
        losses = torch.stack([latest[task].detach() for task in self.tasks])
        norms = torch.stack([_gradient_norm(latest[task], shared) for task in self.tasks])
        losses, norms = mean(losses), mean(norms)
        good = torch.isfinite(losses) & torch.isfinite(norms) & (losses > 0.0) & (norms > 0.0)
        if bool(good.all()):
            self._move(losses.to(self.factors), norms.to(self.factors))

    def _move(self, losses: Tensor, norms: Tensor) -> None:
        if not bool(torch.isfinite(self.first_losses).all()):
            self.first_losses.copy_(losses)
        left = losses / self.first_losses
        sizes = self.factors * norms
        targets = sizes.mean() * (left / left.mean()) ** self.alpha
        moved = self.factors - self.rate * torch.sign(sizes - targets) * norms
        moved = moved.clamp(min=_LEAST_WEIGHT)
        self.factors.copy_(moved * len(self.tasks) / moved.sum())


def _gradient_norm(loss: Tensor, shared: Sequence[Tensor]) -> Tensor:
    if not loss.requires_grad:
        return loss.new_zeros(())
    gradients = torch.autograd.grad(loss, list(shared), retain_graph=True, allow_unused=True)
    found = [gradient.float().square().sum() for gradient in gradients if gradient is not None]
    return torch.stack(found).sum().sqrt() if found else loss.new_zeros(())


class Fixed(nn.Module):
    """Sum the tasks up as they are; their fixed weights are in the losses already."""

    def forward(self, losses: Mapping[str, Tensor], taught: Mapping[str, Tensor]) -> Tensor:
        """Sum up; arguments as for Uncertainty.forward."""
        return torch.stack(list(losses.values())).sum()

    def weights(self) -> dict[str, float]:
        """Return nothing: there is nothing learned to report."""
        return {}


Weighting = Fixed | Uncertainty | GradNorm


def make_weighting(config: WeightingConfig) -> Weighting:
    """Make the module that sums up."""
    if config.kind == 'uncertainty':
        return Uncertainty()
    if config.kind == 'gradnorm':
        return GradNorm(config.gradnorm_alpha, config.gradnorm_rate)
    return Fixed()
