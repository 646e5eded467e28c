# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every head against its formula, written out here on its weights alone."""

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network import build, MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.mix_transformer import EPS_PROFILES, make_encoder  # noqa: E402
from segformer_ros.network.mlp_depth_head import MlpDepthHead  # noqa: E402
from segformer_ros.network.mmseg_head import FcnHead, MmsegHead  # noqa: E402
from segformer_ros.network.segformer_head import SegformerHead  # noqa: E402
from torch.nn import functional  # noqa: E402

DIMS = (4, 6, 8, 10)
EXACT = {'rtol': 0.0, 'atol': 1e-12}


@torch.no_grad()
def randomized(head):
    """Return every weight and statistic another value; float64, evaluation mode."""
    torch.manual_seed(5)
    for value in head.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.1)
            value[::2] -= 0.5 if value.ndim > 1 else 0.0
    return head.double().eval()


@pytest.fixture
def features():
    """Return four stages of odd sizes, as an image of 75 x 131 pixels has without padding."""
    torch.manual_seed(6)
    sizes = ((19, 33), (10, 17), (5, 9), (3, 5))
    return [
        torch.randn(2, dim, *size, dtype=torch.float64)
        for dim, size in zip(DIMS, sizes, strict=True)
    ]


def enlarge(x):
    """Upsample to the size of the first stage."""
    return functional.interpolate(x, size=(19, 33), mode='bilinear', align_corners=False)


def normalize(x, weights, name):
    """Apply a batch norm of the given name by its formula."""
    scale, shift, mean, variance = (
        weights[f'{name}.{key}'][:, None, None]
        for key in ('weight', 'bias', 'running_mean', 'running_var')
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def matrix(x, weight):
    """Multiply the channels of (N, C, h, w) by a matrix (D, C) or a 1x1 kernel (D, C, 1, 1)."""
    return torch.einsum('dc,nchw->ndhw', weight.flatten(1), x)


def by_hand_mlp(features, weights):
    """Compute equation 4 of SegFormer: linear, upsample, concatenate backwards, fuse, predict."""
    maps = [
        enlarge(
            matrix(x, weights[f'linear_c.{index}.weight'])
            + weights[f'linear_c.{index}.bias'][:, None, None]
        )
        for index, x in enumerate(features)
    ]
    x = matrix(torch.cat(maps[::-1], dim=1), weights['linear_fuse.weight'])
    x = normalize(x, weights, 'batch_norm').clamp(min=0.0)
    return matrix(x, weights['classifier.weight']) + weights['classifier.bias'][:, None, None]


@torch.no_grad()
def test_the_head_of_mmsegmentation_equals_its_formula(features):
    """Convolution, norm and ReLU of each stage, upsampled, concatenated forwards, fused."""
    head = randomized(MmsegHead(DIMS, 12, 3))
    weights = head.state_dict()
    maps = []
    for index, x in enumerate(features):
        x = normalize(matrix(x, weights[f'convs.{index}.weight']), weights, f'norms.{index}')
        maps.append(enlarge(x.clamp(min=0.0)))
    x = matrix(torch.cat(maps, dim=1), weights['fusion_conv.weight'])
    x = normalize(x, weights, 'fusion_norm').clamp(min=0.0)
    expected = matrix(x, weights['classifier.weight'])
    expected += weights['classifier.bias'][:, None, None]

    found = head(features)

    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, **EXACT)


@torch.no_grad()
def test_the_mlp_depth_head_equals_the_formula_of_segformer_with_one_channel(features):
    """Segformer3D reads the bare number as metres."""
    head = randomized(MlpDepthHead(DIMS, 12))
    expected = by_hand_mlp(features, head.state_dict())

    found = head(features)

    assert found.shape == (2, 1, 19, 33)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, **EXACT)


