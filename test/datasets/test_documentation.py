# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/datasets.md says what the code does."""

import importlib
from pathlib import Path
import re

import pytest
from segformer_ros.datasets import KINDS
from segformer_ros.datasets.ade20k import KARPENET4
from segformer_ros.datasets.classes_file import read
from segformer_ros.datasets.statistics import KINDS as WEIGHTS
from segformer_ros.labels import distinct_color, LABEL_SETS, LabelClass

TEXT = (Path(__file__).parents[2] / 'docs' / 'datasets.md').read_text(encoding='utf-8')
SECTIONS = {
    'cityscapes': 'Cityscapes',
    'kitti_semantic': 'KITTI semantics',
    'kitti_depth': 'KITTI depth',
    'ade20k': 'ADE20K',
    'nyu': 'NYU Depth v2',
    'camvid': 'CamVid',
    'shift': 'SHIFT',
    'drive': 'Recorded drives',
    'bag': 'Bags',
    'world': 'The built-in world',
    'shards': 'Shards',
}


def section(title):
    """Return the text under a heading."""
    return re.search(rf'^## {title}\n(.*?)(?=^## |\Z)', TEXT, re.M | re.S)[1]


def rows(text):
    """Return the cells of every table row that begins with a name."""
    lines = [line for line in text.split('\n') if line.startswith('| `')]
    return [[cell.strip().strip('`') for cell in line.strip('|').split('|')] for line in lines]


def test_every_kind_has_its_row():
    """With its splits."""
    table = {kind: splits for kind, _, splits in rows(section('How to name a dataset'))}
    assert list(table) == sorted(KINDS)
    for kind in ('cityscapes', 'kitti_semantic', 'kitti_depth', 'ade20k', 'nyu', 'camvid'):
        splits = importlib.import_module(KINDS[kind]).SPLITS
        assert table[kind] == ', '.join(splits)


@pytest.mark.parametrize('kind', sorted(SECTIONS))
def test_options_are_explained_in_the_words_of_the_reader(kind):
    """One table a section."""
    table = [row for row in rows(section(SECTIONS[kind])) if len(row) == 2]
    options = importlib.import_module(KINDS[kind]).OPTIONS
    assert dict(table[: len(options)]) == options


def test_label_sets_are_listed():
    """With their number of classes."""
    table = {name: int(count) for name, count, _ in rows(section('Label sets'))}
    assert table == {name: len(item.classes) for name, item in LABEL_SETS.items()}


def test_weights_are_listed():
    """All kinds."""
    assert tuple(name for name, _, _ in rows(section('Class frequencies and weights'))) == WEIGHTS


def test_the_four_classes_are_listed():
    """Which of ADE20K's they take."""
    table = {name: tuple(text.split(', ')) for name, text in rows(section('ADE20K'))[2:]}
    assert table == KARPENET4


def test_the_classes_file_is_one(tmp_path):
    """As it stands in the text."""
    example = re.findall(r'```yaml\n(.*?)```', section('Your own data: a plain folder'), re.S)[0]
    (tmp_path / 'classes.yaml').write_text(example)

    facts = read(tmp_path / 'classes.yaml')

    assert facts.label_set.name == 'yard'
    assert facts.label_set.classes == (
        LabelClass(0, 'ground', (120, 90, 60)),
        LabelClass(1, 'plant', distinct_color(1)),
        LabelClass(2, 'robot', distinct_color(2)),
    )
    assert (facts.by_color, facts.depth_scale, facts.sky_code) == (False, 1000.0, 65535)
    assert facts.intrinsics(96, 64).fx == pytest.approx(48)
    assert facts.splits == {'train': ('monday', 'tuesday'), 'val': ('val.txt',)}
