# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole variation of a sample, and the recipe's words for it."""

from dataclasses import replace
from pathlib import Path
import pickle

import cv2
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import Sample
from segformer_ros.labels import VOID
from segformer_ros.training.augment import (
    AugmentConfig,
    CropConfig,
    CutDepthConfig,
    DomainConfig,
    make_augmentation,
    PhotometricConfig,
    ResizeConfig,
)
from segformer_ros.training.recipe import read_augment
from segformer_ros.training.yaml_config import ConfigError, from_mapping, write
import yaml

STRONG = DomainConfig(*[0.5] * 8)
CONFIGS = {
    'mmseg': AugmentConfig(
        ResizeConfig('ratio', (64, 128)), CropConfig(((48, 48),), max_class_share=0.75)
    ),
    'values': AugmentConfig(
        ResizeConfig('values'), CropConfig(((37, 37),)), photometric=PhotometricConfig('jitter')
    ),
    'glp': AugmentConfig(
        ResizeConfig('none'),
        CropConfig(((32, 64),)),
        cut_depth=CutDepthConfig(0.5),
        photometric=PhotometricConfig('glp'),
    ),
    'world': AugmentConfig(
        ResizeConfig(logarithmic=True),
        CropConfig(((32, 64), (48, 48)), rare_share=0.5),
        domain=STRONG,
        photometric=PhotometricConfig('world', 0.7),
    ),
}


@pytest.fixture
def sample():
    """Return a sample with everything, of a few classes."""
    rng = np.random.default_rng(1)
    labels = rng.choice(np.array([1, 2, 11, VOID], np.uint8), (6, 10)).repeat(9, 0).repeat(9, 1)
    depth = rng.uniform(1.0, 90.0, labels.shape).astype(np.float32)
    depth[labels == 11] = np.inf
    depth[:3] = np.nan
    image = rng.integers(0, 256, (*labels.shape, 3), dtype=np.uint8)
    camera = Intrinsics(60.0, 60.0, 44.5, 26.5, labels.shape[1], labels.shape[0])
    arrays = (image, labels, depth)
    for array in arrays:
        array.flags.writeable = False
    return Sample(*arrays, camera, 'town/7')


def same(first, second):
    """Return whether two samples are equal bit for bit."""
    return (
        all(
            getattr(first, name).tobytes() == getattr(second, name).tobytes()
            for name in ('image', 'labels', 'depth')
        )
        and first.intrinsics == second.intrinsics
    )


@pytest.mark.parametrize('name', list(CONFIGS))
def test_a_varied_sample_is_one_of_the_recipe(sample, name):
    """The wanted size, no new class id, no new depth, true intrinsics, for any seed."""
    config = CONFIGS[name]
    vary = make_augmentation(config)
    scales = []
    for seed in range(40):
        result = vary(sample, np.random.default_rng(seed))
        height, width = result.labels.shape
        assert (height, width) in config.crop.sizes
        assert result.image.shape == (height, width, 3)
        assert (result.image.dtype, result.labels.dtype) == (np.uint8, np.uint8)
        assert result.depth.dtype == np.float32
        assert set(np.unique(result.labels)) <= {1, 2, 11, VOID}
        known = result.depth[~np.isnan(result.depth)]
        assert np.isin(known, sample.depth).all()
        assert (result.intrinsics.width, result.intrinsics.height) == (width, height)
        assert result.name == 'town/7'
        scales.append(result.intrinsics.fx / 60.0)

    assert len({round(scale, 3) for scale in scales}) == 1 if name == 'glp' else max(scales) > 1.2


def test_the_generator_decides_alone_and_no_other_is_touched(sample):
    """The same state gives the same sample; the global generators go on as if nothing was."""
    vary = make_augmentation(CONFIGS['world'])

    def drawn(between):
        cv2.setRNGSeed(5)
        np.random.seed(5)  # noqa: NPY002
        between()
        noise = np.zeros((4, 4), np.uint8)
        cv2.randu(noise, 0, 255)
        return noise.tolist(), np.random.random()  # noqa: NPY002

    for seed in range(20):
        first = vary(sample, np.random.default_rng(seed))
        np.random.default_rng(0).random(seed)
        assert same(first, vary(sample, np.random.default_rng(seed)))
    assert drawn(lambda: None) == drawn(
        lambda: [vary(sample, np.random.default_rng(seed)) for seed in range(20)]
    )


def test_a_process_gets_the_same_augmentation(sample):
    """It can be pickled."""
    vary = make_augmentation(CONFIGS['world'], classes=np.array([1, 11], np.uint8))
    other = pickle.loads(pickle.dumps(vary))
    assert same(vary(sample, np.random.default_rng(3)), other(sample, np.random.default_rng(3)))


@pytest.mark.parametrize('name', list(CONFIGS))
def test_what_is_missing_stays_missing(sample, name):
    """Images alone are varied too."""
    bare = replace(sample, labels=None, depth=None, intrinsics=None)
    for seed in range(10):
        result = make_augmentation(CONFIGS[name])(bare, np.random.default_rng(seed))
        assert (result.labels, result.depth, result.intrinsics) == (None, None, None)


