# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset as it is written on a command line."""

import argparse

import pytest
from segformer_ros.commands.data_arguments import add_data_arguments, data_spec
from segformer_ros.datasets import DatasetError, DatasetSpec
from segformer_ros.datasets.dataset_spec import parse


def spec(*words, **settings):
    """Read the words of a command line."""
    parser = argparse.ArgumentParser()
    add_data_arguments(parser, **settings)
    return data_spec(parser.parse_args(words))


def test_kind_and_path():
    """The kind is what stands before the first colon; values are YAML."""
    found = spec('shift:/data/a:b', '--option', 'views=[front]', '--option', 'framerate=images')
    assert found == DatasetSpec(
        'shift', '/data/a:b', 'train', {'views': ['front'], 'framerate': 'images'}
    )


def test_a_command_has_its_own_split():
    """It counts where nobody says which."""
    assert spec('nyu:x', split='val').split == 'val'
    assert spec('nyu:x', '--split', 'test', split='val').split == 'test'


def test_a_kind_without_a_path():
    """The built-in world needs none."""
    assert spec('world', '--option', 'frames=4') == DatasetSpec(
        'world', '', 'train', {'frames': 4}
    )


def test_a_path_alone_leaves_the_kind_open(tmp_path):
    """It is recognised when it is opened."""
    assert spec(str(tmp_path)) == DatasetSpec('', str(tmp_path), 'train', {})


def test_a_yaml_file(tmp_path):
    """Its root is beside it; the command line is over it."""
    file = tmp_path / 'data.yaml'
    file.write_text('kind: camvid\nroot: CamVid\nsplit: val\noptions: {a: 1, b: 2}\n')

    assert spec(str(file)) == DatasetSpec(
        'camvid', str(tmp_path / 'CamVid'), 'val', {'a': 1, 'b': 2}
    )
    assert spec(str(file), '--split', 'test', '--option', 'b=true') == DatasetSpec(
        'camvid', str(tmp_path / 'CamVid'), 'test', {'a': 1, 'b': True}
    )


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[1]', 'expected the keys of a dataset'),
        ('rot: x', "unknown key 'rot', the nearest known one is 'root'"),
        ('root: 3', 'expected text as root, got 3'),
        ('options: [a]', 'expected keys and values as options'),
        ('{', 'not YAML'),
    ],
)
def test_a_yaml_file_that_is_wrong(tmp_path, content, message):
    """The message names the file and the key."""
    file = tmp_path / 'data.yaml'
    file.write_text(content)
    with pytest.raises(DatasetError, match=message) as caught:
        parse(str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('coco:/data', (), "'coco:/data' is not a dataset: the kinds are ade20k, bag"),
        ('/no/such/folder', (), "'/no/such/folder' is not a dataset"),
        ('nyu:x', ('depth',), "such as labels=19, got 'depth'"),
        ('nyu:x', ('a=[',), 'option a: not YAML'),
    ],
)
def test_unknown_datasets_are_refused(text, options, message):
    """The message says how one is written."""
    with pytest.raises(DatasetError, match=message):
        parse(text, options=options)
