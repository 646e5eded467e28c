# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two processes that torchrun starts learn what one process learns from both their samples."""

import os
from pathlib import Path
import socket
import subprocess
import sys

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network.checkpoint import read
from segformer_ros.training.fit import fit
from segformer_ros.training.recipe import resolve
from segformer_ros.training.run_files import RESUME_FILE
from segformer_ros.training.synced_norm import synced
from square_dataset import recipe
import torch
import yaml

PROGRAM = Path(__file__).with_name('train_squares.py')


def changes():
    """Learn labels from whole frames, of which every pixel counts the same."""
    values = recipe('')
    defaults = {
        **values['defaults'],
        'batch_size': 4,
        'tasks': ['segmentation'],
        'augment': {'resize': {'kind': 'none'}, 'crop': {'sizes': [[64, 96]]}},
        'loss': {},
    }
    return {
        'defaults': defaults,
        'stages': [{'steps': 1}],
        'network': {**values['network'], 'drop_rate': 0.0},
        'data': {'train': [{'kind': 'squares'}]},
    }


def start(path, rank, port):
    """Start a process with the environment that torchrun gives it."""
    environment = os.environ | {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': '2',
        'LOCAL_WORLD_SIZE': '2',
        'GROUP_RANK': '0',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
        'TORCHELASTIC_RUN_ID': 'test',
    }
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), '--recipe', str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_joined_batch(tmp_path):
    """The gradients are equal but for rounding, also through batch norms; the first one writes."""
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(recipe(tmp_path / 'two', **changes())), encoding='utf-8')
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]

    processes = [start(path, rank, port) for rank in (0, 1)]
    try:
        alone = resolve(recipe(tmp_path / 'one', **changes()))
        fit(alone, lambda line: None)
        outputs = [process.communicate(timeout=300.0)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert 'done: ' in outputs[0]
    one, _ = read(alone.folder / RESUME_FILE)
    two, facts = read(tmp_path / 'two' / RESUME_FILE)
    assert facts['progress']['step'] == 1
    assert one.keys() == two.keys()

    def gradients(tensors):
        parts = [v.ravel() for n, v in tensors.items() if n.startswith('optimizer.exp_avg.')]
        return torch.cat(parts)

    difference = (gradients(one) - gradients(two)).norm()
    assert float(difference) < 1e-4 * float(gradients(one).norm())
    for name in (n for n in one if 'running' in n):
        assert torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-6), name


def test_synced_norm_has_the_weights_of_the_norm_it_replaces():
    """Outside of a distributed run it computes the same."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    network(x)
    expected, state = network.eval()(x), network.state_dict()

    replaced = synced(network)

    assert type(replaced[1]) is not torch.nn.BatchNorm2d
    assert replaced.state_dict().keys() == state.keys()
    assert torch.equal(replaced.eval()(x), expected)
