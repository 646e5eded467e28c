# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the labels of a dataset are those of its label set, before hours are spent on them."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.sample import Dataset, DatasetError
from segformer_ros.datasets.statistics import spread
from segformer_ros.labels import LabelSet, VOID


def check_labels(dataset: Dataset, *, frames: int = 16) -> None:
    """
    Look at the class ids of some samples; a dataset without labels has nothing to look at.

    :param frames: So many, evenly spread over the dataset; one where it makes its labels itself,
        and states the `class_ids` that it makes.
    :raises DatasetError: The dataset has no sample, or one has ids that its label set does not
        have; or a file is missing or damaged.
    """
    if not len(dataset):
        raise DatasetError('expected samples in the dataset, found none')
    if dataset.label_set is None:
        return
    made = getattr(dataset, 'class_ids', None) is not None
    for index in spread(len(dataset), 1 if made else frames):
        labels = dataset[index].labels
        if labels is not None:
            check_ids(labels, dataset.label_set, dataset.name(index))


def check_ids(labels: npt.NDArray[np.uint8], label_set: LabelSet, name: str) -> None:
    """
    Look at the class ids of one sample.

    :param labels: (H, W).
    :param name: Of the sample.
    :raises DatasetError: Some are neither of the label set nor VOID: they would count as unknown.
    """
    ids = tuple(label_set.ids)
    if not cv2.LUT(labels, _strange(ids)).any():
        return
    found = np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256)).tolist()
    wrong = [number for number in found if number not in {*ids, VOID}]
    raise DatasetError(
        f'expected class ids of {label_set.name} ({_ranges(set(ids))}, or {VOID} for unknown) in '
        f'{name}, found {_ranges(wrong)}: choose the label set that the files have'
    )


@functools.lru_cache(maxsize=16)
def _strange(ids: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return (256,) 1 for what is no class id."""
    table = np.ones(256, np.uint8)
    table[[*ids, VOID]] = 0
    return table


def _ranges(numbers: set[int] | list[int]) -> str:
    """Write numbers as '0 to 18, 21'."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ', '.join(str(run[0]) if len(run) == 1 else f'{run[0]} to {run[-1]}' for run in runs)
