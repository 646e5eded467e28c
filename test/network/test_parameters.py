# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every size has the published number of parameters."""

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network import MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.classifier import MixTransformerClassifier  # noqa: E402

# Of Hugging Face's port: 19, 23 and 150 classes without depth, the encoder, 23 with depth.
COUNTS = {
    'b0': (3_719_027, 3_720_055, 3_752_694, 3_319_392, 4_065_502),
    'b1': (13_682_131, 13_683_159, 13_715_798, 13_151_424, 14_061_374),
    'b2': (27_361_235, 27_364_311, 27_461_974, 24_196_288, 27_742_526),
    'b3': (47_237_075, 47_240_151, 47_337_814, 44_072_128, 47_618_366),
    'b4': (64_007_635, 64_010_711, 64_108_374, 60_842_688, 64_388_926),
    'b5': (84_607_955, 84_611_031, 84_708_694, 81_443_008, 84_989_246),
}


def count(module):
    """Count the parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(size, num_classes, **options):
    """Make a network without memory for its weights."""
    with torch.device('meta'):
        return MultitaskSegformer(NetworkConfig(size, num_classes, **options))


@pytest.mark.parametrize('size', COUNTS)
def test_counts_are_the_published_ones(size):
    """The encoder and the network with 19, 23 and 150 classes count as in the papers."""
    networks = [on_meta(size, classes, depth=False) for classes in (19, 23, 150)]

    found = [*map(count, networks), count(networks[0].encoder), count(on_meta(size, 23))]

    assert tuple(found) == COUNTS[size]


@pytest.mark.parametrize(
    ('size', 'expected'), [('b0', 3_720_051), ('b2', 24_728_019), ('b5', 81_974_739)]
)
def test_counts_with_the_head_of_mmsegmentation_are_the_published_ones(size, expected):
    """Its head has 256 channels for every size."""
    assert count(on_meta(size, 19, depth=False, segmentation_head='mmseg')) == expected


def test_segformer3d_counts_as_published():
    """MiT-B3 and two MLP heads of 256 channels, the second one with one channel of depth."""
    options = {'decoder_dim': 256, 'depth_head': 'mlp', 'depth_activation': 'linear'}

    assert count(on_meta('b3', 19, **options)) == 45_128_916


def test_the_classifier_counts_as_the_encoder_and_its_matrix():
    """1000 classes of ImageNet from 256 channels."""
    with torch.device('meta'):
        network = MixTransformerClassifier('b0')

    assert count(network) == COUNTS['b0'][3] + 257 * 1000


def test_the_auxiliary_head_adds_its_own_weights_only():
    """A 3x3 convolution from 160 channels to 256, its norm and a classifier."""
    difference = count(on_meta('b0', 19, auxiliary_head=True)) - count(on_meta('b0', 19))

    assert difference == 160 * 256 * 9 + 2 * 256 + 257 * 19


def test_depth_only_lacks_the_segmentation_head():
    """Either head can be off, and then costs nothing."""
    network = on_meta('b0', 19, segmentation=False)

    assert network.segmentation_head is None
    assert count(network) == COUNTS['b0'][3] + 345_447


def test_a_network_without_heads_is_refused():
    """At least one head has to be on."""
    with pytest.raises(ValueError, match='at least one of segmentation and depth'):
        on_meta('b0', 19, depth=False, segmentation=False)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'size': 'b6'}, 'size must be one of b0, b1'),
        ({'depth_stride': 3}, 'stride of the depth head must be one of'),
        ({'depth_activation': 'exp'}, "activation of the depth head must be one of.*'exp'"),
        ({'depth_head': 'dpt'}, "depth_head must be one of glpn, mlp, not 'dpt'"),
        (
            {'segmentation_head': 'fcn'},
            "segmentation_head must be one of nvlabs, mmseg, not 'fcn'",
        ),
        ({'segmentation': False, 'auxiliary_head': True}, 'segmentation is off'),
    ],
)
def test_unknown_values_are_named(options, message):
    """A wrong option says what would be right."""
    with pytest.raises(ValueError, match=message):
        MultitaskSegformer(NetworkConfig(**{'size': 'b0', 'num_classes': 19, **options}))
