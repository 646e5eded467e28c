# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Addresses of the hub, from a cache that lies on disk; nothing here reaches the network."""

import os

import huggingface_hub.constants
import published_checkpoints as published
import pytest
from safetensors.torch import load_file
from segformer_ros.checkpoints import load, read
from segformer_ros.checkpoints.convert import convert, Request
from segformer_ros.checkpoints.hub import Address, parse
from segformer_ros.network.checkpoint import CheckpointError
import torch

COMMIT = '0123456789abcdef0123456789abcdef01234567'
OTHER = 'fedcba9876543210fedcba9876543210fedcba98'


@pytest.fixture
def folder(tmp_path):
    """Return a checkpoint of Hugging Face."""
    path = tmp_path / 'source.pth'
    shapes = published.nvlabs((16, 32, 40, 64), (1, 1, 2, 1), 5, 24)
    torch.save(published.random_state(shapes), path)
    request = Request(path, 'hf-segformer', tmp_path / 'local', accept_eps=True, size=(32, 32))
    return convert(request).out


@pytest.fixture
def cache(tmp_path, folder, monkeypatch):
    """Return a cache of the hub with one repository, on a machine without network."""
    cache = tmp_path / 'cache'
    repository = cache / 'models--somebody--net'
    (repository / 'refs').mkdir(parents=True)
    (repository / 'refs' / 'main').write_text(COMMIT, encoding='utf-8')
    snapshot = repository / 'snapshots' / COMMIT
    snapshot.mkdir(parents=True)
    for file in folder.iterdir():
        os.symlink(file, snapshot / file.name)
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(cache))
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    return cache


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('hf://nvidia/mit-b0', Address('nvidia/mit-b0')),
        ('hf://a/b.c@v1.0', Address('a/b.c', 'v1.0')),
        ('hf://a/b@refs/pr/3', Address('a/b', 'refs/pr/3')),
        ('runs/net.pth', None),
    ],
)
def test_addresses_are_read(text, expected):
    """The revision follows an at sign; everything else is a path."""
    assert parse(text) == expected


@pytest.mark.parametrize('text', ['hf://', 'hf://name', 'hf://a/b/c', 'hf://a/b@', 'hf://a b/c'])
def test_wrong_addresses_are_refused(text):
    """The message shows how one is written."""
    with pytest.raises(CheckpointError, match='expected hf://org/name'):
        parse(text)


@pytest.mark.usefixtures('cache')
@pytest.mark.parametrize('address', ['hf://somebody/net', f'hf://somebody/net@{COMMIT}'])
def test_the_cache_is_enough_without_a_network(folder, address):
    """The network is the one of the local folder, and its facts name the commit."""
    loaded, local = load(address), load(folder)

    assert loaded.format == 'hf-segformer'
    for name, value in local.network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name])


def test_the_commit_is_a_fact(cache):
    """What was fetched can be fetched again."""
    config = cache / 'models--somebody--net' / 'snapshots' / COMMIT / 'config.json'
    text = config.read_text(encoding='utf-8').replace('segformer_ros_facts', 'nobodys')
    config.unlink()
    config.write_text(text, encoding='utf-8')

    model = read('hf://somebody/net')

    assert model.facts['source'] == f'hf://somebody/net@{COMMIT}'


def test_a_repository_with_a_pickle_alone_is_read(cache):
    """pytorch_model.bin is taken where there are no safetensors."""
    snapshot = cache / 'models--somebody--net' / 'snapshots' / COMMIT
    tensors = load_file(snapshot / 'model.safetensors')
    (snapshot / 'model.safetensors').unlink()
    torch.save(tensors, snapshot / 'pytorch_model.bin')

    assert load('hf://somebody/net').format == 'hf-segformer'


@pytest.mark.usefixtures('cache')
@pytest.mark.parametrize(
    'address', ['hf://somebody/other', f'hf://somebody/net@{OTHER}', 'hf://somebody/net@dev']
)
def test_what_is_not_in_the_cache_is_one_sentence(address):
    """The message says what to do without a network."""
    with pytest.raises(CheckpointError, match='not in the cache and the hub cannot be reached'):
        load(address)


def test_a_hub_that_does_not_answer_is_one_sentence(cache, monkeypatch):
    """A refused connection is told like a missing network."""
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', False)
    monkeypatch.setattr(huggingface_hub.constants, 'ENDPOINT', 'http://127.0.0.1:1')

    with pytest.raises(CheckpointError, match='hub cannot be reached: connect once'):
        load('hf://somebody/other')
