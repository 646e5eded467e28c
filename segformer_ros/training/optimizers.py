# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The optimizers, and which parameters they treat in which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import math
from typing import Any, Literal

import torch
from torch import nn, Tensor

Undecayed = Literal['norms', 'biases', 'positions']
_NORMS = (nn.LayerNorm, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


@dataclass(frozen=True)
class OptimizerConfig:
    """
    How parameters follow their gradients.

    The defaults are those of SegFormer (Xie et al. 2021, arXiv:2105.15203, section 4.1).

    :param kind: 'adamw' (Loshchilov and Hutter 2019, arXiv:1711.05101), 'adam' (Kingma and Ba
        2015, arXiv:1412.6980), whose weight decay is a part of the gradient, or 'adamw_8bit'
        (Dettmers et al. 2022, arXiv:2110.02861), whose moments take a quarter of the memory; it
        needs the package bitsandbytes.
    :param learning_rate: Of the encoder, at the height of the schedule.
    :param head_factor: What it is multiplied with for everything but the encoder.
    :param undecayed: What is not decayed: scales and shifts of 'norms', 'biases' of all other
        layers, and 'positions', the depthwise convolutions that take the place of position codes.
        mmsegmentation's recipe names norms and 'pos_block'; its Mix Transformer has no parameter
        of the latter name, so that [norms] is what its networks were trained with.
    :param clip_norm: Gradients longer than this, over all parameters, are shortened to it; 0
        leaves them.
    """

    kind: Literal['adamw', 'adam', 'adamw_8bit'] = 'adamw'
    learning_rate: float = 6e-5
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    head_factor: float = 10.0
    undecayed: tuple[Undecayed, ...] = ('norms', 'biases', 'positions')
    clip_norm: float = 0.0

    def __post_init__(self) -> None:
        """
        Refuse what cannot optimize.

        :raises ValueError: A value is out of its range.
        """
        for name in ('learning_rate', 'head_factor'):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be above 0, got {getattr(self, name)}')
        for name in ('weight_decay', 'clip_norm'):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be 0 or above, got {getattr(self, name)}')
        if not all(0.0 <= beta < 1.0 for beta in self.betas):
            raise ValueError(f'betas must be from 0 to below 1, got {list(self.betas)}')


def parameter_groups(
    network: nn.Module, config: OptimizerConfig, loss: nn.Module | None = None
) -> list[dict[str, Any]]:
    """
    Sort the parameters that are trained by how they are treated.

    :param network: With an encoder; everything else is a head.
    :param loss: Its learned weights get the rate of the encoder and no decay.
    :returns: Groups for an optimizer of torch. 'name' says what is in them ('encoder',
        'encoder undecayed', 'heads', 'heads undecayed', 'loss'), 'names' has the parameters in
        their order, 'factor' is of the learning rate.
    """
    decayed = set(_decayed_names(network, config))
    groups: dict[str, dict[str, Any]] = {}

    def add(name: str, group: str, parameter: Tensor, factor: float, decay: float) -> None:
        found = groups.setdefault(
            group,
            {
                'params': [],
                'names': [],
                'name': group,
                'factor': factor,
                'lr': config.learning_rate * factor,
                'weight_decay': decay,
            },
        )
        found['params'].append(parameter)
        found['names'].append(name)

    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        part, factor = 'heads', config.head_factor
        if name.startswith('encoder.'):
            part, factor = 'encoder', 1.0
        if name in decayed:
            add(name, part, parameter, factor, config.weight_decay)
        else:
            add(name, f'{part} undecayed', parameter, factor, 0.0)
    for name, parameter in () if loss is None else loss.named_parameters():
        add(f'loss.{name}', 'loss', parameter, 1.0, 0.0)
    return list(groups.values())


def _decayed_names(network: nn.Module, config: OptimizerConfig) -> Iterator[str]:
    for path, module in network.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            kind = _kind_of(module, name, parameter)
            if kind not in config.undecayed:
                yield f'{path}.{name}' if path else name


def _kind_of(module: nn.Module, name: str, parameter: Tensor) -> str:
    if isinstance(module, _NORMS):
        return 'norms'
    if name == 'bias':
        return 'biases'
    depthwise = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
    return 'positions' if depthwise else 'weights'


def make_optimizer(
    network: nn.Module, config: OptimizerConfig, *, loss: nn.Module | None = None
) -> torch.optim.Optimizer:
    """
    Make the optimizer of a recipe.

    :param network: On its device already; frozen parameters are left out.
    :param loss: With learned weights, if any.
    :raises ValueError: Nothing is trained.
    :raises ImportError: The optimizer needs a package that is not there.
    """
    groups = parameter_groups(network, config, loss)
    if not groups:
        raise ValueError('expected parameters to train, but all of the network are frozen')
    optimizer: torch.optim.Optimizer
    if config.kind == 'adamw_8bit':
        optimizer = _adamw_8bit()(groups, betas=config.betas)
    else:
        kind = torch.optim.AdamW if config.kind == 'adamw' else torch.optim.Adam
        optimizer = kind(groups, betas=config.betas, fused=True)
    return optimizer


def _adamw_8bit() -> Callable[..., Any]:
    try:
        import bitsandbytes
    except ImportError as error:
        raise ImportError(
            'the optimizer adamw_8bit needs the package bitsandbytes: '
            'pip install bitsandbytes or choose adamw'
        ) from error
    kind: Callable[..., Any] = bitsandbytes.optim.AdamW8bit
    return kind


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group to this rate times its factor."""
    for group in optimizer.param_groups:
        group['lr'] = rate * group['factor']
