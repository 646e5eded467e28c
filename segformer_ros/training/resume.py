# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The state of an interrupted run as named tensors.

'model.', 'ema.' and the optimizer's 'exp_avg.' and 'exp_avg_sq.' go into one file, so that they
cannot belong to different steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn, Tensor

_MOMENTS = ('exp_avg', 'exp_avg_sq')


def pack(
    network: nn.Module, ema: nn.Module | None, optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Collect everything a run needs to go on, under the prefixes of a resume file."""
    tensors = {f'model.{name}': value for name, value in network.state_dict().items()}
    if ema is not None:
        tensors |= {f'ema.{name}': value.clone() for name, value in ema.state_dict().items()}
    for name, parameter in network.named_parameters():
        state = optimizer.state.get(parameter, {})
        tensors |= {f'{moment}.{name}': state[moment] for moment in _MOMENTS if moment in state}
    return tensors


def unpack(
    tensors: Mapping[str, Tensor],
    network: nn.Module,
    ema: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    step: int,
) -> None:
    """
    Put back what pack has collected.

    :param step: Optimizer steps done.
    :raises RuntimeError: The tensors are of another network.
    """

    def part(prefix: str) -> dict[str, Tensor]:
        start = len(prefix) + 1
        return {n[start:]: t for n, t in tensors.items() if n.startswith(f'{prefix}.')}

    network.load_state_dict(part('model'))
    if ema is not None:
        ema.load_state_dict(part('ema'))
    moments = {moment: part(moment) for moment in _MOMENTS}
    for name, parameter in network.named_parameters():
        if name in moments['exp_avg']:
            optimizer.state[parameter] = {
                'step': torch.tensor(float(step)),
                **{moment: moments[moment][name].clone() for moment in _MOMENTS},
            }
