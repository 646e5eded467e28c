# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The facts of a bundle: each is needed, and each is checked."""

from dataclasses import replace
import hashlib

from bundle_damage import content_of, GOLDEN, GRAPH, put, sentence_of
import pytest
from segformer_ros import bundle
from tiny_bundle import CLASSES


def test_what_was_written_is_read(original):
    """Every fact of the manifest has its place and type."""
    read = bundle.read(original)
    facts = read.manifest
    assert read.path == original
    assert (facts.name, facts.tasks, facts.label_set) == (
        'tiny', ('segmentation', 'depth'), 'carla_0914',
    )  # fmt: skip
    assert facts.classes == CLASSES
    error = {'logits': 1e-6, 'depth': 1e-6}
    graph = bundle.Graph('any', 'float32', 'float32', ('logits', 'depth'), GRAPH, error)
    assert facts.input_sizes == (bundle.InputSize(64, 128, (graph,), 7, GOLDEN),)
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
    sentence_of(caught)


@pytest.mark.parametrize('version', [0, 1, 3, '2', 2.0, True, None])
def test_a_foreign_version_is_refused(folder, version):
    """Before anything else is looked at."""
    put(folder, {'format_version': version, 'else': 1})
    expected = f'expected format_version 2, found {version!r}: use a release'
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        bundle.read(folder)
    sentence_of(caught)


@pytest.mark.parametrize(
    'key',
    [
        'format_version', 'name', 'tasks', 'label_set', 'classes', 'input_sizes', 'mean', 'std',
        'channel_order', 'outputs', 'depth_range_m', 'focal_length_px', 'opset', 'tolerance',
        'files', 'arithmetic', 'provenance', 'licence',
    ],
)  # fmt: skip
@pytest.mark.parametrize('change', ['missing', 'null', 'number'])
def test_every_key_is_needed(folder, key, change):
    """Without it, or with another type, the bundle is refused and the key named."""
    content = content_of(folder)
    if (key, change) == ('focal_length_px', 'null'):
        pytest.skip('null says that depth is not scaled by the focal length')
    del content[key]
    if change != 'missing':
        content[key] = None if change == 'null' else -7
    put(folder, content)
    with pytest.raises(bundle.BundleError, match=key) as caught:
        bundle.read(folder)
    sentence_of(caught)


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


_FIRST = ('input_sizes', 0, 'graphs', 0)


def _second_graph(content):
    graphs = content['input_sizes'][0]['graphs']
    graphs.append({**graphs[0], 'file': GOLDEN})


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
        (_drop('input_sizes', 0, 'graphs'), r'input_sizes\[0\]: graphs: .* found no such key'),
        (_change(['input_sizes', 0, 'graphs'], []), 'graphs: expected one that gives logits, de'),
        (_change([*_FIRST, 'target'], 'gpu'), "target: expected 'any' or .* found 'gpu'"),
        (_change([*_FIRST, 'precision'], 'int4'), "precision: expected 'float32' or .* 'int4'"),
        (_change([*_FIRST, 'input'], 'uint16'), "input: expected 'float32' or 'uint8', found 'ui"),
        (_change([*_FIRST, 'outputs'], ['depth', 'logits']), 'outputs: expected some of logits'),
        (_change([*_FIRST, 'outputs'], []), r'outputs: expected some of .* found \[\]'),
        (_change([*_FIRST, 'error', 'depth'], None), 'error: depth: expected a finite number'),
        (_drop(*_FIRST, 'error', 'logits'), 'error: logits: expected a value'),
        (_change([*_FIRST, 'else'], 1), "'else': expected one of the keys"),
        (lambda content: _second_graph(content), 'graphs of different kinds, found one kind'),
        (_drop('input_sizes', 0, 'golden'), 'golden: expected a value, found no such key'),
        (_drop('input_sizes', 0, 'golden', 'seed'), 'golden: seed: expected a value'),
        (_change(['input_sizes', 0, 'golden', 'seed'], -1), 'seed: expected a whole number'),
        (_change([*_FIRST, 'file'], 'a.onnx'), "files: .* sha256 of 'a.onnx', found no"),
        (_change(['channel_order'], 'bgr'), "channel_order: expected 'rgb', found 'bgr'"),
        (_change(['mean'], [0.5, 0.5]), 'mean: expected 3 numbers, found 2'),
        (_change(['mean', 1], '0.5'), "mean: expected a finite number, found '0.5'"),
        (_change(['mean', 1], 10**400), 'mean: expected a finite number, found 1000'),
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
        (_drop('arithmetic', 'gmacs'), 'arithmetic: gmacs: expected a value'),
        (_change(['arithmetic', 'parameters', 'encoder'], 0), 'encoder: expected a whole number'),
        (_change(['arithmetic', 'gmacs', '8x8'], {'encoder': 1}), 'segmentation_head: expected a'),
        (_change(['licence'], ''), "licence: expected a text, found ''"),
    ],
)
def test_a_wrong_fact_is_refused(folder, change, expected):
    """The key is named with what belongs there and what was found."""
    content = content_of(folder)
    change(content)
    put(folder, content)
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        bundle.read(folder)
    sentence_of(caught)


