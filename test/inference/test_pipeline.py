# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images through the whole pipeline."""

from dataclasses import replace
import threading

import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros import bundle
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.pipeline import Options, Pipeline, Prediction
from segformer_ros.inference.preprocess import fit
from segformer_ros.inference.upsample import sampling
from tiny_bundle import CLASSES, expected_outputs, make_tiny_bundle

SIZES = ((64, 128), (80, 128))
IDS = np.array([item.id for item in CLASSES])
LOG_TEN_METRES = float(np.log(10.0))
BOTH = ('logits', 'depth')
KEEP = Options(sky_depth='keep', min_depth_m=0.001, max_depth_m=1000.0)


class ConstantBackend:
    """A backend with the same outputs for every image, which counts its runs."""

    name = 'constant'
    precision = 'float32'
    input_format = 'float32'

    def __init__(self, *, logits=0.0, depth=LOG_TEN_METRES, supports_batch=True):
        """Remember what to give."""
        self._values = {'logits': (len(CLASSES), logits), 'depth': (1, depth)}
        self.supports_batch = supports_batch
        self.batches = []
        self.images, self.asked = [], []
        self.closed = False

    def infer(self, image, outputs=None):
        """Fill the outputs that are asked for."""
        count, height, width = image.shape[0], *image.shape[1:3]
        if self.input_format == 'float32':
            height, width = image.shape[2:4]
        self.batches.append(count)
        self.images.append(image.copy())
        self.asked.append(outputs)
        return {
            name: np.full((count, channels, height // 4, width // 4), value, np.float32)
            for name, (channels, value) in self._values.items()
            if outputs is None or name in outputs
        }

    def close(self):
        """Remember that it was called."""
        self.closed = True


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a bundle of two input sizes."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny', sizes=SIZES)


@pytest.fixture(scope='module')
def pipeline(folder):
    """Return a loaded pipeline."""
    return Pipeline.load(folder, threads=2)


def _image(height, width, seed=0):
    return bundle.golden_image(seed, height, width)


def _with(folder, backend):
    return Pipeline(bundle.read(folder), backend)


@pytest.mark.parametrize('image_hw', [(64, 128), (80, 128)])
def test_an_image_of_an_input_size_gives_what_numpy_gives(pipeline, image_hw):
    """Labels, depth and confidence are those of the raw outputs, sampled slowly."""
    image = _image(*image_hw)

    result = pipeline.predict(image, options=Options(True, True, True, 0.001, 1000.0, 'keep'))

    raw, geometry = expected_outputs(image), fit(image_hw, SIZES)
    logits = upsample(raw['logits'][0], geometry, 4)
    depth = upsample(np.exp(raw['depth'][0, 0]), geometry, 4)
    softmax = 255.0 / np.exp(logits - logits.max(axis=0)).sum(axis=0)
    assert np.mean(result.labels == IDS[logits.argmax(axis=0)]) > 0.999
    np.testing.assert_allclose(result.depth, depth, rtol=1e-4)
    assert np.abs(result.confidence - softmax).max() < 1.0
    spent = result.timings
    assert min(spent.preprocess_s, spent.network_s, spent.postprocess_s) > 0.0
    assert spent.depth_network_s == 0.0  # there is no second network


@pytest.mark.parametrize(
    'shape',
    [(1, 1, 3), (3, 5), (3, 5, 1), (5, 3, 3), (63, 131, 3), (800, 1280, 3), (3000, 4000, 3)],
)
def test_results_have_the_size_of_their_image(pipeline, shape):
    """Types and sizes hold from one pixel to twelve million."""
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    result = pipeline.predict(image)
    assert (result.labels.shape, result.labels.dtype) == (shape[:2], np.uint8)
    assert (result.depth.shape, result.depth.dtype) == (shape[:2], np.float32)
    assert set(np.unique(result.labels)) <= set(IDS)


@pytest.mark.parametrize('height', range(1, 6))
@pytest.mark.parametrize('width', range(1, 6))
def test_tiny_images_are_no_special_case(pipeline, height, width):
    """OpenCV takes some arrays of up to four numbers for scalars; the pipeline does not."""
    image = _image(height, width)
    options = Options(confidence=True, sky_depth='inf', min_depth_m=9.0)

    result = pipeline.predict(image, options=options)

    kept = pipeline.predict(image, options=KEEP)
    sky = result.labels == 11
    expected = np.where(kept.depth >= 9.0, kept.depth, np.nan)
    np.testing.assert_array_equal(result.labels, kept.labels)
    np.testing.assert_array_equal(result.depth, np.where(sky, np.inf, expected))
    assert result.confidence.min() >= 51


def test_a_grey_image_is_three_equal_channels(pipeline):
    """Rank two, one channel and three equal channels are the same image."""
    gray = _image(40, 60)[..., 0]
    results = [
        pipeline.predict(image)
        for image in (gray, gray[..., None], np.repeat(gray[..., None], 3, axis=2))
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(other.labels, results[0].labels)
        np.testing.assert_array_equal(other.depth, results[0].depth)


@pytest.mark.parametrize(
    ('image_hw', 'focal_length_px', 'expected_m'),
    [
        ((64, 128), None, 10.0),
        ((64, 128), 100.0, 10.0),
        ((64, 128), 200.0, 20.0),
        ((128, 256), 100.0, 5.0),
        ((128, 256), 200.0, 10.0),
        ((640, 1280), 1000.0, 10.0),
        ((800, 1280), 500.0, 5.0),
        ((32, 64), 100.0, 20.0),
    ],
)
def test_depth_is_scaled_by_the_focal_length(folder, image_hw, focal_length_px, expected_m):
    """
    Ten metres of a network for 100 pixels are as many tens as the resized image has hundreds.

    Of an image that is twice as large as the input the focal length halves with it.
    """
    pipeline = _with(folder, ConstantBackend())
    result = pipeline.predict(_image(*image_hw), focal_length_px=focal_length_px, options=KEEP)
    np.testing.assert_allclose(result.depth, expected_m, rtol=1e-5)


def test_the_range_holds_for_the_scaled_depth(folder):
    """The manifest says 80 m; ten times ten are beyond, and the options may say otherwise."""
    pipeline = _with(folder, ConstantBackend())
    image, keep = _image(64, 128), Options(sky_depth='keep')
    assert np.isnan(pipeline.predict(image, focal_length_px=1000.0, options=keep).depth).all()
    far = Options(sky_depth='keep', max_depth_m=200.0)
    result = pipeline.predict(image, focal_length_px=1000.0, options=far)
    np.testing.assert_allclose(result.depth, 100.0, rtol=1e-5)
    near = Options(sky_depth='keep', min_depth_m=15.0)
    assert np.isnan(pipeline.predict(image, options=near).depth).all()


@pytest.mark.parametrize(
    ('sky_depth', 'check'), [('nan', np.isnan), ('inf', np.isposinf), ('keep', np.isfinite)]
)
@pytest.mark.parametrize('segmentation', [True, False])
def test_the_depth_of_the_sky(folder, sky_depth, check, segmentation):
    """It is unknown unless asked for otherwise, also when no labels are asked for."""
    logits = np.zeros((len(CLASSES), 1, 1))
    logits[[item.name for item in CLASSES].index('sky')] = 5.0
    pipeline = _with(folder, ConstantBackend(logits=logits))
    options = Options(segmentation=segmentation, sky_depth=sky_depth)
    result = pipeline.predict(_image(64, 128), options=options)
    assert check(result.depth).all()
    assert (result.labels is not None) == segmentation


@pytest.mark.parametrize('segmentation', [True, False])
@pytest.mark.parametrize('depth', [True, False])
@pytest.mark.parametrize('confidence', [True, False])
def test_only_requested_outputs_are_returned(pipeline, segmentation, depth, confidence):
    """The rest is None."""
    options = Options(segmentation=segmentation, depth=depth, confidence=confidence)
    result = pipeline.predict(_image(20, 30), options=options)
    assert (result.labels is not None) == segmentation
    assert (result.depth is not None) == depth
    assert (result.confidence is not None) == confidence


@pytest.mark.parametrize(
    ('options', 'needed'),
    [
        (Options(), ['logits', 'depth']),
        (Options(depth=False), ['logits']),
        (Options(segmentation=False, depth=False, confidence=True), ['logits']),
        (Options(segmentation=False), ['logits', 'depth']),
        (Options(segmentation=False, sky_depth='keep'), ['depth']),
    ],
)
def test_the_network_is_asked_for_what_is_needed(folder, options, needed):
    """Where the sky has no depth, depth needs the labels too."""
    backend = ConstantBackend()
    result = _with(folder, backend).predict(_image(20, 30), options=options)
    assert backend.asked == [needed]
    assert (result.labels is not None) == options.segmentation
    assert (result.depth is not None) == options.depth


def test_a_network_that_is_asked_for_nothing_does_not_run(folder):
    """The prediction is empty."""
    backend = ConstantBackend()
    options = Options(segmentation=False, depth=False)
    result = _with(folder, backend).predict(_image(20, 30), options=options)
    assert backend.asked == []
    assert (result.labels, result.depth, result.confidence) == (None, None, None)


@pytest.mark.parametrize('name', ['onnxruntime', 'openvino'])
def test_one_task_alone_gives_what_both_give(tmp_path, name):
    """Labels of a graph of their own are equal, depths within the rounding."""
    pytest.importorskip(f'segformer_ros.inference.{name}_backend')
    kinds = [('any', 'float32', outputs) for outputs in (BOTH, ('logits',), ('depth',))]
    path = make_tiny_bundle(tmp_path / 'tiny', kinds=kinds)
    pipeline = Pipeline.load(path, backend=name, threads=1)
    image = _image(100, 200)

    both = pipeline.predict(image, options=KEEP)

    labels = pipeline.predict(image, options=replace(KEEP, depth=False)).labels
    depth = pipeline.predict(image, options=replace(KEEP, segmentation=False)).depth
    np.testing.assert_array_equal(labels, both.labels)
    np.testing.assert_allclose(depth, both.depth, rtol=1e-5)


@pytest.mark.parametrize(
    ('image_hw', 'tolerance'), [((64, 128), 1e-5), ((100, 120), 1e-2), ((20, 300), 1e-2)]
)
def test_a_network_that_normalises_gets_bytes(tmp_path, image_hw, tolerance):
    """It gives what the network that gets planes gives; only padding is rounded to bytes."""
    images = [_image(*image_hw, seed) for seed in range(2)]
    results = []
    for form in ('float32', 'uint8'):
        path = make_tiny_bundle(tmp_path / form, kinds=[('any', form, BOTH)])
        results.append(Pipeline.load(path, threads=1).predict_batch(images, options=KEEP))
    for planes, pixels in zip(*results, strict=True):
        np.testing.assert_allclose(pixels.depth, planes.depth, rtol=tolerance)
        assert np.mean(pixels.labels == planes.labels) > 0.99


def test_bytes_are_those_of_the_image_and_of_its_padding(folder):
    """Right of the image and below it lies the mean colour of the manifest."""
    backend = ConstantBackend()
    backend.input_format = 'uint8'
    pipeline, image = _with(folder, backend), _image(80, 96)
    pipeline.predict(image)
    (found,) = backend.images
    assert (found.shape, found.dtype) == ((1, 80, 128, 3), np.uint8)
    np.testing.assert_array_equal(found[0, :, :96], image)
    mean = np.round(255.0 * np.array(pipeline.manifest.mean))
    np.testing.assert_array_equal(found[0, :, 96:], np.broadcast_to(mean, (80, 32, 3)))


def test_a_network_without_a_task_gives_none(folder):
    """A depth network has no labels, a segmentation network no depth."""
    whole = bundle.read(folder)
    facts = {**vars(whole.manifest)}
    depth_only = bundle.Manifest(**{**facts, 'logits': None, 'classes': (), 'label_set': None})
    labels_only = bundle.Manifest(**{**facts, 'depth': None, 'depth_range_m': None})
    for manifest, has_labels, has_depth in ((depth_only, 0, 1), (labels_only, 1, 0)):
        pipeline = Pipeline(bundle.Bundle(whole.path, manifest), ConstantBackend())
        result = pipeline.predict(_image(20, 30), options=Options(confidence=True))
        assert (result.labels is not None, result.depth is not None) == (has_labels, has_depth)
        assert (result.confidence is not None) == has_labels


def test_arrays_of_a_prediction_are_never_written_again(pipeline):
    """The next image of the same size leaves them alone; the input is only read."""
    image = _image(100, 200)
    image.flags.writeable = False
    options = Options(confidence=True)
    first = pipeline.predict(image, options=options)
    kept = [first.labels.copy(), first.depth.copy(), first.confidence.copy()]

    pipeline.predict(255 - image, options=options)

    for array, copy in zip((first.labels, first.depth, first.confidence), kept, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_a_batch_gives_what_single_images_give(pipeline):
    """Sizes and focal lengths may differ, the order stays."""
    sizes = [(64, 128), (100, 120), (80, 128), (33, 77), (64, 128)]
    images = [_image(*size, seed) for seed, size in enumerate(sizes)]
    focals = [None, 100.0, 50.0, None, 120.0]

    together = pipeline.predict_batch(images, focals)

    for image, focal, result in zip(images, focals, together, strict=True):
        alone = pipeline.predict(image, focal_length_px=focal)
        np.testing.assert_array_equal(result.labels, alone.labels)
        np.testing.assert_allclose(result.depth, alone.depth, rtol=1e-5)


@pytest.mark.parametrize(('supports_batch', 'batches'), [(True, [3, 2]), (False, [1] * 5)])
def test_images_of_one_input_size_run_together(folder, supports_batch, batches):
    """Three go to the first size and two to the second, whatever their order."""
    backend = ConstantBackend(supports_batch=supports_batch)
    sizes = [(64, 128), (80, 128), (128, 256), (640, 1280), (800, 1280)]
    results = _with(folder, backend).predict_batch([_image(*size) for size in sizes])
    assert backend.batches == batches
    assert [result.labels.shape for result in results] == sizes


def test_images_are_in_the_network_at_once_where_the_backend_gains_from_it(folder):
    """Each waits for the other; the results are in the order of the images."""
    backend, both = ConstantBackend(supports_batch=False), threading.Barrier(2)
    backend.images_at_once, infer = 2, backend.infer

    def meet(image, outputs=None):
        both.wait(timeout=240.0)
        return infer(image, outputs)

    backend.infer = meet
    pipeline = _with(folder, backend)
    sizes = [(64, 128), (80, 128), (128, 256), (640, 1280)]
    results = pipeline.predict_batch([_image(*size) for size in sizes])
    pipeline.close()
    assert backend.batches == [1] * 4
    assert [result.labels.shape for result in results] == sizes


def test_an_empty_batch_gives_an_empty_list(pipeline):
    """An empty batch gives an empty list."""
    assert pipeline.predict_batch([]) == []


@pytest.mark.parametrize('focal', [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_focal_length_is_refused(pipeline, focal):
    """Unknown is None, not zero."""
    with pytest.raises(ValueError, match='focal_length_px must be finite and positive'):
        pipeline.predict(_image(8, 8), focal_length_px=focal)


def test_wrong_arguments_are_refused(pipeline):
    """Numbers that do not belong together, and arrays that are no images."""
    with pytest.raises(ValueError, match='expected 1 focal lengths, got 2'):
        pipeline.predict_batch([_image(8, 8)], [1.0, 2.0])
    with pytest.raises(ValueError, match='uint8 image'):
        pipeline.predict(np.zeros((8, 8, 3), np.float32))
    with pytest.raises(ValueError, match="nan, inf, keep, not 'blue'"):
        Options(sky_depth='blue')
    with pytest.raises(ValueError, match='min_depth_m < max_depth_m'):
        Options(min_depth_m=5.0, max_depth_m=5.0)
    for limits in ({'min_depth_m': 80.0}, {'max_depth_m': 0.5}):
        with pytest.raises(ValueError, match=r'the network gives 0.5 to 80 m; set the other'):
            pipeline.predict(_image(8, 8), options=Options(**limits))
    for name in ('min_depth_m', 'max_depth_m'):
        with pytest.raises(ValueError, match='in metres, got'):
            Options(**{name: np.nan})


@pytest.mark.parametrize('values', [{'logits': np.nan}, {'depth': np.inf}])
def test_outputs_that_are_not_finite_are_a_device_error(folder, values):
    """No labels are made of NaN."""
    pipeline = _with(folder, ConstantBackend(**values))
    with pytest.raises(BackendError, match='expected finite'):
        pipeline.predict(_image(8, 8))


def test_facts_of_the_network_are_at_hand(folder, pipeline):
    """The manifest is the bundle's; close frees the backend."""
    assert pipeline.manifest == bundle.read(folder).manifest
    assert pipeline.backend_name.startswith('onnxruntime')
    backend = ConstantBackend()
    _with(folder, backend).close()
    assert backend.closed


def test_many_sizes_do_not_pile_up_buffers(folder):
    """A stream that changes its size with every frame keeps the tables of a few."""
    pipeline = _with(folder, ConstantBackend())
    for width in range(20, 60):
        assert isinstance(pipeline.predict(_image(20, width)), Prediction)
    assert sampling.cache_info().currsize <= 16


class MemoryDouble:
    """Remembers what it is asked to mix, and turns every cell into one of the last class."""

    def __init__(self):
        self.asked = []

    def steady(self, image, geometry, outputs, *, log_depth):
        """Return other logits and depth."""
        self.asked.append((image, geometry, log_depth))
        logits = np.zeros_like(outputs['logits'])
        logits[-1] = 5.0
        return {'logits': logits, 'depth': outputs['depth'] + np.float32(np.log(2.0))}


def test_labels_and_depth_are_those_that_a_memory_gives(folder):
    """Each image has its own memory; one without is as it is."""
    pipeline = _with(folder, ConstantBackend())
    images, memory = [_image(60, 120), _image(64, 128)], MemoryDouble()
    kept, alone = pipeline.predict_batch(images, None, KEEP, [memory, None])
    assert set(np.unique(kept.labels)) == {IDS[-1]}
    assert set(np.unique(alone.labels)) == {IDS[0]}
    np.testing.assert_allclose(kept.depth, 20.0, rtol=1e-5)
    np.testing.assert_allclose(alone.depth, 10.0, rtol=1e-5)
    ((image, geometry, log_depth),) = memory.asked
    assert image is images[0]
    assert (geometry.image_h, geometry.image_w, log_depth) == (60, 120, True)


@pytest.mark.parametrize('rotation', [90, 180, 270])
def test_a_rotated_camera_is_seen_upright_and_answered_in_its_own_geometry(pipeline, rotation):
    """The results are those of the upright image, turned back."""
    upright = _image(60, 110, seed=5)
    turns = rotation // 90
    as_it_came = np.ascontiguousarray(np.rot90(upright, turns))
    options = replace(KEEP, confidence=True)
    expected = pipeline.predict(upright, focal_length_px=90.0, options=options)
    found = pipeline.predict(
        as_it_came, focal_length_px=90.0, options=replace(options, image_rotation=rotation)
    )
    for name in ('labels', 'depth', 'confidence'):
        array = getattr(found, name)
        assert array.shape == as_it_came.shape[:2]
        np.testing.assert_array_equal(array, np.rot90(getattr(expected, name), turns))


def test_a_rotation_of_other_degrees_is_refused():
    """Only quarters of a turn have an image without holes."""
    with pytest.raises(ValueError, match='image_rotation must be one of 0, 90, 180, 270, not 45'):
        Options(image_rotation=45)
