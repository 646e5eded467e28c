# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which parameters an optimizer decays and how fast it moves them."""

import sys
import types

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network import build  # noqa: E402
from segformer_ros.training.losses import LossConfig, make_loss  # noqa: E402
from segformer_ros.training.optimizers import (  # noqa: E402
    make_optimizer,
    OptimizerConfig,
    parameter_groups,
    set_learning_rate,
)
from segformer_ros.training.weighting import WeightingConfig  # noqa: E402
from segformer_ros.training.yaml_config import ConfigError, from_mapping  # noqa: E402
from torch import nn  # noqa: E402


@pytest.fixture(scope='module')
def network():
    """Return a small network with all three heads."""
    return build('b0', 5, decoder_dim=16, depth_dim=16, auxiliary_head=True)


def group_of(groups):
    """Return the name of the group of each parameter."""
    return {name: group['name'] for group in groups for name in group['names']}


@pytest.mark.parametrize(
    ('name', 'group'),
    [
        ('encoder.stages.0.patch_embed.proj.weight', 'encoder'),
        ('encoder.stages.0.patch_embed.proj.bias', 'encoder undecayed'),
        ('encoder.stages.0.patch_embed.norm.weight', 'encoder undecayed'),
        ('encoder.stages.1.blocks.0.attn.q.weight', 'encoder'),
        ('encoder.stages.1.blocks.0.attn.norm.weight', 'encoder undecayed'),
        ('encoder.stages.1.blocks.0.mlp.fc1.weight', 'encoder'),
        ('encoder.stages.1.blocks.0.mlp.dwconv.weight', 'encoder undecayed'),
        ('encoder.stages.3.norm.bias', 'encoder undecayed'),
        ('segmentation_head.linear_c.0.weight', 'heads'),
        ('segmentation_head.batch_norm.weight', 'heads undecayed'),
        ('segmentation_head.classifier.bias', 'heads undecayed'),
        ('depth_head.fusions.0.conv1.weight', 'heads'),
        ('depth_head.fusions.0.norm1.bias', 'heads undecayed'),
        ('auxiliary_head.classifier.weight', 'heads'),
    ],
)
def test_parameters_are_in_the_group_of_the_recipe(network, name, group):
    """Norms, biases and depthwise convolutions are not decayed; heads are apart."""
    assert group_of(parameter_groups(network, OptimizerConfig()))[name] == group


def test_groups_hold_every_parameter_once_with_its_rate_and_decay(network):
    """Heads learn ten times as fast."""
    config = OptimizerConfig(learning_rate=6e-5, weight_decay=0.01, head_factor=10.0)

    groups = {group['name']: group for group in parameter_groups(network, config)}

    names = [name for group in groups.values() for name in group['names']]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    assert {name: (group['lr'], group['weight_decay']) for name, group in groups.items()} == {
        'encoder': (6e-5, 0.01),
        'encoder undecayed': (6e-5, 0.0),
        'heads': (pytest.approx(6e-4), 0.01),
        'heads undecayed': (pytest.approx(6e-4), 0.0),
    }


def test_mmsegmentations_recipe_decays_biases_and_positions(network):
    """With norms alone undecayed, all others are decayed."""
    found = group_of(parameter_groups(network, OptimizerConfig(undecayed=('norms',))))

    assert found['encoder.stages.1.blocks.0.mlp.dwconv.weight'] == 'encoder'
    assert found['encoder.stages.1.blocks.0.mlp.fc1.bias'] == 'encoder'
    assert found['encoder.stages.1.blocks.0.norm1.bias'] == 'encoder undecayed'


def test_frozen_parameters_are_left_out():
    """An optimizer would decay them even without a gradient of its own."""
    network = nn.ModuleDict({'encoder': nn.Linear(2, 2), 'head': nn.Linear(2, 2)})
    network['encoder'].requires_grad_(False)

    found = group_of(parameter_groups(network, OptimizerConfig()))

    assert found == {'head.weight': 'heads', 'head.bias': 'heads undecayed'}


def test_optimizer_without_anything_to_train_is_refused():
    """Instead of running for nothing."""
    with pytest.raises(ValueError, match='all of the network are frozen'):
        make_optimizer(nn.Linear(2, 2).requires_grad_(False), OptimizerConfig())


