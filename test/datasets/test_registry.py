# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of readers."""

import importlib
import inspect

import pytest
from segformer_ros.datasets import DatasetError, DatasetSpec, KINDS, open_dataset, recognise
import trees

WRITERS = {
    'ade20k': trees.write_ade20k,
    'camvid': trees.write_camvid,
    'cityscapes': trees.write_cityscapes,
    'folder': trees.write_folder,
    'kitti_depth': trees.write_kitti_depth,
    'kitti_semantic': trees.write_kitti_semantic,
    'nyu': trees.write_nyu,
}


@pytest.mark.parametrize('kind', sorted(WRITERS))
def test_a_tree_looks_like_its_kind_alone(tmp_path, kind):
    """So that nobody has to name it; home folders are found."""
    root = WRITERS[kind](tmp_path)
    split = 'all' if kind == 'folder' else 'train'

    assert recognise(root) == kind
    data = open_dataset(DatasetSpec('', str(root), split))
    assert len(data) > 0
    assert data[0].name == data.name(0)


@pytest.mark.parametrize('kind', sorted(KINDS))
def test_a_reader_explains_its_options(kind):
    """Each that it takes, and no other."""
    reader = importlib.import_module(KINDS[kind])
    parameters = inspect.signature(reader.open_dataset).parameters.values()
    if not any(item.kind is item.VAR_KEYWORD for item in parameters):
        named = {item.name for item in parameters if item.kind is item.KEYWORD_ONLY}
        assert named == set(reader.OPTIONS)
    assert all(reader.OPTIONS.values())
    assert reader.SPLITS


def test_unknown_folders_are_not_guessed(tmp_path, monkeypatch):
    """A path that looks like none of them, and one that is none."""
    with pytest.raises(DatasetError, match='looks like none of the known datasets: name the kind'):
        recognise(tmp_path)
    with pytest.raises(DatasetError, match='found nothing'):
        recognise(tmp_path / 'none')
    with pytest.raises(DatasetError, match=r"kind must be one of ade20k, .* not 'coco'"):
        open_dataset(DatasetSpec('coco', str(tmp_path)))
    trees.write_nyu(tmp_path / 'data')
    trees.write_camvid(tmp_path / 'data')
    with pytest.raises(DatasetError, match='looks like camvid and nyu'):
        recognise(tmp_path / 'data')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert len(open_dataset(DatasetSpec('nyu', '~/data'))) == 2
