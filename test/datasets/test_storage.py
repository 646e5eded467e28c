# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files by name out of folders and archives, from threads and processes."""

from concurrent.futures import ThreadPoolExecutor
import multiprocessing
import os
import pickle
import zipfile

import numpy as np
import pytest
from segformer_ros.datasets import DatasetError
from segformer_ros.datasets.storage import open_storage
from shift_tree import write_group

BACKENDS = ('folder', 'zip', 'tar', 'hdf5')


@pytest.fixture
def files():
    """Forty files of different lengths, one of them empty."""
    rng = np.random.default_rng(0)
    return {f'{n % 3}/{n:03d}.bin': rng.bytes(n * 97) for n in range(40)}


@pytest.mark.parametrize('backend', BACKENDS)
def test_every_file_is_there_and_whole(tmp_path, files, backend):
    """In the order of their names."""
    storage = open_storage(write_group(tmp_path, 'group', files, backend))
    assert list(storage.names()) == sorted(files)
    assert {name: storage.read(name) for name in files} == files
    with pytest.raises(DatasetError, match=r'expected .*no\.bin'):
        storage.read('0/no.bin')


@pytest.mark.parametrize('backend', BACKENDS)
def test_threads_read_at_the_same_time(tmp_path, files, backend):
    """Nobody gets what another one asked for."""
    storage = open_storage(write_group(tmp_path, 'group', files, backend))
    names = sorted(files) * 5
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(storage.read, names)) == [files[name] for name in names]


@pytest.mark.parametrize('backend', BACKENDS)
def test_forked_processes_read_at_the_same_time(tmp_path, files, backend):
    """A file that was open before the fork has no position that they share."""
    storage = open_storage(write_group(tmp_path, 'group', files, backend))
    storage.read('1/001.bin')
    context = multiprocessing.get_context('fork')
    readers = [context.Process(target=_read_all, args=(storage, files)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60.0)
    assert [reader.exitcode for reader in readers] == [0, 0]


def _read_all(storage, files):
    for name in sorted(files) * 20:
        assert storage.read(name) == files[name]


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_storage_is_picklable(tmp_path, files, backend):
    """The copy opens its own file."""
    storage = open_storage(write_group(tmp_path, 'group', files, backend))
    storage.read('1/001.bin')
    assert pickle.loads(pickle.dumps(storage)).read('1/001.bin') == files['1/001.bin']


def test_files_are_read_by_workers_of_torch(tmp_path, files):
    """As in training: a DataLoader that starts processes of its own."""
    data = pytest.importorskip('torch.utils.data', reason='the loader is that of torch')
    storage = open_storage(write_group(tmp_path, 'group', files, 'zip'))

    loader = data.DataLoader(
        Named(storage), batch_size=None, num_workers=1, multiprocessing_context='fork'
    )

    assert dict(loader) == files


class Named:
    """Files as a map-style dataset."""

    def __init__(self, storage):
        self.storage = storage

    def __len__(self):
        return len(self.storage.names())

    def __getitem__(self, index):
        name = self.storage.names()[index]
        return name, self.storage.read(name)


@pytest.mark.parametrize('backend', ['zip', 'tar', 'hdf5'])
def test_half_an_archive_is_damaged(tmp_path, files, backend):
    """A download that broke off is noticed when it is opened or read."""
    path = write_group(tmp_path, 'group', files, backend)
    os.truncate(path, path.stat().st_size // 2)

    def read_all():
        storage = open_storage(path)
        return [storage.read(name) for name in files]

    with pytest.raises(DatasetError, match=r'fetch (it|the archive) again'):
        read_all()


def test_a_flipped_bit_in_a_zip_is_noticed(tmp_path):
    """By the checksum."""
    path = write_group(tmp_path, 'group', {'a/b.bin': b'x' * 400}, 'zip')
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(DatasetError, match='its checksum is wrong'):
        open_storage(path).read('a/b.bin')


def test_what_has_no_random_access_is_refused(tmp_path):
    """A zip packed in another way, a file of another kind, nothing at all."""
    path = tmp_path / 'group.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('a/b.bin', b'x', zipfile.ZIP_BZIP2)
    with pytest.raises(DatasetError, match='packed in another way'):
        open_storage(path)
    for suffix in ('.zip', '.tar', '.hdf5'):
        (tmp_path / f'other{suffix}').write_bytes(b'something else')
        with pytest.raises(DatasetError, match=f'expected a whole {suffix[1:]} archive'):
            open_storage(tmp_path / f'other{suffix}')
        with pytest.raises(DatasetError, match='found nothing'):
            open_storage(tmp_path / f'none{suffix}')
    with pytest.raises(DatasetError, match='expected a folder or an archive'):
        open_storage(tmp_path / 'other.rar')


def test_hidden_files_are_left_out(tmp_path):
    """Such as those that a Mac leaves in a zip."""
    files = {'a/b.bin': b'x', 'a/._b.bin': b'y', '.trash/c.bin': b'z'}
    for backend in ('folder', 'zip', 'tar'):
        storage = open_storage(write_group(tmp_path, 'group', files, backend))
        assert list(storage.names()) == ['a/b.bin']
