# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sizes that a bundle has when nobody names any."""

import pytest

pytest.importorskip('torch', reason='export needs torch')

from random_network import random_network
from segformer_ros.cli import main
from segformer_ros.export.input_sizes import DEFAULT, own_sizes
from segformer_ros.network import checkpoint


def recipe(*crops):
    """Return what a checkpoint keeps of its recipe."""
    stages = [{'augment': {'crop': {'sizes': [[64, 64]]}}}]
    return {'recipe': {'stages': [*stages, {'augment': {'crop': {'sizes': list(crops)}}}]}}


@pytest.mark.parametrize(
    ('facts', 'sizes', 'reason'),
    [
        ({'preprocessor': {'size': {'height': 640, 'width': 1025}}}, ((640, 1056),), 'processor'),
        ({'preprocessor': {'size': 512}}, ((512, 512),), 'processor'),
        (recipe([192, 384], [256, 512], [320, 352]), ((256, 512),), 'largest crop'),
        (recipe([64, 96]) | {'preprocessor': {'size': 512}}, ((64, 96),), 'largest crop'),
        ({'preprocessor': {'size': {'shortest_edge': 512}}}, DEFAULT, 'names none'),
        ({'recipe': {'stages': [{'augment': None}]}}, DEFAULT, 'names none'),
        ({'recipe': 'unknown', 'preprocessor': None}, DEFAULT, 'names none'),
        ({}, DEFAULT, 'names none'),
    ],
)
def test_the_checkpoint_says_for_which_sizes_it_was_made(facts, sizes, reason):
    """Its recipe before its preprocessor, before three sizes for cameras of cars."""
    found, text = own_sizes(facts)
    assert found == sizes
    assert reason in text


def test_export_takes_that_size_and_says_so(tmp_path, capsys):
    """Also that it is portrait, which is often a size written the other way round."""
    network = random_network(depth_stride=4, depth_activation='log')
    facts = {'network': vars(network.config), 'focal_length_px': 48.0, 'classes': [1, 11, 14]}
    facts |= {'label_set': 'carla_0914', 'preprocessor': {'size': {'height': 64, 'width': 32}}}
    path = tmp_path / 'weights.safetensors'
    checkpoint.write(path, network.state_dict(), facts)

    assert main(['export', str(path), str(tmp_path / 'made'), '--no-single-task']) == 0

    first, second, graph, _ = capsys.readouterr().out.splitlines()
    assert first.startswith('input sizes (height x width): 64x32, of preprocessor_config.json')
    assert second == '64x32 is portrait: 64 high, 32 wide'
    assert graph.startswith('network_64x32.onnx')
