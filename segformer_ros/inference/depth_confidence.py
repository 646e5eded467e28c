# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How far depth can be trusted: the probability that it is right, and depth without what is not.

The network states the scale b of a Laplace distribution of natural log depth about its estimate.
The actual depth is then within a factor CONFIDENCE_FACTOR of it with the probability
1 - exp(-log(CONFIDENCE_FACTOR) / b), the integral of the density over that interval.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Manifest
from segformer_ros.inference.postprocess import decode_depth
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.results import CONFIDENCE_FACTOR, Options

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


def states_confidence(manifest: Manifest) -> bool:
    """Return whether a network says how far its depth may be off."""
    return manifest.depth is not None and manifest.depth.scale is not None


def check_depth_confidence(manifest: Manifest, options: Options) -> None:
    """
    Refuse to filter by a confidence that a network does not state.

    :raises ValueError: It states none.
    """
    if options.depth and options.min_depth_confidence > 0.0 and not states_confidence(manifest):
        raise ValueError(
            f'expected a network with a confidence of depth for min_depth_confidence '
            f'{options.min_depth_confidence:g}, {manifest.name} has none: leave it at 0, or train '
            'the scale of its depth (docs/training.md)'
        )


def probability(log_scale: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """
    Turn the scale of depth into the probability that depth is right.

    :param log_scale: log b, any shape.
    :returns: 0 to 1, of the same shape.
    """
    with np.errstate(over='ignore'):
        inverse = np.exp(-np.asarray(log_scale, np.float64))
    return np.asarray(-np.expm1(-math.log(CONFIDENCE_FACTOR) * inverse))


def decode_depth_confidence(
    raw: FloatArray, geometry: Geometry, *, stride: int, depth: FloatArray, compiled: bool = True
) -> Image:
    """
    Turn the scale of depth into a probability at the size of the camera image.

    The probability of each cell is interpolated bilinearly, as depth is.

    :param raw: (h, w) log b for the whole input of the network.
    :param stride: Input pixels per output cell.
    :param depth: (H, W) metres; where it is not finite the result is 0.
    :param compiled: As of postprocess.decode_labels.
    :returns: (H, W) probability times 255, rounded, new.
    """
    certainty = decode_depth(
        (255.0 * probability(raw)).astype(np.float32),
        geometry,
        stride=stride,
        activation='metric',
        factor=1.0,
        compiled=compiled,
    )
    result: Image = np.rint(certainty, out=certainty).astype(np.uint8)
    np.multiply(result, np.isfinite(depth), out=result)
    return result
