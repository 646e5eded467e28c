# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles on disk: what is read is what was written, and nothing else is taken."""

from pathlib import Path
import signal

from bundle_damage import content_of, GOLDEN, GRAPH, sentence_of
import onnx
import pytest
from segformer_ros import bundle, interrupts
from tiny_bundle import tiny_manifest


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize('name', [GRAPH, GOLDEN, 'weights.bin'])
@pytest.mark.parametrize('damage', [_cut, _flip, lambda path: path.write_bytes(b'')])
def test_a_damaged_file_is_refused(folder, name, damage):
    """One bit, the last byte, or all of it."""
    damage(folder / name)
    with pytest.raises(bundle.BundleError, match=f'{name}: expected sha256') as caught:
        bundle.read(folder)
    assert 'copy the bundle again or export the network again' in sentence_of(caught)


@pytest.mark.parametrize('name', [GRAPH, GOLDEN, 'weights.bin'])
@pytest.mark.parametrize('verify', [True, False])
def test_a_missing_file_is_refused(folder, name, verify):
    """Also when nothing is verified."""
    (folder / name).unlink()
    with pytest.raises(bundle.BundleError, match=f'{name}: expected a file, found none') as caught:
        bundle.read(folder, verify=verify)
    sentence_of(caught)


def test_a_file_without_a_sha256_is_refused(folder):
    """A graph could take its weights from there; hidden files and folders may be."""
    (folder / '.hidden').write_bytes(b'')
    (folder / '__pycache__').mkdir()
    bundle.read(folder)
    (folder / 'more.bin').write_bytes(b'')
    with pytest.raises(bundle.BundleError, match=r'found more\.bin: remove it') as caught:
        bundle.read(folder)
    sentence_of(caught)


def test_no_bundle_at_all_is_refused(tmp_path):
    """Neither a folder, nor one without a manifest, nor a manifest that is a list."""
    with pytest.raises(bundle.BundleError, match='expected a folder, found none'):
        bundle.read(tmp_path / 'absent')
    with pytest.raises(bundle.BundleError, match=r'expected manifest\.json, found a folder'):
        bundle.read(tmp_path)
    (tmp_path / 'manifest.json').write_text('[1]')
    with pytest.raises(bundle.BundleError, match=r'expected a JSON object, found \[1\]'):
        bundle.read(tmp_path)


def test_a_file_that_cannot_be_read_is_reported_in_one_sentence(folder, monkeypatch):
    """The disk or its permissions are at fault, not the bundle."""

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('segformer_ros.bundle.folder.sha256_of', refuse)
    with pytest.raises(bundle.BundleError, match='found PermissionError: Permission denied: c'):
        bundle.read(folder)


def test_a_shipped_bundle_is_found_by_its_name(original, tmp_path, monkeypatch):
    """A name goes before a folder of that name; a path is a path."""
    monkeypatch.setattr('segformer_ros.bundle.folder.MODELS', original.parent)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tiny').mkdir()
    (tmp_path / 'mine').mkdir()
    assert bundle.known_names() == ('tiny',)
    assert bundle.find('tiny') == original
    assert bundle.find('./tiny') == Path('tiny')
    assert bundle.find('mine') == Path('mine')
    assert bundle.find(original) == original


@pytest.mark.parametrize('name', ['absent', '', '/nowhere/model'])
def test_an_unknown_name_lists_the_known_ones(original, monkeypatch, name):
    """The user can choose from them."""
    monkeypatch.setattr('segformer_ros.bundle.folder.MODELS', original.parent)
    with pytest.raises(bundle.BundleError, match=r'a name it ships under \(tiny\)') as caught:
        bundle.find(name)
    sentence_of(caught)


