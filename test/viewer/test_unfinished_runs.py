# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a run has not finished is shown as the run would have made it."""

from fractions import Fraction
import json
import os

import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.files.images import encode_png
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.viewer.predictor import Predictor, Request
from segformer_ros.viewer.source import of_images, of_video, Run
from tiny_bundle import make_tiny_bundle

RNG = np.random.default_rng(3)


def picture():
    """Make an image with something in it."""
    small = RNG.integers(0, 256, (4, 8, 3), np.uint8)
    return np.kron(small, np.ones((8, 8, 1), np.uint8))


@pytest.fixture
def tiny(tmp_path):
    """Make a network without weights worth the name."""
    return str(make_tiny_bundle(tmp_path / 'tiny'))


@pytest.fixture
def folder(tmp_path):
    """Make two images."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in ('a', 'b'):
        (folder / f'{name}.png').write_bytes(encode_png(picture()))
    return folder


def made(source, out, tiny, *more):
    """Run, and give the run with a predictor that asks as it did."""
    assert main(['run', str(source), '--model', tiny, '--out', str(out), *more]) == 0
    run = Run.read(out)
    return run, Predictor(tiny, lambda: Pipeline.load(tiny), Request.of_run(run.settings))


def same(frame, wanted):
    """Compare labels and depth with those of a run."""
    labels, depth, _ = wanted
    np.testing.assert_array_equal(frame.labels, labels)
    if depth is None:
        assert frame.depth is None
    else:
        np.testing.assert_array_equal(frame.depth, depth)


@pytest.mark.parametrize(
    'more',
    [
        ('--image-rotation', '90', '--camera-fov', '70'),
        ('--focal-length', '40', '--max-depth', '6', '--min-depth', '2'),
        ('--sky-depth', 'inf', '--format', 'npy', '--focal-length', '40'),
        ('--only', 'segmentation'),
        ('--scale-by', 'camera_height=1.5', '--camera-fov', '70'),
    ],
)
def test_an_image_without_a_result_is_as_the_run_would_have_it(tmp_path, folder, tiny, more):
    """Its rotation, range of depth, depth of the sky, task, camera and file format."""
    out = tmp_path / 'out'
    run, predictor = made(folder, out, tiny, *more)
    wanted = [run.results().read(name) for name in ('a', 'b')]
    for kind in ('label', 'depth'):
        for file in (out / kind).glob('b.*'):
            file.unlink()

    frames = list(of_images(folder, predictor, run.results()).frames)

    assert [frame.times_ms == {} for frame in frames] == [True, False]
    for frame, result in zip(frames, wanted, strict=True):
        same(frame, result)


def test_depth_confidence_is_that_of_the_run(tmp_path, folder):
    """Where it has a file it is read, and else computed; of a run without it there is none."""
    network = str(make_tiny_bundle(tmp_path / 'sure', scale=True))
    out = tmp_path / 'out'
    run, predictor = made(folder, out, network, '--depth-confidence', '--focal-length', '40')
    wanted = [run.results().read_depth_confidence(name) for name in ('a', 'b')]
    (out / 'depth_confidence' / 'b.png').unlink()
    frames = list(of_images(folder, predictor, run.results()).frames)
    assert [frame.times_ms == {} for frame in frames] == [True, False]
    for frame, certain in zip(frames, wanted, strict=True):
        assert certain is not None
        assert certain.any()
        np.testing.assert_array_equal(frame.depth_confidence, certain)

    run, predictor = made(folder, tmp_path / 'less', network, '--focal-length', '40')
    assert predictor.frame(0, picture()).depth_confidence is None
    # Without a run there is all that the network gives.
    alone = Predictor(network, lambda: Pipeline.load(network), Request(focal_px=40.0))
    assert alone.frame(0, picture()).depth_confidence is not None


def test_a_video_without_results_is_as_calm_as_the_run_would_have_it(tmp_path, tiny):
    """The frame before counts; of images on their own there is none."""
    path = tmp_path / 'v.mp4'
    still = picture()
    with VideoWriter(path, Fraction(10)) as writer:
        for index in range(4):
            noise = RNG.integers(-40, 40, still.shape)
            writer.add(np.clip(still + noise, 0, 255).astype(np.uint8), index / 10)
    out = tmp_path / 'out'
    run, predictor = made(path, out, tiny, '--temporal', 'both', '--camera-fov', '60')
    names = sorted(file.stem for file in (out / 'label').iterdir())
    wanted = [run.results().read(name) for name in names]
    for file in (*(out / 'label').iterdir(), *(out / 'depth').iterdir()):
        file.unlink()

    frames = list(of_video(path, predictor, run.results()).frames)

    assert len(frames) == 4
    for frame, result in zip(frames, wanted, strict=True):
        same(frame, result)


def test_a_result_older_than_its_image_is_not_shown(tmp_path, folder, tiny):
    """`segformer run` would compute it again."""
    out = tmp_path / 'out'
    run, predictor = made(folder, out, tiny)
    other = picture()
    (folder / 'a.png').write_bytes(encode_png(other))
    os.utime(folder / 'a.png')

    first, second = of_images(folder, predictor, run.results()).frames

    assert first.times_ms
    assert not second.times_ms
    np.testing.assert_array_equal(first.image, other)


def test_a_network_that_has_changed_is_named(tmp_path, folder, tiny):
    """The frames that it computes do not go with those that are there."""
    out = tmp_path / 'out'
    made(folder, out, tiny)
    settings = json.loads((out / 'run.json').read_text()) | {'model_sha256': 64 * '0'}
    (out / 'run.json').write_text(json.dumps(settings))
    predictor = Predictor(tiny, lambda: Pipeline.load(tiny), Request.of_run(settings))

    with pytest.warns(UserWarning, match='has changed since the results were made'):
        predictor.frame(0, picture())


@pytest.mark.parametrize(
    'change', [{'image_rotation': 45}, {'scale_by': {'x': 1}}, {'camera_fov_deg': []}]
)
def test_settings_that_no_run_has_written_are_refused(change):
    """In one sentence."""
    with pytest.raises(ValueError, match=r'image_rotation|run\.json'):
        Request.of_run(change)
