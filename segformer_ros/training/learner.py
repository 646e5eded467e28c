# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a stage trains: the network with its loss, and which parts of it move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
from segformer_ros.checkpoints import load
from segformer_ros.network import depth_is_log, MultitaskSegformer
from segformer_ros.network.glpn_head import GlpnHead
from segformer_ros.training.baselines import Baseline
from segformer_ros.training.batches import Batch
from segformer_ros.training.config import StageConfig, TrainConfig
from segformer_ros.training.distillation import Distillation
from segformer_ros.training.frozen import freeze
from segformer_ros.training.losses import make_loss
from segformer_ros.training.shipped_files import find_weights
import torch
from torch import nn, Tensor
from torch.utils.checkpoint import checkpoint

Network = MultitaskSegformer | Baseline
_HEADS = {'segmentation': ('segmentation_head', 'auxiliary_head'), 'depth': ('depth_head',)}


class Objective(nn.Module):
    """The loss of a stage; its parameters and buffers belong to the state of a run."""

    def __init__(
        self,
        config: TrainConfig,
        stage: StageConfig,
        network: Network,
        class_counts: npt.NDArray[np.int64],
        class_names: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        loss = stage.loss
        if 'segmentation' not in stage.tasks:
            # No classes have been counted.
            plain = replace(loss.segmentation, class_weights='none', balance=None)
            loss = replace(loss, segmentation=plain)
        self.loss = make_loss(
            loss,
            num_classes=network.config.num_classes,
            class_counts=class_counts,
            depth_is_log=isinstance(network, MultitaskSegformer)
            and depth_is_log(network.config.depth_activation),
            focal_length_px=config.focal_length_px or 1.0,
            class_names=class_names,
        )
        self.distillation: Distillation | None = None
        self._teacher: tuple[MultitaskSegformer, ...] = ()
        if stage.loss.distillation is not None:
            if isinstance(network, Baseline):
                raise ValueError('distillation is for SegFormer: a baseline learns from the data')
            # In a tuple, so that it is no part of the state.
            self._teacher = (load(find_weights(stage.loss.distillation.teacher)).network,)
            self.distillation = Distillation(stage.loss.distillation, network, *self._teacher)

    def to_device(self, device: torch.device) -> Objective:
        """Move everything, the teacher too."""
        for teacher in self._teacher:
            teacher.to(device)
        return self.to(device)

    def close(self) -> None:
        """Stop watching the network."""
        if self.distillation is not None:
            self.distillation.close()

    def forward(
        self, outputs: dict[str, Tensor], batch: Batch, seed: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Add up all losses; arguments as for MultitaskLoss."""
        total, parts = self.loss(outputs, batch, seed=seed)
        if self.distillation is not None:
            more, distilled = self.distillation(outputs, batch.image, batch.depth)
            total, parts = total + more, {**parts, **distilled}
        return total, parts


class Learner(nn.Module):
    """The network and what it minimises, as one module for the strategies of Fabric."""

    def __init__(self, network: Network, objective: Objective, tasks: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.objective, self.tasks = network, objective, tasks

    def forward(
        self,
        image: Tensor,
        labels: Tensor,
        depth: Tensor,
        focal_px: Tensor,
        confidence: Tensor | None,
        soft_labels: Tensor | None,
        seed: int,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """
        Compute the loss of a batch.

        :param image: As all others but seed a field of Batch.
        :param seed: Of the pixels that the loss draws.
        :returns: As of MultitaskLoss.
        """
        if isinstance(self.network, Baseline):
            outputs = self.network(image)
        else:
            outputs = self.network(image, self.tasks)
        with torch.autocast(image.device.type, enabled=False):
            batch = Batch(image, labels, depth, focal_px, confidence, soft_labels=soft_labels)
            total, parts = self.objective(outputs, batch, seed)
        return total, parts

    def shared(self) -> list[Tensor]:
        """Return the trained parameters of the last encoder stage, which all heads use."""
        assert isinstance(self.network, MultitaskSegformer)
        stage = self.network.encoder.stages[-1]
        return [parameter for parameter in stage.parameters() if parameter.requires_grad]


def select(network: Network, stage: StageConfig) -> tuple[str, ...]:
    """
    Train what the stage trains and nothing else of the network, at the stage's stride of depth.

    :returns: The names of the frozen parameters.
    :raises ValueError: A pattern of the recipe names nothing, nothing is left to train, or there
        is no depth head whose stride could be chosen.
    """
    head = getattr(network, 'depth_head', None)
    if isinstance(head, GlpnHead):
        head.training_stride = stage.depth_stride or head.stride
    elif stage.depth_stride is not None:
        raise ValueError('depth_stride of a stage is for networks with a glpn depth head')
    idle = [
        head
        for task, heads in _HEADS.items()
        for head in heads
        if task not in stage.tasks and getattr(network, head, None) is not None
    ]
    return freeze(network, [*stage.frozen, *idle])


def recompute_blocks(network: Network) -> None:
    """
    Let the encoder compute its blocks again in the backward pass instead of keeping them.

    :raises ValueError: It is not SegFormer's.
    """
    if isinstance(network, Baseline):
        raise ValueError('hardware.checkpointing is for SegFormer: switch it off for a baseline')
    for stage in network.encoder.stages:
        for block in stage.get_submodule('blocks').children():
            forward: Callable[..., Tensor] = block.forward
            block.forward = partial(checkpoint, forward, use_reentrant=False)
