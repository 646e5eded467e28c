# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training minimises."""

from __future__ import annotations

from segformer_ros.labels import VOID
import torch
from torch import Tensor
from torch.nn import functional


def class_weights(counts: Tensor, balance: float) -> Tensor:
    """
    Weigh rare classes more: 1 / log(balance + share of the pixels), mean 1.

    :param counts: (C,) pixels of each class.
    :param balance: Above 1; the nearer to 1, the more rare classes weigh.
    """
    share = counts.double() / counts.sum().clamp(min=1)
    weights = 1.0 / torch.log(balance + share)
    return (weights / weights.mean()).float()


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """
    Compute the weighted mean over the labelled pixels; 0 without any.

    :param logits: (N, C, h, w), upsampled bilinearly to the size of the labels.
    :param labels: (N, H, W) channel numbers, 255 where unknown.
    :param weights: (C,) of the classes.
    """
    size = labels.shape[-2:]
    logits = functional.interpolate(logits, size=size, mode='bilinear', align_corners=False)
    total = functional.cross_entropy(
        logits, labels, weight=weights, ignore_index=VOID, reduction='sum'
    )
    valid = labels != VOID
    weight = (weights[labels.clamp(max=len(weights) - 1)] * valid).sum()
    return total / weight.clamp(min=1e-6)


def silog(error: Tensor, valid: Tensor, variance_focus: float = 0.5) -> Tensor:
    """
    Compute the scale invariant log error (Eigen et al. 2014, arXiv:1406.2283, eq. 3).

    sqrt(mean(e^2) - v mean(e)^2), as sqrt(var(e) + (1 - v) mean(e)^2): the variance about the
    mean cannot become negative by rounding, where the difference of both means can.

    :param error: Predicted minus true log depth, any shape.
    :param valid: The pixels that count, same shape; 0 is returned without any.
    """
    count = valid.sum().clamp(min=1)
    error = torch.where(valid, error, 0.0)
    mean = error.sum() / count
    variance = torch.where(valid, error - mean, 0.0).square().sum() / count
    value = (variance + (1.0 - variance_focus) * mean.square() + 1e-6).sqrt()
    return value * valid.any()


def masked_l1(error: Tensor, valid: Tensor) -> Tensor:
    """Average the absolute error over the valid pixels; 0 without any."""
    return torch.where(valid, error, 0.0).abs().sum() / valid.sum().clamp(min=1)


def canonical_log_depth(
    depth: Tensor, focal_px: Tensor, canonical_px: float, min_m: float, max_m: float
) -> tuple[Tensor, Tensor]:
    """
    Turn metres into the log depth that a camera of the canonical focal length would see.

    A camera of twice the focal length shows a thing at twice the distance just as large; only
    depth / focal length can be read from the pixels.

    :param depth: (N, h, w) metres, not finite where unknown.
    :param focal_px: (N,) focal length of each image in pixels of the network's input.
    :returns: (N, h, w) log metres, 0 where invalid; (N, h, w) true where valid.
    """
    valid = torch.isfinite(depth) & (depth >= min_m) & (depth <= max_m)
    shift = torch.log(canonical_px / focal_px)[:, None, None]
    target = torch.where(valid, depth, 1.0).log() + shift
    return torch.where(valid, target, 0.0), valid
