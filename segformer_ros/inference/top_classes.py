# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The most probable classes of every pixel, for a student that learns from all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from segformer_ros.inference import plain_kernels
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.upsample import crop, FloatArray, sampling

Image = npt.NDArray[np.uint8]


def decode_top_classes(
    logits: FloatArray, geometry: Geometry, *, stride: int, class_ids: Sequence[int], count: int
) -> Image:
    """
    Return the most probable classes of every pixel, by numpy: not for live frames.

    :param logits: As of decode_labels, whose class is the first one.
    :param stride: Input pixels per logit.
    :param class_ids: Class id of each channel.
    :param count: How many classes; of fewer channels all.
    :returns: (H, W, 2 count): class ids by falling probability, then their softmax probabilities
        times 255, those of all channels together being 255.
    """
    where = sampling(geometry, stride)
    count = min(count, len(class_ids))
    ids = np.array(class_ids, np.uint8)
    found = np.empty((geometry.image_h, geometry.image_w, 2 * count), np.uint8)
    for rows, upper, drop, part in plain_kernels.bands(crop(logits, where), where):
        scores = upper[:, None] + part * drop[:, None]
        # Stable: of equal ones the lower channel comes first.
        order = np.argsort(-scores, axis=0, kind='stable')[:count]
        powers = np.exp(scores - scores.max(axis=0))
        shares = np.take_along_axis(powers, order, axis=0) / powers.sum(axis=0)
        found[rows, :, :count] = np.moveaxis(ids[order], 0, -1)
        found[rows, :, count:] = np.moveaxis(np.rint(255.0 * shares), 0, -1).astype(np.uint8)
    return found
