# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs of other programs become bundles, or are refused in one sentence."""

import json

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from segformer_ros import bundle
from segformer_ros.cli import main
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.inference.pipeline import Options, Pipeline

H, W = 16, 32
CLASSES = ('road', 'car', 'sky')
IMAGENET = (np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225)))


def network(image, weights, bias):
    """Compute one linear layer of every pixel: image (H, W, 3) as the graph takes it."""
    return image.astype(np.float64) @ weights + bias


def graph(
    path,
    *,
    channels=3,
    kind=TensorProto.FLOAT,
    last=False,
    size=(H, W),
    ending=(),
    outputs=1,
    out_type=TensorProto.FLOAT,
    bias=0.0,
):
    """
    Write a linear layer of every pixel.

    :param last: Its input has the channels last.
    :param ending: (operator, attributes) of the nodes behind it.
    :returns: The weights (3, channels) and the bias.
    """
    random = np.random.default_rng(5)
    weights = random.normal(size=(3, channels)).astype(np.float32)
    shift = (random.normal(size=channels) + bias).astype(np.float32)
    nodes, value = [], 'image'
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node('Cast', [value], ['cast'], to=TensorProto.FLOAT))
        value = 'cast'
    if last:
        nodes.append(helper.make_node('Transpose', [value], ['planes'], perm=[0, 3, 1, 2]))
        value = 'planes'
    nodes.append(helper.make_node('Conv', [value, 'weights', 'shift'], ['scores']))
    value = 'scores'
    for number, (operator, attributes) in enumerate(ending):
        more = attributes.pop('inputs', [])
        nodes.append(helper.make_node(operator, [value, *more], [f'v{number}'], **attributes))
        value = f'v{number}'
    names = ['logits', 'aux'][:outputs]
    nodes += [helper.make_node('Identity', [value], [name]) for name in names]
    shape = (1, *size, 3) if last else (1, 3, *size)
    model = helper.make_model(
        helper.make_graph(
            nodes,
            'g',
            [helper.make_tensor_value_info('image', kind, shape)],
            [helper.make_tensor_value_info(name, out_type, None) for name in names],
            [
                numpy_helper.from_array(weights.T.reshape(channels, 3, 1, 1).copy(), 'weights'),
                numpy_helper.from_array(shift, 'shift'),
                numpy_helper.from_array(np.float32(np.nan), 'nan'),
            ],
        ),
        opset_imports=[helper.make_opsetid('', 17)],
    )
    model.ir_version = 8
    onnx.save(model, path)
    return weights, shift


@pytest.fixture
def names(tmp_path):
    """Write a list of classes."""
    path = tmp_path / 'names.txt'
    path.write_text('\n'.join(CLASSES))
    return str(path)


def wrap(tmp_path, *words, path='g.onnx', capsys=None):
    """Run the command; the bundle is tmp_path/made."""
    return main(['wrap', str(tmp_path / path), str(tmp_path / 'made'), *words])


def refusal(tmp_path, capsys, *words, path='g.onnx'):
    """Run the command, which must refuse in one line and write nothing; give the line."""
    assert wrap(tmp_path, *words, path=path) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert not (tmp_path / 'made').exists()
    return lines[0]


def image():
    """Make an image of the input size."""
    return np.random.default_rng(1).integers(0, 256, (H, W, 3), np.uint8)


@pytest.mark.parametrize('last', [False, True], ids=['nchw', 'nhwc'])
@pytest.mark.parametrize('order', ['rgb', 'bgr'])
def test_labels_are_those_of_the_graph(tmp_path, names, last, order):
    """In both layouts and channel orders, with mean and std."""
    weights, shift = graph(tmp_path / 'g.onnx', last=last)
    words = '--task segmentation --mean imagenet --licence MIT --source here --channels'
    assert wrap(tmp_path, *words.split(), order, '--classes', names) == 0
    pixels = image()
    x = (pixels / 255.0 - IMAGENET[0]) / IMAGENET[1]
    expected = network(x[..., :: 1 if order == 'rgb' else -1], weights, shift)
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    found = pipeline.predict(pixels)
    assert (found.labels == expected.argmax(axis=-1)).all()
    assert found.depth is None
    manifest = pipeline.manifest
    assert [item.name for item in manifest.classes] == list(CLASSES)
    assert manifest.licence == 'MIT'
    assert manifest.provenance['source'] == 'here'
    assert manifest.tasks == ('segmentation',)
    assert manifest.arithmetic.gmacs['16x32']['network'] == pytest.approx(
        9 * H * W / 1e9, abs=1e-6
    )


