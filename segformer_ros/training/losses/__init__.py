# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training minimises."""

from segformer_ros.training.losses.config import LossConfig
from segformer_ros.training.losses.depth import canonical_log_depth, silog
from segformer_ros.training.losses.depth import l1 as masked_l1
from segformer_ros.training.losses.multitask import make_loss, MultitaskLoss
from segformer_ros.training.losses.segmentation import cross_entropy
import torch
from torch import Tensor

__all__ = [
    'LossConfig',
    'MultitaskLoss',
    'canonical_log_depth',
    'class_weights',
    'cross_entropy',
    'make_loss',
    'masked_l1',
    'silog',
]


def class_weights(counts: Tensor, balance: float) -> Tensor:
    """
    Weigh rare classes more: 1 / log(balance + share of the pixels), mean 1.

    :param counts: (C,) pixels of each class.
    :param balance: Above 1; the nearer to 1, the more rare classes weigh.
    """
    share = counts.double() / counts.sum().clamp(min=1)
    weights = 1.0 / torch.log(balance + share)
    return (weights / weights.mean()).float()
