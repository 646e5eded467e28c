# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shards read in any order, from here or elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
import io
import json
from pathlib import Path
import pickle
import tarfile
import threading

from memory_samples import Memory, open_shards, OWN, same, SMALL
import numpy as np
import pytest
from segformer_ros.datasets import DatasetError
from segformer_ros.datasets.shards import windowed_order
from segformer_ros.datasets.shards_fetch import open_url
from segformer_ros.datasets.shards_writer import ShardSettings, write_shards


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on this machine, and list what is asked for."""
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            asked.append(self.path)

    with ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f'http://127.0.0.1:{server.server_port}', asked
        finally:
            server.shutdown()
            thread.join()


def test_samples_come_back_as_they_were(tmp_path):
    """In any order; also a label set that only this dataset has."""
    source = Memory()
    index = write_shards(source, tmp_path, 'train', SMALL)

    data = open_shards(tmp_path)

    assert len(index.shards) > 2
    assert data.label_set == OWN
    assert len(data) == 7
    assert [data.name(number) for number in range(7)] == [f'a.b/{number}' for number in range(7)]
    for number in (6, 0, 3, 1, 5, 2, 4):
        same(data[number], source[number])
    assert [number for group in data.groups for number in group] == list(range(7))
    same(pickle.loads(pickle.dumps(data))[5], source[5])
    with pytest.raises(IndexError):
        data[7]


def test_shards_of_a_server_are_fetched_when_they_are_needed(tmp_path):
    """Once, into the cache, whose oldest are deleted when it is full."""
    source, out, cache = Memory(), tmp_path / 'out', tmp_path / 'cache'
    index = write_shards(source, out, 'train', SMALL)
    one = index.shards[0].file_bytes / 1e9
    with served(out) as (url, asked):
        data = open_shards('', url=f'{url}/', cache=str(cache))
        assert asked == ['/train.json']
        for number in (0, 6, 0, 6):
            same(data[number], source[number])
        assert sorted(asked[1:]) == sorted(f'/{index.shards[n].url}' for n in (0, -1))

        again = pickle.loads(pickle.dumps(data))
        same(again[6], source[6])
        assert len(asked) == 3
        for path in cache.glob('*.tar'):
            path.write_bytes(b'an earlier version')
        same(open_shards('', url=url, cache=str(cache))[6], source[6])
        assert len(asked) == 5
        small = open_shards('', url=url, cache=str(tmp_path / 'small'), keep_gb=1.5 * one)
        for number in (*range(7), *range(7)):
            same(small[number], source[number])
        assert len(list((tmp_path / 'small').glob('*.tar'))) == 1

        (out / index.shards[1].url).write_bytes(b'x')
        with pytest.raises(DatasetError, match=rf'expected \d+ bytes at {url}/train-000001'):
            data[index.shards[0].samples]
        (out / index.shards[1].url).unlink()
        with pytest.raises(DatasetError, match='expected something to read at'):
            data[index.shards[0].samples]
    assert len(list(cache.glob('*.tar'))) == 2


def test_a_command_in_an_index_runs_only_where_it_may(tmp_path):
    """An index that somebody else wrote is no reason to run what stands in it."""
    source, cache = Memory(), tmp_path / 'cache'
    write_shards(source, tmp_path, 'train', ShardSettings())
    path = tmp_path / 'train.json'
    facts = json.loads(path.read_text())
    facts['shardlist'][0]['url'] = f'pipe:cat {tmp_path}/train-000000.tar'
    path.write_text(json.dumps(facts))

    with pytest.raises(DatasetError, match='would run a command: set pipes=true'):
        open_shards(tmp_path, cache=str(cache))[4]
    same(open_shards(tmp_path, cache=str(cache), pipes=True)[4], source[4])


def test_a_command_that_fails_brings_no_shard(tmp_path):
    """Neither what it wrote before, nor a success."""
    with (
        pytest.raises(DatasetError, match=r"expected 'printf x; exit 3' to write a file, .*: 3"),
        open_url('pipe:printf x; exit 3', pipes=True) as stream,
    ):
        assert stream.read() == b'x'


@pytest.mark.parametrize(
    ('url', 'message'),
    [
        ('file:{}/missing.tar', 'expected something to read at file:.*No such file'),
        ('nosuch://bucket/a.tar', 'expected something to read at nosuch:.*not known: nosuch'),
    ],
)
def test_a_url_that_cannot_be_opened_is_named(tmp_path, url, message):
    """Whatever the store says is part of the sentence."""
    pytest.importorskip('fsspec', reason='it belongs to the packages for training')
    with pytest.raises(DatasetError, match=message):
        open_url(url.format(tmp_path))


def test_a_file_has_a_url_too(tmp_path):
    """By fsspec, as the stores of the clouds."""
    pytest.importorskip('fsspec', reason='it belongs to the packages for training')
    (tmp_path / 'a').write_bytes(b'abc')
    with open_url(f'file:{tmp_path}/a') as stream:
        assert stream.read() == b'abc'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'expected an index of `segformer shards` in .*val.json'),
        ('[]', 'expected an index'),
        ('{"wids_version": 1, "shardlist": []}', 'one of another program or version'),
        (
            '{"wids_version": 1, "shardlist": [], "segformer_ros": {"label_set": null}}',
            'expected shards in .*, found none',
        ),
        (
            '{"wids_version": 1, "segformer_ros": {"label_set": null}, "shardlist": [{"url": "a",'
            ' "nsamples": 2, "filesize": 3, "names": ["x"]}]}',
            '1 names of 2 samples',
        ),
    ],
)
def test_an_index_that_is_none(tmp_path, text, message):
    """The message names the file."""
    (tmp_path / 'val.json').write_text(text)
    with pytest.raises(DatasetError, match=message):
        open_shards(tmp_path, 'val')


def test_missing_and_damaged_shards_are_named(tmp_path):
    """No index, no shard, fewer samples, a sample without its image."""
    with pytest.raises(DatasetError, match=r'train-000000\.tar and so on next to it'):
        open_shards(tmp_path)
    write_shards(Memory(2), tmp_path, 'train', ShardSettings())
    shard = tmp_path / 'train-000000.tar'
    whole = shard.read_bytes()
    shard.unlink()
    with pytest.raises(DatasetError, match=r'train-000000\.tar, found nothing'):
        open_shards(tmp_path)[0]
    with tarfile.open(fileobj=io.BytesIO(whole)) as old, tarfile.open(shard, 'w') as new:
        for item in old:
            if item.name != '000000001.image.png':
                new.addfile(item, old.extractfile(item))
    with pytest.raises(DatasetError, match=r'expected 000000001\.image\.jpg or \.png'):
        open_shards(tmp_path)[1]
    with tarfile.open(shard, 'w') as new:
        pass
    with pytest.raises(DatasetError, match=r'expected 2 samples in .*, found 0'):
        open_shards(tmp_path)[0]


def test_a_shuffle_that_uses_few_shards_at_a_time():
    """Every sample once, and never from more shards than the window has."""
    groups = [range(10 * number, 10 * number + 10) for number in range(7)]
    order = windowed_order(groups, np.random.default_rng(3), window=2)
    assert sorted(order) == list(range(70))
    shards = order // 10
    assert [len(set(shards[first : first + 20])) for first in (0, 20, 40, 60)] == [2, 2, 2, 1]
    assert list(order) != sorted(order)
    again = windowed_order(groups, np.random.default_rng(3), window=2)
    np.testing.assert_array_equal(order, again)