@torch.no_grad()
def test_the_auxiliary_head_equals_its_formula(features):
    """A 3x3 convolution with norm and ReLU, then the classifier, at the stride of its stage."""
    head = randomized(FcnHead(8, 3, decoder_dim=12))
    weights = head.state_dict()
    patches = functional.unfold(features[2], 3, padding=1).unflatten(2, (5, 9))
    x = matrix(patches, weights['conv.weight'])
    x = normalize(x, weights, 'norm').clamp(min=0.0)
    expected = matrix(x, weights['classifier.weight'])
    expected += weights['classifier.bias'][:, None, None]

    found = head(features[2])

    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, **EXACT)


@torch.no_grad()
@pytest.mark.parametrize('kind', [SegformerHead, MmsegHead])
def test_the_published_order_gives_the_same(kind, features):
    """The cheaper order of upsampling and fusion changes nothing but the rounding."""
    head = randomized(kind(DIMS, 12, 3))

    torch.testing.assert_close(head(features), head.forward_as_published(features), **EXACT)


@torch.no_grad()
def test_the_published_order_of_the_mlp_depth_head_is_activated_too(features):
    """Both orders end with the same activation."""
    head = randomized(MlpDepthHead(DIMS, 12, activation='metric', max_depth_m=80.0))
    found = head.forward_as_published(features)

    assert 0.0 < found.min() < found.max() < 80.0
    torch.testing.assert_close(found, head(features), **EXACT)


def test_the_heads_differ_in_more_than_names(features):
    """A renamed copy of the weights of one head is another function in the other."""
    nvlabs, mmseg = randomized(SegformerHead(DIMS, 12, 3)), randomized(MmsegHead(DIMS, 12, 3))
    for linear, conv, norm in zip(nvlabs.linear_c, mmseg.convs, mmseg.norms, strict=True):
        conv.weight.data.copy_(linear.weight[:, :, None, None])
        norm.weight.data.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.data.copy_(linear.bias + norm.running_mean)
    parts = nvlabs.linear_fuse.weight.split(12, dim=1)
    mmseg.fusion_conv.weight.data.copy_(torch.cat(parts[::-1], dim=1))
    mmseg.fusion_norm.load_state_dict(nvlabs.batch_norm.state_dict())
    mmseg.classifier.load_state_dict(nvlabs.classifier.state_dict())

    assert (mmseg(features) - nvlabs(features)).abs().max() > 0.1


@pytest.mark.parametrize('origin', EPS_PROFILES)
def test_each_layer_norm_has_the_eps_of_its_origin(origin):
    """Patch embeddings and reduced keys have one, blocks and stages the other."""
    outer, inner = EPS_PROFILES[origin]
    with torch.device('meta'):
        config = NetworkConfig('b0', 2, norm_eps=outer, embed_norm_eps=inner)
        encoder = MultitaskSegformer(config).encoder
    found = {
        name: module.eps
        for name, module in encoder.named_modules()
        if isinstance(module, torch.nn.LayerNorm)
    }

    expected = {
        name: inner if name.endswith(('patch_embed.norm', 'attn.norm')) else outer
        for name in found
    }
    assert len(found) == 4 + 6 + 2 * 8 + 4
    assert found == expected


def test_one_eps_is_for_all_layer_norms():
    """Without a second value, networks of earlier files compute what they computed."""
    with torch.device('meta'):
        encoder = make_encoder('b0', norm_eps=1e-3)

    found = {m.eps for m in encoder.modules() if isinstance(m, torch.nn.LayerNorm)}
    assert found == {1e-3}


@torch.no_grad()
def test_the_eps_matters():
    """The profiles of NVlabs and Hugging Face differ measurably, and little."""
    torch.manual_seed(7)
    encoders = [
        make_encoder('b0', norm_eps=outer, embed_norm_eps=inner).double().eval()
        for outer, inner in (EPS_PROFILES['nvlabs'], EPS_PROFILES['hugging_face'])
    ]
    encoders[1].load_state_dict(encoders[0].state_dict())
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)

    pairs = zip(*(encoder(image) for encoder in encoders), strict=True)
    differences = [(first - second).abs().max() for first, second in pairs]

    assert 1e-9 < max(differences) < 1e-2


