# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The world of coloured squares as a kind of dataset, and the recipe that trains on it."""

from pathlib import Path

from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import KINDS, Sample
from segformer_ros.labels import label_set
from square_world import square_frame

OPTIONS = {'first_seed': 'of frame 0', 'frames': 'how many', 'size': '(height, width)'}
SPLITS = ('train', 'val', 'unlabelled')
NAMES = ['road', 'sky', 'car']


def register():
    """Let recipes name this kind."""
    KINDS['squares'] = __name__


class SquareDataset:
    """Frames of coloured squares, each from its seed."""

    def __init__(self, first_seed=7, frames=8, size=(64, 96)):
        self.first_seed, self.frames, self.size = first_seed, frames, size
        self.label_set = label_set('carla_0914')

    def __len__(self):
        return self.frames

    def name(self, index):
        """Name a frame by its seed."""
        return f'square/{self.first_seed + index}'

    def __getitem__(self, index):
        """Render a frame."""
        height, width = self.size
        frame = square_frame(self.first_seed + index, width, height)
        focal = frame.intrinsics.fx
        camera = Intrinsics(focal, focal, width / 2, height / 2, width, height)
        labels = None if self.label_set is None else frame.labels
        return Sample(frame.image, labels, frame.depth, camera, self.name(index))


def open_dataset(root, split, **options):
    """Open the squares; those of 'val' have other seeds, those of 'unlabelled' depth alone."""
    assert root == Path()
    first = {'train': 7, 'val': 1000, 'unlabelled': 7}[split]
    dataset = SquareDataset(**{'first_seed': first, **options})
    if split == 'unlabelled':
        dataset.label_set = None
    return dataset


def recognises(root):
    """Recognise no folder."""
    return False


def recipe(output, **changes):
    """
    Return the keys of a recipe of four steps.

    :param changes: Keys to replace.
    """
    stage = {'steps': 4}
    values = {
        'name': 'squares',
        'output': str(output),
        'network': {
            'size': 'b0',
            'depth_stride': 4,
            'depth_dim': 16,
            'depth_activation': 'log',
            'decoder_dim': 32,
        },
        'classes': {'label_set': 'carla_0914', 'names': NAMES},
        'focal_length_px': 48.0,
        'data': {
            'train': [{'kind': 'squares'}],
            'validation': [{'kind': 'squares', 'options': {'frames': 2}}],
        },
        'hardware': {'accelerator': 'cpu', 'threads': 1},
        'loggers': ['csv'],
        'checkpoint_minutes': 1000.0,
        'pictures': 1,
        'log_steps': 1,
        'class_frames': 4,
        'defaults': {
            'batch_size': 2,
            'augment': {
                'resize': {'kind': 'ratio', 'ratio': [0.7, 1.0]},
                'crop': {'sizes': [[32, 64], [64, 64]]},
            },
            'optimizer': {'learning_rate': 1e-3, 'head_factor': 1.0, 'clip_norm': 1.0},
            'loss': {'segmentation': {'class_weights': 'log_c', 'balance': 1.1}},
        },
        'stages': [stage],
    }
    return {**values, **changes}
