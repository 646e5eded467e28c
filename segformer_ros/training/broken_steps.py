# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that would break a run: noticed before the optimizer moves, undone, counted, an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_fabric import Fabric
import torch
from torch import nn, Tensor

MOST_IN_A_ROW = 50
"""Broken steps after which a run ends; the scaler of float16 needs up to 17 to find its scale."""


class DivergedError(RuntimeError):
    """A training that no longer learns; the message says since when and what to do."""


@dataclass
class BrokenSteps:
    """
    How many steps were undone.

    :param total: In the whole run.
    :param in_a_row: Since the last sound one.
    """

    total: int = 0
    in_a_row: int = 0

    @classmethod
    def of(cls, progress: Mapping[str, Any]) -> BrokenSteps:
        """Take the counts from the facts of a checkpoint; earlier releases did not count."""
        return cls(progress.get('broken_steps', 0), progress.get('broken_in_a_row', 0))

    def facts(self) -> dict[str, int]:
        """Return the counts as facts of a checkpoint."""
        return {'broken_steps': self.total, 'broken_in_a_row': self.in_a_row}

    def count(self, step: int, reason: str | None, say: Callable[[str], None]) -> None:
        """
        Count a step.

        :param step: Its number, from 1.
        :param reason: What was not finite, so that it was undone; None: it was sound.
        :param say: Takes a sentence for the user, of the 1st, 2nd, 4th, 8th ... step.
        :raises DivergedError: There were too many in a row.
        """
        if reason is None:
            self.in_a_row = 0
            return
        self.total += 1
        self.in_a_row += 1
        if not self.total & (self.total - 1):
            say(f'step {step} was undone: {reason} not finite ({self.total} such steps so far)')
        if self.in_a_row >= MOST_IN_A_ROW:
            raise DivergedError(
                f'stopped at step {step}: expected finite numbers, found {reason} that are not in '
                f'{self.in_a_row} steps in a row, which were undone: look at the data with '
                'segformer browse, lower the learning rate or set clip_norm'
            )

    def summary(self) -> str:
        """Describe how many there were, behind the last line of a run; empty: none."""
        return f' ({self.total} steps were undone)' * bool(self.total)


class Guard:
    """One step under watch: what a forward pass changes can be put back."""

    def __init__(self, fabric: Fabric, network: nn.Module, objective: nn.Module) -> None:
        """Copy the buffers: statistics of batch norms, weights of losses; no parameter moves."""
        self._fabric, self._network = fabric, network
        self._buffers = [*network.buffers(), *objective.buffers()]
        self._before = [buffer.clone() for buffer in self._buffers]

    def broken(self, norm: Tensor, loss: Tensor) -> str | None:
        """
        Look for numbers that are not finite after the backward pass, and undo the step then.

        The square of the norm counts, as Adam keeps squares. A variance that overflows in a batch
        norm leaves output, loss and gradients finite, so that the statistics are looked at too.

        :param norm: Of all gradients, ().
        :param loss: Of the batch, ().
        :returns: What is not finite, the same in every process; None: nothing.
        """
        statistics = [item for item in self._network.buffers() if item.is_floating_point()]
        total = sum((item.abs().sum() for item in statistics), torch.zeros_like(loss))
        checks = {'gradients': norm.square(), 'losses': loss, 'statistics of batch norms': total}
        sound = torch.stack([torch.isfinite(value).float() for value in checks.values()])
        if self._fabric.world_size > 1:
            everywhere: Any = self._fabric.all_reduce(sound, reduce_op='mean')
            sound = everywhere
        found = [name for name, good in zip(checks, sound.tolist(), strict=True) if good < 1.0]
        if found:
            self._undo()
        return ' and '.join(found) or None

    @torch.no_grad()
    def _undo(self) -> None:
        for buffer, before in zip(self._buffers, self._before, strict=True):
            buffer.copy_(before)
        scaler = getattr(self._fabric.strategy.precision, 'scaler', None)
        if scaler is not None:
            # That of float16 has to know what overflowed.
            scaler.update()
