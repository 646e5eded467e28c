# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles on disk: what is read is what was written, and nothing else is taken."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from segformer_ros import bundle
from tiny_bundle import CLASSES, make_tiny_bundle, tiny_manifest

GRAPH, GOLDEN = 'network_64x128.onnx', 'golden_64x128.npz'


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    """Give a bundle that nobody writes to."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


@pytest.fixture
def folder(original, tmp_path):
    """Give a bundle to damage."""
    copy = tmp_path / 'tiny'
    copy.mkdir()
    for path in original.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def _content(folder):
    return json.loads((folder / 'manifest.json').read_text())


def _put(folder, content):
    (folder / 'manifest.json').write_text(json.dumps(content))


def _sentence(caught):
    """Give the message, which must be one line: expected this, found that: do this."""
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert ': expected ' in text
    assert ', found ' in text
    return text


def test_what_was_written_is_read(original):
    """Every fact of the manifest has its place and type."""
    read = bundle.read(original)
    facts = read.manifest
    assert read.path == original
    assert (facts.name, facts.tasks, facts.label_set) == (
        'tiny', ('segmentation', 'depth'), 'carla_0914',
    )  # fmt: skip
    assert facts.classes == CLASSES
    assert facts.input_sizes == (bundle.InputSize(64, 128, GRAPH, 7, GOLDEN),)
    assert (facts.channel_order, facts.opset, facts.licence) == ('rgb', 17, 'Apache-2.0')
    assert (facts.mean, facts.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert (facts.logits, facts.depth) == (
        bundle.LogitsOutput(4), bundle.DepthOutput(4, 'log'),
    )  # fmt: skip
    assert (facts.depth_range_m, facts.focal_length_px) == ((0.5, 80.0), 100.0)
    assert facts.tolerance == {'logits': 1e-4, 'depth': 1e-4}
    assert facts.provenance['recipe'] == 'random weights'
    assert set(facts.files) == {GRAPH, GOLDEN, 'weights.bin'}
    for name, digest in facts.files.items():
        assert hashlib.sha256((original / name).read_bytes()).hexdigest() == digest


def test_the_golden_input_and_its_outputs_are_at_hand(original):
    """The image follows from the seed, the outputs have the shapes of the manifest."""
    read = bundle.read(original)
    (size,) = read.manifest.input_sizes
    image, outputs = read.golden(size)
    np.testing.assert_array_equal(image, bundle.golden_image(7, 64, 128))
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {'logits': (1, 5, 16, 32), 'depth': (1, 1, 16, 32)}
    assert all(value.dtype == np.float32 for value in outputs.values())


def test_the_golden_image_is_the_same_everywhere():
    """Integer arithmetic only: the bytes are fixed for good."""
    image = bundle.golden_image(7, 50, 90)
    assert (image.shape, image.dtype) == ((50, 90, 3), np.uint8)
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    assert digest.startswith('f913542676bc6aa3')
    assert np.ptp(image) > 150
    assert not np.array_equal(image, bundle.golden_image(8, 50, 90))
    assert bundle.golden_image(0, 1, 1).shape == (1, 1, 3)
    with pytest.raises(ValueError, match='expected a size and a seed'):
        bundle.golden_image(-1, 5, 5)


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
    assert 'copy the bundle again or export the network again' in _sentence(caught)


@pytest.mark.parametrize('name', [GRAPH, GOLDEN, 'weights.bin'])
@pytest.mark.parametrize('verify', [True, False])
def test_a_missing_file_is_refused(folder, name, verify):
    """Also when nothing is verified."""
    (folder / name).unlink()
    with pytest.raises(bundle.BundleError, match=f'{name}: expected a file, found none') as caught:
        bundle.read(folder, verify=verify)
    _sentence(caught)


def test_a_file_without_a_sha256_is_refused(folder):
    """A graph could take its weights from there; hidden files and folders may be."""
    (folder / '.hidden').write_bytes(b'')
    (folder / '__pycache__').mkdir()
    bundle.read(folder)
    (folder / 'more.bin').write_bytes(b'')
    with pytest.raises(bundle.BundleError, match=r'found more\.bin: remove it') as caught:
        bundle.read(folder)
    _sentence(caught)


@pytest.mark.parametrize(
    'data',
    [b'', b'{', b'{"format_version": 1, "name": "ti', b'\xff\xfe', b'[' * 100000, b'{"a": NaN}'],
    ids=['empty', 'open', 'cut off', 'not text', 'deep', 'nan'],
)
def test_a_manifest_that_is_no_json_is_refused(folder, data):
    """It was cut off, or is something else."""
    (folder / 'manifest.json').write_bytes(data)
    with pytest.raises(bundle.BundleError, match=r'manifest\.json: expected JSON') as caught:
        bundle.read(folder)
    _sentence(caught)


@pytest.mark.parametrize('version', [0, 2, '1', 1.0, True, None])
def test_a_foreign_version_is_refused(folder, version):
    """Before anything else is looked at."""
    _put(folder, {'format_version': version, 'else': 1})
    expected = f'expected format_version 1, found {version!r}: use a release'
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        bundle.read(folder)
    _sentence(caught)


def test_no_bundle_at_all_is_refused(tmp_path):
    """Neither a folder, nor one without a manifest, nor a manifest that is a list."""
    with pytest.raises(bundle.BundleError, match='expected a folder, found none'):
        bundle.read(tmp_path / 'absent')
    with pytest.raises(bundle.BundleError, match=r'expected manifest\.json, found a folder'):
        bundle.read(tmp_path)
    (tmp_path / 'manifest.json').write_text('[1]')
    with pytest.raises(bundle.BundleError, match=r'expected a JSON object, found \[1\]'):
        bundle.read(tmp_path)


@pytest.mark.parametrize(
    'key',
    [
        'format_version', 'name', 'tasks', 'label_set', 'classes', 'input_sizes', 'mean', 'std',
        'channel_order', 'outputs', 'depth_range_m', 'focal_length_px', 'opset', 'tolerance',
        'files', 'provenance', 'licence',
    ],
)  # fmt: skip
@pytest.mark.parametrize('change', ['missing', 'null', 'number'])
def test_every_key_is_needed(folder, key, change):
    """Without it, or with another type, the bundle is refused and the key named."""
    content = _content(folder)
    del content[key]
    if change != 'missing':
        content[key] = None if change == 'null' else -7
    _put(folder, content)
    with pytest.raises(bundle.BundleError, match=key) as caught:
        bundle.read(folder)
    _sentence(caught)


def _change(path, value):
    def change(content):
        *parents, last = path
        for key in parents:
            content = content[key]
        content[last] = value

    return change


def _drop(*path):
    def change(content):
        *parents, last = path
        for key in parents:
            content = content[key]
        del content[last]

    return change


def _twice(key):
    return lambda content: content[key].append(content[key][0])


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (_change(['extra'], 1), "'extra': expected one of the keys .* found an unknown key"),
        (_change(['tasks'], []), 'tasks: expected one or both of segmentation, depth'),
        (_change(['tasks'], ['flow']), r"tasks: .* found \['flow'\]"),
        (_change(['tasks'], ['depth', 'depth']), 'tasks: expected one or both'),
        (_change(['tasks'], ['depth']), "outputs: 'logits': .* found an unknown key"),
        (_change(['label_set'], 'cityscapes_19'), 'classes: .* of label set cityscapes_19'),
        (_change(['classes'], []), 'classes: expected one class or more, found none'),
        (_change(['classes', 0], 'road'), r"classes\[0\]: expected a JSON object, found 'road'"),
        (_change(['classes', 0, 'id'], 255), r'classes\[0\]: id: expected a number below 255'),
        (_change(['classes', 0, 'id'], -1), r'classes\[0\]: id: expected a whole number from 0'),
        (_change(['classes', 0, 'id'], True), 'id: expected a whole number from 0, found True'),
        (_change(['classes', 0, 'name'], ''), "name: expected a text, found ''"),
        (_change(['classes', 0, 'name'], 'street'), 'classes of label set carla_0914, found 1 st'),
        (_change(['classes', 0, 'color'], [1, 2]), 'color: expected three whole numbers'),
        (_change(['classes', 0, 'color'], [1, 2, 256]), 'color: expected three whole numbers'),
        (_twice('classes'), 'classes of different id, found one that occurs twice'),
        (_change(['input_sizes'], []), 'input_sizes: expected one or more different sizes'),
        (_twice('input_sizes'), 'input_sizes: expected one or more different sizes'),
        (_change(['input_sizes', 0, 'height'], 66), 'multiples of the stride 4, found 66x128'),
        (_change(['input_sizes', 0, 'width'], 0), 'width: expected a whole number from 1'),
        (_change(['input_sizes', 0, 'width'], 128.0), 'width: expected a whole number from 1'),
        (_drop('input_sizes', 0, 'graph'), r'input_sizes\[0\]: graph: .* found no such key'),
        (_drop('input_sizes', 0, 'golden'), 'golden: expected a value, found no such key'),
        (_drop('input_sizes', 0, 'golden', 'seed'), 'golden: seed: expected a value'),
        (_change(['input_sizes', 0, 'golden', 'seed'], -1), 'seed: expected a whole number'),
        (_change(['input_sizes', 0, 'graph'], 'a.onnx'), "files: .* sha256 of 'a.onnx', found no"),
        (_change(['channel_order'], 'bgr'), "channel_order: expected 'rgb', found 'bgr'"),
        (_change(['mean'], [0.5, 0.5]), 'mean: expected 3 numbers, found 2'),
        (_change(['mean', 1], '0.5'), "mean: expected a finite number, found '0.5'"),
        (_change(['std', 2], 0), 'std: expected a finite number above 0, found 0'),
        (_change(['outputs', 'logits', 'stride'], 0), 'logits: stride: expected a whole number'),
        (_change(['outputs', 'depth', 'activation'], 'exp'), "'metric' or 'log', found 'exp'"),
        (_change(['outputs', 'flow'], {}), "outputs: 'flow': expected one of the keys"),
        (_drop('outputs', 'depth'), 'outputs: depth: expected a value'),
        (_change(['depth_range_m'], [80, 0.5]), 'depth_range_m: expected the smaller number'),
        (_change(['depth_range_m'], [0, 80]), 'depth_range_m: expected a finite number above 0'),
        (_change(['focal_length_px'], 0), 'focal_length_px: expected a finite number above 0'),
        (_change(['opset'], 0), 'opset: expected a whole number from 1'),
        (_change(['tolerance', 'logits'], 0), 'tolerance: logits: expected a finite number above'),
        (_drop('tolerance', 'depth'), 'tolerance: depth: expected a value'),
        (_change(['files', 'weights.bin'], 'abc'), r'weights\.bin: expected a sha256 of 64'),
        (_drop('files', GRAPH), f"files: expected the sha256 of '{GRAPH}', found no entry"),
        (_drop('provenance', 'data'), 'provenance: data: expected a value'),
        (_drop('provenance', 'recipe'), 'provenance: recipe: expected a value'),
        (_drop('provenance', 'metrics'), 'provenance: metrics: expected a value'),
        (_change(['licence'], ''), "licence: expected a text, found ''"),
    ],
)
def test_a_wrong_fact_is_refused(folder, change, expected):
    """The key is named with what belongs there and what was found."""
    content = _content(folder)
    change(content)
    _put(folder, content)
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        bundle.read(folder)
    _sentence(caught)


@pytest.mark.parametrize(
    'name',
    ['../weights.bin', '/etc/hostname', 'a/b.bin', 'a\\b.bin', '..', '.', '', '.b', 'C:b', 'a\nb'],
)
def test_a_file_outside_the_folder_is_refused(folder, name):
    """Its sha256 is never even computed."""
    content = _content(folder)
    content['files'][name] = 64 * '0'
    _put(folder, content)
    with pytest.raises(bundle.BundleError, match='expected plain file names') as caught:
        bundle.read(folder)
    _sentence(caught)


@pytest.mark.parametrize('number', ['1e999', '-1e999'])
def test_an_infinite_number_is_refused(folder, number):
    """JSON has no infinity, but numbers that are too large."""
    text = (folder / 'manifest.json').read_text().replace('100.0', number)
    (folder / 'manifest.json').write_text(text)
    with pytest.raises(bundle.BundleError, match='focal_length_px: expected a finite number'):
        bundle.read(folder)


def test_a_bundle_of_one_task_needs_nothing_of_the_other(folder):
    """A depth network has no classes, a segmentation network no range and no focal length."""
    content = _content(folder)
    depth = {**content, 'tasks': ['depth'], 'outputs': {'depth': content['outputs']['depth']}}
    depth['tolerance'] = {'depth': 1e-4}
    del depth['classes'], depth['label_set']
    facts = bundle.parse(depth)
    assert (facts.logits, facts.classes, facts.label_set) == (None, (), None)
    assert set(facts.output_shapes(facts.input_sizes[0])) == {'depth'}

    labels = {**content, 'tasks': ['segmentation'], 'outputs': {'logits': {'stride': 4}}}
    labels['tolerance'] = {'logits': 1e-4}
    del labels['depth_range_m'], labels['focal_length_px']
    facts = bundle.parse(labels)
    assert (facts.depth, facts.depth_range_m, facts.focal_length_px) == (None, None, None)
    assert set(facts.output_shapes(facts.input_sizes[0])) == {'logits'}


def test_a_label_set_of_your_own_is_taken(folder):
    """Only the classes of a known label set are compared with it."""
    content = _content(folder)
    content['label_set'] = 'my_quarry'
    content['classes'][0]['name'] = 'gravel'
    assert bundle.parse(content).classes[0].name == 'gravel'


@pytest.mark.parametrize(
    ('outputs', 'expected'),
    [
        (b'nothing', r'a file that cannot be read \(ValueError\)'),
        (b'PK\x03\x04 cut off', r'a file that cannot be read \(BadZipFile\)'),
        ({'logits': (1, 5, 16, 32)}, 'expected outputs of shapes'),
        ({'logits': (1, 5, 16, 31), 'depth': (1, 1, 16, 32)}, 'expected outputs of shapes'),
        ({'logits': (1, 5, 16, 32), 'depth': math.nan}, 'expected finite float32 depth'),
    ],
)
def test_golden_outputs_that_are_none_are_refused(folder, outputs, expected):
    """Their sha256 may be right all the same."""
    data = outputs
    if not isinstance(outputs, bytes):
        arrays = {
            name: np.zeros(shape) if isinstance(shape, tuple) else np.full((1, 1, 16, 32), shape)
            for name, shape in outputs.items()
        }
        data = bundle.pack_golden(arrays)
    (folder / GOLDEN).write_bytes(data)
    read = bundle.read(folder, verify=False)
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        read.golden(read.manifest.input_sizes[0])
    _sentence(caught)


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
    _sentence(caught)


def test_writing_replaces_a_bundle_and_nothing_else(folder, original, tmp_path):
    """A folder that is no bundle stays; no temporary folder is left behind."""
    content = _content(original)
    files = {name: original / name for name in content.pop('files')}
    content['name'] = 'newer'
    assert bundle.write(folder, content, files).manifest.name == 'newer'
    assert bundle.read(folder).manifest.name == 'newer'

    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'cat.jpg').write_bytes(b'cat')
    with pytest.raises(bundle.BundleError, match='found something that is no bundle') as caught:
        bundle.write(tmp_path / 'photos', content, files)
    _sentence(caught)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['photos', 'tiny']
    assert (tmp_path / 'photos' / 'cat.jpg').read_bytes() == b'cat'


def test_a_wrong_manifest_is_not_written(folder, tmp_path):
    """The bundle that was there stays as it was."""
    manifest = tiny_manifest([])
    before = _content(folder)
    with pytest.raises(bundle.BundleError, match='input_sizes'):
        bundle.write(folder, manifest, {})
    assert _content(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def test_the_shipped_bundles_are_whole():
    """Every bundle of the package can be read, and is named as its folder."""
    for name in bundle.known_names():
        assert bundle.read(bundle.find(name)).manifest.name == name
