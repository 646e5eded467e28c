# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a network that are not trained."""

import copy

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network import build  # noqa: E402
from segformer_ros.training.frozen import freeze  # noqa: E402

IMAGE = torch.linspace(-1.0, 1.0, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


@pytest.fixture
def network():
    """Return a network with both heads, dropout and stochastic depth."""
    torch.manual_seed(0)
    return build('b0', 3, decoder_dim=8, depth_dim=8, drop_path_rate=0.5)


def trained_of(network):
    """Name the parts with parameters that are trained."""
    return {name.split('.')[0] for name, p in network.named_parameters() if p.requires_grad}


def test_only_the_depth_head_is_trained_as_in_segformer3d(network):
    """Encoder and segmentation head are frozen."""
    names = freeze(network, ['encoder', 'segmentation_head'])

    assert trained_of(network) == {'depth_head'}
    expected = [n for n, _ in network.named_parameters() if not n.startswith('depth_head.')]
    assert list(names) == expected


def test_frozen_parts_compute_as_in_evaluation(network):
    """In training mode: no dropout, and batch norms that keep their mean and variance."""
    freeze(network, ['encoder', 'segmentation_head'])
    before = copy.deepcopy(network.state_dict())
    expected = network.eval()(IMAGE)['logits']

    found = network.train()(IMAGE)['logits']

    assert torch.equal(found, expected)
    after = network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed
    assert all(name.startswith('depth_head.') for name in changed)


def test_the_scale_of_depth_alone_changes_nothing_else():
    """Steps of an optimizer move its two tensors; labels and depth stay bit for bit."""
    torch.manual_seed(0)
    network = build('b0', 3, decoder_dim=8, depth_dim=8, depth_activation='log', depth_scale=True)
    parts = ('convs', 'fusions', 'conv', 'predict')
    freeze(network, ['encoder', 'segmentation_head', *(f'depth_head.{part}' for part in parts)])
    trained = [p for p in network.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == 9
    before, expected = copy.deepcopy(network.state_dict()), network.eval()(IMAGE)
    optimizer = torch.optim.AdamW(trained, lr=0.1)

    for _ in range(3):
        network.train()(IMAGE)['depth_scale'].square().mean().backward()
        optimizer.step()

    found = network.eval()(IMAGE)
    after = network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {'depth_head.log_scale.weight', 'depth_head.log_scale.bias'}
    assert not torch.equal(found['depth_scale'], expected['depth_scale'])
    assert all(torch.equal(found[name], expected[name]) for name in ('logits', 'depth'))


def test_gradients_reach_what_is_behind_a_frozen_part(network):
    """A frozen head passes the gradient on to a trained encoder."""
    freeze(network, ['segmentation_head'])

    network(IMAGE)['logits'].square().sum().backward()

    assert all(p.grad is None for p in network.segmentation_head.parameters())
    assert all(p.grad is not None for p in network.encoder.parameters())


def test_patterns_may_have_wildcards(network):
    """The first two stages, and a single layer."""
    names = freeze(network, ['encoder.stages.[01]', '*_head.classifier'])

    stages = {name.split('.')[2] for name in names if name.startswith('encoder.')}
    assert stages == {'0', '1'}
    assert [name for name in names if not name.startswith('encoder.')] == [
        'segmentation_head.classifier.weight',
        'segmentation_head.classifier.bias',
    ]


def test_next_call_thaws_what_it_does_not_name(network):
    """A second phase of training with other parts, or all of them."""
    freeze(network, ['encoder'])
    freeze(network, ['depth_head'])
    assert trained_of(network) == {'encoder', 'segmentation_head'}

    assert freeze(network, []) == ()

    assert trained_of(network) == {'encoder', 'segmentation_head', 'depth_head'}
    network.train()(IMAGE)
    assert network.encoder.stages[0].training
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_frozen_parts_stay_so_in_a_copy(network):
    """An average of the weights is made by copying the network."""
    freeze(network, ['encoder'])

    other = copy.deepcopy(network).train()
    other(IMAGE)

    assert not other.encoder.training
    assert trained_of(other) == {'segmentation_head', 'depth_head'}


def test_unknown_part_is_named_with_the_nearest(network):
    """Instead of freezing nothing in silence."""
    with pytest.raises(ValueError, match=r"called 'decoder', the nearest is '.*encoder'"):
        freeze(network, ['decoder'])


def test_network_that_is_frozen_as_a_whole_is_refused(network):
    """There would be nothing to do."""
    with pytest.raises(ValueError, match=r'\* freeze the whole network: leave a part'):
        freeze(network, ['*'])
    assert trained_of(network) == {'encoder', 'segmentation_head', 'depth_head'}
