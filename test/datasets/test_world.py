# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The built-in world as a dataset: rendered, kept, found again and never mixed up."""

from dataclasses import replace
import hashlib
import json
import pickle

import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset, recognise
from segformer_ros.datasets.world import WorldDataset
from segformer_ros.datasets.world_frames import check_identity, render_shard, WorldFrames
from segformer_ros.datasets.world_rendering import Rendering, wait_for_frames
from segformer_ros.labels import CARLA_0914
from tiny_world import random_frame


@pytest.fixture
def frames(tmp_path):
    """Ten frames in shards of four, two sizes in turn; none is rendered."""
    return WorldFrames(7, 10, ((32, 64), (48, 32)), 4, str(tmp_path / 'cache'), 1)


def equal(found, frame, *, cached=True):
    """See that a sample is a frame."""
    depth = frame.depth.astype(np.float16).astype(np.float32) if cached else frame.depth
    np.testing.assert_array_equal(found.image, frame.image)
    np.testing.assert_array_equal(found.labels, frame.labels)
    np.testing.assert_array_equal(found.depth, depth)
    assert found.depth.dtype == np.float32
    assert found.intrinsics.fx == pytest.approx(frame.intrinsics.fx, rel=1e-6)
    assert found.intrinsics.cx == frame.intrinsics.cx
    assert found.intrinsics.height == frame.intrinsics.height


def test_every_frame_is_that_of_its_seed(frames):
    """Without a cache depth is exact; shards have the sizes in turn."""
    data = WorldDataset(replace(frames, folder=''), random_frame)
    assert len(data) == 10
    assert data.label_set is CARLA_0914
    for index in range(10):
        height, width = (48, 32) if 4 <= index < 8 else (32, 64)
        equal(data[index], random_frame(7 + index, width, height), cached=False)
    assert data.name(9) == data[9].name == 'seed/0000016'
    assert list(data.ready()) == list(range(10))
    with pytest.raises(IndexError):
        data[10]


def test_frames_are_the_same_with_and_without_the_cache(frames):
    """One that is missing is rendered on the spot, and is the same as later on."""
    data = WorldDataset(frames, random_frame)
    before = [data[index] for index in range(10)]
    assert data.ready() == []

    render_shard(frames, 1, random_frame)
    assert data.ready() == [4, 5, 6, 7]
    for shard in (0, 2):
        render_shard(frames, shard, random_frame)

    assert data.ready() == range(10)
    for index in range(10):
        height, width = frames.size(index)
        equal(before[index], random_frame(7 + index, width, height))
        equal(data[index], random_frame(7 + index, width, height))
        assert data[index].intrinsics == before[index].intrinsics
        assert data[index].name == before[index].name


def test_frames_of_earlier_versions_are_read(tmp_path):
    """The files are those that training has always written."""
    size, count = (32, 64), 2
    probe = random_frame(5, 64, 32)
    digest = hashlib.sha256(probe.image.tobytes() + probe.labels.tobytes()).hexdigest()
    facts = {'first_seed': 5, 'shard_frames': count, 'sizes': [list(size)], 'probe': digest}
    (tmp_path / '00000').mkdir()
    (tmp_path / 'frames.json').write_text(json.dumps(facts, indent=2))
    kept = {
        'image': np.full((count, *size, 3), 9, np.uint8),
        'labels': np.full((count, *size), 14, np.uint8),
        'depth': np.full((count, *size), 2.5, np.float16),
        'focal': np.array([30.0, 40.0], np.float32),
    }
    for name, array in kept.items():
        np.save(tmp_path / '00000' / f'{name}.npy', array)

    data = WorldDataset(WorldFrames(5, 2, (size,), count, str(tmp_path)), random_frame)

    assert recognise(tmp_path) == 'world'
    sample = data[1]
    assert np.all(sample.image == 9)
    assert np.all(sample.labels == 14)
    assert np.all(sample.depth == 2.5)
    assert (sample.intrinsics.fx, sample.intrinsics.cx) == (40.0, 31.5)


def test_a_shard_is_there_as_a_whole_or_not_at_all(frames, tmp_path):
    """An interrupted one leaves nothing, a finished one is not rendered again."""

    def fail(seed, width, height):
        raise RuntimeError('out of paint')

    render_shard(frames, 0, random_frame)
    render_shard(frames, 0, fail)
    with pytest.raises(RuntimeError, match='out of paint'):
        render_shard(frames, 1, fail)
    assert [path.name for path in (tmp_path / 'cache').iterdir()] == ['00000']


def test_frames_of_another_world_are_refused(frames, tmp_path):
    """A folder keeps what it was rendered from, and is not reused for anything else."""
    check_identity(frames, random_frame)
    check_identity(frames, random_frame)
    with pytest.raises(DatasetError, match='holds frames of another first_seed'):
        check_identity(replace(frames, first_seed=8), random_frame)
    with pytest.raises(DatasetError, match=r'holds frames of another probe.*remove the folder'):
        check_identity(frames, lambda seed, w, h: random_frame(seed + 1, w, h))
    (tmp_path / 'cache' / 'frames.json').write_text('{')
    with pytest.raises(DatasetError, match='expected JSON'):
        check_identity(frames, random_frame)


