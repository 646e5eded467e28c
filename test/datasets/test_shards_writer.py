# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Any dataset written as shards."""

from dataclasses import replace
import tarfile

from memory_samples import Memory, open_shards, same, SMALL
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.cli import main
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset, recognise
from segformer_ros.datasets.shards_writer import ShardSettings, write_shards
from segformer_ros.labels import SHIFT_23
from shift_tree import content, write_tree


def test_writing_twice_gives_the_same_bytes(tmp_path):
    """No times, no users, no order of threads."""
    for name, threads in (('a', 1), ('b', 3)):
        write_shards(Memory(), tmp_path / name, 'train', SMALL, threads=threads)
    files = sorted(path.name for path in (tmp_path / 'a').iterdir())
    assert files == sorted(path.name for path in (tmp_path / 'b').iterdir())
    for name in files:
        assert (tmp_path / 'a' / name).read_bytes() == (tmp_path / 'b' / name).read_bytes()


def test_an_interrupted_run_is_gone_on_with(tmp_path):
    """Finished shards stay, and the result is that of an uninterrupted run."""

    class Breaking(Memory):
        def __getitem__(self, index):
            if index == 5:
                raise DatasetError('out of paper')
            return super().__getitem__(index)

    out, whole = tmp_path / 'out', tmp_path / 'whole'
    with pytest.raises(DatasetError, match='out of paper'):
        write_shards(Breaking(), out, 'train', SMALL, threads=1)
    kept = sorted(out.glob('*.tar'))
    times = [path.stat().st_mtime_ns for path in kept]
    assert kept
    with pytest.raises(DatasetError, match=r'another run \(shard_bytes was 8000, now 9000\)'):
        write_shards(Memory(), out, 'train', ShardSettings(shard_bytes=9000))

    counts = []
    write_shards(Memory(), out, 'train', SMALL, progress=counts.append)
    write_shards(Memory(), whole, 'train', SMALL)

    assert [path.stat().st_mtime_ns for path in kept] == times
    assert counts[0] > 0
    assert sum(counts) == 7
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    with pytest.raises(DatasetError, match=r'train\.json is there already'):
        write_shards(Memory(), out, 'train', SMALL)


def test_the_command_keeps_the_images_of_shift(tmp_path, capsys):
    """A JPEG is not compressed a second time."""
    tree, out = write_tree(tmp_path / 'shift', backend='zip'), tmp_path / 'out'
    words = ['shards', f'shift:{tree}', str(out), '--shard-size', '0.01', '--threads', '2']

    assert main(words) == 0

    assert '3 samples in 1 shards' in capsys.readouterr().out
    data = open_shards(out)
    assert data.label_set is SHIFT_23
    source = open_dataset(DatasetSpec('shift', str(tree)))
    for number in range(3):
        found, wanted = data[number], source[number]
        same(found, wanted)
    with tarfile.open(out / 'train-000000.tar') as archive:
        stored = archive.extractfile('000000000.image.jpg').read()
    assert stored == content('0003-17fb', 0)[3]['img']
    assert recognise(out) == 'shards'
    assert main([*words, '--split', 'val']) == 1
    assert main(words) == 1
    assert 'is there already' in capsys.readouterr().err


def test_images_can_be_written_as_jpeg(tmp_path):
    """Which loses a little of what was png."""
    write_shards(Memory(2), tmp_path, 'val', ShardSettings(image='jpg', quality=90))
    with tarfile.open(tmp_path / 'val-000000.tar') as archive:
        assert '000000000.image.jpg' in archive.getnames()
    found = open_shards(tmp_path, 'val')[0].image.astype(int)
    assert found.shape == (20, 30, 3)
    assert 0 < np.abs(found - Memory(1)[0].image).mean() < 60


def test_webdataset_reads_them_too(tmp_path):
    """As a stream of samples, without any of our code."""
    wds = pytest.importorskip('webdataset', reason='it belongs to the packages for training')
    write_shards(Memory(3), tmp_path, 'train', ShardSettings())
    with (tmp_path / 'train-000000.tar').open('rb') as file:
        members = wds.tariterators.tar_file_expander([{'url': 'here', 'stream': file}])
        decode = wds.Decoder([wds.imagehandler('rgb8')])
        samples = [decode(sample) for sample in wds.tariterators.group_by_keys(members)]
    assert [sample['json']['name'] for sample in samples] == ['a.b/0', 'a.b/1', 'a.b/2']
    np.testing.assert_array_equal(samples[2]['image.png'], Memory()[2].image)


def test_negative_depth_is_refused(tmp_path):
    """Nothing is nearer than the camera."""
    source = Memory(1)
    source[0].depth[3, 3] = -1.0
    with pytest.raises(DatasetError, match=r'a\.b/0: expected depths of 0 m or more'):
        write_shards(source, tmp_path, 'train', SMALL)
    assert not list(tmp_path.glob('*.tar'))


def test_numbers_of_no_camera_are_refused_when_they_are_read(tmp_path):
    """A region may leave its principal point out; a focal length of 0 is nobody's."""
    source = Memory(2)
    source.samples[0] = replace(source[0], intrinsics=Intrinsics(9.0, 9.0, 99.0, -5.0, 4, 4))
    source.samples[1] = replace(source[1], intrinsics=Intrinsics(9.0, 0.0, 2.0, 2.0, 4, 4))
    write_shards(source, tmp_path, 'train', ShardSettings())
    data = open_shards(tmp_path)
    assert data[0].intrinsics.cx == 99.0
    with pytest.raises(DatasetError, match=r'not calibrated: fy = 0'):
        data[1]