def test_bytes_go_into_a_graph_that_takes_bytes(tmp_path, names):
    """All 256 values, exactly."""
    weights, shift = graph(tmp_path / 'g.onnx', kind=TensorProto.UINT8, last=True, bias=50.0)
    words = ['--task', 'segmentation', '--mean', 'bytes', '--classes', names]
    assert wrap(tmp_path, *words) == 0
    pixels = np.zeros((H, W, 3), np.uint8)
    pixels.reshape(-1, 3)[:256] = np.arange(256)[:, None]
    found = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    expected = network(pixels, weights, shift).argmax(axis=-1)
    assert (found.predict(pixels).labels == expected).all()


def test_class_ids_are_labels(tmp_path, names):
    """An argmax at the end of the graph, int64 of (1, H, W), is inferred."""
    weights, shift = graph(
        tmp_path / 'g.onnx',
        ending=[('ArgMax', {'axis': 1, 'keepdims': 0})],
        out_type=TensorProto.INT64,
    )
    assert wrap(tmp_path, '--task', 'segmentation', '--mean', 'unit', '--classes', names) == 0
    pixels = image()
    expected = network(pixels / 255.0, weights, shift).argmax(axis=-1)
    found = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    assert (found.predict(pixels).labels == expected).all()
    assert found.manifest.provenance['wrapped']['kind'] == 'class_ids'


def test_probabilities_give_their_confidence(tmp_path, names):
    """A softmax at the end is inferred; labels and confidence are those of the probabilities."""
    weights, shift = graph(tmp_path / 'g.onnx', ending=[('Softmax', {'axis': 1})])
    assert wrap(tmp_path, '--task', 'segmentation', '--mean', 'unit', '--classes', names) == 0
    pixels = image()
    scores = np.exp(network(pixels / 255.0, weights, shift))
    expected = scores / scores.sum(axis=-1, keepdims=True)
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    found = pipeline.predict(pixels, options=Options(confidence=True))
    assert (found.labels == expected.argmax(axis=-1)).all()
    assert np.abs(found.confidence - 255.0 * expected.max(axis=-1)).max() <= 1.0
    assert pipeline.manifest.provenance['wrapped']['kind'] == 'probabilities'


def test_one_channel_decides_between_two_classes(tmp_path, names):
    """It is the second class where its logit is above zero."""
    weights, shift = graph(tmp_path / 'g.onnx', channels=1)
    two = tmp_path / 'two.txt'
    two.write_text('other\nroad')
    assert wrap(tmp_path, '--task', 'segmentation', '--mean', 'half', '--classes', str(two)) == 0
    pixels = image()
    expected = network((pixels / 255.0 - 0.5) / 0.5, weights, shift)[..., 0] > 0
    assert 0.02 < expected.mean() < 0.98
    found = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    assert (found.predict(pixels).labels == expected).all()


@pytest.mark.parametrize(
    ('kind', 'metres'),
    [
        ('depth', lambda v: 2.0 * v + 1.0),
        ('inverse_depth', lambda v: 1.0 / (2.0 * v + 1.0)),
        ('log_depth', lambda v: 2.0 * np.exp(v) + 1.0),
    ],
)
def test_depth_becomes_metres(tmp_path, kind, metres):
    """With scale and shift, scaled by the focal length of the camera."""
    weights, shift = graph(tmp_path / 'g.onnx', channels=1, ending=[('Abs', {})])
    words = f'--task depth --kind {kind} --mean unit --scale 2 --shift 1 --focal-length 100'
    assert wrap(tmp_path, *words.split(), '--depth-range', '0.01', '1000') == 0
    pixels = image()
    expected = metres(np.abs(network(pixels / 255.0, weights, shift)[..., 0]))
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    np.testing.assert_allclose(pipeline.predict(pixels).depth, expected, rtol=1e-4)
    found = pipeline.predict(pixels, focal_length_px=200.0).depth
    np.testing.assert_allclose(found, 2.0 * expected, rtol=1e-4)


