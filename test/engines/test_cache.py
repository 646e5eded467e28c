# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is in the cache is loaded only if it is what was put there, for this GPU and TensorRT."""

import errno
import json
import os
from pathlib import Path
import stat

import pytest
from segformer_ros.engines import cache as cache_module
from segformer_ros.engines.build import BuiltEngine, Tensor
from segformer_ros.engines.cache import EngineCache
from segformer_ros.engines.errors import EngineError, EngineRefusedError
from segformer_ros.engines.request import BuildRequest
from segformer_ros.engines.sidecar import engine_facts, first_difference, key_of
from tensorrt_double import double_target, GPU, make_double

TENSORS = (Tensor('image', 'uint8', (-1, 64, 128, 3)),)


def built_of(data=b'machine code'):
    """Return what a builder gives."""
    return BuiltEngine(data, TENSORS, TENSORS, b'', 1.25, ('slow card',))


@pytest.fixture
def request_(tmp_path):
    """Return a request for a graph with one file of weights."""
    (tmp_path / 'network.onnx').write_bytes(b'graph')
    (tmp_path / 'weights.bin').write_bytes(b'weights')
    return BuildRequest(tmp_path / 'network.onnx', (tmp_path / 'weights.bin',), 'float16')


@pytest.fixture
def facts(request_):
    """Return its facts on the machine of the double."""
    return engine_facts(request_, double_target(make_double()))


@pytest.fixture
def cache(tmp_path):
    """Return an empty cache."""
    return EngineCache(tmp_path / 'engines')


