# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a network that are not trained."""

from __future__ import annotations

from collections.abc import Sequence
import difflib
from fnmatch import fnmatchcase

from torch import nn


def freeze(network: nn.Module, patterns: Sequence[str]) -> tuple[str, ...]:
    """
    Train only what no pattern names, until the next call.

    Frozen parameters get no gradient. Parts all of whose parameters are frozen compute as in
    evaluation, also when the network is in training mode: their batch norms keep mean and
    variance, and nothing in them is dropped.

    :param patterns: Names of parts or parameters such as 'encoder' or 'encoder.stages.0', also
        with wildcards; none thaws everything.
    :returns: The names of the frozen parameters.
    :raises ValueError: A pattern names nothing, or nothing is left to train.
    """
    parameters = dict(network.named_parameters())
    modules = dict(network.named_modules())
    for pattern in patterns:
        if not any(_matches(name, pattern) for name in parameters):
            near = difflib.get_close_matches(pattern, [*modules, *parameters], 1, 0.0)[0]
            raise ValueError(
                f'no part of the network is called {pattern!r}, the nearest is {near!r}'
            )
    frozen = {name for name in parameters if any(_matches(name, p) for p in patterns)}
    if len(frozen) == len(parameters):
        raise ValueError(f'{", ".join(patterns)} freeze the whole network: leave a part to train')
    for name, parameter in parameters.items():
        parameter.requires_grad_(name not in frozen)
    for name, module in modules.items():
        _thaw(module)
        own = [f'{name}.{parameter}' for parameter, _ in module.named_parameters()]
        if own and frozen.issuperset(own):
            module.register_forward_pre_hook(_stay_in_evaluation)
    return tuple(name for name in parameters if name in frozen)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f'{pattern}.*')


def _stay_in_evaluation(module: nn.Module, inputs: object) -> None:
    # network.train() of every step has put the part into training mode again.
    if module.training:
        module.train(False)


def _thaw(module: nn.Module) -> None:
    hooks = module._forward_pre_hooks
    for key in [key for key, hook in hooks.items() if hook is _stay_in_evaluation]:
        del hooks[key]
