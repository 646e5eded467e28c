# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mix-FFN as convolutions computes the same."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites.feed_forward import ConvFeedForward  # noqa: E402
from segformer_ros.network.mix_transformer import MixFFN  # noqa: E402


@torch.no_grad()
def test_convolutions_compute_what_linear_layers_did():
    """Two images, a map with a border on all sides."""
    feed_forward = MixFFN(6, 24)
    randomize(feed_forward).double()
    tokens = torch.randn(2, 5 * 3, 6, dtype=torch.float64)

    rows = ConvFeedForward(feed_forward, 5, 3)(tokens.flatten(0, 1))

    assert relative_error(rows, feed_forward(tokens, 5, 3).flatten(0, 1)) < 1e-12
