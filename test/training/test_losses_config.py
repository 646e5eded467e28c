# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes of losses: read, written and refused."""

from pathlib import Path
import typing

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.losses import LossConfig, make_loss  # noqa: E402
from segformer_ros.training.losses.config import (  # noqa: E402
    DepthTermConfig,
    SegmentationLossConfig,
)
from segformer_ros.training.optimizers import OptimizerConfig  # noqa: E402
from segformer_ros.training.schedules import ScheduleConfig  # noqa: E402
from segformer_ros.training.weighting import WeightingConfig  # noqa: E402
from segformer_ros.training.yaml_config import ConfigError, from_mapping, write  # noqa: E402
import yaml  # noqa: E402


def test_recipe_of_losses_goes_through_yaml_and_back():
    """Kinds, explicit weights and terms keep their types."""
    values = {
        'segmentation': {'kind': 'ohem', 'class_weights': [1.0, 2.0, 0.5], 'ohem_threshold': None},
        'depth': {'terms': [{'kind': 'mse', 'space': 'linear'}, {'kind': 'silog'}]},
        'weighting': {'kind': 'gradnorm'},
        'distillation': {'teacher': 'b5.safetensors'},
    }

    config = from_mapping(LossConfig, values)

    assert config.segmentation.class_weights == (1.0, 2.0, 0.5)
    assert [term.name for term in config.depth.terms] == ['linear_mse', 'silog']
    assert from_mapping(LossConfig, yaml.safe_load(write(config))) == config


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'segmentation': {'kind': 'focal'}}, 'expected one of cross_entropy, ohem, binary'),
        ({'segmentation': {'class_weights': 'log'}}, 'expected one of none, complement'),
        ({'segmentation': {'class_weights': [-1.0]}}, 'class_weights must be 0 or above'),
        ({'segmentation': {'balance': 1.1}}, 'balance belongs to the class_weights log_c'),
        ({'segmentation': {'label_stride': 0}}, 'must be 1 or above'),
        ({'segmentation': {'ohem_threshold': 2.0}}, 'must be a probability or null'),
        ({'segmentation': {'dice': -1.0}}, 'dice must be 0 or above'),
        ({'depth': {'terms': [{'kind': 'huber'}]}}, 'expected one of silog, l1'),
        ({'depth': {'terms': [{}]}}, "the key 'kind' is missing"),
        ({'depth': {'terms': []}}, 'expected one or more different terms'),
        ({'depth': {'terms': [{'kind': 'l1'}, {'kind': 'l1'}]}}, 'different terms'),
        ({'depth': {'terms': [{'kind': 'silog', 'space': 'linear'}]}}, 'its space must be log'),
        ({'depth': {'terms': [{'kind': 'silog', 'variance_focus': 2}]}}, 'from 0 to 1'),
        ({'depth': {'terms': [{'kind': 'gradient', 'scales': 0}]}}, 'scales must be 1 or above'),
        ({'depth': {'min_depth_m': 9.0, 'max_depth_m': 3.0}}, '0 < min_depth_m < max_depth_m'),
        ({'weighting': {'depth': -1.0}}, 'depth must be 0 or above'),
        ({'distillation': {}}, "the key 'teacher' is missing"),
    ],
)
def test_impossible_losses_are_refused(values, message):
    """With the name of the value."""
    with pytest.raises(ConfigError, match=message):
        from_mapping(LossConfig, values)


@pytest.mark.parametrize(
    ('config', 'options', 'message'),
    [
        (SegmentationLossConfig('binary'), {}, 'binary is for a network of one class'),
        (SegmentationLossConfig(), {'num_classes': 1}, 'got cross_entropy for 1'),
        (SegmentationLossConfig(class_weights=(1.0,)), {}, 'weights of 3 labels, got 1'),
        (SegmentationLossConfig(class_weights='log1p'), {'num_classes': 4}, 'of 4 labels, got 3'),
        (SegmentationLossConfig(), {'focal_length_px': 0.0}, 'focal_length_px must be above 0'),
    ],
)
def test_losses_that_do_not_fit_the_network_are_refused(config, options, message):
    """Before the first step."""
    shape = {'num_classes': 3, 'depth_is_log': True, 'focal_length_px': 100.0}
    with pytest.raises(ValueError, match=message):
        make_loss(LossConfig(config), class_counts=np.array([7, 2, 1]), **shape | options)


@pytest.mark.parametrize(
    ('kind', 'field'),
    [
        (SegmentationLossConfig, 'kind'),
        (SegmentationLossConfig, 'average'),
        (SegmentationLossConfig, 'class_weights'),
        (DepthTermConfig, 'kind'),
        (DepthTermConfig, 'form'),
        (WeightingConfig, 'kind'),
        (OptimizerConfig, 'kind'),
        (ScheduleConfig, 'kind'),
    ],
)
def test_documentation_names_every_choice(kind, field):
    """Each word that a recipe can choose is in docs/losses.md."""
    text = (Path(__file__).parents[2] / 'docs' / 'losses.md').read_text(encoding='utf-8')
    hint = typing.get_type_hints(kind)[field]
    words = typing.get_args(typing.get_args(hint)[0]) or typing.get_args(hint)

    assert len(words) >= 3
    assert [word for word in words if f'`{word}`' not in text] == []