def mode_of(path):
    """Return the rights of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_an_engine_comes_back_as_it_was_stored(cache, facts):
    """With everything that is known of it in the sidecar, for its user alone."""
    assert cache.load(facts) is None
    stored = cache.store(facts, 'street', built_of())

    found = EngineCache(cache.folder).load(facts)

    assert found == stored
    assert found.data == b'machine code'
    assert (mode_of(cache.folder), mode_of(found.path)) == (0o700, 0o600)
    content = json.loads(found.path.with_suffix('.json').read_bytes())
    assert content['facts']['gpu'] == {'capability': 'sm87', 'name': 'Orin', 'driver': '540.4.0'}
    assert content['facts']['version'] == '10.16.1.11'
    assert content['engine']['bytes'] == 12
    assert content['build']['seconds'] == 1.25
    assert content['build']['inputs'] == [
        {'name': 'image', 'dtype': 'uint8', 'shape': [-1, 64, 128, 3]}
    ]
    assert content['build']['warnings'] == ['slow card']
    assert 'street float16, 1 image(s), Orin, tensorrt 10.16.1.11' in found.sidecar.summary()


def test_everything_that_decides_an_engine_is_in_its_key(request_, tmp_path):
    """Another value of any of them is another key; another place or name of the graph is not."""
    target = double_target(make_double())

    def key(target=target, **fields):
        return key_of(engine_facts(BuildRequest(**{**vars(request_), **fields}), target))

    first = key()
    others = {
        key(double_target(make_double('11.4.0.106'))),
        key(double_target(make_double(), type(GPU)('sm87', 'Orin Nano', '540.4.0'))),
        key(double_target(make_double(), type(GPU)('sm87', 'Orin', '540.5.0'))),
        key(double_target(make_double(), type(GPU)('sm89', 'Orin', '540.4.0'))),
        key(precision='bfloat16'),
        key(images=(1, 6)),
        key(options=type(request_.options)(optimization_level=5)),
        key(weights=()),
    }
    assert len(others | {first}) == 9
    assert first == key(graph=request_.graph.rename(tmp_path / 'moved.onnx'), name='other')
    (tmp_path / 'weights.bin').write_bytes(b'others')
    assert key(graph=tmp_path / 'moved.onnx') != first


def test_a_graph_that_cannot_be_read_is_reported(request_):
    """No key without its bytes."""
    request_.weights[0].unlink()
    with pytest.raises(EngineError, match=r'weights\.bin: No such file'):
        engine_facts(request_, double_target(make_double()))


def damage_end(path):
    """Cut the engine short."""
    path.write_bytes(path.read_bytes()[:-1])


def damage_byte(path):
    """Change one byte and no length."""
    path.write_bytes(b'N' + path.read_bytes()[1:])


def damage_sidecar(path):
    """Cut the sidecar short."""
    path.with_suffix('.json').write_bytes(b'{"format_version": 1')


def change_version(path):
    """Claim another version of the format."""
    _edit(path, lambda content: content.update(format_version=2))


def change_facts(path):
    """Claim that another TensorRT built it."""
    _edit(path, lambda content: content['facts'].update(version='10.3.0'))


def change_gpu(path):
    """Claim that it is for another GPU."""
    _edit(path, lambda content: content['facts']['gpu'].update(name='Xavier'))


def add_entry(path):
    """Add what no release writes."""
    _edit(path, lambda content: content.update(extra=1))


def lose_sidecar(path):
    """Be interrupted between both files."""
    path.with_suffix('.json').unlink()


def lose_engine(path):
    """Have the larger file removed by somebody who needs room."""
    path.unlink()


def open_to_others(path):
    """Let everybody write."""
    path.chmod(0o666)


def replace_by_link(path):
    """Point to a file elsewhere, of the same content."""
    path.symlink_to(path.rename(path.with_name('elsewhere')))


def replace_by_pipe(path):
    """Put a pipe there, from which nothing ever comes."""
    path.unlink()
    os.mkfifo(path)


def _edit(path, change):
    beside = path.with_suffix('.json')
    content = json.loads(beside.read_bytes())
    change(content)
    beside.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (damage_end, r'expected 12 bytes of sha256 .*, found 11'),
        (damage_byte, r'expected 12 bytes of sha256 .*, found 12 of'),
        (damage_sidecar, 'expected JSON in .*, found a damaged file'),
        (change_version, 'expected format_version 1'),
        (change_facts, r'to be for version 10\.16\.1\.11, found 10\.3\.0'),
        (change_gpu, r'to be for gpu .*"name": "Orin".*, found .*Xavier'),
        (add_entry, 'found other entries'),
        (lose_sidecar, 'found none that can be read'),
        (lose_engine, 'found none that can be read'),
        (open_to_others, 'others can write it'),
        (replace_by_link, 'found none that can be read'),
        (replace_by_pipe, 'found something else'),
    ],
)
def test_what_is_not_the_engine_is_refused(cache, facts, damage, sentence):
    """With a sentence; storing it again mends it."""
    damage(cache.store(facts, 'street', built_of()).path)

    with pytest.raises(EngineRefusedError, match=sentence):
        cache.load(facts)

    cache.store(facts, 'street', built_of())
    assert cache.load(facts).data == b'machine code'


@pytest.mark.parametrize('name', ['graph', 'weights'])
def test_other_content_is_named_by_its_files(facts, name):
    """Two sha256 tell nobody anything."""
    old = json.loads(json.dumps(facts))
    files = old['graph'] if name == 'graph' else old['weights']
    key = 'sha256' if name == 'graph' else next(iter(files))
    files[key] = '0' * 64
    said = first_difference(old, facts)
    shown = files['file'] if name == 'graph' else ', '.join(files)
    assert said == f'{name} {shown}, found {shown} of other content'


def test_files_of_another_user_are_refused(cache, facts, monkeypatch):
    """Who owns the file decides what runs."""
    cache.store(facts, 'street', built_of())
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    with pytest.raises(EngineRefusedError, match=f'it belongs to {os.getuid()}'):
        cache.load(facts)


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    """Likewise for the folder, and for a file in its place."""
    EngineCache(tmp_path / 'engines')
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(EngineError, match='a file in its place: choose another folder'):
        EngineCache(tmp_path / 'file')
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    with pytest.raises(EngineError, match=f'found one of user {os.getuid()}'):
        EngineCache(tmp_path / 'engines')


def test_rights_of_others_are_taken_from_a_folder_that_is_named(tmp_path):
    """Of one that the user made with the usual rights."""
    folder = tmp_path / 'engines'
    folder.mkdir(mode=0o755)
    assert EngineCache(folder).folder == folder
    assert mode_of(folder) == 0o700


@pytest.mark.parametrize(
    ('code', 'sentence'),
    [
        (errno.ENOSPC, 'expected 0 MB free for .*, found the disk full: make room'),
        (errno.EDQUOT, 'found the disk full'),
        (errno.EROFS, 'found Read-only file system'),
    ],
)
@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_a_disk_that_takes_no_more_leaves_nothing(cache, facts, monkeypatch, code, sentence, call):
    """Neither a part of an engine nor one that would be loaded."""

    def full(*_):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(cache_module.os, call, full)
        with pytest.raises(EngineError, match=sentence):
            cache.store(facts, 'street', built_of())

    assert list(cache.folder.iterdir()) == []
    assert cache.load(facts) is None


def test_what_a_killed_builder_left_is_cleared(cache, facts):
    """The next one that stores this engine does so."""
    left = cache.folder / f'.{cache.path(facts).name}.1.part'
    left.write_bytes(b'half')
    cache.store(facts, 'street', built_of())
    assert not left.exists()


def stored_many(folder, request, sizes, limit):
    """Store engines of some sizes in turn; gives the cache and their facts."""
    cache, all_facts = EngineCache(folder, limit_bytes=limit), []
    target = double_target(make_double())
    for number, size in enumerate(sizes):
        fields = {**vars(request), 'images': (1, number + 1)}
        all_facts.append(engine_facts(BuildRequest(**fields), target))
        path = cache.store(all_facts[-1], f'number {number}', built_of(bytes(size))).path
        if path.exists():
            os.utime(path, (number, number))
            os.utime(path.with_suffix('.json'), (number, number))
    return cache, all_facts


def test_engines_used_longest_ago_make_room(tmp_path, request_):
    """Loading one counts as use; the newest stays however large it is."""
    cache, facts = stored_many(tmp_path / 'engines', request_, [9000, 9000, 9000], 10**6)
    assert cache.load(facts[0]) is not None

    cache = EngineCache(cache.folder, limit_bytes=24_000)
    fields = {**vars(request_), 'precision': 'float32'}
    fresh = engine_facts(BuildRequest(**fields), double_target(make_double()))
    cache.store(fresh, 'fresh', built_of(bytes(9000)))

    names = {entry.sidecar.name for entry in cache.entries()}
    assert names == {'number 0', 'fresh'}
    tight = EngineCache(cache.folder, limit_bytes=1)
    tight.store(facts[1], 'number 1', built_of(bytes(9000)))
    assert [entry.sidecar.name for entry in tight.entries()] == ['number 1']
    assert tight.load(facts[1]) is not None


def test_an_engine_that_is_being_built_is_not_removed(cache, facts):
    """Its lock is held; afterwards it can be removed, and nothing of it is left."""
    key = cache.store(facts, 'street', built_of()).path.stem
    with cache.lock(facts):
        assert not cache.remove(key)
        assert cache.load(facts) is not None
    assert cache.remove(key)
    assert list(cache.folder.iterdir()) == []


def test_damaged_engines_are_listed(cache, facts):
    """So that they can be removed."""
    path = cache.store(facts, 'street', built_of()).path
    damage_sidecar(path)
    (entry,) = cache.entries()
    assert (entry.key, entry.sidecar) == (path.stem, None)
    assert entry.total_bytes > 12


def test_the_folder_is_below_the_cache_of_the_user(monkeypatch, tmp_path):
    """XDG_CACHE_HOME decides; without a home there is a sentence."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert EngineCache().folder == tmp_path / 'segformer_ros' / 'engines'

    def homeless():
        raise RuntimeError('no home')

    monkeypatch.setenv('XDG_CACHE_HOME', '')
    monkeypatch.setattr(Path, 'home', homeless)
    with pytest.raises(EngineError, match=r'found none .no home.: choose one with --cache'):
        EngineCache()
