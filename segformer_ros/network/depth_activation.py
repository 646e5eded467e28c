# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a depth head does to its last convolution, and what the result means."""

from __future__ import annotations

import math

from torch import Tensor

ACTIVATIONS = ('metric', 'log', 'bounded_log', 'linear')
# A sigmoid that starts nearer to its ends hardly learns.
_LEAST_SHARE, _LARGEST_SHARE = 0.01, 0.99


def check_activation(activation: str) -> None:
    """
    Refuse an unknown activation.

    :raises ValueError: It is none of ACTIVATIONS.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(
            f'activation of the depth head must be one of {ACTIVATIONS}, not {activation!r}'
        )


def depth_is_log(activation: str) -> bool:
    """
    Return whether the output is the natural logarithm of metres; otherwise it is metres.

    :raises ValueError: The activation is unknown.
    """
    check_activation(activation)
    return activation in {'log', 'bounded_log'}


def activate(x: Tensor, activation: str, max_depth_m: float) -> Tensor:
    """
    Turn what the last convolution gives into the output of the head.

    - 'metric': sigmoid(x) max_depth_m, metres between 0 and max_depth_m (Kim et al. 2022,
      arXiv:2201.07436, section 3).
    - 'bounded_log': the same number, read as log metres. The smallest is 0, which is one metre:
      nothing nearer can be said.
    - 'log': x, log metres. Nothing saturates, so that it reaches below one metre, and relative
      errors weigh the same near and far.
    - 'linear': x, metres; can become negative.
    """
    if activation in {'metric', 'bounded_log'}:
        return x.sigmoid() * max_depth_m
    return x


def start_value(depth_m: float, activation: str, max_depth_m: float) -> float:
    """
    Return the output of the last convolution that means a depth.

    :param depth_m: Metres; with a sigmoid moved to between 1 % and 99 % of its range.
    """
    value = math.log(depth_m) if depth_is_log(activation) else depth_m
    if activation in {'log', 'linear'}:
        return value
    share = min(max(value / max_depth_m, _LEAST_SHARE), _LARGEST_SHARE)
    return math.log(share / (1.0 - share))
