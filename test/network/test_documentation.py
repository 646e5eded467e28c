# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/networks.md says what the code does."""

from dataclasses import fields
import math
from pathlib import Path
import re

import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from segformer_ros.network import MultitaskSegformer, NetworkConfig  # noqa: E402
from segformer_ros.network.arithmetic import count_macs, count_parameters  # noqa: E402
from segformer_ros.network.depth_activation import activate, ACTIVATIONS  # noqa: E402
from segformer_ros.network.mix_transformer import EPS_PROFILES  # noqa: E402
from segformer_ros.network.multitask import DEPTH_HEADS, SEGMENTATION_HEADS  # noqa: E402

TEXT = (Path(__file__).parents[2] / 'docs' / 'networks.md').read_text(encoding='utf-8')


def rows(section):
    """Return the cells of the table of a section, without its head."""
    text = TEXT.split(f'## {section}\n')[1].split('\n## ')[0]
    lines = [line for line in text.splitlines() if line.startswith('| ')]
    return [[cell.strip(' `') for cell in line.strip('|').split('|')] for line in lines[1:]]


def on_meta(size='b0', **options):
    """Make a network of 19 classes without memory for its weights."""
    with torch.device('meta'):
        return MultitaskSegformer(NetworkConfig(size, 19, **options))


def test_every_field_and_value_is_described():
    """The table of the configuration has a row for each field."""
    table = TEXT.split('## Heads')[0]
    described = set(re.findall(r'`(\w+)`', table))

    assert {field.name for field in fields(NetworkConfig)} <= described
    assert {*SEGMENTATION_HEADS, *DEPTH_HEADS, *ACTIVATIONS} <= described


def test_the_heads_are_described():
    """One row each."""
    assert [row[0] for row in rows('Heads')] == [*SEGMENTATION_HEADS, *DEPTH_HEADS, 'auxiliary']


def test_the_range_of_a_sigmoid_is_as_described():
    """Metres for max_depth_m 10."""
    ranges = {row[0]: row[2] for row in rows('Depth')}
    ends = activate(torch.tensor([-math.inf, math.inf], dtype=torch.float64), 'metric', 10.0)

    assert set(ranges) == set(ACTIVATIONS)
    assert ranges['metric'] == '{:.0f} to {:.0f} m'.format(*ends.tolist())
    nearest, farthest = ends.exp().tolist()
    assert ranges['bounded_log'] == f'{nearest:.0f} to {farthest:,.0f} m'.replace(',', ' ')


def test_the_eps_are_those_of_the_code():
    """Norms of blocks and stages, norms of embeddings and keys."""
    found = {name: (float(outer), float(inner)) for name, outer, inner in rows('Eps')}

    assert found == EPS_PROFILES


def test_the_costs_of_depth_heads_are_counted_ones():
    """B0 at 512 x 1024."""
    options = [
        {'depth_stride': 1}, {'depth_stride': 1, 'depth_dim': 56},
        {'depth_stride': 2}, {'depth_stride': 4},
        {'depth_stride': 4, 'depth_dim': 32}, {'depth_stride': 8, 'depth_dim': 32},
        {'depth_head': 'mlp'},
    ]  # fmt: skip
    counted = []
    for option in options:
        network = on_meta(segmentation=False, **option)
        macs = count_macs(network, 512, 1024)['depth_head']
        parameters = count_parameters(network)['depth_head']
        counted.append([f'{parameters:,}', f'{macs / 1e9:.2f}'])

    assert [row[1:] for row in rows('Low-resolution depth')] == counted


def test_the_costs_of_each_size_are_counted_ones():
    """Parameters of every size with either head; GMACs of two sizes, as counting takes time."""
    found = rows('What a network costs')

    assert len(found) == 12
    for size, head, parameters, *gmacs in found:
        network = on_meta(size.lower(), depth=False, segmentation_head=head)
        assert parameters == f'{sum(count_parameters(network).values()):,}'
        if size in {'B0', 'B2'}:
            ours = count_macs(network, 512, 1024)
            published = count_macs(network, 512, 1024, as_published=True)
            macs = (ours['encoder'], published['segmentation_head'], ours['segmentation_head'])
            assert gmacs == [f'{value / 1e9:.2f}' for value in macs]
