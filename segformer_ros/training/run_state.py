# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The state of an interrupted run as named tensors and JSON facts.

'model.', 'ema.', 'loss.' and 'optimizer.KEY.' go into one file, so that they cannot belong to
different steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

MODEL, EMA, LOSS = 'model', 'ema', 'loss'
_OPTIMIZER = 'optimizer'


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put a prefix and a point before every name."""
    return {f'{prefix}.{name}': value for name, value in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep the tensors behind a prefix, without it."""
    start = f'{prefix}.'
    return {n[len(start) :]: t for n, t in tensors.items() if n.startswith(start)}


def pack_optimizer(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """
    Collect what an optimizer of make_optimizer remembers of every parameter.

    :returns: Copies of its tensors as 'optimizer.KEY.PARAMETER', and numbers by key and parameter.
    """
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for name, parameter in _named(optimizer):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f'{_OPTIMIZER}.{key}.{name}'] = value.detach().clone()
            else:
                numbers.setdefault(key, {})[name] = value
    return tensors, numbers


def unpack_optimizer(
    optimizer: torch.optim.Optimizer,
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Mapping[str, Any]],
) -> None:
    """
    Put back what pack_optimizer has collected, for the parameters that the optimizer has.

    Parameters that nothing is known of start from scratch.
    """
    start = f'{_OPTIMIZER}.'
    keys = {name.split('.')[1] for name in tensors if name.startswith(start)}
    known: dict[str, Mapping[str, Any]] = {
        key: without_prefix(f'{_OPTIMIZER}.{key}', tensors) for key in keys
    }
    known |= numbers
    content = optimizer.state_dict()
    for index, (name, _) in enumerate(_named(optimizer)):
        state = {key: values[name] for key, values in known.items() if name in values}
        if state:
            content['state'][index] = state
    optimizer.load_state_dict(content)


def _named(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    for group in optimizer.param_groups:
        yield from zip(group['names'], group['params'], strict=True)
