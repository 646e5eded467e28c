# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rewritten GLPN head computes what the published one does."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites import depth_head as rewritten  # noqa: E402
from segformer_ros.network.glpn_head import (  # noqa: E402
    GlpnHead,
    SelectiveFeatureFusion,
    upsample_twice,
)
from torch import nn  # noqa: E402

LIMIT = 1e-12


def maps(*shapes):
    """Return random maps of two images."""
    return [torch.randn(2, *shape, dtype=torch.float64) for shape in shapes]


@torch.no_grad()
def test_batch_norms_of_a_fusion_are_folded():
    """Both of them; the third convolution has none."""
    fusion = SelectiveFeatureFusion(8)
    randomize(fusion).double()
    local_map, global_map = maps((8, 6, 10), (8, 6, 10))

    folded = rewritten.FoldedFusion(fusion)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    expected = fusion(local_map, global_map)
    assert relative_error(folded(local_map, global_map), expected) < LIMIT


@torch.no_grad()
@pytest.mark.parametrize('channels', [4, 8, 12])
def test_a_split_fusion_never_sees_the_upsampled_map_in_its_first_convolution(channels):
    """With fewer channels in the features than in the maps, as many (no projection), and more."""
    projection = nn.Identity() if channels == 8 else nn.Conv2d(channels, 8, 1)
    parts = nn.ModuleDict({'fusion': SelectiveFeatureFusion(8), 'projection': projection})
    randomize(parts).double()
    feature, coarse = maps((channels, 8, 24), (8, 4, 12))
    local_map = projection(feature)

    split = rewritten.SplitFusion(parts['fusion'], projection, 8, 24)

    assert split.composed == (channels < 8)
    expected = parts['fusion'](local_map, upsample_twice(coarse))
    assert (
        relative_error(split.split(feature, local_map, coarse, torch.zeros(1)), expected) < LIMIT
    )


@torch.no_grad()
@pytest.mark.parametrize('banded', [True, False])
@pytest.mark.parametrize('activation', ['metric', 'log', 'bounded_log', 'linear'])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_a_whole_head_computes_the_same(stride, activation, banded):
    """Every stride and activation."""
    dims = (4, 8, 10, 12)
    head = GlpnHead(dims, dim=8, stride=stride, activation=activation, max_depth_m=9.0)
    randomize(head).double()
    features = maps(*((channels, 24 >> i, 8 >> i) for i, channels in enumerate(dims)))

    folded = rewritten.FoldedGlpnHead(head, 24, 8, banded=banded)

    assert relative_error(folded(features), head(features)) < LIMIT


@torch.no_grad()
@pytest.mark.parametrize('banded', [True, False])
@pytest.mark.parametrize('stride', [1, 2, 4, 8])
def test_the_scale_of_depth_is_computed_from_the_same_features(stride, banded):
    """As the second channel, at every stride."""
    dims = (4, 8, 10, 12)
    head = GlpnHead(dims, dim=8, stride=stride, activation='log', scale=True)
    randomize(head).double()
    features = maps(*((channels, 24 >> i, 8 >> i) for i, channels in enumerate(dims)))

    folded = rewritten.FoldedGlpnHead(head, 24, 8, banded=banded)(features)

    expected = head(features)
    assert folded.shape[1] == 2
    assert relative_error(folded[:, :1], expected[:, :1]) < LIMIT
    assert relative_error(folded[:, 1:], expected[:, 1:]) < LIMIT
