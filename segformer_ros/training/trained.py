# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a run changes, and what of it goes from one stage to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.training.broken_steps import BrokenSteps
from segformer_ros.training.learner import Network, Objective
from segformer_ros.training.run_state import (
    LOSS,
    pack_optimizer,
    unpack_optimizer,
    with_prefix,
    without_prefix,
)
import torch
from torch import Tensor

Numbers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Carried:
    """
    What an optimizer and a loss know, by the names of their parameters.

    :param tensors: 'optimizer.KEY.PARAMETER' and 'loss.NAME'.
    :param numbers: Of the optimizer, by key and parameter.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)

    @classmethod
    def take(cls, optimizer: torch.optim.Optimizer, objective: Objective) -> Carried:
        """Copy it out of both."""
        tensors, numbers = pack_optimizer(optimizer)
        return cls({**tensors, **with_prefix(LOSS, objective.state_dict())}, numbers)

    def give(self, optimizer: torch.optim.Optimizer, objective: Objective) -> None:
        """Put it into both, as far as they have a place for it."""
        own = objective.state_dict()
        known = without_prefix(LOSS, self.tensors)
        fitting = {n: t for n, t in known.items() if n in own and own[n].shape == t.shape}
        objective.load_state_dict(fitting, strict=False)
        unpack_optimizer(optimizer, self.tensors, self.numbers)


@dataclass
class Trained:
    """
    The state of a run.

    :param step: Steps done.
    :param seconds: Spent in them.
    :param best: The highest score so far; None: nothing was measured.
    :param class_counts: Pixels of each channel, counted when the run began.
    :param carried: Of the optimizer and the loss between two stages.
    :param live: Both of them in a stage.
    :param broken: Steps that were undone.
    """

    network: Network
    ema: Network | None
    class_counts: npt.NDArray[np.int64]
    step: int = 0
    seconds: float = 0.0
    best: float | None = None
    carried: Carried = field(default_factory=Carried)
    live: tuple[torch.optim.Optimizer, Objective] | None = None
    broken: BrokenSteps = field(default_factory=BrokenSteps)

    def kept(self) -> Carried:
        """Return what the optimizer and the loss know at present."""
        return Carried.take(*self.live) if self.live else self.carried

    def weights(self) -> Network:
        """Return the network to measure and to keep: the average where there is one."""
        return self.network if self.ema is None else self.ema
