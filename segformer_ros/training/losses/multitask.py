# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sum of all losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.statistics import class_weights
from segformer_ros.labels import VOID
from segformer_ros.network.glpn_head import SCALE
from segformer_ros.training.batches import Batch
from segformer_ros.training.losses import depth as of_depth
from segformer_ros.training.losses import segmentation as of_labels
from segformer_ros.training.losses.config import (
    DepthLossConfig,
    DepthTermConfig,
    LossConfig,
    SegmentationLossConfig,
)
from segformer_ros.training.losses.ground_contact import cells, GroundContact
from segformer_ros.training.losses.sampling import (
    cell_stride,
    draw_grid,
    Grid,
    pick,
    resample,
)
from segformer_ros.training.weighting import GradNorm, make_weighting
import torch
from torch import nn, Tensor

# Metres below this are taken for it, so that their logarithm stays finite.
LEAST_M = 1e-3
_PARAMETERS = {'log_c': 'c', 'effective': 'beta'}
Parts = dict[str, tuple[float, Tensor]]


class MultitaskLoss(nn.Module):
    """
    What a step minimises.

    Its parameters, if any, are learned weights: give them to make_optimizer. Its state belongs to
    the state of a run.

    :param weights: (C,) float32 of the channels; (2,) of the labels 0 and 1 for one channel.
    :param depth_is_log: Whether the network gives log metres, else metres.
    :param focal_length_px: The canonical one, that depth is trained for.
    :param class_names: Of the channels, for depth from labels.
    """

    def __init__(
        self,
        config: LossConfig,
        *,
        weights: Tensor,
        depth_is_log: bool,
        focal_length_px: float,
        class_names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        contact = config.depth.contact
        self._contact: GroundContact | None = None
        if contact is not None:
            self._contact = GroundContact(contact, class_names, focal_length_px)
        self.config = config
        self.depth_is_log, self.focal_length_px = depth_is_log, focal_length_px
        self.class_weights: Tensor
        self.register_buffer('class_weights', weights, persistent=False)
        self.weighting = make_weighting(config.weighting)

    def forward(
        self, outputs: Mapping[str, Tensor], batch: Batch, *, seed: int = 0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """
        Add up the losses of the heads that are on.

        :param outputs: Of the network, in any floating type; computed with in float32.
        :param seed: Of the pixels that are drawn.
        :returns: The sum to minimise, and its detached parts by name, before all factors.
        :raises ValueError: The network has neither of both heads, or not the output that a term
            of the recipe teaches.
        """
        generator = torch.Generator().manual_seed(seed)
        parts: dict[str, Parts] = {}
        taught: dict[str, Tensor] = {}
        if 'logits' in outputs:
            grid = draw_grid(self.config.segmentation.label_stride, generator)
            parts['segmentation'] = self._segmentation(outputs, batch, grid)
            taught['segmentation'] = (batch.labels != VOID).any()
        if 'depth' in outputs:
            parts['depth'], taught['depth'] = self._depth(outputs, batch, generator)
        if not parts:
            raise ValueError(f'expected logits or depth of the network, got {list(outputs)}')
        fixed = self.config.weighting
        factors = {'segmentation': fixed.segmentation, 'depth': fixed.depth}
        losses = {
            task: factors[task] * torch.stack([f * value for f, value in group.values()]).sum()
            for task, group in parts.items()
        }
        total = self.weighting(losses, taught)
        values = {name: value for group in parts.values() for name, (_, value) in group.items()}
        return total, {name: value.detach() for name, value in values.items()}

    def _segmentation(self, outputs: Mapping[str, Tensor], batch: Batch, grid: Grid) -> Parts:
        config, labels = self.config.segmentation, batch.labels
        height, width = labels.shape[-2:]
        truth = grid.take(labels)
        logits = resample(outputs['logits'].float(), (height, width), grid)
        trust = None if batch.confidence is None else grid.take(batch.confidence)
        losses = of_labels.pixel_cross_entropy(logits, truth)
        if batch.soft_labels is not None and config.soft_labels > 0.0:
            soft = grid.take(batch.soft_labels)
            more = of_labels.soft_cross_entropy(logits, truth, soft)
            losses = losses + config.soft_labels * (more - losses)
        parts = {'segmentation': (1.0, self._label_loss(losses, truth, config, trust))}
        if 'auxiliary' in outputs:
            second = resample(outputs['auxiliary'].float(), (height, width), grid)
            value = of_labels.cross_entropy(second, truth, self.class_weights, config.average)
            parts['auxiliary'] = (config.auxiliary, value)
        if config.dice > 0.0 or config.lovasz > 0.0:
            values = of_labels.probabilities(logits)
            if config.dice > 0.0:
                parts['dice'] = (config.dice, of_labels.dice(values, truth))
            if config.lovasz > 0.0:
                parts['lovasz'] = (config.lovasz, of_labels.lovasz_softmax(values, truth))
        return parts

    def _label_loss(
        self,
        losses: Tensor,
        labels: Tensor,
        config: SegmentationLossConfig,
        trust: Tensor | None,
    ) -> Tensor:
        weights = of_labels.pixel_weights(labels, self.class_weights)
        if trust is not None:
            weights = weights * trust
        if config.kind == 'ohem':
            kept = config.ohem_min_kept * len(labels) // config.label_stride**2
            chosen = of_labels.hardest(
                losses, weights, labels, threshold=config.ohem_threshold, count=max(kept, 1)
            )
            weights = weights * chosen
        return of_labels.average(losses, labels, weights, config.average)

    def _depth(
        self, outputs: Mapping[str, Tensor], batch: Batch, generator: torch.Generator
    ) -> tuple[Parts, Tensor]:
        config = self.config.depth
        raw = outputs['depth'].float()[:, 0]
        predicted, depth = self._pair(raw, batch.depth, generator, config)
        target, valid = of_depth.canonical_log_depth(
            depth, batch.focal_px, self.focal_length_px, config.min_depth_m, config.max_depth_m
        )
        # exp and log of what does not count must not overflow.
        predicted_all, predicted = predicted, torch.where(valid, predicted, 1.0)
        errors: dict[str, Tensor] = {}
        for space in {term.space for term in config.terms}:
            errors[space] = self._in_space(predicted, space) - (
                target if space == 'log' else target.exp()
            )
        parts = {
            term.name: (term.factor, depth_term(errors[term.space], valid, term))
            for term in config.terms
            if term.kind != 'laplace'
        }
        for term in config.terms:
            if term.kind == 'laplace':
                scale = self._scale(outputs, batch)
                parts[term.name] = (term.factor, of_depth.laplace(errors['log'], valid, scale))
        taught = valid.any()
        if self._contact is not None:
            value, more = self._contact_loss(predicted_all, batch.labels, depth.isnan())
            parts['ground_contact'] = (self._contact.config.factor, value)
            taught = taught | more.any()
        return parts, taught

    def _contact_loss(
        self, predicted: Tensor, labels: Tensor, unknown: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert self._contact is not None
        rows, columns = predicted.shape[-2:]
        stride = cell_stride((labels.shape[-2], labels.shape[-1]), (rows, columns))
        coarse = cells(labels, stride, (rows, columns))
        return self._contact(self._in_space(predicted, 'log'), coarse, unknown, stride)

    def _scale(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """Return log b of the pixels or cells that depth is compared at, (N, h, w)."""
        if SCALE not in outputs:
            raise ValueError(
                'the depth term laplace teaches the scale of depth: set network.depth_scale'
            )
        scale = outputs[SCALE].float()
        if self.config.depth.upsample:
            height, width = batch.depth.shape[-2:]
            scale = resample(scale, (height, width), Grid())
        return scale[:, 0]

    def _in_space(self, predicted: Tensor, space: str) -> Tensor:
        if (space == 'log') == self.depth_is_log:
            return predicted
        return predicted.exp() if self.depth_is_log else predicted.clamp_min(LEAST_M).log()

    def _pair(
        self, predicted: Tensor, depth: Tensor, generator: torch.Generator, config: DepthLossConfig
    ) -> tuple[Tensor, Tensor]:
        """Bring both to one size: (N, h, w) each."""
        height, width = depth.shape[-2:]
        rows, columns = predicted.shape[-2:]
        if config.upsample:
            return resample(predicted[:, None], (height, width), Grid())[:, 0], depth
        stride = cell_stride((height, width), (rows, columns))
        return predicted, pick(depth, draw_grid(stride, generator), (rows, columns))

    def balance(
        self, shared: Sequence[Tensor], *, mean: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        """
        Let GradNorm move its weights; call it between forward and backward of every step.

        Nothing happens with other weightings; see GradNorm.update for the arguments.
        """
        if isinstance(self.weighting, GradNorm):
            self.weighting.update(shared, mean=mean)

    def task_weights(self) -> dict[str, float]:
        """Return what each task counts at present; nothing with fixed weights."""
        return self.weighting.weights()


def depth_term(error: Tensor, valid: Tensor, term: DepthTermConfig) -> Tensor:
    """Compute one loss of depth; arguments as in training.losses.depth."""
    if term.kind == 'silog':
        return of_depth.silog(error, valid, term.variance_focus, term.form)
    if term.kind == 'gradient':
        return of_depth.gradient(error, valid, term.scales)
    return {'l1': of_depth.l1, 'mse': of_depth.mse, 'berhu': of_depth.berhu}[term.kind](
        error, valid
    )


def make_loss(
    config: LossConfig,
    *,
    num_classes: int,
    class_counts: npt.NDArray[np.int64],
    depth_is_log: bool,
    focal_length_px: float,
    class_names: Sequence[str] = (),
) -> MultitaskLoss:
    """
    Make the loss of a recipe.

    :param num_classes: Channels of the network's logits.
    :param class_counts: (num_classes,) pixels of each channel in the training data, (2,) of the
        labels 0 and 1 for one channel; looked at only by weights that need it.
    :param depth_is_log: Whether the network gives log metres, else metres.
    :param focal_length_px: The canonical focal length of the recipe.
    :param class_names: Of the channels; looked at only by losses that name classes.
    :raises ValueError: The recipe does not fit the network.
    """
    segmentation = config.segmentation
    if (num_classes == 1) != (segmentation.kind == 'binary'):
        raise ValueError(
            'the loss binary is for a network of one class and all others are for more, '
            f'got {segmentation.kind} for {num_classes}'
        )
    if not focal_length_px > 0.0:
        raise ValueError(f'focal_length_px must be above 0, got {focal_length_px}')
    weights = _class_weights(segmentation, max(num_classes, 2), class_counts)
    return MultitaskLoss(
        config,
        weights=torch.tensor(weights, dtype=torch.float32),
        depth_is_log=depth_is_log,
        focal_length_px=focal_length_px,
        class_names=class_names,
    )


def _class_weights(
    config: SegmentationLossConfig, count: int, class_counts: npt.NDArray[np.int64]
) -> list[float]:
    if config.class_weights == 'none':
        return [1.0] * count
    if isinstance(config.class_weights, str):
        found, kind = len(class_counts), config.class_weights
        parameters = {} if config.balance is None else {_PARAMETERS[kind]: config.balance}
        weights = class_weights(class_counts, kind, **parameters).tolist()
    else:
        found, weights = len(config.class_weights), list(config.class_weights)
    if found != count:
        raise ValueError(f'expected class weights of {count} labels, got {found}')
    return [float(weight) for weight in weights]