def test_depth_of_any_camera_is_not_scaled(tmp_path):
    """With --focal-length none."""
    graph(tmp_path / 'g.onnx', channels=1, ending=[('Abs', {}), ('Exp', {})])
    words = '--task depth --kind depth --mean unit --focal-length none'
    assert wrap(tmp_path, *words.split()) == 0
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    with_focal = pipeline.predict(image(), focal_length_px=200.0).depth
    np.testing.assert_array_equal(pipeline.predict(image()).depth, with_focal)
    assert pipeline.manifest.focal_length_px is None


def test_relative_depth_is_no_depth(tmp_path, capsys):
    """It has no metres; what the network says is in Prediction.relative."""
    weights, shift = graph(tmp_path / 'g.onnx', channels=1, ending=[('Abs', {})])
    words = '--task depth --kind relative_inverse_depth --mean unit'
    assert wrap(tmp_path, *words.split()) == 0
    pixels = image()
    found = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False).predict(pixels)
    expected = np.abs(network(pixels / 255.0, weights, shift)[..., 0])
    assert found.depth is None
    np.testing.assert_allclose(found.relative, expected, rtol=1e-4, atol=1e-6)
    capsys.readouterr()
    assert main(['info', str(tmp_path / 'made'), '--no-check']) == 0
    assert 'relative inverse depth, not metres' in capsys.readouterr().out


def test_relative_depth_alone_is_written_but_not_trained_from(tmp_path, capsys):
    """`run` and `label` write it; samples to train from need metres, so nothing is written."""
    graph(tmp_path / 'g.onnx', channels=1, ending=[('Abs', {})])
    words = '--task depth --kind relative_inverse_depth --mean unit'
    assert wrap(tmp_path, *words.split()) == 0
    (tmp_path / 'in').mkdir()
    cv2.imwrite(str(tmp_path / 'in' / 'a.png'), image())
    common = ['--model', str(tmp_path / 'made'), '--backend', 'onnxruntime', '--out']
    assert main(['run', str(tmp_path / 'in'), *common, str(tmp_path / 'out')]) == 0
    assert (tmp_path / 'out' / 'relative_depth' / 'a.npy').is_file()
    assert not (tmp_path / 'out' / 'depth').exists()
    words = ['label', str(tmp_path / 'in'), *common, str(tmp_path / 'set'), '--format', 'dataset']
    assert main(words) == 1
    assert 'no metres to train from' in capsys.readouterr().err
    assert not (tmp_path / 'set').exists()


def test_images_are_stretched_where_the_network_wants_it(tmp_path, names):
    """A square image fills the whole input, and labels come back at its size."""
    graph(tmp_path / 'g.onnx')
    processor = tmp_path / 'preprocessor_config.json'
    processor.write_text(
        json.dumps(
            {
                'do_resize': True,
                'do_normalize': True,
                'image_mean': [0.5] * 3,
                'image_std': [1] * 3,
            }
        )
    )
    words = ['--task', 'segmentation', '--preprocessor', str(tmp_path), '--classes', names]
    assert wrap(tmp_path, *words) == 0
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', compiled=False)
    assert pipeline.manifest.resize == 'stretch'
    assert pipeline.manifest.mean == (0.5, 0.5, 0.5)
    wide = image()
    square = wide.repeat(2, axis=0)
    found = pipeline.predict(square)
    assert found.labels.shape == (32, 32)
    assert (found.labels[::31] == pipeline.predict(wide).labels[::15]).mean() > 0.95


def test_graphs_of_several_sizes_are_one_bundle(tmp_path, names):
    """Each has its golden outputs, and all share their weights."""
    graph(tmp_path / 'g.onnx')
    graph(tmp_path / 'h.onnx', size=(24, 24))
    words = ['wrap', str(tmp_path / 'g.onnx'), str(tmp_path / 'h.onnx'), str(tmp_path / 'made')]
    words += ['--task', 'segmentation', '--mean', 'unit', '--classes', names]
    assert main(words) == 0
    made = bundle.read(tmp_path / 'made')
    assert [(s.height, s.width) for s in made.manifest.input_sizes] == [(16, 32), (24, 24)]


def test_free_axes_get_the_size_that_is_named(tmp_path, names, capsys):
    """And without one the graph is refused."""
    graph(tmp_path / 'g.onnx', size=('h', 'w'))
    words = ['--task', 'segmentation', '--mean', 'unit', '--classes', names]
    assert '--size' in refusal(tmp_path, capsys, *words)
    assert wrap(tmp_path, *words, '--size', '16x32') == 0


SEGMENTATION = ('--task', 'segmentation', '--mean', 'unit')


