# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A convolution behind upsamplings, computed from what lies before them."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import relative_error  # noqa: E402
from segformer_ros.export.rewrites.polyphase import PolyphaseConv  # noqa: E402
from segformer_ros.network.glpn_head import upsample_twice  # noqa: E402
from torch.nn import functional  # noqa: E402

ZERO = torch.zeros(1)


def upsampled(x, doublings):
    """Upsample as the head does."""
    for _ in range(doublings):
        x = upsample_twice(x)
    return x


@torch.no_grad()
@pytest.mark.parametrize('doublings', [1, 2])
@pytest.mark.parametrize(('height', 'width'), [(4, 4), (8, 20), (40, 24)])
def test_polyphase_equals_the_convolution_of_the_upsampled_map(height, width, doublings):
    """For two images, several chunks of rows, and at all four borders."""
    x = torch.randn(2, 5, height, width, dtype=torch.float64)
    weight, bias = torch.randn(7, 5, 3, 3).double(), torch.randn(7).double()

    rows = torch.cat(
        list(PolyphaseConv(weight, bias, height, width, doublings=doublings)(x, ZERO)), 1
    )

    expected = functional.conv2d(upsampled(x, doublings), weight, bias, padding=1)
    found = rows.reshape(2, expected.shape[2], expected.shape[3], 7).permute(0, 3, 1, 2)
    assert relative_error(found, expected) < 1e-12


@torch.no_grad()
def test_a_tap_adds_its_bias_where_it_lies_inside():
    """As a convolution with zero padding of a constant does, which is less at the border."""
    weight, bias = torch.randn(3, 2, 3, 3).double(), torch.randn(3).double()
    taps = torch.randn(3, 3, 3).double()
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64)

    conv = PolyphaseConv(weight, bias, 8, 8, doublings=1, tap_bias=taps)
    rows = torch.cat(list(conv(x, ZERO)), 1)

    expected = functional.conv2d(upsample_twice(x), weight, bias, padding=1)
    ones = torch.ones(1, 1, 16, 16, dtype=torch.float64)
    expected += functional.conv2d(ones, taps[:, None], padding=1)
    found = rows.reshape(1, 16, 16, 3).permute(0, 3, 1, 2)
    assert relative_error(found, expected) < 1e-12
