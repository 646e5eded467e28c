# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folded all-MLP heads compute what the published ones do."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites.mlp_heads import BandedHead, ResizedHead  # noqa: E402
from segformer_ros.network.mlp_depth_head import MlpDepthHead  # noqa: E402
from segformer_ros.network.mmseg_head import MmsegHead  # noqa: E402
from segformer_ros.network.segformer_head import SegformerHead  # noqa: E402

DIMS = (6, 4, 10, 8)
HEADS = {
    'nvlabs': lambda: SegformerHead(DIMS, 12, 5),
    'mmseg': lambda: MmsegHead(DIMS, 12, 5),
    'depth': lambda: MlpDepthHead(DIMS, 12),
}


@torch.no_grad()
@pytest.mark.parametrize('banded', [True, False])
@pytest.mark.parametrize(('height', 'width'), [(8, 8), (24, 40)])
@pytest.mark.parametrize('kind', HEADS)
def test_a_folded_head_computes_the_same(kind, height, width, banded):
    """With Resize and with matrices, for maps that no large block fits."""
    head = HEADS[kind]()
    randomize(head).double()
    features = [
        torch.randn(2, channels, height >> index, width >> index, dtype=torch.float64)
        for index, channels in enumerate(DIMS)
    ]

    folded = BandedHead(head, height, width) if banded else ResizedHead(head)

    assert relative_error(folded(features), head.forward_as_published(features)) < 1e-12


@torch.no_grad()
def test_an_activation_is_applied_to_the_output():
    """It is given to the head, which does not know it otherwise."""
    head = HEADS['nvlabs']()
    randomize(head)
    features = [torch.randn(1, c, 8 >> i, 8 >> i) for i, c in enumerate(DIMS)]

    plain, tripled = ResizedHead(head), ResizedHead(head, lambda x: 3.0 * x)

    torch.testing.assert_close(tripled(features), 3.0 * plain(features))
