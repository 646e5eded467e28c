# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop of a teacher and a student on the built-in world: label, train, export, label."""

import json

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros import cli
from segformer_ros.bundle import read
import yaml

pytestmark = pytest.mark.slow


def segformer(*arguments):
    """Run a command that has to succeed."""
    assert cli.main([str(item) for item in arguments]) == 0


def recipe(folder, dataset, classes):
    """Return the keys of a recipe that learns from labels, their confidence and soft labels."""
    return {
        'name': 'student',
        'output': str(folder / 'student'),
        'network': {'decoder_dim': 16, 'depth_dim': 16, 'depth_stride': 4},
        'classes': {'label_set': 'carla_0914', 'names': classes},
        'data': {
            'train': [
                {
                    'kind': 'folder',
                    'root': str(dataset),
                    'options': {'confidence': 'confidence', 'soft_labels': 'soft_labels'},
                }
            ],
        },
        'loggers': [],
        'stages': [{'steps': 1}],
    }


def test_labels_of_a_teacher_train_a_student_that_labels(model, tmp_path):
    """Each step takes what the one before has written, as docs/fleet.md shows it."""
    world = tmp_path / 'world'
    segformer(
        'world', '--out', world, '--split', 'train', '--max-frames', 4, '--width', 64,
        '--height', 32,
    )  # fmt: skip
    images = next(path for path in sorted(world.rglob('*.png')) if 'image' in str(path)).parent
    one, two = tmp_path / 'one', tmp_path / 'two'
    options = ('--format', 'dataset', '--workers', 1, '--camera-fov', 90)
    segformer('label', images, '--out', one, '--model', model, *options, '--soft-labels', 2)
    classes = [item.name for item in read(model).manifest.classes]
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(recipe(tmp_path, one / 'dataset', classes)), encoding='utf-8')
    segformer('train', '--recipe', path)
    student = tmp_path / 'student_bundle'
    weights = next((tmp_path / 'student').rglob('last.safetensors'))
    segformer('export', weights, student, '--size', '32x64', '--focal-length', 32)
    chosen = ('--select', 'confidence', '--samples', 2)
    segformer('label', images, '--out', two, '--model', student, *options, *chosen)
    assert len(list((two / 'dataset' / 'labels' / 'train').rglob('*.png'))) == 2
    report = json.loads((two / 'report.json').read_text())
    assert report['frames'] == {'total': 4, 'done': 4, 'failed': 0}
    assert set(report['pixels']) <= set(classes)
