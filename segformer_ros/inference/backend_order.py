# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""In which order backends are tried: those of a GPU first, then those of the CPU."""

from __future__ import annotations

from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.gpu import current_gpu
from segformer_ros.inference.backend_table import automatic, NAMES, PRECISIONS
from segformer_ros.nearest import did_you_mean

CPU = 'cpu'
"""The step of an order that is the fastest backend of the CPU."""


def is_tensorrt(step: str) -> bool:
    """Return whether a step needs an engine that is built first."""
    return step.startswith('tensorrt')


def has_gpu() -> bool:
    """Ask the driver of NVIDIA for a GPU, without any package."""
    try:
        current_gpu()
    except EngineError:
        return False
    return True


def order_of(name: str, precision: str) -> tuple[str, ...]:
    """
    Return what is tried for a name, the best first; all of it is what the user asked for.

    :param name: One of NAMES.
    :param precision: One of PRECISIONS, for 'auto'.
    :raises ValueError: There is no such name or precision.
    """
    if name not in NAMES:
        near = did_you_mean(name, NAMES)
        raise ValueError(f'backend must be one of {", ".join(NAMES)}, not {name!r}{near}')
    if precision not in PRECISIONS:
        raise ValueError(f'precision must be one of {", ".join(PRECISIONS)}, not {precision!r}')
    if name == 'auto':
        return (*automatic(precision, gpu=True), CPU) if has_gpu() else (CPU,)
    if name == 'tensorrt':
        return tuple(step for step in automatic('any', gpu=True) if is_tensorrt(step))
    return (name,)


def order_with_fallbacks(
    name: str, precision: str, *, require_tensorrt: bool = False
) -> tuple[str, ...]:
    """
    Return what a program that must not stop tries: the order of a name, then what can stand in.

    :param require_tensorrt: Nothing may stand in for TensorRT.
    :raises ValueError: As order_of, or there is no TensorRT in the order although it is required.
    """
    order = order_of('tensorrt' if require_tensorrt and name == 'auto' else name, precision)
    if require_tensorrt:
        found = tuple(step for step in order if is_tensorrt(step))
        if not found:
            raise ValueError(f'require_tensorrt contradicts the backend {name!r}')
        return found
    if not order[0].startswith(('tensorrt', 'torch')):
        return order
    allowed = 'any' if is_tensorrt(order[-1]) else precision
    rest = (*automatic(allowed, gpu=True), CPU)
    rest = tuple(step for step in rest if not is_tensorrt(step) or is_tensorrt(order[0]))
    return tuple(dict.fromkeys((*order, *rest)))
