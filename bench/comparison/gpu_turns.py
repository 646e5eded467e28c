# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How bench/gpu.py measures: the device, the precisions, and turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import torch

TYPES = {'float16': torch.float16, 'float32': torch.float32}
_WHOLE_HW = (512, 1024)

Call = Callable[[], object]


@dataclass(frozen=True)
class Setting:
    """
    Where and how often: a small one on the CPU lets tests run the program.

    :param sizes: (height, width) of inputs.
    :param camera_hw: Of the image that comes from a camera.
    :param targets: Engines to export for.
    :param precisions: By name in the tables, what is computed in.
    """

    device: torch.device
    sizes: Sequence[tuple[int, int]]
    repeats: int
    model: str = 'b0'
    warm_ups: int = 20
    camera_hw: tuple[int, int] = (800, 1280)
    copy_bytes: int = 1 << 30
    matrix: int = 8192
    targets: tuple[str, ...] = ('torch', 'tensorrt')
    precisions: Mapping[str, str] = field(default_factory=lambda: {name: name for name in TYPES})

    @property
    def whole_hw(self) -> tuple[int, int]:
        """Return the (height, width) of what is measured at one size alone."""
        return _WHOLE_HW if _WHOLE_HW in self.sizes else self.sizes[0]

    @property
    def exported(self) -> tuple[str, ...]:
        """Return the precisions of the graphs that an export has to write."""
        return tuple(dict.fromkeys(self.precisions.values())) * ('tensorrt' in self.targets)


def settled(setting: Setting, run: Call) -> Call:
    """Return a call that returns when the device has done it."""

    def call() -> None:
        run()
        if setting.device.type == 'cuda':
            torch.cuda.synchronize()

    return call


def take_turns(setting: Setting, calls: Mapping[str, Call]) -> dict[str, float]:
    """Return the median milliseconds of each; they run one after the other, many times over."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(setting.warm_ups + setting.repeats):
        for name, call in calls.items():
            start = perf_counter()
            call()
            if number >= setting.warm_ups:
                samples[name].append(1e3 * (perf_counter() - start))
    return {name: median(values) for name, values in samples.items()}
