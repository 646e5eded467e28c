# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training minimises."""

from segformer_ros.training.losses.config import LossConfig
from segformer_ros.training.losses.multitask import make_loss, MultitaskLoss

__all__ = ['LossConfig', 'MultitaskLoss', 'make_loss']
