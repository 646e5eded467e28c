# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From network outputs to images in the geometry of the camera."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.upsample import Band, Upsampler

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# A class this far below the best one adds less than e^-12 to the sum of the softmax.
_NEGLIGIBLE = -12.0
# Rows of logits in a band: its buffers stay in the cache, and few classes occur in it.
_BAND_ROWS = 16


class _Buffers:
    """What the classes of one band are compared in."""

    def __init__(self, band: Band, width: int) -> None:
        self.band = band
        self.best = np.empty(band.buffer_shape, np.float32)
        self.other = np.empty(band.buffer_shape, np.float32)
        self.mask = np.empty((band.height, width), np.uint8)
        self.fill = np.empty((band.height, width), np.uint8)


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
        self._lead = _Lead(len(self._ids), self._upsampler.rows, self._upsampler.columns)
        bands = self._upsampler.bands(_BAND_ROWS)
        self._buffers = [_Buffers(band, geometry.image_w) for band in bands]

    def decode(
        self, logits: FloatArray, *, confidence: bool = False
    ) -> tuple[Image, Image | None]:
        """
        Pick the class of the largest upsampled logit; of equal ones that of the lower channel.

        :param logits: (C, h, w) scores for the whole input of the network.
        :param confidence: Also give the softmax probability of the class, 0 to 255.
        :returns: (H, W) class ids and (H, W) confidence or None.
        """
        cells = self._upsampler.crop(logits)
        lead = self._lead.of(cells)
        labels = np.empty(self._shape, np.uint8)
        certainty = np.empty(self._shape, np.uint8) if confidence else None
        for buffers in self._buffers:
            rows, cell_rows = buffers.band.pixels, buffers.band.cells
            # The gaps between the rows of cells; a lone row counts as one.
            gaps = slice(cell_rows.start, max(cell_rows.stop - 1, cell_rows.start + 1))
            band_lead = lead[:, gaps].max(axis=(1, 2))
            best = self._labels(cells, band_lead, buffers, labels[rows])
            if certainty is not None:
                probability = self._probability(cells, band_lead, buffers, best)
                certainty[rows] = np.rint(255.0 * probability)
        return labels, certainty

    def _labels(
        self, cells: FloatArray, lead: FloatArray, buffers: _Buffers, labels: Image
    ) -> FloatArray:
        first, *others = np.flatnonzero(lead >= 0.0)
        best = self._upsampler.resample(cells[first], buffers.band, buffers.best)
        labels.fill(self._ids[first])
        for channel in others:
            value = self._upsampler.resample(cells[channel], buffers.band, buffers.other)
            cv2.compare(value, best, cv2.CMP_GT, buffers.mask)
            # On a part of a buffer cv2.max is thirty times slower than numpy.
            np.maximum(value, best, out=best)
            buffers.fill.fill(self._ids[channel])
            cv2.copyTo(buffers.fill, buffers.mask, labels)
        return best

    def _probability(
        self, cells: FloatArray, lead: FloatArray, buffers: _Buffers, best: FloatArray
    ) -> FloatArray:
        total = np.zeros(best.shape, np.float32)
        for channel in np.flatnonzero(lead >= _NEGLIGIBLE):
            value = self._upsampler.resample(cells[channel], buffers.band, buffers.other)
            total += np.exp(value - best)
        return np.reciprocal(total, out=total)


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
        metres = metres * np.float32(factor)
    return upsampler.resample_all(metres)


def mask_depth(
    depth: FloatArray,
    *,
    min_m: float,
    max_m: float,
    sky: Image | None = None,
    sky_m: float = math.nan,
) -> FloatArray:
    """
    Mark what is unknown with NaN.

    :param depth: (H, W) metres.
    :param min_m: Smallest valid depth, inclusive.
    :param max_m: Largest valid depth, inclusive.
    :param sky: (H, W), 255 where the sky is, 0 elsewhere.
    :param sky_m: Depth of the sky.
    :returns: A new (H, W) array, contiguous.
    """
    valid = cv2.inRange(depth, min_m, max_m)  # type: ignore[call-overload]
    if sky is not None:
        valid = cv2.subtract(valid, sky)
    masked = np.full(depth.shape, np.nan, np.float32)
    cv2.copyTo(depth, valid, masked)
    if sky is not None and not math.isnan(sky_m):
        masked[sky > 0] = sky_m
    return masked


class _Lead:
    """
    A bound from above on how far each class can be ahead of the best one.

    Between four cells a class is nowhere above its largest and the best one nowhere below the
    largest of all smallest corners, so a class with a negative bound wins no pixel there.
    """

    def __init__(self, classes: int, rows: int, columns: int) -> None:
        # New arrays of this size cost more than the arithmetic: the system clears their pages.
        across = (classes, rows, max(1, columns - 1))
        gaps = (classes, max(1, rows - 1), max(1, columns - 1))
        self._across = np.empty(across, np.float32)
        self._high = np.empty(gaps, np.float32)
        self._low = np.empty(gaps, np.float32)
        self._best = np.empty(gaps[1:], np.float32)

    def of(self, cells: FloatArray) -> FloatArray:
        """Give the bound for the gaps between cells: (C, rows - 1, columns - 1), overwritten."""
        for extreme, result in ((np.maximum, self._high), (np.minimum, self._low)):
            rows, columns = (max(1, size - 1) for size in cells.shape[1:])
            left, right = cells[:, :, :columns], cells[:, :, -columns:]
            extreme(left, right, out=self._across)
            extreme(self._across[:, :rows], self._across[:, -rows:], out=result)
        self._low.max(axis=0, out=self._best)
        return np.subtract(self._high, self._best, out=self._high)
