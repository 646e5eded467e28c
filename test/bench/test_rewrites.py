# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures each rewrite."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import random_network, relative_error  # noqa: E402
import rewrites  # noqa: E402


@torch.no_grad()
def test_every_step_computes_the_same():
    """Otherwise their times would not be of the same network."""
    network = random_network().double()
    image = torch.randn(1, 3, 64, 32, dtype=torch.float64)
    expected = network(image)

    for step in rewrites.STEPS:
        found = step.make(network, 64, 32)(image)
        for name, value in expected.items():
            assert relative_error(found[name], value) < 1e-10, step.title


def test_the_steps_save_arithmetic():
    """The last one computes less than half of the first one."""
    network = random_network(decoder_dim=256, depth_dim=64).double()

    costs = [rewrites.gmacs(step, network, 128, 128) for step in rewrites.STEPS]

    assert costs[-1] < 0.5 * costs[0]
    assert next(network.parameters()).device.type == 'cpu'


def test_steps_take_turns(monkeypatch):
    """Two of them give two rows, the first one being what ratios are of."""
    monkeypatch.setattr(rewrites, 'STEPS', (rewrites.STEPS[0], rewrites.STEPS[-2]))

    results = rewrites.measure('b0', 32, 32, ['onnxruntime'], 2)

    rows = rewrites.report(results).splitlines()[2:]
    assert [row.split(' | ')[0] for row in rows] == [f'| {row[1]}' for row in results]
    assert rows[0].split(' | ')[3:5] == ['1.00x', '1.00x']
    assert all(value > 0.0 for row in results for value in row[2:])
