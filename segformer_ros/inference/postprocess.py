# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From network outputs to images in the geometry of the camera."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.upsample import Upsampler

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# A class this far below the best one adds less than e^-12 to the sum of the softmax.
_NEGLIGIBLE = -12.0


class LabelDecoder:
    """Labels of one geometry; keeps its buffers, never the arrays that it returns."""

    def __init__(self, geometry: Geometry, stride: int, class_ids: Sequence[int]) -> None:
        """
        Make the buffers.

        :param stride: Input pixels per logit.
        :param class_ids: Class id of each channel.
        """
        self._upsampler = Upsampler(geometry, stride)
        self._shape = (geometry.image_h, geometry.image_w)
        self._ids = tuple(class_ids)
        self._best = np.empty(self._upsampler.buffer_shape, np.float32)
        self._other = np.empty_like(self._best)
        self._mask = np.empty(self._shape, np.uint8)
        self._fill = np.empty(self._shape, np.uint8)

    def decode(
        self, logits: FloatArray, *, confidence: bool = False
    ) -> tuple[Image, Image | None]:
        """
        Pick the class of the largest upsampled logit; of equal ones that of the lower channel.

        :param logits: (C, h, w) scores for the whole input of the network.
        :param confidence: Also give the softmax probability of the class, 0 to 255.
        :returns: (H, W) class ids and (H, W) confidence or None.
        """
        cells = np.ascontiguousarray(self._upsampler.crop(logits))
        lead = _lead(cells)
        first, *others = np.flatnonzero(lead >= 0.0)
        best = self._upsampler.resample(cells[first], self._best)
        labels = np.full(self._shape, self._ids[first], np.uint8)
        for channel in others:
            value = self._upsampler.resample(cells[channel], self._other)
            cv2.compare(value, best, cv2.CMP_GT, self._mask)
            cv2.max(value, best, best)
            self._fill.fill(self._ids[channel])
            cv2.copyTo(self._fill, self._mask, labels)
        return labels, self._confidence(cells, lead, best) if confidence else None

    def _confidence(self, cells: FloatArray, lead: FloatArray, best: FloatArray) -> Image:
        total = np.zeros(self._shape, np.float32)
        for channel in np.flatnonzero(lead >= _NEGLIGIBLE):
            value = self._upsampler.resample(cells[channel], self._other)
            cv2.subtract(value, best, value)
            cv2.exp(value, value)
            cv2.add(total, value, total)
        return np.asarray(np.rint(255.0 / total), np.uint8)


def decode_depth(
    raw: FloatArray, geometry: Geometry, *, stride: int, activation: str, factor: float
) -> FloatArray:
    """
    Turn the raw depth output into metres at the size of the camera image.

    :param raw: (h, w) output for the whole input of the network.
    :param stride: Input pixels per output cell.
    :param activation: 'log' when the output is the logarithm of metres, 'metric' for metres.
    :param factor: Multiplies the depth; the camera's focal length over that of the network.
    :returns: (H, W) metres along the optical axis.
    """
    upsampler = Upsampler(geometry, stride)
    cells = upsampler.crop(raw)
    with np.errstate(over='ignore'):
        metres = np.exp(cells) if activation == 'log' else cells
        metres = np.ascontiguousarray(metres * np.float32(factor))
    return upsampler.resample(metres)


def mask_depth(
    depth: FloatArray,
    *,
    min_m: float,
    max_m: float,
    sky: npt.NDArray[np.bool_] | None = None,
    sky_m: float = float('nan'),
) -> FloatArray:
    """
    Mark what is unknown with NaN.

    :param depth: (H, W) metres.
    :param min_m: Smallest valid depth, inclusive.
    :param max_m: Largest valid depth, inclusive.
    :param sky: (H, W), where the sky is.
    :param sky_m: Depth of the sky.
    :returns: A new (H, W) array, contiguous.
    """
    masked = np.full(depth.shape, np.nan, np.float32)
    np.copyto(masked, depth, where=(depth >= min_m) & (depth <= max_m))
    if sky is not None:
        np.copyto(masked, np.float32(sky_m), where=sky)
    return masked


def _lead(cells: FloatArray) -> FloatArray:
    """
    Bound from above how far each class can be ahead of the best one anywhere: (C,).

    Between four cells a class is nowhere above its largest and the best one nowhere below the
    largest of all smallest corners, so a class with a negative bound wins no pixel.
    """
    high, low = cells, cells
    for axis in (1, 2):
        if cells.shape[axis] > 1:
            near = [slice(None)] * 3
            far = [slice(None)] * 3
            near[axis], far[axis] = slice(None, -1), slice(1, None)
            high = np.maximum(high[tuple(near)], high[tuple(far)])
            low = np.minimum(low[tuple(near)], low[tuple(far)])
    bound: FloatArray = (high - low.max(axis=0)).max(axis=(1, 2))
    return bound
