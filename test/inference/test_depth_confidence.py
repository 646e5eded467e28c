# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The confidence of depth: what it says, where it is 0, and what it filters."""

from dataclasses import replace
import json
import math

from inference.device_rig import Device, network
import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros import bundle
from segformer_ros.cli import main
from segformer_ros.inference.depth_confidence import probability
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.preprocess import fit
from tiny_bundle import expected_outputs, make_tiny_bundle

HW = (64, 128)
SURE = Options(sky_depth='keep', depth_confidence=True)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Make a network that states how far its depth may be off."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'sure', scale=True)


@pytest.fixture(scope='module')
def pipeline(folder):
    """Load it."""
    return Pipeline.load(folder, threads=1)


@pytest.fixture
def image():
    """Make an image of a size of its own."""
    return bundle.golden_image(3, 90, 160)


def test_the_probability_is_that_of_the_distribution():
    """Of a million draws with scale b so many are within a factor of 1.25."""
    rng = np.random.default_rng(1)
    for b in (0.05, 0.2, 1.0):
        ratio = np.exp(np.abs(rng.laplace(0.0, b, 1_000_000)))
        expected = float(np.mean(ratio <= 1.25))
        assert float(probability(np.array(math.log(b)))) == pytest.approx(expected, abs=2e-3)


def test_the_probability_has_its_limits():
    """A scale of nearly 0 is certain, a huge one says nothing; neither is a warning."""
    found = probability(np.array([-800.0, 800.0], np.float32))
    np.testing.assert_array_equal(found, [1.0, 0.0])


def test_the_image_is_the_sampled_probability(pipeline):
    """Of the raw output, computed slowly, rounded to steps of 1 / 255."""
    image = bundle.golden_image(0, *HW)
    found = pipeline.predict(image, options=replace(SURE, min_depth_m=1e-3, max_depth_m=1e3))
    raw = expected_outputs(image, scale=True)['depth_scale'][0, 0].astype(np.float64)
    expected = upsample((1.0 - 0.8 ** (1.0 / np.exp(raw))), fit(HW, [HW]), 4)
    assert found.depth_confidence.dtype == np.uint8
    assert np.ptp(found.depth_confidence) > 20
    assert np.abs(found.depth_confidence - 255.0 * expected).max() < 0.6


def test_labels_and_depth_do_not_change(pipeline, image, tmp_path):
    """With and without it, and next to a network without a scale."""
    plain = Pipeline.load(make_tiny_bundle(tmp_path / 'plain'), threads=1)
    found, without = pipeline.predict(image, options=SURE), plain.predict(image, options=SURE)
    expected = pipeline.predict(image, options=Options(sky_depth='keep'))
    assert expected.depth_confidence is None
    assert without.depth_confidence is None
    for name in ('labels', 'depth'):
        for other in (expected, without):
            np.testing.assert_array_equal(getattr(found, name), getattr(other, name))


def test_unknown_depth_has_no_confidence(pipeline, image):
    """Out of range or sky, also where sky is infinitely far."""
    for sky in ('nan', 'inf'):
        options = replace(SURE, sky_depth=sky, max_depth_m=10.2)
        found = pipeline.predict(image, options=options)
        unknown = ~np.isfinite(found.depth)
        assert 0 < unknown.sum() < unknown.size
        assert not found.depth_confidence[unknown].any()
        assert found.depth_confidence[~unknown].all()


@pytest.mark.parametrize('sky', ['nan', 'inf', 'keep'])
def test_depth_below_the_minimum_becomes_unknown(pipeline, image, sky):
    """Exactly there; sky keeps the depth that the options give it."""
    options = replace(SURE, sky_depth=sky)
    whole = pipeline.predict(image, options=options)
    minimum = float(np.median(whole.depth_confidence)) / 255.0
    options = replace(options, min_depth_confidence=minimum)
    found = pipeline.predict(image, options=options)
    unsure = np.isfinite(whole.depth) & (whole.depth_confidence < np.float32(255.0 * minimum))
    assert 0 < unsure.sum() < unsure.size
    expected = np.where(unsure, np.nan, whole.depth)
    np.testing.assert_array_equal(found.depth, expected)
    np.testing.assert_array_equal(found.depth_confidence, whole.depth_confidence)
    alone = pipeline.predict(image, options=replace(options, depth_confidence=False))
    assert alone.depth_confidence is None
    np.testing.assert_array_equal(alone.depth, expected)


