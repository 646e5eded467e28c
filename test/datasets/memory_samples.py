# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset in memory with samples of every kind, and how shards of it are opened."""

import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetSpec, open_dataset, Sample
from segformer_ros.datasets.shards_writer import ShardSettings
from segformer_ros.labels import LabelClass, LabelSet

OWN = LabelSet('own', (LabelClass(0, 'floor', (1, 2, 3)), LabelClass(9, 'robot', (4, 5, 6))))
SMALL = ShardSettings(shard_bytes=8000)


class Memory:
    """Samples of every kind: without labels, without depth, without a camera, sparse, far."""

    label_set = OWN

    def __init__(self, count=7):
        rng = np.random.default_rng(0)
        self.samples = []
        for number in range(count):
            labels = rng.choice([0, 9, 255], (20, 30)).astype(np.uint8)
            depth = rng.uniform(0.1, 990.0, (20, 30)).astype(np.float32)
            depth[0], depth[1] = np.nan, np.inf
            camera = Intrinsics(30.5, 31.25, 14.5, 9.5, 30, 20)
            self.samples.append(
                Sample(
                    rng.integers(0, 256, (20, 30, 3), np.uint8),
                    None if number == 1 else labels,
                    None if number == 2 else depth,
                    None if number == 3 else camera,
                    f'a.b/{number}',
                    rng.integers(0, 256, (20, 30), np.uint8) if number == 4 else None,
                    rng.integers(0, 256, (20, 30, 4), np.uint8) if number == 5 else None,
                )
            )

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]

    def name(self, index):
        """Name a sample."""
        return self.samples[index].name


def same(found, wanted):
    """See that two samples are equal, depth within 0.03 mm and half a step of float32."""
    assert found.name == wanted.name
    assert found.intrinsics == wanted.intrinsics
    np.testing.assert_array_equal(found.image, wanted.image)
    assert (found.labels is None) == (wanted.labels is None)
    if wanted.labels is not None:
        np.testing.assert_array_equal(found.labels, wanted.labels)
    assert (found.confidence is None) == (wanted.confidence is None)
    if wanted.confidence is not None:
        np.testing.assert_array_equal(found.confidence, wanted.confidence)
    assert (found.soft_labels is None) == (wanted.soft_labels is None)
    if wanted.soft_labels is not None:
        np.testing.assert_array_equal(found.soft_labels, wanted.soft_labels)
    assert (found.depth is None) == (wanted.depth is None)
    if wanted.depth is not None:
        np.testing.assert_allclose(found.depth, wanted.depth, atol=6.1e-5, rtol=0)


def open_shards(folder, split='train', **options):
    """Open shards as a recipe does."""
    return open_dataset(DatasetSpec('shards', str(folder), split, options))
