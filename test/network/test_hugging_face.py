# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network computes what Hugging Face's independent port computes with the same weights."""

import re

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')
transformers = pytest.importorskip('transformers', reason='the port to compare with')

from segformer_ros.network import MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.classifier import MixTransformerClassifier  # noqa: E402
from segformer_ros.network.mix_transformer import SIZES  # noqa: E402

# From names of the port (transformers 5.14) to ours; its key and value are the halves of our kv.
SEGFORMER = [
    (r'^segformer\.stages', 'encoder.stages'),
    (r'patch_embeddings\.layer_norm', 'patch_embed.norm'),
    (r'patch_embeddings', 'patch_embed'),
    (r'(stages\.\d)\.layer_norm', r'\1.norm'),
    (r'layernorm_before', 'norm1'),
    (r'layernorm_after', 'norm2'),
    (r'attention\.q_proj', 'attn.q'),
    (r'attention\.k_proj', 'attn.kv'),
    (r'attention\.o_proj', 'attn.proj'),
    (r'attention\.sequence_reduction\.sequence_reduction', 'attn.sr'),
    (r'attention\.sequence_reduction\.layer_norm', 'attn.norm'),
    (r'mlp\.dwconv\.dwconv', 'mlp.dwconv'),
    (r'^decode_head\.linear_projections\.(\d)\.proj', r'segmentation_head.linear_c.\1'),
    (r'^decode_head\.', 'segmentation_head.'),
]
GLPN = [
    (r'.*encoder\.patch_embeddings\.(\d)\.proj', r'encoder.stages.\1.patch_embed.proj'),
    (r'.*encoder\.patch_embeddings\.(\d)\.layer_norm', r'encoder.stages.\1.patch_embed.norm'),
    (r'.*encoder\.layer_norm\.(\d)', r'encoder.stages.\1.norm'),
    (r'.*encoder\.block\.(\d)\.(\d+)', r'encoder.stages.\1.blocks.\2'),
    (r'layer_norm_([12])', r'norm\1'),
    (r'attention\.self\.query', 'attn.q'),
    (r'attention\.self\.key', 'attn.kv'),
    (r'attention\.self\.sr', 'attn.sr'),
    (r'attention\.self\.layer_norm', 'attn.norm'),
    (r'attention\.output\.dense', 'attn.proj'),
    (r'mlp\.dense([12])', r'mlp.fc\1'),
    (r'mlp\.dwconv\.dwconv', 'mlp.dwconv'),
    (r'^decoder\.stages\.(\d)\.convolution', r'depth_head.convs.\1'),
    (r'fusion\.convolutional_layer([12])\.0', r'fusion.conv\1'),
    (r'fusion\.convolutional_layer([12])\.1', r'fusion.norm\1'),
    (r'fusion\.convolutional_layer3', 'fusion.conv3'),
    (r'^decoder\.stages\.1\.fusion', 'depth_head.fusions.0'),
    (r'^decoder\.stages\.2\.fusion', 'depth_head.fusions.1'),
    (r'^decoder\.stages\.3\.fusion', 'depth_head.fusions.2'),
    (r'^head\.head\.0', 'depth_head.conv'),
    (r'^head\.head\.2', 'depth_head.predict'),
]
VALUE_OF_KEY = [('.k_proj.', '.v_proj.'), ('.self.key.', '.self.value.')]


def renamed(weights, rules):
    """Rename the weights of the port."""
    found = {}
    for name, value in weights.items():
        if any(mark in name for _, mark in VALUE_OF_KEY):
            continue
        for key, mark in VALUE_OF_KEY:
            if key in name:
                value = torch.cat((value, weights[name.replace(key, mark)]))
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        found[name] = value
    return found


@torch.no_grad()
def randomized(model):
    """Return every weight and statistic of a network another value."""
    torch.manual_seed(3)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.normal_(0.0, 0.1)
            if 'norm' in name or 'layer1.1' in name or 'layer2.1' in name:
                value.add_(1.0).abs_()
    return model.double().eval()


def port_config(kind, size):
    """Describe a size to the port."""
    widths = SIZES[size]
    return kind(
        hidden_sizes=list(widths.embed_dims),
        depths=list(widths.depths),
        decoder_hidden_size=widths.decoder_dim if kind is transformers.SegformerConfig else 64,
        num_attention_heads=[1, 2, 5, 8],
        num_labels=7,
    )


@torch.no_grad()
@pytest.mark.parametrize('size', ['b0', 'b1'])
def test_logits_equal_the_port(size):
    """The segmentation network agrees to 1e-6 in float64."""
    config = port_config(transformers.SegformerConfig, size)
    port = randomized(transformers.SegformerForSemanticSegmentation(config))
    network = MultitaskSegformer(NetworkConfig(size, 7, depth=False)).double().eval()
    network.load_state_dict(renamed(port.state_dict(), SEGFORMER))
    image = torch.randn(1, 3, 64, 96, dtype=torch.float64)

    expected = port(image).logits

    assert expected.std() > 0.01
    torch.testing.assert_close(network(image)['logits'], expected, rtol=0.0, atol=1e-6)


@torch.no_grad()
def test_classes_equal_the_port():
    """The network of the pre-training agrees to 1e-6 in float64."""
    config = port_config(transformers.SegformerConfig, 'b0')
    port = randomized(transformers.SegformerForImageClassification(config))
    network = MixTransformerClassifier('b0', 7).double().eval()
    network.load_state_dict(renamed(port.state_dict(), [*SEGFORMER, (r'^classifier', 'head')]))
    image = torch.randn(2, 3, 64, 96, dtype=torch.float64)

    expected = port(image).logits

    assert expected.std() > 0.01
    torch.testing.assert_close(network(image), expected, rtol=0.0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize('size', ['b0', 'b1'])
def test_depth_equals_the_port(size):
    """The depth network of GLPN agrees to 1e-6 in float64."""
    config = port_config(transformers.GLPNConfig, size)
    port = randomized(transformers.GLPNForDepthEstimation(config))
    options = {'segmentation': False, 'max_depth_m': float(config.max_depth)}
    network = MultitaskSegformer(NetworkConfig(size, 7, **options)).double().eval()
    network.load_state_dict(renamed(port.state_dict(), GLPN))
    image = torch.randn(1, 3, 64, 96, dtype=torch.float64)

    expected = port(image).predicted_depth

    assert expected.std() > 0.001
    torch.testing.assert_close(network(image)['depth'][:, 0], expected, rtol=0.0, atol=1e-6)