def test_a_network_without_scale_is_not_filtered(tmp_path, image):
    """One sentence says what is missing; without depth nothing is asked for."""
    plain = Pipeline.load(make_tiny_bundle(tmp_path / 'plain'), threads=1)
    options = Options(min_depth_confidence=0.5)
    with pytest.raises(ValueError, match=r'a confidence of depth .* tiny has none: leave it at 0'):
        plain.predict(image, options=options)
    assert plain.predict(image, options=replace(options, depth=False)).labels is not None


@pytest.mark.parametrize('value', [-0.1, 1.1, math.nan])
def test_a_minimum_that_is_no_probability_is_refused(value):
    """Before anything is computed."""
    with pytest.raises(ValueError, match='min_depth_confidence must be from 0 to 1'):
        Options(min_depth_confidence=value)


@pytest.mark.parametrize('rotation', [90, 180, 270])
def test_a_rotated_camera_gets_it_in_its_own_geometry(pipeline, image, rotation):
    """As depth."""
    turned = np.ascontiguousarray(np.rot90(image, rotation // 90))
    found = pipeline.predict(turned, options=replace(SURE, image_rotation=rotation))
    upright = pipeline.predict(image, options=SURE)
    expected = np.rot90(upright.depth_confidence, rotation // 90)
    np.testing.assert_array_equal(found.depth_confidence, expected)


def test_two_networks_have_that_of_the_second(folder, image, tmp_path):
    """The labels of the first say where the sky is."""
    labels = make_tiny_bundle(tmp_path / 'labels')
    assert main(['export', str(labels), str(folder), str(tmp_path / 'pair')]) == 0
    manifest = bundle.read(tmp_path / 'pair').manifest
    assert (manifest.depth.scale, manifest.tolerance['depth_scale']) == ('laplace', 1e-4)
    both = Pipeline.load(tmp_path / 'pair', threads=1)
    found = both.predict(image, options=replace(SURE, sky_depth='nan', min_depth_confidence=0.4))
    own = Pipeline.load(folder, threads=1).predict(image, options=SURE)
    sky = found.labels == 11
    assert 0 < sky.sum() < sky.size
    assert not found.depth_confidence[sky].any()
    np.testing.assert_array_equal(found.depth_confidence[~sky], own.depth_confidence[~sky])
    unsure = own.depth_confidence < np.float32(255.0 * 0.4)
    np.testing.assert_array_equal(np.isnan(found.depth), sky | unsure)


def test_a_device_gives_it_through_the_cpu(folder, image):
    """Frames that ask for it are not computed on the device alone; the others are."""
    found = bundle.read(folder)

    def outputs(images):
        scales = [expected_outputs(item, scale=True)['depth_scale'] for item in images]
        return network(images) | {'depth_scale': np.concatenate(scales)}

    device = Device(found, frames=True, network=outputs)
    pipeline = Pipeline(found, device.backend)
    expected = Pipeline.load(folder, threads=1).predict(image, options=SURE)
    on_device = pipeline.predict(image)
    assert on_device.depth_confidence is None
    result = pipeline.predict(image, options=SURE)
    difference = result.depth_confidence.astype(int) - expected.depth_confidence
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'scale': 'gauss'}, "'laplace'"),
        ({'scale': 'laplace', 'unit': 'relative_depth'}, 'none for depth that is not in metres'),
        ({}, 'outputs'),
    ],
)
def test_the_manifest_names_the_scale(folder, tmp_path, change, expected):
    """With a known distribution, for metres, and with its output in the graphs."""
    content = json.loads((folder / 'manifest.json').read_text())
    depth = content['outputs']['depth']
    del depth['scale']
    depth.update(change)
    with pytest.raises(bundle.BundleError, match=expected):
        bundle.parse(content)
