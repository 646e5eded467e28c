# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Augmentations of a sample: one geometric transform for all of it, colours, weather, optics."""

from segformer_ros.training.augment.camera_look import recolor
from segformer_ros.training.augment.config import (
    AugmentConfig,
    CropConfig,
    CutDepthConfig,
    DomainConfig,
    PhotometricConfig,
    ResizeConfig,
)
from segformer_ros.training.augment.geometry import PADDING_RGB
from segformer_ros.training.augment.pipeline import Augmentation, make_augmentation

__all__ = [
    'PADDING_RGB',
    'AugmentConfig',
    'Augmentation',
    'CropConfig',
    'CutDepthConfig',
    'DomainConfig',
    'PhotometricConfig',
    'ResizeConfig',
    'make_augmentation',
    'recolor',
]
