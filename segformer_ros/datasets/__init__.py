# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Readers of driving and scene datasets: images with class ids, depth and intrinsics."""

from segformer_ros.datasets.registry import DatasetSpec, KINDS, open_dataset, recognise
from segformer_ros.datasets.sample import Dataset, DatasetError, Sample

__all__ = [
    'KINDS',
    'Dataset',
    'DatasetError',
    'DatasetSpec',
    'Sample',
    'open_dataset',
    'recognise',
]