def tiny(**options):
    """Build a B0 network with every kind of dropping, and narrow heads."""
    torch.manual_seed(8)
    rates = {'drop_rate': 0.5, 'drop_path_rate': 0.5}
    return build('b0', 3, decoder_dim=16, depth_dim=16, depth_stride=4, **rates, **options)


@torch.no_grad()
@pytest.mark.parametrize(
    ('options', 'names'),
    [
        ({}, {'logits', 'depth'}),
        ({'segmentation_head': 'mmseg', 'auxiliary_head': True}, {'logits', 'depth', 'auxiliary'}),
        ({'depth_head': 'mlp', 'depth_activation': 'linear'}, {'logits', 'depth'}),
    ],
)
def test_dropping_and_the_auxiliary_head_belong_to_training(options, names):
    """In evaluation mode the outputs repeat, and are those that the run time has."""
    network, image = tiny(**options), torch.randn(2, 3, 64, 64)

    first, second = network.train()(image), network(image)
    network.eval()
    still, again = network(image), network(image)

    assert set(first) == names
    assert set(still) == {'logits', 'depth'}
    for name in names:
        assert not torch.equal(first[name], second[name])
    for name in still:
        assert torch.equal(still[name], again[name])


@torch.no_grad()
@pytest.mark.parametrize('stride', [1, 8])
def test_the_scale_of_depth_is_one_more_number_of_the_same_features(stride):
    """Log b of the size of depth, which is what it is without; its weights start at b = 0.2."""
    options = {'depth_stride': stride, 'depth_activation': 'log', 'decoder_dim': 16}
    with_scale = build('b0', 3, depth_dim=16, depth_scale=True, **options).eval()
    without = build('b0', 3, depth_dim=16, **options).eval()
    known = {n: t for n, t in with_scale.state_dict().items() if '.log_scale.' not in n}
    without.load_state_dict(known)
    image = torch.randn(2, 3, 60, 90)

    found, expected = with_scale(image), without(image)

    assert list(found) == ['logits', 'depth', 'depth_scale']
    assert list(expected) == ['logits', 'depth']
    assert found['depth_scale'].shape == found['depth'].shape
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert found['depth_scale'].exp().mean() == pytest.approx(0.2, rel=0.2)
    assert found['depth_scale'].std() > 0.0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'depth_head': 'mlp'}, "for the glpn depth head, not for 'mlp'"),
        ({'depth': False}, 'depth is off'),
    ],
)
def test_a_scale_without_its_head_is_refused(options, message):
    """Only the glpn head has one."""
    with pytest.raises(ValueError, match=message):
        build('b0', 3, depth_scale=True, **options)


def test_the_auxiliary_logits_lie_at_stride_16_and_reach_the_third_stage():
    """An odd image is covered; the fourth stage learns nothing from them."""
    with torch.device('meta'):
        network = MultitaskSegformer(NetworkConfig('b0', 3, depth=False, auxiliary_head=True))
        outputs = network.train()(torch.empty(1, 3, 75, 131))
        outputs['auxiliary'].sum().backward()

    assert outputs['auxiliary'].shape == (1, 3, 5, 9)
    third, fourth = (network.encoder.stages[index].blocks[0].mlp.fc1.weight for index in (2, 3))
    assert third.grad is not None
    assert fourth.grad is None


def test_an_encoder_goes_from_the_classifier_to_the_network():
    """Pre-trained weights fit by name and give the same features."""
    from segformer_ros.network.classifier import MixTransformerClassifier

    torch.manual_seed(9)
    classifier, network = MixTransformerClassifier('b0', 5).eval(), tiny().eval()

    network.encoder.load_state_dict(classifier.encoder.state_dict())

    image = torch.randn(1, 3, 64, 64)
    expected = classifier.encoder(image)[-1]
    torch.testing.assert_close(network.encoder(image)[-1], expected)
    torch.testing.assert_close(classifier(image), classifier.head(expected.mean(dim=(2, 3))))