def nan(path):
    """End a graph with NaN."""
    graph(path, ending=[('Mul', {'inputs': ['nan']})])


def outside(path):
    """Write a graph without the file of its weights."""
    graph(path)
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location='w.bin', size_threshold=0
    )
    (path.parent / 'w.bin').unlink()


def transposed(path):
    """Write a graph that takes (1, H, 3, W)."""
    graph(path)
    model = onnx.load(path)
    shape = model.graph.input[0].type.tensor_type.shape.dim
    for side, value in zip(shape, (1, H, 3, W), strict=True):
        side.dim_value = value
    onnx.save(model, path)


@pytest.mark.parametrize(
    ('make', 'words', 'expected'),
    [
        (lambda p: graph(p, channels=5), (), '3 channels'),
        (transposed, (), '(1, 3, H, W) or (1, H, W, 3)'),
        (lambda p: graph(p), ('--layout', 'nhwc'), '--layout nhwc says'),
        (lambda p: graph(p, last=True), ('--layout', 'nchw'), '--layout nchw says'),
        (outside, (), 'found no w.bin: copy them too'),
        (lambda p: graph(p, outputs=2), (), '--output'),
        (
            lambda p: graph(
                p,
                ending=[('ArgMax', {'axis': 1, 'keepdims': 0})],
                out_type=TensorProto.INT64,
            ),
            ('--kind', 'logits'),
            '--kind class_ids',
        ),
        (nan, (), 'NaN'),
        (lambda p: graph(p, kind=TensorProto.UINT8, last=True), (), '--mean bytes'),
        (lambda p: graph(p), ('--input', 'x'), "an input 'x', found image: leave out --input"),
        (lambda p: graph(p), ('--size', '24x24'), '--size'),
        (lambda p: p.write_bytes(b'no graph'), (), 'ONNX'),
        (lambda p: None, (), 'found none'),
        (lambda p: graph(p, ending=[('Mul', {'inputs': ['shift']})]), ('--output', 'x'), "'x'"),
    ],
    ids=[
        'wrong class count', 'transposed', 'wrong layout', 'wrong layout of nhwc',
        'missing weights', 'two outputs', 'int64 output', 'NaN',
        'normalised bytes', 'no such input', 'wrong size', 'damaged', 'missing', 'no such output',
    ],
)  # fmt: skip
def test_wrong_graphs_are_refused(tmp_path, names, capsys, make, words, expected):
    """In one sentence that says what to do; nothing is written."""
    make(tmp_path / 'g.onnx')
    assert expected in refusal(tmp_path, capsys, *SEGMENTATION, '--classes', names, *words)


def test_ids_beyond_the_classes_are_refused(tmp_path, capsys):
    """A list of two classes for a network of three."""
    graph(
        tmp_path / 'g.onnx',
        channels=9,
        ending=[('ArgMax', {'axis': 1, 'keepdims': 0})],
        out_type=TensorProto.INT64,
    )
    two = tmp_path / 'two.txt'
    two.write_text('a\nb')
    assert '0 to 1' in refusal(tmp_path, capsys, *SEGMENTATION, '--classes', str(two))


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ('--task segmentation --mean unit', '--classes'),
        ('--task segmentation --classes cityscapes_19', '--mean'),
        ('--task segmentation --classes cityscape_19 --mean unit', 'cityscapes_19'),
        ('--task segmentation --classes absent.txt --mean unit', 'absent.txt'),
        ('--task depth --mean unit --focal-length 10', '--kind'),
        ('--task depth --kind depth --mean unit', '--focal-length'),
        ('--task depth --kind logits --mean unit', '--kind'),
        ('--task segmentation --classes cityscapes_19 --preprocessor absent', 'absent'),
        ('--task depth --kind depth --focal-length 9 --mean 0 0 0 --std 1 0 1', 'a std above 0'),
        (
            '--task depth --kind depth --focal-length 9 --mean unit --depth-range 1 inf',
            '--depth-range MIN MAX',
        ),
        ('--task depth --kind depth --mean unit --focal-length none --depth-range 900 999', 'm'),
    ],
)
def test_what_the_graph_does_not_say_is_asked_by_name(tmp_path, capsys, words, expected):
    """The option is in the sentence."""
    graph(tmp_path / 'g.onnx', channels=1)
    assert expected in refusal(tmp_path, capsys, *words.split())


