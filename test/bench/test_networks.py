# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures networks against one another."""

import networks
import pytest
from segformer_ros import bundle
from tiny_bundle import make_tiny_bundle


def test_networks_take_turns_at_the_sizes_that_both_have(tmp_path):
    """One row for each, with the ratio to the first."""
    pair = [bundle.read(make_tiny_bundle(tmp_path / name)) for name in ('one', 'other')]

    sizes = networks.common_sizes(pair)
    rows = list(networks.measure(pair, sizes, ['onnxruntime'], repeats=3))

    assert [row[0] for row in rows] == ['64x128', '64x128']
    assert all(value > 0.0 for row in rows for value in row[3:])
    first, second = (line.split(' | ') for line in networks.report(rows[:2]).splitlines()[2:])
    assert first[5] == '1.00'
    assert float(second[5]) == pytest.approx(rows[1][4] / rows[0][4], abs=0.006)


def test_networks_without_a_common_size_are_one_line(tmp_path, capsys):
    """It names the sizes of each, and nothing is measured."""
    pair = [
        str(make_tiny_bundle(tmp_path / f'{height}', sizes=((height, 64),))) for height in (32, 64)
    ]

    assert networks.main(pair) == 1

    error = capsys.readouterr().err
    assert error.startswith('bench/networks.py: error: expected networks with an input size in')
    assert '32x64' in error
    assert '64x64' in error


def test_a_network_that_is_not_there_is_one_line(capsys):
    """And status 1."""
    assert networks.main(['nowhere']) == 1
    assert capsys.readouterr().err.startswith("bench/networks.py: error: bundle 'nowhere'")
