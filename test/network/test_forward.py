# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The forward pass: shapes, any image size, heads, gradients."""

import math

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network import build, MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.mix_transformer import EfficientSelfAttention, make_encoder  # noqa: E402
from segformer_ros.network.segformer_head import SegformerHead  # noqa: E402


@pytest.fixture
def small():
    """Return a B0 network of four classes, float64, in evaluation mode."""
    torch.manual_seed(0)
    return build('b0', 4, depth_stride=4, depth_activation='log').double().eval()


@pytest.mark.parametrize('size', ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'])
def test_shapes_of_every_size(size):
    """Logits come at stride 4, depth at the stride of its head (computed without memory)."""
    with torch.device('meta'):
        network = MultitaskSegformer(NetworkConfig(size, 19))
        outputs = network(torch.empty(2, 3, 64, 96))

    assert outputs['logits'].shape == (2, 19, 16, 24)
    assert outputs['depth'].shape == (2, 1, 64, 96)


@pytest.mark.parametrize('size', ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'])
def test_every_parameter_of_every_size_gets_a_gradient(size):
    """A backward pass reaches every weight."""
    with torch.device('meta'):
        network = MultitaskSegformer(NetworkConfig(size, 19, depth_stride=4))
        outputs = network(torch.empty(2, 3, 64, 64))
        (outputs['logits'].mean() + outputs['depth'].mean()).backward()

    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
@pytest.mark.parametrize('size', [(75, 131), (1, 1), (32, 33)])
def test_odd_sizes_round_up(size, stride):
    """An output covers the whole image, also where the size is no multiple of anything."""
    with torch.device('meta'):
        network = MultitaskSegformer(NetworkConfig('b0', 5, depth_stride=stride))
        outputs = network.eval()(torch.empty(1, 3, *size))

    height, width = size
    assert outputs['logits'].shape == (1, 5, math.ceil(height / 4), math.ceil(width / 4))
    assert outputs['depth'].shape == (1, 1, math.ceil(height / stride), math.ceil(width / stride))


@torch.no_grad()
def test_odd_sizes_equal_padding_and_cropping(small):
    """An odd image gives what its zero-padded copy gives in the covered cells."""
    image = torch.randn(1, 3, 75, 131, dtype=torch.float64)
    padded = torch.zeros(1, 3, 96, 160, dtype=torch.float64)
    padded[..., :75, :131] = image

    outputs, expected = small(image), small(padded)

    for name in ('logits', 'depth'):
        torch.testing.assert_close(outputs[name], expected[name][..., :19, :33])


@torch.no_grad()
def test_a_head_that_is_off_changes_nothing_for_the_other(small):
    """Depth and labels come from separate heads on the same features."""
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    both = small(image)

    small.depth_head = None
    only = small(image)

    assert set(only) == {'logits'}
    torch.testing.assert_close(only['logits'], both['logits'])


@torch.no_grad()
def test_the_folded_head_equals_the_papers_formula():
    """Projecting, upsampling, concatenating and fusing in the paper's order gives the same."""
    torch.manual_seed(1)
    head = SegformerHead((4, 6, 8, 10), 12, 3).double().eval()
    features = [
        torch.randn(2, dim, 16 >> index, 24 >> index, dtype=torch.float64)
        for index, dim in enumerate((4, 6, 8, 10))
    ]

    projected = []
    for linear, feature in zip(head.linear_c, features, strict=True):
        x = linear(feature.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        projected.append(
            torch.nn.functional.interpolate(x, size=(16, 24), mode='bilinear', align_corners=False)
        )
    fused = head.linear_fuse(torch.cat(projected[::-1], dim=1))
    expected = head.classifier(head.batch_norm(fused).relu())

    torch.testing.assert_close(head(features), expected, rtol=0.0, atol=1e-12)


@torch.no_grad()
def test_the_log_head_reaches_below_one_metre_and_the_metric_head_stays_below_its_maximum():
    """The bare output is unbounded, the sigmoid is not."""
    image = torch.randn(1, 3, 32, 32)
    log = build('b0', 2, depth_activation='log').eval()
    metric = build('b0', 2, depth_activation='metric', max_depth_m=80.0).eval()
    log.depth_head.predict.bias.fill_(-3.0)
    metric.depth_head.predict.bias.fill_(1e3)

    assert log(image)['depth'].exp().max() < 0.2
    assert metric(image)['depth'].max() <= 80.0


@torch.no_grad()
def test_a_fresh_network_starts_at_the_typical_depth():
    """The first depths are near ten metres for both activations, the logits near zero."""
    image = torch.randn(1, 3, 64, 64)
    for activation in ('log', 'metric'):
        torch.manual_seed(0)
        outputs = build('b0', 2, depth_activation=activation, max_depth_m=80.0).eval()(image)
        depth = outputs['depth'].exp() if activation == 'log' else outputs['depth']

        assert 7.0 < float(depth.median()) < 14.0
        assert outputs['logits'].abs().max() < 1.0


def test_drop_path_drops_in_training_only(small):
    """Stochastic depth leaves evaluation alone."""
    from segformer_ros.network.mix_transformer import DropPath

    x = torch.ones(64, 2, 3)
    drop = DropPath(0.5)
    dropped = drop.train()(x)

    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(drop.eval()(x), x)


@torch.no_grad()
def test_a_reduction_that_leaves_a_rest_repeats_the_last_tokens():
    """Twelve rows of tokens in patches of eight: the second one sees its last row five times."""
    attention = EfficientSelfAttention(32, 1, 8, 1e-5).double()
    attention.pads = True
    tokens = torch.randn(1, 12 * 16, 32, dtype=torch.float64)
    rows = tokens.unflatten(1, (12, 16))
    whole = torch.cat([rows, rows[:, -1:].expand(-1, 4, -1, -1)], 1).flatten(1, 2)

    found = attention(tokens, 12, 16)

    torch.testing.assert_close(found, attention(whole, 16, 16)[:, : 12 * 16])


def test_published_ratios_leave_the_rest_out():
    """As the published encoders do with an image that does not fill patches; larger ratios pad."""
    published, larger = (8, 4, 2, 1), (16, 8, 2, 1)
    for ratios, padded in ((published, [False] * 4), (larger, [True, True, False, False])):
        encoder = make_encoder('b0', sr_ratios=ratios)
        assert [stage.blocks[0].attn.pads for stage in encoder.stages] == padded


@pytest.mark.parametrize(
    'options',
    [{'sr_ratios': (8, 4, 2)}, {'sr_ratios': (8, 4, 2, 0)}, {'mlp_ratios': (4, 4, 4.0, 4)}],
)
def test_ratios_that_fit_no_encoder_are_refused(options):
    """Four whole numbers above 0."""
    with pytest.raises(ValueError, match=f'{next(iter(options))} must be four whole numbers'):
        build('b0', 4, **options)
