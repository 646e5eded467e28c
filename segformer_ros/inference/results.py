# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a pipeline is asked for and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt

SKY_DEPTHS = ('nan', 'inf', 'keep')
IMAGE_ROTATIONS = (0, 90, 180, 270)
CONFIDENCE_FACTOR = 1.25
"""
How far the actual depth may be from the estimated one, either way, for the latter to be right.

It is the threshold of delta1, the share of right depths of Eigen et al. 2014, arXiv:1406.2283.
"""


@dataclass(frozen=True)
class Timings:
    """
    Where the time of one image went, in seconds.

    depth_network_s is the part of network_s that a separate network of depth took; 0 where one
    network does both. Two networks on two threads have the times of the one that was ready last,
    and depth_network_s may then be longer than network_s.
    """

    preprocess_s: float
    network_s: float
    postprocess_s: float
    depth_network_s: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """
    What was seen in one image, at its size; None: not asked for, or not a task of the network.

    labels are (H, W) class ids, confidence is the (H, W) probability of the class times 255, depth
    is (H, W) metres along the optical axis, NaN where unknown. relative is what a network of
    relative depth gives, (H, W) float32 in DepthOutput.unit, finite; depth is None then.
    depth_confidence is (H, W), 255 times the probability that the actual depth is within a factor
    CONFIDENCE_FACTOR of that of the network, 0 where depth is unknown for another reason.
    top_classes are (H, W, 2 k): k class ids, the most probable first, then their probabilities
    times 255.
    """

    labels: npt.NDArray[np.uint8] | None
    depth: npt.NDArray[np.float32] | None
    confidence: npt.NDArray[np.uint8] | None
    timings: Timings
    relative: npt.NDArray[np.float32] | None = None
    depth_confidence: npt.NDArray[np.uint8] | None = None
    top_classes: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Options:
    """
    What to compute.

    Depths outside min_depth_m to max_depth_m are NaN; None takes the limit of the manifest.
    sky_depth is the depth of pixels that are labelled sky: 'nan', 'inf', or 'keep' what the
    network says.
    image_rotation is by how many degrees an image has to be turned clockwise to be upright; the
    results are those of the image as it came.
    depth_confidence also gives the confidence of depth, and depths whose confidence is below
    min_depth_confidence (0 to 1) are NaN; networks that state none refuse a value above 0.
    top_classes is how many classes of each pixel come with their probabilities, 0 none; they are
    computed on the CPU, slowly.
    """

    segmentation: bool = True
    depth: bool = True
    confidence: bool = False
    min_depth_m: float | None = None
    max_depth_m: float | None = None
    sky_depth: str = 'nan'
    image_rotation: int = 0
    depth_confidence: bool = False
    min_depth_confidence: float = 0.0
    top_classes: int = 0

    def __post_init__(self) -> None:
        """
        Check the values against each other.

        :raises ValueError: sky_depth or image_rotation is not one of its values, top_classes is
            negative, the depth range is empty or not a number, or min_depth_confidence is no
            probability.
        """
        if not 0.0 <= self.min_depth_confidence <= 1.0:
            raise ValueError(
                f'min_depth_confidence must be from 0 to 1, not {self.min_depth_confidence}'
            )
        if self.top_classes < 0:
            raise ValueError(f'top_classes must be at least 0, not {self.top_classes}')
        if self.image_rotation not in IMAGE_ROTATIONS:
            raise ValueError(
                f'image_rotation must be one of {", ".join(map(str, IMAGE_ROTATIONS))}, not '
                f'{self.image_rotation}'
            )
        if self.sky_depth not in SKY_DEPTHS:
            raise ValueError(
                f'sky_depth must be one of {", ".join(SKY_DEPTHS)}, not {self.sky_depth!r}'
            )
        low, high = self.min_depth_m, self.max_depth_m
        if any(limit is not None and math.isnan(limit) for limit in (low, high)):
            raise ValueError(
                f'expected min_depth_m and max_depth_m in metres, got {low} and {high}'
            )
        if low is not None and high is not None and not low < high:
            raise ValueError(f'expected min_depth_m < max_depth_m, got {low} and {high}')

    @property
    def needs_depth_scale(self) -> bool:
        """Whether anything is asked for that only networks with a scale of depth give."""
        return self.depth and (self.depth_confidence or self.min_depth_confidence > 0.0)

    def limits_m(self, default: tuple[float, float]) -> tuple[float, float]:
        """
        Return the minimum and the maximum depth, those of the manifest where none is set.

        :raises ValueError: The one that is set leaves nothing of the range of the network.
        """
        low = default[0] if self.min_depth_m is None else self.min_depth_m
        high = default[1] if self.max_depth_m is None else self.max_depth_m
        if not low < high:
            raise ValueError(
                f'expected min_depth_m < max_depth_m, got {low:g} and {high:g}: the network gives '
                f'{default[0]:g} to {default[1]:g} m; set the other one too'
            )
        return low, high


def checked_focals(focals: Sequence[float | None] | None, count: int) -> list[float | None]:
    """
    Return a focal length, or None, for each of some images.

    :param focals: In pixels; None: all unknown.
    :raises ValueError: One is not finite and positive, or there are not as many as images.
    """
    found: list[float | None] = [None] * count if focals is None else list(focals)
    if len(found) != count:
        raise ValueError(f'expected {count} focal lengths, got {len(found)}')
    for focal in found:
        if focal is not None and not 0.0 < focal < math.inf:
            raise ValueError(f'focal_length_px must be finite and positive, not {focal}')
    return found
