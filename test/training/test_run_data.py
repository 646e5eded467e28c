# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets of any label set are read in the channels of the network."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.datasets import DatasetError
from segformer_ros.labels import CARLA_0914, label_set, LabelSet, SHIFT_23
from segformer_ros.training.config import ClassesConfig, TrainingSet
from segformer_ros.training.recipe import resolve
from segformer_ros.training.run_data import channels, network_classes, open_data
import square_dataset
from square_dataset import recipe, SquareDataset

CITY = label_set('cityscapes_19')


def classes(*names):
    """Return some classes of Cityscapes in an order."""
    return LabelSet(CITY.name, tuple(CITY.by_name(name) for name in names))


def test_classes_of_another_set_go_to_the_channels_of_the_network():
    """SHIFT's ids become channel numbers of a network of three Cityscapes classes."""
    dataset = SquareDataset()
    dataset.label_set = SHIFT_23

    table = channels(dataset, classes('sky', 'car', 'road'), TrainingSet())

    found = {item.name: int(table[item.id]) for item in SHIFT_23.classes if table[item.id] != 255}
    assert found == {'sky': 0, 'vehicle': 1, 'road': 2, 'road_line': 2}
    assert table[255] == 255


def test_rules_are_over_the_known_map():
    """A rule moves one class and leaves out another."""
    dataset = SquareDataset()
    rules = {'truck': 'car', 'road_line': ''}

    table = channels(dataset, classes('car', 'road'), TrainingSet(rules=rules))

    ids = {item.name: item.id for item in CARLA_0914.classes}
    assert [table[ids[name]] for name in ('truck', 'car', 'road', 'road_line')] == [0, 0, 1, 255]


def test_network_of_one_class_learns_yes_and_no():
    """The class is 1, all other known classes are 0, unknown stays unknown."""
    dataset = SquareDataset()
    only_cars = LabelSet(CARLA_0914.name, (CARLA_0914.by_name('car'),))

    table = channels(dataset, only_cars, TrainingSet())

    assert (table[14], table[1], table[11], table[255]) == (1, 0, 0, 255)


def test_classes_are_those_of_the_recipe_or_of_the_first_dataset():
    """Names choose and order the channels; an unknown one is named."""
    datasets = [SquareDataset()]

    assert network_classes(ClassesConfig(), datasets) == CARLA_0914
    chosen = network_classes(ClassesConfig('cityscapes_19', ('sky', 'road')), datasets)
    assert chosen == classes('sky', 'road')
    with pytest.raises(ValueError, match=r"no class 'lava', it has: road"):
        network_classes(ClassesConfig('cityscapes_19', ('lava',)), datasets)


def test_pixels_are_counted_by_the_weights_of_the_datasets(tmp_path):
    """A dataset of three quarters of the samples has three quarters of the counts."""
    near, far = ({'kind': 'squares', 'options': {'first_seed': s}} for s in (1, 50))
    config = resolve(
        recipe(tmp_path, data={'train': [{**near, 'weight': 3}, {**far, 'weight': 1}]})
    )
    data = open_data(replace(config, class_frames=1000))

    def shares(dataset):
        labels = np.concatenate([dataset[i].labels.ravel() for i in range(len(dataset))])
        return np.array([(labels == number).mean() for number in (1, 11, 14)])

    expected = 0.75 * shares(data.sources[0].dataset) + 0.25 * shares(data.sources[1].dataset)
    counts = data.class_counts()
    np.testing.assert_allclose(counts / counts.sum(), expected, rtol=1e-6)
    # No more frames than there are, however many the recipe asks for.
    lengths = [len(source.dataset) for source in data.sources]
    assert data.config.class_frames > sum(lengths)
    assert data.counted_frames() == lengths


def test_ids_outside_of_the_label_set_end_the_run_at_its_start(tmp_path, monkeypatch):
    """The message names the ids and a sample."""
    monkeypatch.setattr(
        square_dataset, 'label_set', lambda name: LabelSet('roads', CARLA_0914.classes[:2])
    )

    with pytest.raises(DatasetError, match=r'square/7, found 11, 14: choose the label set'):
        open_data(resolve(recipe(tmp_path)))
