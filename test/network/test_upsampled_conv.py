# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The convolution of an upsampled map is the same before and after the upsampling."""

import pytest

torch = pytest.importorskip('torch', reason='the network is a module of torch')

from segformer_ros.network import build, multitask  # noqa: E402
from segformer_ros.network import glpn_head as head_module  # noqa: E402
from segformer_ros.network.glpn_head import upsample_twice  # noqa: E402
from segformer_ros.network.upsampled_conv import upsampled_conv  # noqa: E402
from torch.nn import functional  # noqa: E402


def gradients(value, *leaves):
    """Return the gradients of a sum that weighs every pixel differently."""
    weights = torch.linspace(-1.0, 1.0, value.numel(), dtype=value.dtype).reshape(value.shape)
    return torch.autograd.grad((value * weights).sum(), leaves)


@pytest.mark.parametrize('doublings', [1, 2])
@pytest.mark.parametrize('size', [(8, 16), (5, 11), (1, 2)])
def test_values_and_gradients_are_those_of_the_plain_order(size, doublings):
    """Of x, weights and bias, at the borders too, whether or not blocks fill an axis."""
    torch.manual_seed(0)
    leaves = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((2, 5, *size), (3, 5, 3, 3), (3,))
    ]
    x, weight, bias = leaves
    wide = x
    for _ in range(doublings):
        wide = upsample_twice(wide)
    expected = functional.conv2d(wide, weight, bias, padding=1)

    found = upsampled_conv(x, weight, bias, doublings)

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for one, other in zip(gradients(found, *leaves), gradients(expected, *leaves), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
    torch.testing.assert_close(
        upsampled_conv(x, weight, None, doublings), expected - bias[:, None, None]
    )


@pytest.mark.parametrize(('stride', 'times'), [(1, 1), (2, 1), (4, 0)])
def test_a_head_in_training_uses_it_where_it_upsamples(stride, times, monkeypatch):
    """With the loss and the gradients of the order of the paper."""
    used = []

    def counted(*arguments):
        used.append(arguments[3])
        return upsampled_conv(*arguments)

    monkeypatch.setattr(head_module, 'upsampled_conv', counted)
    torch.manual_seed(0)
    network = build('b0', 0, segmentation=False, depth_dim=8, depth_stride=stride)
    torch.nn.init.normal_(network.depth_head.predict.weight, std=0.1)
    image = torch.randn(2, 3, 32, 64)
    results = []
    for fast in (True, False):
        monkeypatch.setattr(head_module, '_trains_on_cpu', lambda _, fast=fast: fast)
        depth = network.train()(image)[multitask.TASKS[1]]
        results.append([depth, *gradients(depth, *network.depth_head.parameters())])
        for norm in network.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.reset_running_stats()
    assert len(used) == times
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_other_modes_keep_the_plain_order(monkeypatch):
    """Evaluation computes to the bit what it did, and so does reduced precision."""
    monkeypatch.setattr(head_module, 'upsampled_conv', None)
    network = build('b0', 0, segmentation=False, depth_dim=8).eval()
    image = torch.randn(1, 3, 32, 32)
    network(image)['depth'].sum().backward()
    network.train()
    with torch.no_grad():
        network(image.expand(2, -1, -1, -1))
    with torch.autocast('cpu', torch.bfloat16):
        network(image.expand(2, -1, -1, -1))
    with pytest.raises(TypeError):
        network(image.expand(2, -1, -1, -1))
