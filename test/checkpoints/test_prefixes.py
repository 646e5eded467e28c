# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names that wrappers have changed, and weights in several files, are read all the same."""

import json

import published_checkpoints as published
import pytest
from safetensors.torch import load_file, save_file
from segformer_ros.checkpoints import read
from segformer_ros.checkpoints.convert import convert, Request
from segformer_ros.network.checkpoint import CheckpointError
import torch


@pytest.fixture
def state():
    """Return the weights of a B0 of NVlabs."""
    return published.random_state(published.nvlabs((16, 32, 40, 64), (1, 1, 2, 1), 5, 24))


def assert_same(path, other):
    """Both files hold the same network."""
    one, two = read(path), read(other)
    assert one.config == two.config
    assert one.tensors.keys() == two.tensors.keys()
    assert all(torch.equal(value, two.tensors[name]) for name, value in one.tensors.items())


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.', 'model.', 'module._orig_mod.model.'])
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_what_wrappers_put_in_front_of_names_is_left_out(tmp_path, state, prefix, suffix):
    """Of every kind of file; a note says so."""
    wrapped, plain = tmp_path / f'wrapped{suffix}', tmp_path / f'plain{suffix}'
    save = torch.save if suffix == '.pth' else save_file
    save(state, plain)
    save({f'{prefix}{name}': value for name, value in state.items()}, wrapped)

    assert_same(wrapped, plain)
    (note,) = [text for text in read(wrapped).notes if 'wrapper' in text]
    assert note.replace(' ', '').endswith(prefix)


def test_compiled_parts_are_known_wherever_they_are(tmp_path, state):
    """torch.compile of an encoder alone marks its names in the middle."""
    torch.save(state, tmp_path / 'plain.pth')
    marked = {name.replace('backbone.', 'backbone._orig_mod.'): v for name, v in state.items()}
    assert marked.keys() != state.keys()
    torch.save(marked, tmp_path / 'compiled.pth')

    assert_same(tmp_path / 'compiled.pth', tmp_path / 'plain.pth')


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.'])
def test_native_files_that_were_saved_from_a_wrapper_are_read(tmp_path, state, prefix):
    """Their facts say what they are, whatever their names begin with."""
    torch.save(state, tmp_path / 'plain.pth')
    native = convert(Request(tmp_path / 'plain.pth', 'native', tmp_path / 'n.safetensors')).out
    from safetensors import safe_open

    with safe_open(native, framework='pt') as file:
        facts = file.metadata()
    tensors = {f'{prefix}{name}': value for name, value in load_file(native).items()}
    save_file(tensors, tmp_path / 'wrapped.safetensors', metadata=facts)

    assert_same(tmp_path / 'wrapped.safetensors', native)


def test_prefix_that_some_names_lack_is_named(tmp_path, state):
    """A module that was saved with its loss is not guessed at."""
    wrapped = {f'model.{name}': value for name, value in state.items()}
    torch.save({**wrapped, 'criterion.weight': torch.ones(5)}, tmp_path / 'some.pth')

    with pytest.raises(CheckpointError, match=r"names begin with 'model\.': save the state_dict"):
        read(tmp_path / 'some.pth')


@pytest.fixture
def folder(tmp_path, state):
    """Return a folder of Hugging Face in one file."""
    torch.save(state, tmp_path / 'source.pth')
    request = Request(tmp_path / 'source.pth', 'hf-segformer', tmp_path / 'whole', accept_eps=True)
    return convert(request).out


@pytest.fixture
def sharded(tmp_path, folder):
    """Return the same folder as transformers itself writes it in several files."""
    transformers = pytest.importorskip('transformers')
    module = transformers.SegformerForSemanticSegmentation.from_pretrained(folder)
    module.save_pretrained(tmp_path / 'sharded', max_shard_size='100KB')
    path = tmp_path / 'sharded'
    assert len(list(path.glob('model-*-of-*.safetensors'))) > 1
    return path


@pytest.mark.parametrize('name', ['', 'model.safetensors.index.json'])
def test_shards_of_transformers_are_one_network(folder, sharded, name):
    """The folder or the index can be given."""
    assert_same(sharded / name, folder)


def test_shards_have_one_hash_that_tells_each_change(sharded):
    """It is of all files, not of the index."""
    from segformer_ros.checkpoints.files import open_checkpoint

    before = open_checkpoint(sharded).sha256
    path = sorted(sharded.glob('model-*.safetensors'))[-1]
    tensors = load_file(path)
    save_file({name: value + 1 for name, value in tensors.items()}, path)

    assert open_checkpoint(sharded).sha256 != before


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'x': 'model-9.safetensors'}, r"names the file 'model-9\.safetensors', expected one"),
        ({'x': '../evil.safetensors'}, r"names the file '\.\./evil\.safetensors', expected one"),
        ({'x': None}, 'do not hold the same weights: x in one alone'),
    ],
)
def test_index_that_does_not_fit_its_files_is_refused(sharded, change, sentence):
    """A shard that was not fetched is named, and none is read from elsewhere."""
    index = sharded / 'model.safetensors.index.json'
    content = json.loads(index.read_text(encoding='utf-8'))
    first = next(iter(content['weight_map'].values()))
    content['weight_map'] |= {name: value or first for name, value in change.items()}
    index.write_text(json.dumps(content), encoding='utf-8')
    (sharded.parent / 'evil.safetensors').write_bytes((sharded / first).read_bytes())

    with pytest.raises(CheckpointError, match=sentence):
        read(sharded)
