# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the output of a depth head means, and which depths it can name."""

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network import build, depth_is_log, MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.depth_activation import (  # noqa: E402
    activate,
    ACTIVATIONS,
    start_value,
)


def metres(x, activation, max_depth_m):
    """Return the depths that a head names when its last convolution gives x."""
    output = activate(x, activation, max_depth_m)
    return output.exp() if depth_is_log(activation) else output


# Nearest and farthest depth in metres for max_depth_m 10, in float64.
RANGES = {
    'metric': (0.0, 10.0),
    'bounded_log': (1.0, 22026.465794806718),
    'log': (0.0, float('inf')),
    'linear': (float('-inf'), float('inf')),
}
UNKNOWN = r"activation of the depth head must be one of.*'exp'"


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_each_activation_has_its_range(activation):
    """A sigmoid on the log depth ends at exactly one metre: the log form reaches below."""
    ends = torch.tensor([-float('inf'), float('inf')], dtype=torch.float64)

    nearest, farthest = metres(ends, activation, 10.0).tolist()

    assert (nearest, farthest) == pytest.approx(RANGES[activation], rel=1e-12)


def test_a_sigmoid_on_the_log_depth_cannot_say_less_than_one_metre():
    """No output of the network whatever gives a depth below; the bare log gives 0.1 m."""
    x = torch.linspace(-1e3, 1e3, 10_001, dtype=torch.float64)

    assert metres(x, 'bounded_log', 10.0).min() == 1.0
    assert metres(torch.tensor(0.1).log(), 'log', 10.0).item() == pytest.approx(0.1)


@pytest.mark.parametrize('head', ['glpn', 'mlp'])
@pytest.mark.parametrize('activation', ACTIVATIONS)
@torch.no_grad()
def test_each_head_starts_at_the_typical_depth(head, activation):
    """A fresh network of any kind says about ten metres."""
    torch.manual_seed(0)
    network = build(
        'b0', 2, depth_head=head, depth_activation=activation, depth_stride=4, max_depth_m=80.0
    ).eval()

    depth = network(torch.randn(1, 3, 64, 64))['depth']

    depth = depth.exp() if depth_is_log(activation) else depth
    assert depth.shape == (1, 1, 16, 16)
    assert 7.0 < float(depth.median()) < 14.0


def test_a_start_outside_the_range_becomes_its_end():
    """One metre is the end of the bounded log, where the sigmoid would not learn."""
    raw = start_value(1.0, 'bounded_log', 10.0)

    assert activate(torch.tensor(raw), 'bounded_log', 10.0).item() == pytest.approx(0.1)


def test_an_unknown_activation_is_named():
    """The question for its meaning is refused as the head itself is."""
    with pytest.raises(ValueError, match=UNKNOWN):
        depth_is_log('exp')


@pytest.mark.parametrize('head', ['glpn', 'mlp'])
def test_an_unknown_activation_makes_no_head(head):
    """Neither head takes it."""
    with pytest.raises(ValueError, match=UNKNOWN):
        MultitaskSegformer(NetworkConfig('b0', 2, depth_head=head, depth_activation='exp'))