DEPTH = '--task depth --kind depth --focal-length none --mean unit'
RELATIVE = '--task depth --kind relative_depth --mean unit'


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ('--task segmentation --mean unit --classes driving_5 --scale 2', '--scale'),
        ('--task segmentation --mean unit --classes driving_5 --shift 1', '--shift'),
        ('--task segmentation --mean unit --classes driving_5 --focal-length 9', '--focal-length'),
        ('--task segmentation --mean unit --classes driving_5 --depth-range 1 9', '--depth-range'),
        (f'{DEPTH} --classes driving_5', '--classes'),
        (f'{RELATIVE} --focal-length 9', '--focal-length'),
        (f'{RELATIVE} --depth-range 1 9', '--depth-range'),
        ('--task depth --kind relative_depth --preprocessor . --std 1 1 1', '--std'),
    ],
)
def test_options_without_effect_are_refused(tmp_path, capsys, words, expected):
    """By name, before anything is computed."""
    graph(tmp_path / 'g.onnx', channels=1)
    said = refusal(tmp_path, capsys, *words.split())
    assert f'{expected} applies to' in said
    assert said.endswith(': leave it out')


@pytest.mark.parametrize('size', ['100000x100000', '0x32', '-32x32'])
def test_a_size_that_no_network_has_is_refused(tmp_path, capsys, size):
    """Not by a lack of memory."""
    assert wrap(tmp_path, *DEPTH.split(), f'--size={size}') == 2
    assert 'argument --size: expected a size' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ({'rescale_factor': 0}, 'a rescale_factor above 0, found 0'),
        ({'rescale_factor': 'x'}, "a rescale_factor above 0, found 'x'"),
        ({'image_mean': [0] * 3, 'image_std': [0] * 3}, 'a std above 0'),
    ],
)
def test_wrong_preprocessing_facts_are_refused(tmp_path, names, capsys, content, expected):
    """Before anything is computed with it."""
    graph(tmp_path / 'g.onnx')
    (tmp_path / 'preprocessor_config.json').write_text(json.dumps(content))
    words = ['--task', 'segmentation', '--classes', names, '--preprocessor', str(tmp_path)]
    assert expected in refusal(tmp_path, capsys, *words)


def test_operators_of_an_engine_are_refused(tmp_path, names, capsys):
    """A graph that ONNX Runtime has optimised runs on no other engine."""
    graph(tmp_path / 'g.onnx')
    model = onnx.load(tmp_path / 'g.onnx')
    model.graph.node[0].domain = 'com.microsoft'
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    onnx.save(model, tmp_path / 'g.onnx')
    assert 'com.microsoft' in refusal(tmp_path, capsys, *SEGMENTATION, '--classes', names)


def test_a_wrapped_network_is_not_exported_for_tensorrt(tmp_path, names):
    """The advice is the precision that it has."""
    graph(tmp_path / 'g.onnx')
    assert wrap(tmp_path, *SEGMENTATION, '--classes', names) == 0
    made = bundle.read(tmp_path / 'made')
    with pytest.raises(bundle.BundleError, match='choose float32: a wrapped') as caught:
        engine_request(made, made.manifest.input_sizes[0], precision='float16')
    assert 'segformer export' not in str(caught.value)


def test_a_wrapped_network_is_evaluated_alike_on_openvino(tmp_path, names, capsys):
    """As on ONNX Runtime: labels of a folder that the network gets right in three of four."""
    weights, shift = graph(tmp_path / 'g.onnx')
    assert wrap(tmp_path, *SEGMENTATION, '--classes', names) == 0
    pixels = image()
    ids = network(pixels / 255.0, weights, shift).argmax(axis=2).astype(np.uint8)
    ids[: H // 4] = (ids[: H // 4] + 1) % 3
    for name, content in (('images', pixels[..., ::-1]), ('labels', ids)):
        folder = tmp_path / 'data' / name / 'val'
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / 'a.png'), content)
    listed = [{'id': number, 'name': name} for number, name in enumerate(CLASSES)]
    (tmp_path / 'data' / 'classes.yaml').write_text(json.dumps({'classes': listed}))
    capsys.readouterr()
    found = []
    for backend in ('onnxruntime', 'openvino'):
        words = ['evaluate', str(tmp_path / 'made'), f'folder:{tmp_path / "data"}']
        assert main([*words, '--backend', backend, '--json']) == 0, capsys.readouterr().err
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]['iou'] == found[1]['iou']
    assert found[1]['accuracy'] == 0.75
