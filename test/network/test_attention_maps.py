# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a pixel attends to."""

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network.attention_maps import attention_maps  # noqa: E402
from segformer_ros.network.mix_transformer import make_encoder  # noqa: E402


@pytest.fixture(scope='module')
def encoder():
    """Return a B0 encoder whose attention is not even, in float64 and evaluation mode."""
    torch.manual_seed(0)
    encoder = make_encoder('b0').double().eval()
    for name, value in encoder.named_parameters():
        if '.attn.q.' in name or '.attn.kv.' in name:
            value.data.mul_(4.0)
    return encoder


@pytest.fixture(scope='module')
def image():
    """Return a normalised image of 64 x 96 pixels."""
    torch.manual_seed(1)
    return torch.randn(1, 3, 64, 96, dtype=torch.float64)


def test_every_head_shares_one_grid(encoder, image):
    """1, 2, 5 and 8 heads, one key for 32 x 32 pixels, and the shares of a head sum to 1."""
    maps = attention_maps(encoder, image, 10.0, 20.0)

    assert [tuple(shares.shape) for shares in maps] == [(n, 2, 3) for n in (1, 2, 5, 8)]
    for shares in maps:
        torch.testing.assert_close(
            shares.sum(dim=(1, 2)), torch.ones(len(shares), dtype=torch.float64)
        )
        assert shares.std() > 1e-3


@pytest.mark.parametrize(('x', 'y'), [(0.0, 0.0), (50.0, 37.5), (95.9, 63.9)])
@torch.no_grad()
def test_the_shares_are_those_that_mix_the_values(encoder, image, x, y):
    """Mixing the values with the shares gives what the block computes at the pixel."""
    seen = []
    attentions = [stage.blocks[-1].attn for stage in encoder.stages]
    hooks = [
        attention.register_forward_hook(lambda _, args, output: seen.append((*args, output)))
        for attention in attentions
    ]

    maps = attention_maps(encoder, image, x, y)

    for hook in hooks:
        hook.remove()
    for attention, stride, (tokens, height, width, output), shares in zip(
        attentions, (4, 8, 16, 32), seen, maps, strict=True
    ):
        token = int(y // stride) * width + int(x // stride)
        keys = tokens
        if attention.sr_ratio > 1:
            grid = tokens.transpose(1, 2).unflatten(2, (height, width))
            keys = attention.norm(attention.sr(grid).flatten(2).transpose(1, 2))
        values = attention.kv(keys)[0].chunk(2, dim=1)[1].unflatten(1, (len(shares), -1))
        mixed = torch.einsum('hk,khd->hd', shares.flatten(1), values).flatten()
        torch.testing.assert_close(attention.proj(mixed), output[0, token])


def test_looking_changes_nothing(encoder, image):
    """The encoder computes the same afterwards and carries no hook."""
    before = encoder(image)

    attention_maps(encoder, image, 0.0, 0.0)

    for first, second in zip(before, encoder(image), strict=True):
        assert torch.equal(first, second)
    assert not any(module._forward_pre_hooks for module in encoder.modules())
