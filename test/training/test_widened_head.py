# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A wider depth head begins as the narrow one."""

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network import build
from segformer_ros.training.widened_head import widen
import torch
from torch import nn


def network(dim, **options):
    """Build a B0 for depth whose batch norms have seen something."""
    made = build('b0', 2, segmentation=False, depth_dim=dim, depth_activation='log', **options)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.uniform_(module.bias)
    nn.init.normal_(made.depth_head.predict.weight)
    return made.eval()


@pytest.mark.parametrize(('narrow', 'wide'), [(32, 56), (16, 48), (64, 96)])
@torch.no_grad()
def test_a_widened_head_computes_the_same_and_can_learn_more(narrow, wide):
    """32 and 64 are widths of stages of the encoder, which such a head takes as they are."""
    torch.manual_seed(0)
    old, new = network(narrow), network(wide)
    encoder = {n: t for n, t in old.state_dict().items() if n.startswith('encoder.')}
    image = torch.randn(2, 3, 64, 96)

    made = widen(old.state_dict(), new.state_dict())

    new.load_state_dict({**encoder, **made})
    torch.testing.assert_close(new(image)['depth'], old(image)['depth'], rtol=1e-4, atol=1e-4)
    with torch.enable_grad():
        new(image)['depth'].sum().backward()
    assert bool((new.depth_head.predict.weight.grad[:, narrow:] != 0.0).any())


def test_a_scale_of_depth_that_the_narrow_head_lacks_is_fresh():
    """It is one number per pixel of the wide features, whatever the width was."""
    old, new = network(32), network(56, depth_scale=True)

    made = widen(old.state_dict(), new.state_dict())

    weight = new.state_dict()['depth_head.log_scale.weight']
    assert torch.equal(made['depth_head.log_scale.weight'], weight)


@pytest.mark.parametrize(('narrow', 'wide'), [(56, 32), (32, 32), (32, 64)])
def test_an_incompatible_head_starts_from_scratch(narrow, wide):
    """Narrower, as wide, or without a convolution that the narrow one has."""
    assert widen(network(narrow).state_dict(), network(wide).state_dict()) == {}


def test_other_heads_are_left_alone():
    """Neither without depth nor from the all-MLP head."""
    fresh = network(56).state_dict()
    without = build('b0', 2, depth=False).state_dict()
    mlp = build('b0', 2, depth_head='mlp', decoder_dim=32).state_dict()

    assert widen(without, fresh) == {}
    assert widen(mlp, fresh) == {}
    assert widen(fresh, without) == {}