def test_a_damaged_shard_is_named(frames, tmp_path):
    """It says what to remove."""
    render_shard(frames, 0, random_frame)
    (tmp_path / 'cache' / '00000' / 'depth.npy').write_bytes(b'x')
    with pytest.raises(DatasetError, match=r'expected image, labels, depth and focal in .*00000'):
        WorldDataset(frames, random_frame)[0]


def test_a_copy_for_a_worker_has_no_frames_in_it(frames):
    """It maps the files itself."""
    data = WorldDataset(frames, random_frame)
    render_shard(frames, 0, random_frame)
    equal(data[1], random_frame(8, 64, 32))
    packed = pickle.dumps(data)
    assert len(packed) < 2000
    equal(pickle.loads(packed)[1], random_frame(8, 64, 32))


def test_waiting_for_frames_ends_with_the_frames_or_with_an_error():
    """Those who wait are told how many there are, and of a process that died."""

    class Worker(Rendering):
        def __init__(self, status, alive=True):
            self.status, self.alive = status, alive

        @property
        def running(self):
            return self.alive

        def wait(self, timeout_s):
            counts.pop()

        def check(self):
            if self.status:
                raise RuntimeError(f'exit status {self.status}')

    counts, said = [8, 4, 0], []
    wait_for_frames(lambda: range(counts[-1]), Worker(0), 8, said.append)
    assert said == ['0 of 8 frames rendered']

    counts = [0, 0]
    with pytest.raises(RuntimeError, match='exit status 1'):
        wait_for_frames(lambda: range(counts[-1]), Worker(1), 8, said.append)
    counts = [0, 0]
    with pytest.raises(RuntimeError, match='found 0 and no process that renders'):
        wait_for_frames(lambda: range(counts[-1]), Worker(0, alive=False), 8, said.append)


def test_the_real_world_is_rendered_by_processes(tmp_path):
    """Opened as a recipe does it, prepared, and equal to what is rendered on the spot."""
    options = {'frames': 2, 'size': '16x32', 'shard_frames': 1, 'first_seed': 3, 'processes': 1}
    cache = tmp_path / 'frames'
    data = open_dataset(DatasetSpec('world', str(cache), 'train', options))
    said = []

    data.prepare(said.append, whole=True).stop()

    assert data.ready() == range(2)
    assert said[0] == '0 of 2 frames rendered'
    live = open_dataset(DatasetSpec('world', '', 'train', options))
    for index in range(2):
        equal(data[index], live[index])
        assert set(np.unique(live[index].labels)) <= set(live.class_ids)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'size': 'large'}, "expected a size such as 256x512, got 'large'"),
        ({'size': []}, 'expected a size such as 256x512, got none'),
        ({'size': '8x8'}, 'at least 16x16 pixels'),
        ({'frames': 0}, 'frames must be 1 or more, not 0'),
        ({'first_seed': '5'}, "first_seed must be 0 or more, not '5'"),
    ],
)
def test_options_that_are_wrong(options, message):
    """The message has what is expected."""
    with pytest.raises(DatasetError, match=message):
        open_dataset(DatasetSpec('world', '', 'train', options))


def test_splits_have_seeds_of_their_own():
    """No frame is in two of them."""
    seeds = {}
    for split in ('train', 'val', 'test'):
        data = open_dataset(DatasetSpec('world', '', split, {'size': [[32, 64], '48x32']}))
        seeds[split] = {data.name(index) for index in range(len(data))}
    assert {split: len(names) for split, names in seeds.items()} == {
        'train': 8000, 'val': 128, 'test': 200,
    }  # fmt: skip
    assert len(set.union(*seeds.values())) == 8328


def test_the_variety_is_that_of_every_frame(tmp_path):
    """Rendered on the spot or ahead, in another process; a cache holds one variety."""
    size = {'frames': 2, 'size': '48x96', 'shard_frames': 2, 'processes': 1}
    data = open_dataset(DatasetSpec('world', tmp_path, options={**size, 'variety': 'roads'}))
    wanted = world.random_frame(100_000, 96, 48, 'roads')
    np.testing.assert_array_equal(data[0].image, wanted.image)
    assert not np.array_equal(data[0].image, world.random_frame(100_000, 96, 48).image)

    data.prepare(lambda text: None, whole=True)
    assert len(data.ready()) == 2
    np.testing.assert_array_equal(data[0].image, wanted.image)

    with pytest.raises(DatasetError, match='holds frames of another'):
        open_dataset(DatasetSpec('world', tmp_path, options=size))
    with pytest.raises(DatasetError, match="variety must be one of plain, roads, not 'pink'"):
        open_dataset(DatasetSpec('world', tmp_path, options={'variety': 'pink'}))
