# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Learning from images without labels: what an average of the weights is sure of is the label.

The average (Mean Teacher, Tarvainen and Valpola 2017, arXiv:1703.01780) sees the image without
changes of colour and domain, the network sees it with them, and only what the teacher is sure of
counts (FixMatch, Sohn et al. 2020, arXiv:2001.07685).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

from segformer_ros.labels import VOID
from segformer_ros.training.baselines import Baseline
from segformer_ros.training.batches import Batch
from segformer_ros.training.losses.segmentation import probabilities
import torch
from torch import nn, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class ConsistencyConfig:
    """
    The loss of the samples of a batch without any label; those with labels are as always.

    :param threshold: A pixel counts where the teacher gives its class such a probability or more.
    :param factor: What such a pixel counts, against 1 for a ground-truth label.
    """

    threshold: float = 0.9
    factor: float = 1.0

    def __post_init__(self) -> None:
        """
        Refuse what teaches nothing.

        :raises ValueError: A value is out of its range.
        """
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f'threshold must be between 0 and 1, not {self.threshold}')
        if not 0.0 < self.factor < math.inf:
            raise ValueError(f'factor must be above 0, not {self.factor}')


@torch.no_grad()
def with_taught_labels(teacher: nn.Module, batch: Batch, config: ConsistencyConfig) -> Batch:
    """
    Return the samples without any label those that the teacher is sure of.

    :param teacher: The average of the weights, in evaluation mode.
    :param batch: With plain images; on the device of the teacher.
    :raises ValueError: The batch has no plain images.
    """
    if batch.plain is None:
        raise ValueError('expected a batch with the images before changes of colour')
    bare = (batch.labels == VOID).flatten(1).all(dim=1)
    if not bool(bare.any()):
        return batch
    labels = batch.labels.clone()
    labels[bare] = _sure(_logits(teacher, batch.plain[bare]), labels.shape[-2:], config.threshold)
    confidence = batch.confidence
    if confidence is not None or config.factor != 1.0:
        full = torch.ones_like(labels, dtype=torch.float32)
        confidence = full if confidence is None else confidence.clone()
        confidence[bare] = config.factor
    return replace(batch, labels=labels, confidence=confidence)


def _logits(teacher: nn.Module, image: Tensor) -> Tensor:
    baseline = isinstance(teacher, Baseline)
    outputs = teacher(image) if baseline else teacher(image, ('segmentation',))
    logits: Tensor = outputs['logits']
    return logits.float()


def _sure(logits: Tensor, size: tuple[int, int] | torch.Size, threshold: float) -> Tensor:
    """Return (N, H, W) labels, 255 below the threshold; one channel is against all else."""
    full = functional.interpolate(logits, size=size, mode='bilinear', align_corners=False)
    values = probabilities(full)
    if values.shape[1] == 1:
        values = torch.cat([1.0 - values, values], dim=1)
    best, labels = values.max(dim=1)
    return torch.where(best >= threshold, labels, VOID)
