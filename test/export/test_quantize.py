# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Graphs in int8 beside those of a bundle.

ModelOpt is not installed for the tests: ONNX Runtime's own static quantisation writes the same
operators, and what ModelOpt is asked for is shown with a double of it.
"""

from pathlib import Path
import sys
from types import ModuleType

from damaged_images import encoded, picture, with_hole
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static, QuantType
import pytest
from segformer_ros import bundle as bundles
from segformer_ros.bundle import BundleError
from segformer_ros.cli import main
from segformer_ros.commands.calibration import calibration_images
from segformer_ros.export.quantize import calibration_batch, quantize_bundle
from segformer_ros.files.images import encode_png
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.inference.preprocess import lookup_table
from segformer_ros.labels import CARLA_0914
from tiny_bundle import make_tiny_bundle

BOTH = ('logits', 'depth')
SIZES = ((64, 128), (32, 64))


class Reader(CalibrationDataReader):
    """A reader of one image at a time."""

    def __init__(self, name, images):
        self._items = iter([{name: image[None]} for image in images])

    def get_next(self):
        """Return the next image, or None."""
        return next(self._items, None)


def by_onnx_runtime(graph, weights, name, images, precision):
    """Quantise as export.modelopt does, with ONNX Runtime."""
    assert precision == 'int8'
    assert [path.name for path in weights] == ['weights.bin']
    out = graph.parent.parent / f'{graph.stem}_quantised.onnx'
    quantize_static(
        graph,
        out,
        Reader(name, images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=['Conv'],
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )
    return onnx.load(out)


def wrong(graph, *_):
    """Return a graph of other weights."""
    model = onnx.load(graph)
    for tensor in model.graph.initializer:
        if tensor.name == 'logits_weight':
            values = -onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return model


@pytest.fixture
def source(tmp_path):
    """Return a bundle with graphs for planes of two sizes."""
    (tmp_path / 'source').mkdir()
    return bundles.read(
        make_tiny_bundle(tmp_path / 'source' / 'tiny', sizes=SIZES, classes=CARLA_0914.classes[:8])
    )


@pytest.fixture
def images():
    """Return images like the golden one."""
    return [bundles.golden_image(seed, 64, 128) for seed in range(8)]


def test_quantised_graphs_join_a_bundle(source, images, tmp_path):
    """One for each size, all else as it was; TensorRT can be asked for it by its precision."""
    made = quantize_bundle(
        source, tmp_path / 'made', images, precision='int8', quantizer=by_onnx_runtime
    )

    assert made == bundles.read(made.path)
    for size, old in zip(made.manifest.input_sizes, source.manifest.input_sizes, strict=True):
        assert size.graphs[:-1] == old.graphs
        graph = size.graph('tensorrt', precision='int8')
        assert (graph.input, graph.outputs) == ('float32', BOTH)
        assert 1e-4 < graph.error['logits'] < 0.2
        request = engine_request(made, size, precision='int8')
        assert [path.name for path in request.weights] == ['weights_int8.bin']
        model = onnx.load(request.graph)
        kinds = {tensor.data_type for tensor in model.graph.initializer}
        assert onnx.TensorProto.INT8 in kinds
    again = quantize_bundle(
        made, tmp_path / 'again', images[:4], precision='int8', quantizer=by_onnx_runtime
    )
    assert [len(size.graphs) for size in again.manifest.input_sizes] == [2, 2]


def test_a_quantised_graph_that_is_wrong_is_not_written(source, images, tmp_path):
    """The golden image finds it."""
    with pytest.raises(BundleError, match='golden logits within int8'):
        quantize_bundle(source, tmp_path / 'made', images, precision='int8', quantizer=wrong)
    assert not (tmp_path / 'made').exists()


def test_calibration_images_are_prepared_as_those_of_a_camera(source):
    """Planes are normalised, bytes are not; what is padded has the colour of the mean."""
    size = source.manifest.input_sizes[0]
    image = np.full((64, 64, 3), 255, np.uint8)

    planes = calibration_batch(source, size, 'float32', [image])
    pixels = calibration_batch(source, size, 'uint8', [image])

    table = lookup_table(source.manifest.mean, source.manifest.std)
    assert planes.shape == (1, 3, 64, 128)
    np.testing.assert_allclose(
        planes[0, :, :, :64], np.broadcast_to(table[:, 255, None, None], (3, 64, 64))
    )
    assert np.all(planes[0, :, :, 64:] == 0.0)
    assert pixels.shape == (1, 64, 128, 3)
    assert np.all(pixels[0, :, :64] == 255)
    assert pixels[0, 0, 64].tolist() == [124, 116, 104]


def test_modelopt_works_on_a_copy(source, monkeypatch):
    """It writes to its input; and it is asked for convolutions alone, the rest in float32."""
    asked = {}
    module = ModuleType('modelopt.onnx.quantization')

    def quantize(path, **options):
        asked.update(options)
        model = onnx.load(path)
        model.doc_string = 'quantised'
        Path(path).write_bytes(b'changed')
        onnx.save(model, options['output_path'])

    module.quantize = quantize
    for name in ('modelopt', 'modelopt.onnx'):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, 'modelopt.onnx.quantization', module)
    monkeypatch.delitem(sys.modules, 'segformer_ros.export.modelopt', raising=False)
    from segformer_ros.export.modelopt import quantized

    graph = source.file('network_64x128.onnx')
    before = graph.read_bytes()
    images = np.zeros((2, 3, 64, 128), np.float32)
    model = quantized(graph, [source.file('weights.bin')], 'image', images, 'fp8')
    monkeypatch.delitem(sys.modules, 'segformer_ros.export.modelopt')

    assert model.doc_string == 'quantised'
    assert graph.read_bytes() == before
    assert asked['quantize_mode'] == 'fp8'
    assert asked['op_types_to_quantize'] == ['Conv']
    assert asked['high_precision_dtype'] == 'fp32'
    assert asked['calibration_eps'] == ['cpu']
    assert asked['calibration_data']['image'].shape == (2, 3, 64, 128)


def test_without_modelopt_the_command_says_so(capsys, tmp_path, monkeypatch):
    """In one line."""
    monkeypatch.setitem(sys.modules, 'modelopt', None)
    monkeypatch.delitem(sys.modules, 'segformer_ros.export.modelopt', raising=False)
    command = ['quantize', 'road_b0', str(tmp_path / 'out'), '--calibration', 'world']
    assert main(command) == 1
    assert 'modelopt' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_images_of_a_folder_are_spread(tmp_path):
    """At equal distances in the order in which a person counts; all, where there are few."""
    for number in range(10):
        image = np.full((4, 6, 3), number, np.uint8)
        (tmp_path / f'frame{number}.png').write_bytes(encode_png(image))

    found = calibration_images(str(tmp_path), 3)
    assert [int(image[0, 0, 0]) for image in found] == [0, 3, 6]
    assert len(calibration_images(str(tmp_path), 50)) == 10
    with pytest.raises(ValueError, match='one calibration image or more, got 0'):
        calibration_images(str(tmp_path), 0)


def test_a_damaged_calibration_image_is_refused(tmp_path):
    """Networks are not calibrated on what a decoder paints over."""
    (tmp_path / 'a.jpg').write_bytes(with_hole(encoded(picture(), '.jpg')))
    with pytest.raises(ValueError, match=r'a\.jpg: .* damaged \('):
        calibration_images(str(tmp_path), 1)


def test_images_come_from_the_world_too():
    """A dataset by its name."""
    (image,) = calibration_images('world', 1)
    assert image.shape == (256, 512, 3)
    assert image.std() > 10.0


def test_images_come_from_bags_too(tmp_path):
    """Of the cameras that are named, without labels or depth."""
    from bag_builder import drive, write_bag

    write_bag(tmp_path / 'bag', [*drive(4), *drive(4, namespace='/rear', encoding='rgb8')])
    with pytest.raises(ValueError, match='choose with --topic from /front/image /rear/image'):
        calibration_images(str(tmp_path / 'bag'), 6)
    found = calibration_images(str(tmp_path / 'bag'), 6, ['/front/image', '/rear/image'])
    assert [image.shape for image in found] == [(48, 96, 3)] * 6


def test_a_missing_path_is_reported(tmp_path):
    """With what there could be."""
    with pytest.raises(ValueError, match=r'a bag or one of .*world.*, found nothing at'):
        calibration_images(str(tmp_path / 'absent'), 4)
