# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the learning rate runs over a training, as a function of the step alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Literal

Kind = Literal['constant', 'linear', 'polynomial', 'cosine', 'onecycle', 'triangle']


@dataclass(frozen=True)
class ScheduleConfig:
    """
    The shape of the learning rate; the optimizer's rate is its height.

    - 'constant': 1.
    - 'linear': from 1 down to final_ratio.
    - 'polynomial': (1 - t)^power (1 - final_ratio) + final_ratio, t running from 0 to 1. Power 1
      with warm-up 1500 and ratio 1e-6 is the one of SegFormer (Xie et al. 2021,
      arXiv:2105.15203, section 4.1).
    - 'cosine': half a cosine from 1 to final_ratio (Loshchilov and Hutter 2017,
      arXiv:1608.03983, equation 5).
    - 'onecycle': a half cosine from 1 / divisor up to 1, another down to
      1 / (divisor final_divisor), as torch.optim.lr_scheduler.OneCycleLR (Smith and Topin 2018,
      arXiv:1708.07120). It needs no warm-up.
    - 'triangle': from start_ratio up to 1 in half of the steps and down again, both halves bent
      by power. Power 0.9, start_ratio 0.3 and a rate of 1e-4 is the one of GLPN (Kim et al. 2022,
      arXiv:2201.07436, section 4.1): 3e-5, 1e-4, 3e-5.

    :param warmup_steps: The rate grows linearly over so many steps, at first only.
    :param warmup_ratio: The part of the rate that step 0 has.
    :param warmup: 'before' starts the decay where the warm-up ends (Transformers,
        mmsegmentation 1); 'over' multiplies a decay that starts at step 0 (NVlabs,
        mmsegmentation 0).
    :param restarts: How often the decay starts again, in equal parts of the training (warm
        restarts, arXiv:1608.03983).
    :param restart_factor: What every restart multiplies the rate with.
    :param peak_share: Part of the steps before the peak of 'onecycle'.
    """

    kind: Kind = 'polynomial'
    power: float = 1.0
    final_ratio: float = 0.0
    warmup_steps: int = 0
    warmup_ratio: float = 1e-6
    warmup: Literal['before', 'over'] = 'before'
    restarts: int = 0
    restart_factor: float = 1.0
    peak_share: float = 0.3
    divisor: float = 10.0
    final_divisor: float = 1e4
    start_ratio: float = 0.3

    def __post_init__(self) -> None:
        """
        Refuse what no rate can follow.

        :raises ValueError: A value is out of its range.
        """
        if self.warmup_steps < 0 or self.restarts < 0:
            raise ValueError(
                'warmup_steps and restarts must not be negative, '
                f'got {self.warmup_steps} and {self.restarts}'
            )
        for name in ('final_ratio', 'warmup_ratio', 'start_ratio'):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f'{name} must be from 0 to 1, got {getattr(self, name)}')
        for name in ('power', 'restart_factor', 'divisor', 'final_divisor'):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be above 0, got {getattr(self, name)}')
        if not 0.0 < self.peak_share < 1.0:
            raise ValueError(f'peak_share must be between 0 and 1, got {self.peak_share}')


def factor(config: ScheduleConfig, step: int, total_steps: int) -> float:
    """
    Return what the learning rate is multiplied with in a step.

    :param step: From 0; from total_steps on the last value stays.
    :param total_steps: Of the training, or of the phase that has a schedule of its own.
    :raises ValueError: There is no such step.
    """
    if step < 0 or total_steps < 1:
        raise ValueError(
            f'expected a step from 0 and at least 1 in all, got {step} and {total_steps}'
        )
    first = config.warmup_steps if config.warmup == 'before' else 0
    length = max(total_steps - first, 1)
    place, height = _restarted(config, min(max(step - first, 0), length), length)
    value = _SHAPES[config.kind](config, place, max(length // (config.restarts + 1), 1)) * height
    if step < config.warmup_steps:
        done = step / config.warmup_steps
        value *= config.warmup_ratio + (1.0 - config.warmup_ratio) * done
    return value


def _restarted(config: ScheduleConfig, step: float, length: int) -> tuple[float, float]:
    """Return the share of the current part that is done, 0 to 1, and the part's height."""
    parts = config.restarts + 1
    part = min(int(step * parts / length), parts - 1)
    return step * parts / length - part, float(config.restart_factor**part)


def _constant(config: ScheduleConfig, place: float, length: int) -> float:
    return 1.0


def _linear(config: ScheduleConfig, place: float, length: int) -> float:
    return 1.0 - place * (1.0 - config.final_ratio)


def _polynomial(config: ScheduleConfig, place: float, length: int) -> float:
    decay = float(max(1.0 - place, 0.0) ** config.power)
    return decay * (1.0 - config.final_ratio) + config.final_ratio


def _cosine(config: ScheduleConfig, place: float, length: int) -> float:
    return _half_cosine(1.0, config.final_ratio, place)


def _onecycle(config: ScheduleConfig, place: float, length: int) -> float:
    first, last = 1.0 / config.divisor, 1.0 / (config.divisor * config.final_divisor)
    step = place * length
    # torch counts both ends: the peak is step peak_share * length - 1, the end length - 1.
    peak, end = config.peak_share * length - 1.0, length - 1.0
    if step < peak:
        return _half_cosine(first, 1.0, step / peak)
    return _half_cosine(1.0, last, min((step - peak) / max(end - peak, 1e-9), 1.0))


def _triangle(config: ScheduleConfig, place: float, length: int) -> float:
    rising = place < 0.5
    share = float((2.0 * place - (0.0 if rising else 1.0)) ** config.power)
    low = config.start_ratio
    return low + (1.0 - low) * (share if rising else 1.0 - share)


def _half_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))


_SHAPES: dict[str, Callable[[ScheduleConfig, float, int], float]] = {
    'constant': _constant,
    'linear': _linear,
    'polynomial': _polynomial,
    'cosine': _cosine,
    'onecycle': _onecycle,
    'triangle': _triangle,
}
