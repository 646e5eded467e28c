# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folded normalisations compute what they did beside their layers."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites import norms  # noqa: E402
from segformer_ros.network.mix_transformer import Block  # noqa: E402
from torch import nn  # noqa: E402

LIMIT = 1e-12


@torch.no_grad()
@pytest.mark.parametrize('bias', [True, False])
def test_batch_norm_goes_into_the_convolution(bias):
    """One convolution gives what convolution and norm gave, at the border too."""
    conv = randomize(nn.Conv2d(4, 6, 3, padding=1, stride=2, bias=bias)).double()
    norm = randomize(nn.BatchNorm2d(6), seed=3).double()
    x = torch.randn(2, 4, 9, 7, dtype=torch.float64)

    folded = norms.fold_batch_norm(conv, norm)

    assert relative_error(folded(x), norm(conv(x))) < LIMIT


@torch.no_grad()
@pytest.mark.parametrize('bias', [True, False])
def test_layer_norm_goes_into_the_linear_layer(bias):
    """A bare norm and one layer give what norm and layer gave."""
    norm, layer = nn.LayerNorm(8, eps=1e-3), nn.Linear(8, 5, bias=bias)
    randomize(nn.ModuleDict({'norm': norm, 'layer': layer})).double()
    x = torch.randn(2, 7, 8, dtype=torch.float64)

    folded = norms.fold_layer_norm(norm, layer)

    assert relative_error(folded(norms.bare(norm)(x)), layer(norm(x))) < LIMIT


@torch.no_grad()
def test_layer_norm_goes_into_a_convolution_without_padding():
    """That is the one that reduces keys and values."""
    norm, conv = nn.LayerNorm(8), nn.Conv2d(8, 5, 2, 2)
    randomize(nn.ModuleDict({'norm': norm, 'conv': conv})).double()
    x = torch.randn(2, 6, 4, 8, dtype=torch.float64)

    found = norms.fold_layer_norm(norm, conv)(norms.bare(norm)(x).permute(0, 3, 1, 2))

    assert relative_error(found, conv(norm(x).permute(0, 3, 1, 2))) < LIMIT


def test_a_convolution_that_pads_is_refused():
    """The shift of the norm would have to reach into the padding."""
    with pytest.raises(ValueError, match='without padding'):
        norms.fold_layer_norm(nn.LayerNorm(8), nn.Conv2d(8, 5, 3, padding=1))


@torch.no_grad()
@pytest.mark.parametrize('sr_ratio', [1, 2])
def test_the_norms_of_a_block_become_bare(sr_ratio):
    """The block computes the same, and the one that was given keeps its norms."""
    block = Block(8, 2, sr_ratio, 4, 0.0, 1e-6, 1e-5)
    randomize(block).double()
    rows = torch.randn(2, 24, 8, dtype=torch.float64)

    folded = norms.fold_norms(block)

    assert relative_error(folded(rows, 4, 6), block(rows, 4, 6)) < LIMIT
    kept = [module for module in folded.modules() if isinstance(module, nn.LayerNorm)]
    assert all(norm.weight is None for norm in kept)
    assert [norm.eps for norm in kept] == ([1e-6, 1e-5, 1e-6] if sr_ratio > 1 else [1e-6, 1e-6])
    assert block.norm1.weight is not None
