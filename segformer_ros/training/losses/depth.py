# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Losses of depth.

All take errors (predicted minus ground-truth depth, in metres or in their logarithms) and the
valid pixels, of the same shape. Where invalid, the error may be anything. Without any valid pixel
the value is 0, with a gradient of 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# What each published form of SILog multiplies the root with, and how it weighs the mean.
SILOG_FORMS = {'raw': (1.0, 0.5), 'sqrt': (1.0, 0.5), 'kitti': (100.0, 1.0), 'bts': (10.0, 0.85)}


def silog(
    error: Tensor, valid: Tensor, variance_focus: float | None = None, form: str = 'sqrt'
) -> Tensor:
    """
    Compute the scale invariant log error (Eigen et al. 2014, arXiv:1406.2283, equation 3).

    mean(e^2) - v mean(e)^2, computed as var(e) + (1 - v) mean(e)^2: the variance about the mean
    cannot become negative by rounding, where the difference of both means can.

    - 'raw': as it is, v = 0.5 (Eigen; shift-experiments has 0.25).
    - 'sqrt': its root, v = 0.5 (GLPN, arXiv:2201.07436, equation 2).
    - 'kitti': 100 times the root, v = 1 (the KITTI benchmark's measure).
    - 'bts': 10 times the root, v = 0.85 (Lee et al. 2019, arXiv:1907.10326, equation 5).

    :param error: Of natural logarithms.
    :param variance_focus: v; None is that of the form.
    """
    factor, focus = SILOG_FORMS[form]
    focus = focus if variance_focus is None else variance_focus
    count = valid.sum().clamp(min=1)
    error = torch.where(valid, error, 0.0)
    mean = error.sum() / count
    variance = torch.where(valid, error - mean, 0.0).square().sum() / count
    value = variance + (1.0 - focus) * mean.square()
    return value if form == 'raw' else factor * _root(value)


def _root(x: Tensor) -> Tensor:
    """Take the root, with a gradient of 0 instead of infinity where x is 0."""
    positive = x > 0.0
    return torch.where(positive, torch.where(positive, x, 1.0).sqrt(), 0.0)


def l1(error: Tensor, valid: Tensor) -> Tensor:
    """Average the absolute error."""
    return torch.where(valid, error, 0.0).abs().sum() / valid.sum().clamp(min=1)


def mse(error: Tensor, valid: Tensor) -> Tensor:
    """Average the squared error."""
    return torch.where(valid, error, 0.0).square().sum() / valid.sum().clamp(min=1)


def berhu(error: Tensor, valid: Tensor) -> Tensor:
    """
    Average |e| up to c, (e^2 + c^2) / 2c beyond (Laina et al. 2016, arXiv:1606.00373, eq. 2).

    c is a fifth of the greatest absolute error of the batch and gets no gradient.
    """
    size = torch.where(valid, error, 0.0).abs()
    limit = 0.2 * size.detach().max() if size.numel() else size.new_zeros(())
    # Where all errors are 0, any limit above 0 gives 0.
    limit = torch.where(limit > 0.0, limit, 1.0)
    value = torch.where(size <= limit, size, (size.square() + limit.square()) / (2.0 * limit))
    return value.sum() / valid.sum().clamp(min=1)


def gradient(error: Tensor, valid: Tensor, scales: int = 4) -> Tensor:
    """
    Sum up how much the error changes from pixel to pixel, at several resolutions.

    sum_k mean(|dx e| + |dy e|), every resolution keeping each second pixel of the one before, and
    the mean being over its valid pixels (Li and Snavely 2018, arXiv:1804.00607, equation 3;
    Ranftl et al. 2020, arXiv:1907.01341, equation 11). Edges of depth become sharp, surfaces
    smooth.

    :param error: (N, h, w).
    """
    error = torch.where(valid, error, 0.0)
    total = error.sum() * 0.0
    for scale in range(scales):
        step = 2**scale
        part, known = error[:, ::step, ::step], valid[:, ::step, ::step]
        right = (part[:, :, 1:] - part[:, :, :-1]).abs() * (known[:, :, 1:] & known[:, :, :-1])
        down = (part[:, 1:] - part[:, :-1]).abs() * (known[:, 1:] & known[:, :-1])
        total = total + (right.sum() + down.sum()) / known.sum().clamp(min=1)
    return total


def laplace(error: Tensor, valid: Tensor, log_scale: Tensor) -> Tensor:
    """
    Average the negative log likelihood of Laplace distributions: |e| / b + log 2b.

    What a network learns of b is how far its depth is off on average: for errors of one size the
    minimum is at b = mean |e| (Kendall and Gal 2017, arXiv:1703.04977, equation 5 with the L1
    distance in place of the squared one and log b in place of log variance).

    :param log_scale: log b of each error, of the same shape.
    """
    error = torch.where(valid, error, 0.0)
    value = error.abs() * (-log_scale).exp() + log_scale + math.log(2.0)
    return torch.where(valid, value, 0.0).sum() / valid.sum().clamp(min=1)


def canonical_log_depth(
    depth: Tensor, focal_px: Tensor, canonical_px: float, min_m: float, max_m: float
) -> tuple[Tensor, Tensor]:
    """
    Turn metres into the log depth that a camera of the canonical focal length would see.

    A camera of twice the focal length shows a thing at twice the distance just as large; only
    depth / focal length can be read from the pixels.

    :param depth: (N, h, w) metres, not finite where unknown.
    :param focal_px: (N,) focal length of each image in pixels of the network's input; one that is
        unknown, not finite or not above 0, counts as the canonical one.
    :returns: (N, h, w) log metres, 0 where invalid; (N, h, w) true where valid.
    """
    valid = torch.isfinite(depth) & (depth >= min_m) & (depth <= max_m)
    known = torch.isfinite(focal_px) & (focal_px > 0.0)
    shift = torch.log(canonical_px / torch.where(known, focal_px, canonical_px))[:, None, None]
    target = torch.where(valid, depth, 1.0).log() + shift
    return torch.where(valid, target, 0.0), valid
