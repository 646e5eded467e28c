# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All rewrites together compute what the network does."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import random_network, relative_error  # noqa: E402
from segformer_ros.export.rewrites import CPU, GPU, ONNX_RUNTIME, rewrite  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NETWORKS = {
    'glpn, stride 1': {'depth_activation': 'metric'},
    'glpn, stride 2': {'depth_stride': 2, 'depth_activation': 'log'},
    'glpn, stride 4': {'depth_stride': 4, 'depth_activation': 'bounded_log', 'depth_dim': 48},
    'mmseg, mlp': {
        'segmentation_head': 'mmseg',
        'depth_head': 'mlp',
        'depth_activation': 'linear',
        'norm_eps': 1e-6,
        'embed_norm_eps': 1e-5,
        'auxiliary_head': True,
    },
    'mlp, bounded': {'depth_head': 'mlp', 'depth_activation': 'metric'},
    'segmentation': {'depth': False},
    'depth': {'segmentation': False},
    'b1': {'size': 'b1', 'depth_dim': 64},
    'glpn, stride 8': {'depth_stride': 8, 'depth_activation': 'log', 'depth_dim': 32},
    'slim': {'sr_ratios': (16, 8, 4, 2), 'mlp_ratios': (2, 2, 3, 4), 'depth': False},
}


@torch.no_grad()
@pytest.mark.parametrize('style', [CPU, GPU], ids=['cpu', 'gpu'])
@pytest.mark.parametrize('name', NETWORKS)
def test_the_rewritten_network_computes_the_same(name, style):
    """Two images of an odd multiple of 32 per side, in float64."""
    network = random_network(**NETWORKS[name]).double()
    image = torch.randn(2, 3, 96, 32, dtype=torch.float64)
    expected = network(image)

    found = rewrite(network, 96, 32, style)(image)

    assert list(found) == list(expected)
    for key, value in expected.items():
        assert value.std() > 1e-3
        assert relative_error(found[key], value) < 1e-10


@torch.no_grad()
def test_a_fused_attention_computes_the_same_in_torch():
    """Its operator stands for what torch computes when it is traced."""
    network = random_network(depth=False).double()
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)

    found = rewrite(network, 64, 64, ONNX_RUNTIME)(image)

    assert relative_error(found['logits'], network(image)['logits']) < 1e-10


@torch.no_grad()
def test_bytes_in_are_the_normalised_image():
    """The network that takes bytes computes the same."""
    network = random_network().double()
    image = torch.randint(0, 256, (1, 32, 64, 3), dtype=torch.uint8)
    mean, std = (torch.tensor(value, dtype=torch.float64) for value in (MEAN, STD))
    planes = ((image.double() / 255.0 - mean) / std).permute(0, 3, 1, 2)

    found = rewrite(network, 32, 64, CPU, bytes_of=(MEAN, STD))(image)

    for key, value in network(planes).items():
        assert relative_error(found[key], value) < 1e-10


@torch.no_grad()
def test_the_network_itself_is_not_changed():
    """Neither its weights nor its type nor its mode."""
    network = random_network()
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    rewrite(network, 32, 32, CPU, bytes_of=(MEAN, STD))

    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@torch.no_grad()
def test_most_of_the_arithmetic_is_gone():
    """Of the published B0 with both heads, less than 0.41 is left at 512x1024."""
    network = random_network(classes=19, decoder_dim=256, depth_dim=64).to('meta')
    with FlopCounterMode(display=False) as published:
        features = network.encoder(torch.empty(1, 3, 512, 1024, device='meta'))
        network.segmentation_head.forward_as_published(features)
        network.depth_head(features)

    rewritten = rewrite(random_network(classes=19, decoder_dim=256, depth_dim=64), 512, 1024, CPU)
    with FlopCounterMode(display=False) as left:
        rewritten.to('meta')(torch.empty(1, 3, 512, 1024, device='meta', dtype=torch.float64))

    assert published.get_total_flops() / 2e9 == pytest.approx(41.47, abs=0.01)
    assert left.get_total_flops() < 0.39 * published.get_total_flops()


def test_sizes_must_suit_the_encoder():
    """A size that the encoder would pad is refused."""
    with pytest.raises(ValueError, match='multiples of 32, not 60x96'):
        rewrite(random_network(), 60, 96, CPU)
