# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Learning from a larger network, channel by channel (Shu et al. 2021, arXiv:2011.13256)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math

from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.mix_transformer import SIZES
import torch
from torch import nn, Tensor
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

LAST_STAGE = -1
SAMPLES = ('all', 'with_depth')


@dataclass(frozen=True)
class DistillationConfig:
    """
    The loss against the outputs of a larger network, besides the labels.

    :param teacher: Checkpoint of the larger network: a file, a folder, hf://org/name, or shipped
        weights by name.
    :param logits: Factor of the channel-wise loss of the logits.
    :param features: Factor of the channel-wise loss of the encoder's last stage.
    :param temperature: Logits and features are divided by it; larger looks at more of the image.
    :param samples: all, or with_depth: only samples with ground-truth depth, those of a simulator
        when real images have labels alone, and the teacher knows nothing of real images.
    """

    teacher: str
    logits: float = 3.0
    features: float = 0.0
    temperature: float = 4.0
    samples: str = 'all'

    def __post_init__(self) -> None:
        """
        Refuse what teaches nothing.

        :raises ValueError: A value is out of its range.
        """
        factors = (self.logits, self.features)
        if not all(0.0 <= value < math.inf for value in factors) or not any(factors):
            raise ValueError(
                'logits and features must be 0 or above and not both 0, '
                f'got {self.logits} and {self.features}'
            )
        if not 0.0 < self.temperature < math.inf:
            raise ValueError(f'temperature must be above 0, got {self.temperature}')
        if self.samples not in SAMPLES:
            raise ValueError(f'samples must be one of {", ".join(SAMPLES)}, not {self.samples!r}')


def channel_wise(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """
    Compare where two maps look, channel by channel (equations 3 and 4).

    The softmax of each channel over all its places is a distribution; the loss is
    T^2 / C sum_c KL(teacher_c, student_c), averaged over the batch; 0 for an empty one.

    :param student: (N, C, h, w).
    :param teacher: (N, C, H, W), resized bilinearly to the student's size.
    """
    if teacher.shape[-2:] != student.shape[-2:]:
        teacher = functional.interpolate(
            teacher, size=student.shape[-2:], mode='bilinear', align_corners=False
        )
    own = (student.flatten(2) / temperature).log_softmax(dim=2)
    other = (teacher.flatten(2) / temperature).log_softmax(dim=2)
    divergence = (other.exp() * (other - own)).sum(dim=2)
    return divergence.sum() / max(divergence.numel(), 1) * temperature**2


class Distillation(nn.Module):
    """
    The loss against a larger network.

    Its parameters, if any, map the student's features to the width of the teacher's; they are
    trained with the student. The teacher is put into evaluation mode, gets no gradients, and is
    no part of the state; it must be on the device of the images.

    :param student: The network to train; its encoder is watched until close() is called.
    :param teacher: With the same classes in the same channels.
    :raises ValueError: One of both has no segmentation head, or their channels differ in number.
    """

    def __init__(
        self, config: DistillationConfig, student: MultitaskSegformer, teacher: MultitaskSegformer
    ) -> None:
        super().__init__()
        own, other = student.config, teacher.config
        if not own.segmentation or not other.segmentation or own.num_classes != other.num_classes:
            raise ValueError(
                f'expected a teacher with the {own.num_classes} classes of the network, '
                f'got one with {other.num_classes}: both need the segmentation head'
            )
        self.config = config
        self._teacher = (teacher.eval().requires_grad_(False),)
        self._features: Tensor | None = None
        self._handle: RemovableHandle | None = None
        self.project: nn.Conv2d | None = None
        if config.features > 0.0:
            dims = [SIZES[size].embed_dims[LAST_STAGE] for size in (own.size, other.size)]
            self.project = nn.Conv2d(dims[0], dims[1], 1)
            self._handle = student.encoder.register_forward_hook(self._watch)

    def _watch(self, encoder: nn.Module, images: object, features: list[Tensor]) -> None:
        if encoder.training:
            self._features = features[LAST_STAGE]

    def forward(
        self, outputs: Mapping[str, Tensor], image: Tensor, depth: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """
        Compare the student with the teacher on the same images.

        :param outputs: What the student, in training mode, just gave for the images.
        :param image: (N, 3, H, W) normalised.
        :param depth: (N, H, W) metres, not finite where unknown.
        :returns: The sum to add to the other losses, 0 where no sample is compared; its detached
            parts by name.
        """
        config, parts = self.config, {}
        compared = self._choose(depth)
        wanted, features = self._ask(image[compared], outputs['logits'].dtype)
        if config.logits > 0.0:
            own = outputs['logits'][compared].float()
            value = channel_wise(own, wanted['logits'].float(), config.temperature)
            parts['distilled_logits'] = (config.logits, value)
        if self.project is not None:
            own, self._features = self._take_features(), None
            mapped = self.project(own[compared].float())
            value = channel_wise(mapped, features.float(), config.temperature)
            parts['distilled_features'] = (config.features, value)
        total = torch.stack([factor * value for factor, value in parts.values()]).sum()
        return total, {name: value.detach() for name, (_, value) in parts.items()}

    def _choose(self, depth: Tensor) -> slice | Tensor:
        """Return which samples are compared: all without a copy, or the numbers of some."""
        if self.config.samples == 'all':
            return slice(None)
        return depth.isfinite().flatten(1).any(dim=1).nonzero()[:, 0]

    @torch.no_grad()
    def _ask(self, image: Tensor, kind: torch.dtype) -> tuple[dict[str, Tensor], Tensor]:
        """Compute what the teacher says, rounded to the type of the student where that is."""
        (teacher,) = self._teacher
        half = torch.autocast(image.device.type, kind, enabled=kind != torch.float32)
        seen: list[Tensor] = []
        handle = teacher.encoder.register_forward_hook(
            lambda encoder, images, features: seen.append(features[LAST_STAGE])
        )
        try:
            with half:
                return teacher(image, ('segmentation',)), seen[0]
        finally:
            handle.remove()

    def _take_features(self) -> Tensor:
        if self._features is None:
            raise ValueError('expected the student to run in training mode before its teacher')
        return self._features

    def close(self) -> None:
        """Stop watching the student."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
