# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two graphs, one input: how far their outputs are apart, in float32 and in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from segformer_ros.checkpoints.model import run
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.network.mix_transformer import TOTAL_STRIDE
import torch
from torch import nn, Tensor

SEED = 1
ARITHMETICS = {'float32': torch.float32, 'float64': torch.float64}
TOLERANCE = (1e-5, 1e-6)
"""Of the largest magnitude of an output, in float32 and in float64."""

Run = Callable[[nn.Module, Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Side:
    """
    One of two graphs.

    :param name: Who computes it.
    :param module: float32, in evaluation mode; turned to float64 while it is measured.
    """

    name: str
    module: nn.Module
    run: Run = run


@dataclass(frozen=True)
class Difference:
    """
    What one output differs by.

    :param absolute: The largest difference.
    :param relative: The same as a share of the largest magnitude on the first side.
    :param allowed: Largest relative difference.
    """

    output: str
    arithmetic: str
    sides: tuple[str, str]
    absolute: float
    relative: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether it is small enough; not a number is not."""
        return self.relative <= self.allowed


class ParityError(CheckpointError):
    """Both graphs differ by more than is allowed."""

    def __init__(self, message: str, differences: Sequence[Difference]) -> None:
        super().__init__(message)
        self.differences = tuple(differences)


def check_size(height: int, width: int) -> None:
    """
    Refuse an input size that not every graph takes.

    :raises CheckpointError: It is no multiple of the encoder's stride.
    """
    if height % TOTAL_STRIDE or width % TOTAL_STRIDE or min(height, width) < 1:
        raise CheckpointError(
            f'the size of the comparison must be multiples of {TOTAL_STRIDE}, not {height}x{width}'
        )


def outputs_of(side: Side, height: int, width: int) -> dict[str, Mapping[str, Tensor]]:
    """
    Run a graph in each arithmetic on the seeded input.

    :returns: Its outputs by arithmetic, in float64.
    """
    generator = torch.Generator().manual_seed(SEED)
    image = torch.randn(1, 3, height, width, generator=generator, dtype=torch.float64)
    found: dict[str, Mapping[str, Tensor]] = {}
    with torch.inference_mode():
        for name, kind in ARITHMETICS.items():
            outputs = side.run(side.module.to(kind), image.to(kind))
            found[name] = {output: value.double() for output, value in outputs.items()}
    side.module.float()
    return found


def compare(
    first: Side,
    second: Side,
    *,
    size: tuple[int, int],
    tolerance: Sequence[float] = TOLERANCE,
) -> list[Difference]:
    """
    Measure every output of both.

    :param size: Height and width of the input.
    :param tolerance: Allowed relative difference in float32 and in float64.
    :raises CheckpointError: The outputs are not the same ones or have other shapes.
    """
    expected, found = outputs_of(first, *size), outputs_of(second, *size)
    differences = []
    for arithmetic, allowed in zip(ARITHMETICS, tolerance, strict=True):
        ours, theirs = expected[arithmetic], found[arithmetic]
        shapes = [
            {name: tuple(value.shape) for name, value in item.items()} for item in (ours, theirs)
        ]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f'{first.name} gives {shapes[0]}, {second.name} gives {shapes[1]}'
            )
        for name, value in ours.items():
            absolute = float((value - theirs[name]).abs().max())
            largest = float(value.abs().max()) or 1.0
            differences.append(
                Difference(
                    name,
                    arithmetic,
                    (first.name, second.name),
                    absolute,
                    absolute / largest,
                    allowed,
                )
            )
    return differences
