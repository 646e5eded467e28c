# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What outputs are made of: a frame, what the network computed of it, and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.frame_rules import Calibration
from segformer_ros.image_encoding import CameraImage
from segformer_ros.labels import DISTINCT, LabelClass
from segformer_ros.output_topics.contents import camera_info, Content


@dataclass(frozen=True)
class OutputOptions:
    """
    Settings of outputs: parameters of the node that have the same names.

    :param depth_encoding: '32FC1' (metres, NaN is unknown) or '16UC1' (millimetres, 0 is unknown).
    :param overlay_opacity: Of the class colours, 0 to 1.
    :param overlay_palette: Colours of the classes in the overlay; see labels.PALETTES.
    :param overlay_legend: Whether the overlay names the classes in it.
    :param points_color: 'class' or 'image': what the colours of points are.
    :param points_confidence: Whether points have a confidence.
    :param points_stride: Points of every so many pixels, in both directions.
    :param points_voxel_m: Edge of the cubes of which each keeps one point; 0: all points.
    :param points_classes: Names of the classes whose points are kept; empty ones do not count.
    """

    depth_encoding: str = '32FC1'
    overlay_opacity: float = 0.5
    overlay_palette: str = DISTINCT
    overlay_legend: bool = False
    points_color: str = 'class'
    points_confidence: bool = False
    points_stride: int = 1
    points_voxel_m: float = 0.0
    points_classes: tuple[str, ...] = ('',)


@dataclass(frozen=True)
class Frame:
    """
    A camera image on its way.

    :param header: Header of the camera image, kept unchanged.
    :param image: (H, W, 3) RGB, or as it came.
    :param intrinsics: Of the camera, None when unknown.
    :param camera_info: To publish next to the outputs, None when unknown.
    """

    header: Any
    image: CameraImage
    intrinsics: Intrinsics | None
    camera_info: Content | None

    @classmethod
    def of(
        cls, header: Any, image: CameraImage, found: Calibration, info: Any, *, replaced: bool
    ) -> Frame:
        """
        Put a frame together from what is known of its camera.

        :param info: The latest camera_info message, None where there is none.
        :param replaced: Whether the user has set the intrinsics, whatever camera_info says.
        """
        override = found.intrinsics if replaced else None
        known = override is not None or found.fits
        content = camera_info(header, info, override) if known else None
        return cls(header, image, found.intrinsics, content)


@dataclass(frozen=True)
class Results:
    """
    All that a message of an output may be made of; arrays that no one asked for are None.

    :param labels: (H, W) uint8 class ids.
    :param depth: (H, W) float32 metres, NaN where unknown.
    :param confidence: (H, W) uint8 probability times 255.
    :param palette: (256, 3) uint8 RGB of the classes.
    :param classes: Of the label image.
    :param depth_confidence: (H, W) uint8 probability that depth is right times 255.
    :param relative: (H, W) float32 depth or inverse depth of unknown scale.
    """

    frame: Frame
    labels: Any
    depth: Any
    confidence: Any
    palette: npt.NDArray[np.uint8]
    options: OutputOptions
    classes: tuple[LabelClass, ...] = ()
    depth_confidence: Any = None
    relative: Any = None
