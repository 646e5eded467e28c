# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""In which order backends are tried: those of a GPU first, then those of the processor."""

from __future__ import annotations

from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.gpu import current_gpu
from segformer_ros.inference import backend as backends

NAMES: tuple[str, ...] = ('auto', 'tensorrt', *backends.NAMES)
"""What a user may ask for."""
PRECISIONS = ('float32', 'any')
"""What 'auto' may choose from: exact backends alone, or those of reduced precision too."""
PROCESSOR = 'processor'
"""The step of an order that is the fastest backend of the processor."""

_GPU = {
    'float32': ('tensorrt_float32', 'torch'),
    'any': ('tensorrt_float16', 'tensorrt_float32', 'torch_float16', 'torch'),
}
_TENSORRT = ('tensorrt_float16', 'tensorrt_float32')


def is_tensorrt(step: str) -> bool:
    """Tell whether a step needs an engine that is built first."""
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
    Give what is tried for a name, the best first; all of it is what the user asked for.

    :param name: One of NAMES.
    :param precision: One of PRECISIONS, for 'auto'.
    :raises ValueError: There is no such name or precision.
    """
    if name not in NAMES:
        raise ValueError(f'backend must be one of {", ".join(NAMES)}, not {name!r}')
    if precision not in PRECISIONS:
        raise ValueError(f'precision must be one of {", ".join(PRECISIONS)}, not {precision!r}')
    if name == 'auto':
        return (*_GPU[precision], PROCESSOR) if has_gpu() else (PROCESSOR,)
    return _TENSORRT if name == 'tensorrt' else (name,)


def order_with_fallbacks(
    name: str, precision: str, *, require_tensorrt: bool = False
) -> tuple[str, ...]:
    """
    Give what a program that must not stop tries: the order of a name, then what can stand in.

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
    rest = (*_GPU['any' if is_tensorrt(order[-1]) else precision], PROCESSOR)
    rest = tuple(step for step in rest if not is_tensorrt(step) or is_tensorrt(order[0]))
    return tuple(dict.fromkeys((*order, *rest)))
