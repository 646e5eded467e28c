# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a network costs: published figures reproduced, and our own counter against another one."""

import warnings

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')
pytest.importorskip('fvcore', reason='the published figures were made with it')

from segformer_ros.network import MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.arithmetic import count_macs, count_parameters  # noqa: E402
from torch.nn import functional  # noqa: E402


class Published(torch.nn.Module):
    """The network in the order of the papers, without padding."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        """Return logits at stride 4."""
        features = self.network.encoder(image)
        return self.network.segmentation_head.forward_as_published(features)


class Upsampled(Published):
    """As mmseg runs it: the logits upsampled to the image."""

    def forward(self, image):
        """Return logits of every pixel."""
        logits = super().forward(image)
        size = image.shape[-2:]
        return functional.interpolate(logits, size=size, mode='bilinear', align_corners=False)


def analyse(module, *inputs):
    """Let fvcore count; it loads and traces with parts of torch that are deprecated."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(module.eval(), inputs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return analysis.by_operator()


def on_meta(size='b0', num_classes=19, **options):
    """Make a network without memory for its weights."""
    with torch.device('meta'):
        return MultitaskSegformer(NetworkConfig(size, num_classes, **options))


@pytest.mark.parametrize(('size', 'gmacs'), [('b0', 15.579), ('b2', 50.633), ('b5', 149.964)])
def test_the_figures_of_cv_3315_are_reproduced(size, gmacs):
    """KITTI images of 375 x 1242, 19 classes, mmseg head, norms and upsampling counted."""
    network = MultitaskSegformer(NetworkConfig(size, 19, depth=False, segmentation_head='mmseg'))

    counts = analyse(Upsampled(network), torch.zeros(1, 3, 375, 1242))

    assert round(sum(counts.values()) / 1e9, 3) == gmacs


def test_the_figure_of_hugging_faces_port_is_reproduced():
    """B0, 19 classes, 512 x 512, by the same counter."""
    network = MultitaskSegformer(NetworkConfig('b0', 19, depth=False))

    counts = analyse(Published(network), torch.zeros(1, 3, 512, 512))

    assert round(sum(counts.values()) / 1e9, 3) == 7.945


@torch.no_grad()
@pytest.mark.parametrize('as_published', [True, False])
@pytest.mark.parametrize('head', ['nvlabs', 'mmseg'])
def test_products_and_convolutions_count_as_in_fvcore(head, as_published):
    """Both counters agree to the last multiplication, with the weights folded before."""
    config = NetworkConfig('b0', 19, segmentation_head=head, depth_stride=4)
    network = MultitaskSegformer(config)
    segmentation = network.segmentation_head
    if as_published:
        segmentation.forward = segmentation.forward_as_published
    elif head == 'nvlabs':
        folded = segmentation.stage_weights()
        segmentation.stage_weights = lambda: folded
    counts = analyse(OneByOne(network), torch.zeros(1, 3, 128, 192))
    expected = sum(counts[name] for name in ('conv', 'linear', 'matmul'))

    described = on_meta(segmentation_head=head, depth_stride=4)
    found = count_macs(described, 128, 192, as_published=as_published)

    assert sum(found.values()) == expected


class OneByOne(torch.nn.Module):
    """The network with its outputs as a tuple, which can be traced."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        """Return logits and depth."""
        return tuple(self.network(image).values())


def test_each_part_is_counted():
    """B0 at 512 x 1024: the published order costs the head 13 times what ours does."""
    network = on_meta()
    ours, published = (
        {name: round(macs / 1e9, 3) for name, macs in count_macs(network, *size, **kind).items()}
        for size, kind in (((512, 1024), {}), ((512, 1024), {'as_published': True}))
    )

    assert count_parameters(network) == {
        'encoder': 3_319_392, 'segmentation_head': 399_635, 'depth_head': 345_447,
    }  # fmt: skip
    assert ours == {'encoder': 8.488, 'segmentation_head': 0.679, 'depth_head': 23.714}
    assert published == {**ours, 'segmentation_head': 9.269}


@pytest.mark.parametrize(
    ('options', 'gmacs'),
    [
        ({'depth_stride': 1}, 23.714),
        ({'depth_stride': 2}, 8.992),
        ({'depth_stride': 4}, 5.312),
        ({'depth_stride': 4, 'depth_dim': 32}, 1.346),
        ({'depth_head': 'mlp'}, 0.528),
    ],
)
def test_a_depth_head_of_low_resolution_is_cheaper(options, gmacs):
    """The last two convolutions cost as many times less as they see fewer pixels."""
    macs = count_macs(on_meta(**options), 512, 1024)

    assert round(macs['depth_head'] / 1e9, 3) == gmacs


def test_an_image_is_counted_as_it_is_padded():
    """375 x 1242 costs what 384 x 1248 does; a network of one head has one."""
    network = on_meta(depth=False)

    assert count_macs(network, 375, 1242) == count_macs(network, 384, 1248)
    assert set(count_macs(network, 32, 32)) == {'encoder', 'segmentation_head'}


def test_the_auxiliary_head_has_weights_but_costs_no_image_anything():
    """It is for training."""
    network = on_meta(auxiliary_head=True)

    assert count_parameters(network)['auxiliary_head'] == 160 * 256 * 9 + 2 * 256 + 257 * 19
    assert count_macs(network, 64, 64) == count_macs(on_meta(), 64, 64)


def test_counting_leaves_the_network_alone():
    """Weights stay where they are, and training goes on."""
    network = MultitaskSegformer(NetworkConfig('b0', 2)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    count_macs(network, 32, 32)

    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
