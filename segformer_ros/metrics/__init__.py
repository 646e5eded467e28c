# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How good labels and depths are: one implementation for training, export, nodes and bags.

Figures are pooled over all pixels of the dataset unless their name ends in ``_per_image``: those
are computed for each image and then averaged over the images, as most depth papers do.
"""

from segformer_ros.metrics.boundary import BoundaryMeter
from segformer_ros.metrics.calibration import CalibrationMeter
from segformer_ros.metrics.crops import crop_of, CROPS
from segformer_ros.metrics.depth import DepthMeter, median_scale
from segformer_ros.metrics.labels import confusion_matrix, mean_iou, SegmentationMeter
from segformer_ros.metrics.means import known_mean

__all__ = [
    'CROPS',
    'BoundaryMeter',
    'CalibrationMeter',
    'DepthMeter',
    'SegmentationMeter',
    'confusion_matrix',
    'crop_of',
    'known_mean',
    'mean_iou',
    'median_scale',
]