def test_learned_weights_of_the_loss_are_trained_too(network):
    """Without decay, at the rate of the encoder."""
    config = LossConfig(weighting=WeightingConfig('uncertainty'))
    loss = make_loss(
        config, num_classes=5, class_counts=None, depth_is_log=True, focal_length_px=100.0
    )

    groups = make_optimizer(network, OptimizerConfig(), loss=loss).param_groups

    (group,) = (group for group in groups if group['name'] == 'loss')
    assert set(group['names']) == {
        'loss.weighting.log_variances.segmentation',
        'loss.weighting.log_variances.depth',
    }
    assert (group['lr'], group['weight_decay']) == (6e-5, 0.0)


def test_rate_of_a_step_keeps_the_factors(network):
    """The schedule gives one number, every group its own multiple."""
    optimizer = make_optimizer(network, OptimizerConfig(head_factor=4.0))

    set_learning_rate(optimizer, 1e-3)

    rates = {group['name']: group['lr'] for group in optimizer.param_groups}
    assert rates['encoder'] == 1e-3
    assert rates['heads undecayed'] == 4e-3


def one_step(config):
    """Move a weight of 1 and a bias of 1 with gradients of 2 and 0."""
    network = nn.Linear(1, 1)
    nn.init.ones_(network.weight)
    nn.init.ones_(network.bias)
    optimizer = make_optimizer(network, config)
    network.weight.grad, network.bias.grad = torch.full((1, 1), 2.0), torch.zeros(1)
    optimizer.step()
    return network.weight.item(), network.bias.item()


def test_adamw_decays_apart_from_the_gradient():
    """1 (1 - 0.1 * 0.5) - 0.1 for the weight; the bias, without gradient, stays."""
    config = OptimizerConfig(learning_rate=0.1, weight_decay=0.5, head_factor=1.0)

    assert one_step(config) == pytest.approx((0.85, 1.0), abs=1e-6)


def test_adam_moves_by_the_rate_alone_in_its_first_step():
    """Its decay is a part of the gradient, whose size it divides out."""
    config = OptimizerConfig('adam', learning_rate=0.1, weight_decay=0.5, head_factor=1.0)

    assert one_step(config) == pytest.approx((0.9, 1.0), abs=1e-6)


def test_adamw_8bit_without_its_package_is_one_sentence(monkeypatch):
    """It names the package and the way out."""
    monkeypatch.setitem(sys.modules, 'bitsandbytes', None)

    with pytest.raises(ImportError, match='needs the package bitsandbytes: pip install') as caught:
        make_optimizer(nn.Linear(2, 2), OptimizerConfig('adamw_8bit'))
    assert '\n' not in str(caught.value)


def test_adamw_8bit_gets_the_same_groups(monkeypatch):
    """Bitsandbytes is given groups and betas; a stand-in shows them."""
    stand_in = types.SimpleNamespace(
        optim=types.SimpleNamespace(AdamW8bit=lambda groups, betas: (groups, betas))
    )
    monkeypatch.setitem(sys.modules, 'bitsandbytes', stand_in)

    groups, betas = make_optimizer(nn.Linear(2, 2), OptimizerConfig('adamw_8bit'))

    assert [group['name'] for group in groups] == ['heads', 'heads undecayed']
    assert betas == (0.9, 0.999)


def test_adamw_8bit_learns():
    """The loss of a line falls, and the moments of a large weight take one byte each."""
    pytest.importorskip('bitsandbytes', reason='adamw_8bit needs bitsandbytes')
    torch.manual_seed(0)
    network = nn.Linear(128, 128)
    optimizer = make_optimizer(network, OptimizerConfig('adamw_8bit', learning_rate=1e-4))
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = network(torch.ones(4, 128)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses == sorted(losses, reverse=True)
    assert optimizer.state[network.weight]['state1'].dtype == torch.uint8


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'kind': 'sgd'}, 'expected one of adamw, adam, adamw_8bit'),
        ({'learning_rate': 0.0}, 'learning_rate must be above 0'),
        ({'weight_decay': -0.1}, 'weight_decay must be 0 or above'),
        ({'betas': [0.9, 1.0]}, 'betas must be from 0 to below 1'),
        ({'undecayed': ['norms', 'heads']}, 'expected one of norms, biases, positions'),
    ],
)
def test_impossible_optimizers_are_refused(values, message):
    """With the name of the value."""
    with pytest.raises(ConfigError, match=message):
        from_mapping(OptimizerConfig, values)