@pytest.mark.parametrize(
    'name',
    ['../weights.bin', '/etc/hostname', 'a/b.bin', 'a\\b.bin', '..', '.', '', '.b', 'C:b', 'a\nb'],
)
def test_a_file_outside_the_folder_is_refused(folder, name):
    """Its sha256 is never even computed."""
    content = content_of(folder)
    content['files'][name] = 64 * '0'
    put(folder, content)
    with pytest.raises(bundle.BundleError, match='expected plain file names') as caught:
        bundle.read(folder)
    sentence_of(caught)


@pytest.mark.parametrize('number', ['1e999', '-1e999'])
def test_an_infinite_number_is_refused(folder, number):
    """JSON has no infinity, but numbers that are too large."""
    text = (folder / 'manifest.json').read_text().replace('100.0', number)
    (folder / 'manifest.json').write_text(text)
    with pytest.raises(bundle.BundleError, match='focal_length_px: expected a finite number'):
        bundle.read(folder)


def _with_graphs_of(content, name):
    (size,) = content['input_sizes']
    (graph,) = size['graphs']
    return [{**size, 'graphs': [{**graph, 'outputs': [name], 'error': {name: 0.0}}]}]


def test_a_bundle_of_one_task_needs_nothing_of_the_other(folder):
    """A depth network has no classes, a segmentation network no range and no focal length."""
    content = content_of(folder)
    depth = {**content, 'tasks': ['depth'], 'outputs': {'depth': content['outputs']['depth']}}
    depth['tolerance'] = {'depth': 1e-4}
    depth['input_sizes'] = _with_graphs_of(content, 'depth')
    depth['arithmetic'] = {'parameters': {'encoder': 1, 'depth_head': 49}, 'gmacs': {}}
    del depth['classes'], depth['label_set']
    facts = bundle.parse(depth)
    assert (facts.logits, facts.classes, facts.label_set) == (None, (), None)
    assert set(facts.output_shapes(facts.input_sizes[0])) == {'depth'}

    labels = {**content, 'tasks': ['segmentation'], 'outputs': {'logits': {'stride': 4}}}
    labels['tolerance'] = {'logits': 1e-4}
    labels['input_sizes'] = _with_graphs_of(content, 'logits')
    labels['arithmetic'] = {'parameters': {'encoder': 1, 'segmentation_head': 9}, 'gmacs': {}}
    del labels['depth_range_m'], labels['focal_length_px']
    facts = bundle.parse(labels)
    assert (facts.depth, facts.depth_range_m, facts.focal_length_px) == (None, None, None)
    assert set(facts.output_shapes(facts.input_sizes[0])) == {'logits'}


def test_the_source_of_labels_is_a_line(folder):
    """Name, where the weights come from and licence; of two networks, that of the labels."""
    content = content_of(folder)
    content['provenance']['source'] = 'hf://org/name'
    assert bundle.parse(content).source_of_labels() == 'tiny; hf://org/name; Apache-2.0'

    del content['provenance']['source']
    content['provenance']['command'] = 'segformer train --recipe city'
    facts = bundle.parse(content)
    expected = 'tiny; segformer train --recipe city; Apache-2.0'
    assert facts.source_of_labels() == expected
    pair = replace(facts, provenance={'labels': facts.provenance, 'depth': {'source': 'other'}})
    assert pair.source_of_labels() == expected


def test_a_label_set_of_your_own_is_taken(folder):
    """Only the classes of a known label set are compared with it."""
    content = content_of(folder)
    content['label_set'] = 'my_quarry'
    content['classes'][0]['name'] = 'gravel'
    assert bundle.parse(content).classes[0].name == 'gravel'
