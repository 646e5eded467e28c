# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every reader gives: one sample, and the seam that training and evaluation know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import LabelSet


class DatasetError(ValueError):
    """Data that cannot be used: expected, found, and what to do."""


@dataclass(frozen=True)
class Sample:
    """
    One image with what is known of it; the arrays are not to be written to.

    :param image: (H, W, 3) uint8 RGB.
    :param labels: (H, W) uint8 class ids of the dataset's label set, 255 where unknown; None: the
        dataset has none.
    :param depth: (H, W) float32 metres along the optical axis, not finite where unknown (NaN) or
        sky (inf); None: the dataset has none. May be sparse.
    :param intrinsics: Of this image; None: unknown.
    :param confidence: (H, W) uint8 how far each label is trusted, 255 wholly; None: all are.
    :param soft_labels: (H, W, 2 k) uint8: k class ids, the most probable first, then their
        probabilities times 255; None: labels alone.
    :param name: Unique in its dataset, with '/' for folders: where a report points to.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None = None
    depth: npt.NDArray[np.float32] | None = None
    intrinsics: Intrinsics | None = None
    name: str = ''
    confidence: npt.NDArray[np.uint8] | None = None
    soft_labels: npt.NDArray[np.uint8] | None = None


class Dataset(Protocol):
    """Samples by number; reading one twice gives the same, from any thread or process."""

    @property
    def label_set(self) -> LabelSet | None:
        """Return the classes that the ids in Sample.labels belong to; None without labels."""

    def __len__(self) -> int:
        """Count the samples."""

    def __getitem__(self, index: int) -> Sample:
        """
        Read one sample.

        :raises DatasetError: A file is missing or damaged; the message names it.
        :raises IndexError: index is not below the length.
        """

    def name(self, index: int) -> str:
        """Return Sample.name without reading the sample."""


def check_intrinsics(intrinsics: Intrinsics, place: str, *, part: bool = False) -> Intrinsics:
    """
    Refuse the numbers of no camera: depth is scaled by them.

    :param place: Where they stand, for the message.
    :param part: As of Intrinsics.flaw.
    :raises DatasetError: They have a flaw.
    """
    flaw = intrinsics.flaw(part=part)
    if flaw:
        raise DatasetError(f'{place}: camera is not calibrated: {flaw}')
    return intrinsics
