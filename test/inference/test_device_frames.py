# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Whole frames on the device against the same network with the processor around it.

Device and engine are doubles, and the kernels run on the processor: it proves arithmetic, order of
calls and addresses. On a real device that is test/cuda_device.
"""

from inference.device_rig import Device, images_of, network, SIZES
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.image_encoding import decode, raw, RAW_ENCODINGS
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.frame_check import frames_problem
from segformer_ros.inference.pipeline import Options, Pipeline
from tiny_bundle import make_tiny_bundle, STRIDE


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=SIZES))


@pytest.fixture(scope='module')
def both(tiny):
    """Return the pipeline of either way."""
    ways = [Device(tiny, frames=frames).backend for frames in (True, False)]
    assert frames_problem(tiny, ways[0], ways[0].frames) == ''
    return [Pipeline(tiny, backend) for backend in ways]


class TestFrames:
    """Whole frames on the device against the same network with the processor around it."""

    @pytest.mark.parametrize('hw', [(40, 90), (32, 64), (80, 128), (1, 1), (64, 31)])
    def test_labels_and_depth_are_equal(self, both, hw):
        """Every pixel, with the camera's focal length and with confidence."""
        image = images_of(1, hw)[0]
        found, expected = (
            pipeline.predict(image, focal_length_px=80.0, options=Options(confidence=True))
            for pipeline in both
        )
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_allclose(found.depth, expected.depth, rtol=1e-6)
        assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1

    @pytest.mark.parametrize(
        'options',
        [
            Options(segmentation=False),
            Options(depth=False),
            Options(segmentation=False, sky_depth='keep'),
            Options(depth=False, segmentation=False, confidence=True),
            Options(sky_depth='inf', min_depth_m=9.0, max_depth_m=11.0),
            Options(segmentation=False, depth=False),
        ],
    )
    def test_options(self, both, options):
        """What is not asked for is None, also on the device."""
        image = images_of(1, (40, 90))[0]
        found, expected = (pipeline.predict(image, options=options) for pipeline in both)
        for name in ('labels', 'confidence', 'depth'):
            value, other = getattr(found, name), getattr(expected, name)
            assert (value is None) == (other is None), name
            if value is not None:
                np.testing.assert_allclose(value, other, rtol=1e-6, atol=name == 'confidence')

    def test_only_requested_outputs_cross_the_bus(self, tiny):
        """Depth alone: its copy and that of the flag, and no logits."""
        device = Device(tiny, frames=True)
        pipeline = Pipeline(tiny, device.backend)
        options = Options(segmentation=False, sky_depth='keep')
        image = images_of(1, (40, 90))[0]
        pipeline.predict(image, options=options)
        device.cuda.calls.clear()
        pipeline.predict(image, options=options)
        assert device.cuda.calls.count('copy_to_host') == 2
        assert device.cuda.calls[-1] == 'synchronize'

    def test_greyimages_of(self, both):
        """As three equal channels."""
        image = images_of(1, (40, 90))[0, ..., 0].copy()
        found, expected = (pipeline.predict(image) for pipeline in both)
        np.testing.assert_array_equal(found.labels, expected.labels)

    @pytest.mark.parametrize('encoding', RAW_ENCODINGS)
    @pytest.mark.parametrize('padding', [0, 5])
    def test_images_as_they_came(self, both, encoding, padding):
        """Blue first, with a fourth channel, with padded rows: no RGB is made of them."""
        rng, step = np.random.default_rng(3), 90 * len(encoding[:-1]) + padding
        data = rng.integers(0, 256, 40 * step, np.uint8)
        fields = {'encoding': encoding, 'height': 40, 'width': 90, 'step': step}
        image, options = raw(data, **fields), Options(confidence=True)
        found = both[0].predict(image, focal_length_px=80.0, options=options)
        assert 'rgb' not in vars(image)
        for pipeline in both:
            other = pipeline.predict(decode(data, **fields), focal_length_px=80.0, options=options)
            np.testing.assert_array_equal(found.labels, other.labels)
            np.testing.assert_allclose(found.depth, other.depth, rtol=1e-6)
        for name in ('labels', 'depth', 'confidence'):
            expected = both[1].predict(decode(data, **fields), options=options)
            again = both[1].predict(raw(data, **fields), options=options)
            np.testing.assert_array_equal(getattr(again, name), getattr(expected, name))

    @pytest.mark.parametrize('output', ['logits', 'depth'])
    def test_an_output_that_is_no_number_is_an_error(self, tiny, output):
        """The flag is seen on the device, and the frame is not published."""

        def broken(images):
            found = network(images)
            found[output][0, 0, 3, 5] = np.nan
            return found

        pipeline = Pipeline(tiny, Device(tiny, frames=True, network=broken).backend)
        with pytest.raises(BackendError, match='NaN or infinity'):
            pipeline.predict(images_of(1, (40, 90))[0])

    def test_frames_that_differ_are_found_when_the_network_is_loaded(self, tiny):
        """A kernel that computes something else is not used."""
        device = Device(tiny, frames=True)
        device.backend.frames._kernels.find_unusable = lambda *args: None
        good = device.backend.frames._kernels.decode_labels

        def shifted(stream, logits, *args):
            good(stream, logits + 4 * STRIDE, *args)

        device.backend.frames._kernels.decode_labels = shifted
        assert 'of the labels' in frames_problem(tiny, device.backend, device.backend.frames)
        device.backend.drop_frames()
        assert Pipeline(tiny, device.backend).predict(images_of()[0]).labels is not None
        device.backend.close()
        assert device.cuda.taken() == {}
