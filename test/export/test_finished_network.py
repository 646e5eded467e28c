# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finished weights are computed in another form, with the same result."""

import pytest

torch = pytest.importorskip('torch', reason='the network is a module of torch')

from segformer_ros.evaluation import NetworkFacts  # noqa: E402
from segformer_ros.export.finished_network import FinishedNetwork  # noqa: E402
from segformer_ros.network import build  # noqa: E402
from segformer_ros.training.torch_network import network_facts, TorchNetwork  # noqa: E402
from torch import nn  # noqa: E402

SIZE = 64, 96


@pytest.fixture(scope='module')
def module():
    """Return a network that says something everywhere, with three outputs."""
    torch.manual_seed(0)
    network = build(
        'b0', 19, depth_activation='log', depth_dim=16, depth_scale=True, decoder_dim=32
    )
    nn.init.normal_(network.segmentation_head.classifier.weight)
    for name in ('predict', 'log_scale'):
        nn.init.normal_(getattr(network.depth_head, name).weight, std=0.1)
    return network.eval()


@torch.no_grad()
def test_the_other_form_gives_what_the_module_gives(module):
    """All outputs of every size, from one and the same object."""
    finished = FinishedNetwork(module)
    for size in (SIZE, (32, 64), SIZE):
        planes = torch.randn(1, 3, *size)
        expected, found = module(planes), finished.run(planes)
        assert list(found) == ['logits', 'depth', 'depth_scale']
        for name, value in expected.items():
            assert value.std() > 0.01
            torch.testing.assert_close(found[name], value, rtol=0, atol=1e-4)


def test_few_sizes_are_kept(module):
    """Images of any size do not fill the memory; the size that came longest ago is given up."""
    finished = FinishedNetwork(module)
    for width in (32, 64, 96, 128, 32, 160):
        assert finished.run(torch.zeros(1, 3, 32, width))['depth'].shape == (1, 1, 32, width)
    assert list(finished._sizes) == [(32, 96), (32, 128), (32, 32), (32, 160)]


@pytest.mark.parametrize(
    ('settings', 'finished'),
    [
        ({'finished': True}, True),
        ({}, False),
        ({'finished': True, 'dtype': torch.bfloat16}, False),
        ({'finished': True, 'device': 'meta'}, False),
    ],
)
def test_only_finished_weights_in_float32_on_a_cpu_change_their_form(module, settings, finished):
    """Whatever else is computed as it is trained."""
    network = TorchNetwork(module, network_facts(module, (), '', None), **settings)
    assert (network._finished is not None) is finished


def test_another_module_is_computed_as_it_is():
    """Baselines are no SegFormer that could be rewritten."""
    assert TorchNetwork(nn.Conv2d(3, 1, 1), NetworkFacts('other'), finished=True)._finished is None