def test_a_batch_has_one_size(sample):
    """The maker of a batch draws it and hands it on."""
    vary = make_augmentation(CONFIGS['world'])
    rng = np.random.default_rng(0)
    assert {vary.draw_size(rng) for _ in range(20)} == {(32, 64), (48, 48)}
    assert vary(sample, rng, size=(40, 56)).image.shape == (40, 56, 3)


def test_without_crops_the_resized_image_is_whole(sample):
    """As for a fixed size."""
    config = AugmentConfig(ResizeConfig('fixed', (32, 48), keep_aspect=False), CropConfig(()))
    result = make_augmentation(config)(sample, np.random.default_rng(0))

    assert result.image.shape == (32, 48, 3)
    assert result.intrinsics.fx == pytest.approx(60.0 * 48 / 90)
    assert make_augmentation(config).draw_size(np.random.default_rng(0)) is None


@pytest.mark.parametrize('probability', [0.0, 0.25, 1.0])
def test_chance_is_that_of_the_recipe(sample, probability):
    """Of mirror images and of CutDepth."""
    off = PhotometricConfig('none')
    mirror = AugmentConfig(ResizeConfig('none'), CropConfig(()), probability, photometric=off)
    cut = replace(mirror, flip=0.0, cut_depth=CutDepthConfig(probability))
    vary, paste = make_augmentation(mirror), make_augmentation(cut)
    mirrored = changed = 0
    for seed in range(300):
        result = vary(sample, np.random.default_rng(seed))
        mirrored += np.array_equal(result.labels, sample.labels[:, ::-1])
        changed += (paste(sample, np.random.default_rng(seed)).image != sample.image).any()

    assert mirrored / 300 == pytest.approx(probability, abs=0.07)
    assert changed / 300 == pytest.approx(probability, abs=0.07)


def test_padding_is_never_colored(sample):
    """The network sees the same padding in training as at run time."""
    config = replace(CONFIGS['world'], resize=ResizeConfig('none'))
    for seed in range(20):
        result = make_augmentation(config)(sample, np.random.default_rng(seed), size=(64, 96))
        assert (result.image[54:] == (124, 116, 104)).all()
        assert (result.image[:, 90:] == (124, 116, 104)).all()


def test_a_recipe_can_be_written_and_read_again(tmp_path):
    """All of it, by the keys of the dataclasses."""
    path = tmp_path / 'recipe.yaml'
    for config in CONFIGS.values():
        text = yaml.safe_dump({'name': 'x', 'augment': yaml.safe_load(write(config))})
        path.write_text(text, encoding='utf-8')
        assert read_augment(path) == config


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'fip': 0.5}, "'flip'"),
        ({'flip': 1.5}, 'between 0 and 1'),
        ({'crop': {'sizes': [[0, 32]]}}, 'at least 1 pixel'),
        ({'crop': {'tries': 0}}, 'tries'),
        ({'crop': {'max_class_share': 0.0}}, 'max_class_share'),
        ({'crop': {'rare_share': -0.1}}, 'rare_share'),
        ({'resize': {'kind': 'fixed'}}, 'needs base'),
        ({'resize': {'kind': 'radio'}}, 'ratio'),
        ({'resize': {'ratio': [2.0, 0.5]}}, 'lesser factor first'),
        ({'resize': {'values': []}}, 'factors'),
        ({'photometric': {'strength': 3.0}}, 'strength'),
        ({'domain': {'fog': 2}}, 'fog'),
        ({'domain': {'fog_visibility_m': [0, 10]}}, 'fog_visibility_m'),
        ({'cut_depth': {'max_depth_m': 0}}, 'max_depth_m'),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(values, words):
    """In one sentence that names the key."""
    with pytest.raises(ConfigError, match=words):
        from_mapping(AugmentConfig, values)


def test_a_stage_of_a_recipe_has_its_own_variation(tmp_path):
    """Over the defaults of the recipe."""
    stages = [{'steps': 1}, {'steps': 1, 'augment': {'crop': {'sizes': [[64, 64]]}}}]
    recipe = {
        'name': 'two',
        'data': {'train': [{'kind': 'world'}]},
        'defaults': {'augment': {'flip': 0.25}},
        'stages': stages,
    }
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(recipe), encoding='utf-8')

    assert read_augment(path) == AugmentConfig(flip=0.25)
    second = AugmentConfig(crop=CropConfig(((64, 64),)), flip=0.25)
    assert read_augment(path, stage=1) == second
    with pytest.raises(ConfigError, match='a stage below 2, got 2'):
        read_augment(path, stage=2)


def test_the_block_of_the_documentation_is_a_recipe(tmp_path):
    """A reader can copy it."""
    text = (Path(__file__).parents[2] / 'docs' / 'augmentation.md').read_text(encoding='utf-8')
    path = tmp_path / 'recipe.yaml'
    path.write_text(text.split('```yaml\n')[1].split('```')[0], encoding='utf-8')

    assert read_augment(path).photometric == PhotometricConfig('world', 0.7)


@pytest.mark.parametrize('text', ['a: [', 'name: x', '[1, 2]'])
def test_a_file_without_variation_is_refused(tmp_path, text):
    """It is not YAML, or no recipe, or has no such key."""
    path = tmp_path / 'recipe.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(ConfigError, match=r'recipe\.yaml'):
        read_augment(path)