@pytest.mark.parametrize('name', ['hf', 'hf/model.safetensors', 'hf://nvidia/mit-b0'])
def test_a_checkpoint_has_to_be_exported(tmp_path, monkeypatch, name):
    """The message is the command; a bundle that has lost its manifest is no checkpoint."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'hf').mkdir()
    (tmp_path / 'hf' / 'model.safetensors').write_bytes(b'')
    with pytest.raises(bundle.BundleError, match=f'export it first: segformer export {name} OUT'):
        bundle.find(name)
    (tmp_path / 'weights.bin').write_bytes(b'')
    (tmp_path / 'both.onnx').write_bytes(b'')
    assert bundle.find('.') == Path()
    with pytest.raises(bundle.BundleError, match='found neither'):
        bundle.find('both.onnx')


def test_writing_replaces_a_bundle_and_nothing_else(folder, original, tmp_path):
    """A folder that is no bundle stays; no temporary folder is left behind."""
    content = content_of(original)
    files = {name: original / name for name in content.pop('files')}
    content['name'] = 'newer'
    assert bundle.write(folder, content, files).manifest.name == 'newer'
    assert bundle.read(folder).manifest.name == 'newer'

    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'cat.jpg').write_bytes(b'cat')
    with pytest.raises(bundle.BundleError, match='found something that is not a bundle') as caught:
        bundle.write(tmp_path / 'photos', content, files)
    sentence_of(caught)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['photos', 'tiny']
    assert (tmp_path / 'photos' / 'cat.jpg').read_bytes() == b'cat'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_never_leaves_a_folder_without_a_bundle(folder, original, monkeypatch, number):
    """Also not between the moves of the former and of the new one."""
    content = content_of(original)
    files = {name: original / name for name in content.pop('files')}
    rename = Path.rename

    def interrupted(path, target):
        rename(path, target)
        signal.raise_signal(number)

    monkeypatch.setattr(Path, 'rename', interrupted)
    with interrupts.handled(None), pytest.raises(KeyboardInterrupt):
        bundle.write(folder, {**content, 'name': 'newer'}, files)
    assert bundle.read(folder).manifest.name == 'newer'


def test_a_new_bundle_that_cannot_be_moved_leaves_the_former(folder, original, monkeypatch):
    """The disk may refuse it."""
    content = content_of(original)
    files = {name: original / name for name in content.pop('files')}
    rename = Path.rename

    def refused(path, target):
        if path.name == 'new':
            raise PermissionError(13, 'refused')
        return rename(path, target)

    monkeypatch.setattr(Path, 'rename', refused)
    with pytest.raises(PermissionError):
        bundle.write(folder, {**content, 'name': 'newer'}, files)
    assert bundle.read(folder).manifest.name == 'tiny'


def test_a_wrong_manifest_is_not_written(folder, tmp_path):
    """The bundle that was there stays as it was."""
    manifest = tiny_manifest([])
    before = content_of(folder)
    with pytest.raises(bundle.BundleError, match='input_sizes'):
        bundle.write(folder, manifest, {})
    assert content_of(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def test_the_shipped_bundles_are_whole():
    """Every bundle of the package can be read, and is named as its folder."""
    for name in bundle.known_names():
        assert bundle.read(bundle.find(name)).manifest.name == name


@pytest.mark.parametrize(
    ('location', 'found'),
    [
        ('../weights.bin', "'../weights.bin'"),
        ('/tmp/weights.bin', "'/tmp/weights.bin'"),
        ('', 'a reference of another form'),
        (200 * 'a', 'a reference of another form'),
    ],
)
def test_a_graph_with_weights_elsewhere_is_refused(original, tmp_path, location, found):
    """An engine would read them, although no sha256 covers them."""
    model = onnx.load(original / GRAPH, load_external_data=False)
    entries = [entry for tensor in model.graph.initializer for entry in tensor.external_data]
    next(entry for entry in entries if entry.key == 'location').value = location
    content = content_of(original)
    files = {name: original / name for name in content.pop('files')}
    files[GRAPH] = model.SerializeToString()
    with pytest.raises(bundle.BundleError, match='expected weights in files') as caught:
        bundle.write(tmp_path / 'other', content, files)
    assert f'found {found}' in sentence_of(caught)
    assert not any(tmp_path.iterdir())
