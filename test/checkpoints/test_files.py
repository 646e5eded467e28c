# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files are opened without running what is inside, and damage is one sentence."""

import collections
import io
import pickle

import pytest
from safetensors.torch import save_file
from segformer_ros.checkpoints.files import open_checkpoint
from segformer_ros.network.checkpoint import CheckpointError
import torch


def _zipped():
    file = io.BytesIO()
    torch.save({'a': torch.ones(2, 3)}, file)
    return file.getvalue()


ZIPPED = _zipped()


class Attack:
    """Calls a function when it is unpickled."""

    def __reduce__(self):
        """Make pickle call print."""
        return print, ('this must never be printed',)


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
def test_a_pickle_that_runs_something_is_refused_by_its_name(tmp_path, zipped, capsys):
    """The function is named and not called."""
    path = tmp_path / 'evil.pth'
    content = {'state_dict': {'a': torch.zeros(2)}, 'hook': Attack()}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(CheckpointError, match=r'to load it would run (builtins\.)?print') as error:
        open_checkpoint(path)

    assert '\n' not in str(error.value)
    assert capsys.readouterr().out == ''


def test_every_unsafe_global_is_named(tmp_path):
    """A person sees all that the file wants."""
    path = tmp_path / 'evil.pth'
    torch.save({'a': Attack(), 'b': collections.deque([1])}, path)

    with pytest.raises(CheckpointError, match=r'builtins\.print, collections\.deque|deque.*print'):
        open_checkpoint(path)


def test_a_plain_pickle_is_refused_by_its_name(tmp_path):
    """What torch did not write is no exception."""
    path = tmp_path / 'evil.pkl'
    path.write_bytes(pickle.dumps({'a': Attack()}))

    with pytest.raises(CheckpointError, match=r'would run builtins\.print'):
        open_checkpoint(path)


def old_pickle():
    """Return a file of torch before 1.6."""
    file = io.BytesIO()
    torch.save({'a': torch.ones(2, 3)}, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'hello world',
        b'\x80\x02',
        b'PK\x03\x04rest',
        b'x' + ZIPPED,
        b'\x8dPK\x03\x04\x00\x00\x08\x08\x00',
    ],
)
def test_other_files_are_no_checkpoints(tmp_path, data):
    """Neither a text nor a cut file gives more than a sentence."""
    path = tmp_path / 'some.pth'
    path.write_bytes(data)

    with pytest.raises(CheckpointError, match='is not a checkpoint of torch, or damaged'):
        open_checkpoint(path)


def test_an_onnx_graph_is_to_be_wrapped(tmp_path):
    """The command that takes it is named."""
    path = tmp_path / 'graph.onnx'
    path.write_bytes(b'\x08\x09')
    with pytest.raises(CheckpointError, match='found an ONNX graph: `segformer wrap` makes'):
        open_checkpoint(path)


@pytest.mark.parametrize('times', [1, 2, 3])
def test_pickle_cut_off_anywhere_is_no_checkpoint(tmp_path, times):
    """Out of torch come struct.error, assertions and others; here it is one sentence."""
    path = tmp_path / 'some.pth'
    whole = old_pickle()
    for stop in range(0, len(whole), 7):
        path.write_bytes(whole[:120] * (times - 1) + whole[:stop])
        with pytest.raises(CheckpointError, match=r'is not a checkpoint of torch|is refused'):
            open_checkpoint(path)


def test_an_archive_damaged_at_both_ends_is_one_sentence(tmp_path):
    """Torch takes it for a pickle, zipfile for one of several disks."""
    path = tmp_path / 'some.pth'
    whole = bytearray(ZIPPED)
    whole[0] = 1
    whole[whole.rindex(b'PK\x06\x07') + 16] = 2
    path.write_bytes(whole)

    with pytest.raises(CheckpointError, match='is not a checkpoint of torch, or damaged'):
        open_checkpoint(path)


def test_damaged_safetensors_are_one_sentence(tmp_path):
    """The header must be whole."""
    path = tmp_path / 'some.safetensors'
    path.write_bytes(b'\x10\x00\x00\x00\x00\x00\x00\x00{')

    with pytest.raises(CheckpointError, match='damaged or no safetensors file'):
        open_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'found'),
    [([1, 2], 'found a list'), ({'epoch': 3, 'lr': 0.1}, 'found epoch, lr among them')],
)
def test_a_file_without_a_state_dict_is_refused(tmp_path, content, found):
    """What is inside is named."""
    path = tmp_path / 'some.pth'
    torch.save(content, path)

    with pytest.raises(CheckpointError, match=f'holds no state dict.*{found}'):
        open_checkpoint(path)


@pytest.mark.parametrize('key', ['state_dict', 'model', 'model_state_dict'])
def test_the_weights_may_lie_among_other_things(tmp_path, key):
    """What is left out is noted, and the prefix of DataParallel goes."""
    path = tmp_path / 'some.pth'
    torch.save({key: {'module.a': torch.ones(1)}, 'optimizer': {'step': 3}}, path)

    raw = open_checkpoint(path)

    assert list(raw.tensors) == ['a']
    assert any('optimizer' in note for note in raw.notes)


def test_half_precision_is_widened_without_a_loss(tmp_path):
    """Float16 fits into float32, and a note says so."""
    path = tmp_path / 'some.safetensors'
    save_file({'a': torch.tensor([0.1], dtype=torch.float16)}, path)

    raw = open_checkpoint(path)

    assert raw.tensors['a'].dtype == torch.float32
    assert raw.tensors['a'].half() == torch.tensor(0.1, dtype=torch.float16)
    assert any('float16' in note for note in raw.notes)


def test_double_precision_is_taken_only_where_nothing_is_lost(tmp_path):
    """0.5 has the same digits in both, 0.1 has not."""
    exact, longer = tmp_path / 'exact.pth', tmp_path / 'longer.pth'
    torch.save({'a': torch.tensor([0.5], dtype=torch.float64)}, exact)
    torch.save({'a': torch.tensor([0.1], dtype=torch.float64)}, longer)

    assert open_checkpoint(exact).tensors['a'].dtype == torch.float32
    with pytest.raises(CheckpointError, match='more digits than float32 has'):
        open_checkpoint(longer)


def test_a_missing_file_says_what_can_be_given(tmp_path):
    """A path, a folder or an address."""
    with pytest.raises(CheckpointError, match=r'no checkpoint at .*hf://org/name'):
        open_checkpoint(tmp_path / 'none.pth')


def test_a_folder_without_weights_says_what_it_has(tmp_path):
    """The names of its files are in the message."""
    (tmp_path / 'manifest.json').write_text('{}', encoding='utf-8')

    with pytest.raises(CheckpointError, match=r'expected config.json .*found manifest.json'):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize('text', ['{', '[]'])
def test_a_damaged_description_is_one_sentence(tmp_path, text):
    """config.json must be an object."""
    save_file({'a': torch.zeros(1)}, tmp_path / 'model.safetensors')
    (tmp_path / 'config.json').write_text(text, encoding='utf-8')

    with pytest.raises(CheckpointError, match=r'config\.json'):
        open_checkpoint(tmp_path)
