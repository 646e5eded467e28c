# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Losses of labels.

Each is 0, with a gradient of 0, for a batch without any labelled pixel. Labels are (N, H, W) int64
channel numbers, 255 where unknown, and logits (N, C, H, W) unless said otherwise.
"""

from __future__ import annotations

from segformer_ros.labels import VOID
import torch
from torch import Tensor
from torch.nn import functional

_LEAST_SUM = 1e-6


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """
    Compute -log of the probability of the true class of each pixel.

    :param logits: (N, 1, H, W) are of the class against all else, whose labels are 1 and 0.
    :returns: (N, H, W), 0 where unknown.
    """
    if logits.shape[1] == 1:
        valid = labels != VOID
        truth = torch.where(valid, labels, 0).to(logits.dtype)
        losses = functional.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction='none')
        return torch.where(valid, losses, 0.0)
    return functional.cross_entropy(logits, labels, ignore_index=VOID, reduction='none')


def soft_cross_entropy(logits: Tensor, labels: Tensor, soft_labels: Tensor) -> Tensor:
    """
    Compute the cross entropy of each pixel with several classes, their probabilities scaled to 1.

    That of Hinton et al. 2015 (arXiv:1503.02531), section 2, at temperature 1.

    :param logits: As of pixel_cross_entropy.
    :param soft_labels: (N, 2 k, H, W), as of Batch.
    :returns: (N, H, W), 0 where the label is unknown, that of the label where only it is known.
    """
    count = soft_labels.shape[1] // 2
    channels = soft_labels[:, :count].long()
    shares = soft_labels[:, count:].to(logits.dtype) * (channels != VOID)
    total = shares.sum(dim=1)
    shares = shares / total.clamp(min=1.0)[:, None]
    hard = pixel_cross_entropy(logits, labels)
    if logits.shape[1] == 1:
        goal = (shares * (channels == 1)).sum(dim=1)
        one = logits[:, 0]
        losses = functional.binary_cross_entropy_with_logits(one, goal, reduction='none')
    else:
        logarithms = functional.log_softmax(logits, dim=1)
        known = channels.clamp(max=logits.shape[1] - 1)
        losses = -(shares * logarithms.gather(1, known)).sum(dim=1)
    return torch.where((total > 0) & (labels != VOID), losses, hard)


def pixel_weights(labels: Tensor, weights: Tensor) -> Tensor:
    """
    Look up the weight of each pixel's class.

    :param weights: (C,) of the channels, or (2,) of the labels 0 and 1.
    :returns: (N, H, W), 0 where unknown.
    """
    return weights[labels.clamp(max=len(weights) - 1)] * (labels != VOID)


def average(losses: Tensor, labels: Tensor, weights: Tensor, over: str) -> Tensor:
    """
    Average the losses of pixels.

    :param losses: (N, H, W), 0 where unknown.
    :param weights: (N, H, W) factor of each pixel, 0 where it does not count.
    :param over: 'weights', 'labelled' or 'all': what the sum is divided by; see
        SegmentationLossConfig.average.
    """
    total = (losses * weights).sum()
    if over == 'all':
        return total / labels.numel()
    if over == 'labelled':
        return total / (labels != VOID).sum().clamp(min=1)
    return total / weights.sum().clamp(min=_LEAST_SUM)


def cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor, over: str = 'weights'
) -> Tensor:
    """
    Average the cross entropy over the labelled pixels, one class against all others or each.

    :param logits: (N, C, h, w), upsampled bilinearly to the size of the labels.
    :param weights: (C,) of the channels; (2,) for one channel.
    :param over: As for average.
    """
    size = labels.shape[-2:]
    if logits.shape[-2:] != size:
        logits = functional.interpolate(logits, size=size, mode='bilinear', align_corners=False)
    losses = pixel_cross_entropy(logits, labels)
    return average(losses, labels, pixel_weights(labels, weights), over)


def hardest(
    losses: Tensor, weights: Tensor, labels: Tensor, *, threshold: float | None, count: int
) -> Tensor:
    """
    Choose the pixels to learn from (Shrivastava et al. 2016, arXiv:1604.03540, section 3).

    :param losses: (N, H, W) cross entropies without weights.
    :param weights: (N, H, W) factor of each pixel.
    :param threshold: Pixels whose true class has a probability below it are chosen, and the count
        least probable in any case. None: only the count pixels of the greatest weighted loss.
    :param count: Of the whole batch.
    :returns: (N, H, W) bool, false where unknown.
    """
    valid = labels != VOID
    count = min(count, labels.numel())
    with torch.no_grad():
        if threshold is None:
            order = torch.where(valid, losses * weights, -1.0).flatten()
            chosen = torch.zeros_like(valid).flatten()
            chosen[order.topk(count, sorted=False).indices] = True
            return chosen.view_as(valid) & valid
        order = torch.where(valid, losses, -1.0)
        least = order.flatten().topk(count, sorted=False).values.min()
        # exp(-loss) is the probability of the true class.
        return valid & ((order >= least) | ((-losses).exp() < threshold))


def probabilities(logits: Tensor) -> Tensor:
    """Turn logits (N, C, H, W) into probabilities; one channel is against all else."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)


def _flat_truth(values: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return (C, P) probabilities, 0 where unknown, and (C, P) bool where the class is."""
    classes = values.shape[1]
    flat = labels.flatten()
    numbers = torch.arange(classes, device=labels.device) if classes > 1 else flat.new_ones(1)
    truth = flat[None] == numbers[:, None]
    return torch.where(flat[None] != VOID, values.transpose(0, 1).flatten(1), 0.0), truth


def _mean_of_present(losses: Tensor, present: Tensor) -> Tensor:
    return (losses * present).sum() / present.sum().clamp(min=1)


def dice(values: Tensor, labels: Tensor) -> Tensor:
    """
    Compute the Dice loss (Milletari et al. 2016, arXiv:1606.04797, section 3).

    1 - 2 sum(p g) / (sum(p^2) + sum(g^2)) of each class, averaged over those that the batch has.

    :param values: (N, C, H, W) probabilities.
    """
    value, truth = _flat_truth(values, labels)
    common = (value * truth).sum(dim=1)
    both = value.square().sum(dim=1) + truth.sum(dim=1)
    return _mean_of_present(1.0 - 2.0 * common / both.clamp(min=_LEAST_SUM), truth.any(dim=1))


def lovasz_softmax(values: Tensor, labels: Tensor) -> Tensor:
    """
    Compute the Lovasz-Softmax loss (Berman et al. 2018, arXiv:1705.08790, equations 9 and 11).

    The Lovasz extension of 1 - IoU of each class, averaged over those that the batch has.

    :param values: (N, C, H, W) probabilities.
    """
    value, truth = _flat_truth(values, labels)
    # Unknown pixels have the error 0, which is sorted last and counts nothing.
    errors, order = (truth.to(value.dtype) - value).abs().sort(dim=1, descending=True)
    found = truth.gather(1, order).cumsum(dim=1)
    size = truth.sum(dim=1, keepdim=True)
    places = torch.arange(1, value.shape[1] + 1, device=value.device)
    # After so many wrong pixels, the class has lost `found` and won the rest.
    jaccard = 1.0 - (size - found) / (size + places - found)
    steps = torch.diff(jaccard, dim=1, prepend=torch.zeros_like(jaccard[:, :1]))
    return _mean_of_present((errors * steps).sum(dim=1), truth.any(dim=1))
