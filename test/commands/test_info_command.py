# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer info of bundles and checkpoints, run as a user runs it."""

from dataclasses import asdict
import json
import subprocess
import sys

import pytest
from segformer_ros.bundle import is_checkpoint
from segformer_ros.cli import main
from tiny_bundle import make_tiny_bundle


def lines_of(text):
    """Return the facts by name, wrapped lines joined."""
    facts, name = {}, ''
    for line in text.splitlines():
        if not line.startswith(' '):
            name, _, line = line.partition(':')
        facts[name] = f'{facts.get(name, "")} {line.strip()}'.strip()
    return facts


def test_the_costs_of_a_bundle_are_shown_without_torch():
    """The manifest has them; an installation of the run time is enough."""
    code = (
        'import sys\n'
        'from segformer_ros import cli\n'
        "assert cli.main(['info', 'road_b0', '--no-check']) == 0\n"
        "assert not {'torch', 'safetensors'} & set(sys.modules)\n"
    )

    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)

    facts = lines_of(done.stdout)
    assert 'encoder 4,060,640, segmentation head' in facts['parameters']
    assert facts['GMACs'].startswith('256x512: ')
    assert facts['input sizes'].startswith('256x512')
    assert 'encoder 1.' in facts['GMACs']


def write_checkpoint(path, **options):
    """Write a random B0 network of two classes and give its path."""
    torch = pytest.importorskip('torch', reason='checkpoints need torch')
    from segformer_ros.network import build, checkpoint

    torch.manual_seed(0)
    network = build('b0', 2, **options)
    facts = {'network': asdict(network.config), 'classes': [0, 1], 'label_set': 'cityscapes'}
    checkpoint.write(path, network.state_dict(), facts)
    return str(path)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (
            {'depth_stride': 4, 'depth_dim': 32, 'depth_activation': 'log'},
            {
                'encoder': 'MiT-B0, eps 1e-05',
                'labels': 'nvlabs head, 256 channels, stride 4',
                'depth': 'glpn head, 32 channels, stride 4, log metres, unbounded',
                'GMACs': '128x256: 0.40: '
                'encoder 0.29, segmentation head 0.03, depth head 0.08',
            },
        ),
        (
            {'segmentation_head': 'mmseg', 'depth_head': 'mlp', 'depth_activation': 'bounded_log',
             'norm_eps': 1e-6, 'embed_norm_eps': 1e-5},
            {
                'encoder': 'MiT-B0, eps 1e-06, inside 1e-05',
                'labels': 'mmseg head, 256 channels, stride 4',
                'depth': 'mlp head, 256 channels, stride 4, '
                'log metres: sigmoid times 10, so nothing nearer than 1 m',
            },
        ),
        (
            {'depth': False, 'decoder_dim': 16, 'auxiliary_head': True},
            {
                'labels': 'nvlabs head, 16 channels, stride 4',
                'parameters': '3,698,404: encoder 3,319,392, segmentation head 9,346, '
                'auxiliary head 369,666',
            },
        ),
    ],
)  # fmt: skip
def test_a_checkpoint_is_shown_with_heads_and_costs(tmp_path, capsys, options, expected):
    """Everything that tells one variant from another, and what it costs."""
    path = write_checkpoint(tmp_path / 'weights.safetensors', **options)

    assert main(['info', path, '--size', '128x256']) == 0

    facts = lines_of(capsys.readouterr().out)
    assert facts['checkpoint'] == path
    assert facts['format'].startswith('native')
    assert facts['classes'].startswith('2')
    assert 'as published' in facts
    assert ('depth' in facts) is options.get('depth', True)
    for name, text in expected.items():
        assert facts[name].startswith(text)


def test_a_checkpoint_as_json(tmp_path, capsys):
    """The facts of the file and the counts, for other programs."""
    path = write_checkpoint(tmp_path / 'weights.safetensors', depth=False)

    assert main(['info', path, '--json']) == 0

    content = json.loads(capsys.readouterr().out)
    arithmetic = content['arithmetic']
    assert content['network']['size'] == 'b0'
    assert arithmetic['parameters'] == {'encoder': 3_319_392, 'segmentation_head': 395_266}
    assert arithmetic['gmacs']['512x1024']['encoder'] == pytest.approx(8.487698432)
    published = arithmetic['gmacs_as_published']['512x1024']['segmentation_head']
    assert published > 10 * arithmetic['gmacs']['512x1024']['segmentation_head']


def test_the_encoder_of_a_pre_training_is_shown(tmp_path, capsys):
    """It has a head of its own, and neither labels nor depth."""
    pytest.importorskip('torch', reason='checkpoints need torch')
    from segformer_ros.network import checkpoint, NetworkConfig
    from segformer_ros.network.classifier import MixTransformerClassifier

    path = tmp_path / 'pretrained.safetensors'
    config = NetworkConfig('b0', 5, depth=False, segmentation=False)
    facts = {'network': asdict(config), 'classes': []}
    checkpoint.write(path, MixTransformerClassifier('b0', 5).state_dict(), facts)

    assert main(['info', str(path), '--size', '64x64']) == 0

    shown = lines_of(capsys.readouterr().out)
    assert shown['parameters'] == '3,320,677: encoder 3,319,392, head 1,285'
    assert shown['classes'] == '5'
    assert not {'labels', 'depth', 'as published'} & set(shown)


def test_a_damaged_checkpoint_is_one_line(tmp_path, capsys):
    """Whatever it is, it is named."""
    pytest.importorskip('torch', reason='checkpoints need torch')
    path = tmp_path / 'weights.safetensors'
    path.write_bytes(b'nothing')

    assert main(['info', str(path)]) == 1

    error = capsys.readouterr().err.strip()
    assert str(path) in error
    assert len(error.splitlines()) == 1


def test_a_bundle_is_distinguished_from_a_checkpoint(tmp_path):
    """Names and folders with a manifest are bundles; files, weights and the hub are not."""
    bundle = make_tiny_bundle(tmp_path / 'tiny')
    (tmp_path / 'hub').mkdir()
    (tmp_path / 'hub' / 'model.safetensors').write_bytes(b'')
    (tmp_path / 'empty').mkdir()

    for model in ('road_b0', 'absent', str(bundle), str(tmp_path / 'empty')):
        assert not is_checkpoint(model)
    for model in ('hf://org/name', str(tmp_path / 'hub' / 'model.safetensors')):
        assert is_checkpoint(model)
    assert is_checkpoint(str(tmp_path / 'hub'))
