# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe says about its losses."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import Literal

from segformer_ros.training.distillation import DistillationConfig
from segformer_ros.training.losses.ground_contact import GroundContactConfig
from segformer_ros.training.weighting import WeightingConfig

ClassWeights = Literal['none', 'complement', 'log1p', 'log_c', 'effective']
Average = Literal['weights', 'labelled', 'all']
_OF_LOGARITHMS = ('silog', 'laplace')
SilogForm = Literal['raw', 'sqrt', 'kitti', 'bts']


def _check_factor(name: str, value: float) -> None:
    if not 0.0 <= value < math.inf:
        raise ValueError(f'{name} must be 0 or above, got {value}')


@dataclass(frozen=True)
class SegmentationLossConfig:
    """
    The loss of the labels.

    :param kind: 'cross_entropy'; 'ohem', which learns from the hardest pixels only; or 'binary'
        for a network of one channel, whose labels are 1 for the class and 0 for all else.
    :param class_weights: From how often the training data has each class, or one number for each
        channel; docs/losses.md has the formulas.
    :param balance: c of 'log_c' or beta of 'effective'; None is the published one.
    :param average: What the sum over pixels is divided by: the weights of the pixels that count
        ('weights', torch and avg_non_ignore of mmsegmentation 1), the number of labelled pixels
        ('labelled', avg_non_ignore of mmsegmentation 0), or of all pixels, those without label
        too ('all', mmsegmentation's default).
    :param ohem_threshold: 'ohem' keeps pixels whose true class gets a probability below this, and
        the ohem_min_kept hardest in any case. None keeps just these, those of greatest loss.
    :param ohem_min_kept: Pixels per image, of label images at full size.
    :param label_stride: Take a random one of that many pixels per side. Pixels next to one
        another teach the same, and on a CPU half of the time of a step goes to them.
    :param auxiliary: Factor of the cross entropy of the auxiliary head, where the network has it.
    :param soft_labels: Share of soft labels, where the data has them, in the cross entropy of the
        labels: 1 learns from them alone, 0 from the labels alone.
    :param dice: Factor of the Dice loss, which is added; lovasz likewise.
    """

    kind: Literal['cross_entropy', 'ohem', 'binary'] = 'cross_entropy'
    class_weights: ClassWeights | tuple[float, ...] = 'none'
    balance: float | None = None
    average: Average = 'weights'
    ohem_threshold: float | None = 0.7
    ohem_min_kept: int = 100_000
    label_stride: int = 1
    auxiliary: float = 0.4
    soft_labels: float = 1.0
    dice: float = 0.0
    lovasz: float = 0.0

    def __post_init__(self) -> None:
        """
        Refuse what is no loss.

        :raises ValueError: A value is out of its range.
        """
        for name in ('auxiliary', 'dice', 'lovasz'):
            _check_factor(name, getattr(self, name))
        if not 0.0 <= self.soft_labels <= 1.0:
            raise ValueError(f'soft_labels must be from 0 to 1, got {self.soft_labels}')
        if self.label_stride < 1 or self.ohem_min_kept < 1:
            raise ValueError(
                'label_stride and ohem_min_kept must be 1 or above, '
                f'got {self.label_stride} and {self.ohem_min_kept}'
            )
        if self.ohem_threshold is not None and not 0.0 < self.ohem_threshold <= 1.0:
            raise ValueError(
                f'ohem_threshold must be a probability or null, got {self.ohem_threshold}'
            )
        if self.balance is not None and self.class_weights not in {'log_c', 'effective'}:
            raise ValueError(
                'balance belongs to the class_weights log_c and effective, '
                f'not to {self.class_weights!r}'
            )
        if not isinstance(self.class_weights, str):
            for weight in self.class_weights:
                _check_factor('class_weights', weight)


@dataclass(frozen=True)
class DepthTermConfig:
    """
    One of the losses of depth; their sum is minimised.

    :param kind: 'silog', 'l1', 'mse', 'berhu', 'gradient', or 'laplace' which teaches the scale of
        depth too; see training.losses.depth.
    :param space: Whether errors are differences of metres ('linear') or of their logarithms; the
        network may give either. 'silog' and 'laplace' are of logarithms always.
    :param factor: What the loss is multiplied with.
    :param form: Of 'silog': 'raw' is mean(e^2) - focus mean(e)^2 (focus 0.5 unless given), 'sqrt'
        its root, 'kitti' 100 times the root (focus 1), 'bts' 10 times the root (focus 0.85).
    :param variance_focus: Of 'silog', 0 to 1; None is that of the form.
    :param scales: Of 'gradient': resolutions, each half of the one before.
    """

    kind: Literal['silog', 'l1', 'mse', 'berhu', 'gradient', 'laplace']
    space: Literal['log', 'linear'] = 'log'
    factor: float = 1.0
    form: SilogForm = 'sqrt'
    variance_focus: float | None = None
    scales: int = 4

    @property
    def name(self) -> str:
        """Return what logs call it, such as 'silog' or 'log_l1'."""
        return self.kind if self.kind in _OF_LOGARITHMS else f'{self.space}_{self.kind}'

    def __post_init__(self) -> None:
        """
        Refuse what is no loss.

        :raises ValueError: A value is out of its range.
        """
        _check_factor('factor', self.factor)
        if self.kind in _OF_LOGARITHMS and self.space != 'log':
            raise ValueError(
                f'{self.kind} is a loss of log depth: its space must be log, not linear'
            )
        if self.variance_focus is not None and not 0.0 <= self.variance_focus <= 1.0:
            raise ValueError(f'variance_focus must be from 0 to 1, got {self.variance_focus}')
        if self.scales < 1:
            raise ValueError(f'scales must be 1 or above, got {self.scales}')


@dataclass(frozen=True)
class DepthLossConfig:
    """
    The losses of depth.

    :param min_depth_m: Nearer depths are ignored, and so are those beyond max_depth_m.
    :param upsample: Compare at the size of the depth image, with the network's depth upsampled
        bilinearly; false compares with one random pixel of each cell of the network's.
    :param contact: What labels alone teach of vehicles, where no depth is known; null: nothing.
    """

    terms: tuple[DepthTermConfig, ...] = (
        DepthTermConfig('silog'),
        DepthTermConfig('l1', factor=0.5),
    )
    min_depth_m: float = 0.3
    max_depth_m: float = 120.0
    upsample: bool = False
    contact: GroundContactConfig | None = None

    def __post_init__(self) -> None:
        """
        Refuse a range without depths and terms that cannot be told apart.

        :raises ValueError: A value is out of its range.
        """
        if not 0.0 < self.min_depth_m < self.max_depth_m < math.inf:
            raise ValueError(
                'expected 0 < min_depth_m < max_depth_m, '
                f'got {self.min_depth_m} and {self.max_depth_m}'
            )
        names = [term.name for term in self.terms]
        if not names or len(set(names)) < len(names):
            raise ValueError(f'expected one or more different terms, got {names}')


@dataclass(frozen=True)
class LossConfig:
    """
    What is minimised: the losses of the heads that are on, weighed against one another.

    :param distillation: Training on the outputs of a larger network; null for none.
    """

    segmentation: SegmentationLossConfig = field(default_factory=SegmentationLossConfig)
    depth: DepthLossConfig = field(default_factory=DepthLossConfig)
    weighting: WeightingConfig = field(default_factory=WeightingConfig)
    distillation: DistillationConfig | None = None
