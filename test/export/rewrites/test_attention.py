# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Attention with fewer operations computes what it did with all of them."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites import attention as rewritten  # noqa: E402
from segformer_ros.network.mix_transformer import EfficientSelfAttention  # noqa: E402

LIMIT = 1e-12
HEIGHT, WIDTH = 4, 6
# dim, heads, reduction
KINDS = [(8, 1, 2), (8, 2, 1), (12, 3, 2)]


def make(dim, heads, sr_ratio):
    """Return an attention and tokens for it, in float64."""
    attention = EfficientSelfAttention(dim, heads, sr_ratio, 1e-5)
    randomize(attention).double()
    return attention, torch.randn(2, HEIGHT * WIDTH, dim, dtype=torch.float64)


@torch.no_grad()
@pytest.mark.parametrize('kind', KINDS)
def test_the_bias_of_the_keys_changes_nothing(kind):
    """Softmax does not see what is added to a whole row of scores."""
    attention, tokens = make(*kind)

    without = rewritten.drop_key_bias(attention)

    assert without.kv.bias[: kind[0]].abs().max() == 0.0 < attention.kv.bias.abs().min()
    expected = attention(tokens, HEIGHT, WIDTH)
    assert relative_error(without(tokens, HEIGHT, WIDTH), expected) < LIMIT


@torch.no_grad()
@pytest.mark.parametrize('kind', KINDS)
def test_the_bias_of_the_values_moves_into_the_output(kind):
    """The rows of a softmax sum to one."""
    attention, tokens = make(*kind)

    moved = rewritten.move_value_bias(attention)

    assert moved.kv.bias[kind[0] :].abs().max() == 0.0
    expected = attention(tokens, HEIGHT, WIDTH)
    assert relative_error(moved(tokens, HEIGHT, WIDTH), expected) < LIMIT


@torch.no_grad()
def test_queries_are_scaled_by_their_weights():
    """The layer gives the query times one over the root of the channels of a head."""
    attention, tokens = make(12, 3, 2)

    found = rewritten.scaled_query(attention)(tokens)

    assert relative_error(found, attention.q(tokens) / 2.0) < LIMIT


@torch.no_grad()
def test_the_reduction_is_one_product_of_matrices():
    """Patches as rows, times the weights, are what the strided convolution gives."""
    attention, tokens = make(8, 2, 2)
    image = tokens.transpose(1, 2).reshape(2, 8, HEIGHT, WIDTH)

    patches = rewritten.patch_rows(tokens.flatten(0, 1), HEIGHT, WIDTH, 2)
    found = rewritten.reduction_as_matrix(attention.sr)(patches)

    expected = attention.sr(image).permute(0, 2, 3, 1).flatten(0, 2)
    assert relative_error(found, expected) < LIMIT


@torch.no_grad()
@pytest.mark.parametrize('options', [{}, {'query_rows': 8}, {'query_rows': 21}, {'fused': True}])
@pytest.mark.parametrize('kind', KINDS)
def test_attention_on_rows_computes_the_same(kind, options):
    """All of it together, whole and some queries at a time, also where these are uneven."""
    attention, tokens = make(*kind)

    rows = rewritten.RowAttention(attention, HEIGHT, WIDTH, **options)(tokens.flatten(0, 1))

    expected = attention(tokens, HEIGHT, WIDTH).flatten(0, 1)
    assert relative_error(rows, expected) < LIMIT
