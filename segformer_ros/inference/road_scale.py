# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The scale of depth from the road, whose distance below the camera is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Manifest
from segformer_ros.camera import Intrinsics
from segformer_ros.inference.decoder import SKY, SKY_M
from segformer_ros.inference.results import Options, Prediction
from segformer_ros.inference.road_plane import fit_road, refused, RoadFit
from segformer_ros.labels import LabelClass

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

ROADS = frozenset({'road', 'roads', 'road_line', 'lane_marking'})
"""Names of classes that lie in the plane."""

HEIGHTS_M, MAX_PITCH_DEG = (0.1, 10.0), 60.0
"""Heights of a camera above the road, and how far it looks up or down at most."""
_SMOOTHING_FRAMES = 5.0


@dataclass(frozen=True)
class ScaleOptions:
    """
    How depth is scaled by the road.

    :param height_m: Of the camera above the road, in metres.
    :param pitch_deg: How far the camera looks down; needed for inverse depth of unknown shift.
    """

    height_m: float
    pitch_deg: float = 0.0

    def __post_init__(self) -> None:
        """
        Check the numbers.

        :raises ValueError: A number is out of range.
        """
        low, high = HEIGHTS_M
        if not low <= self.height_m <= high:
            raise ValueError(
                f'expected a camera height of {low:g} to {high:g} m, got {self.height_m:g}'
            )
        if not -MAX_PITCH_DEG <= self.pitch_deg <= MAX_PITCH_DEG:
            raise ValueError(
                f'expected a pitch of -{MAX_PITCH_DEG:g} to {MAX_PITCH_DEG:g} degrees, got '
                f'{self.pitch_deg:g}'
            )


def read_scale(text: str) -> ScaleOptions:
    """
    Read 'camera_height=1.5' or 'camera_height=1.5,camera_pitch=3'.

    :raises ValueError: It is no such text, or a number is out of range.
    """
    names = {'camera_height': 'height_m', 'camera_pitch': 'pitch_deg'}
    found: dict[str, float] = {}
    for part in text.split(','):
        name, _, value = part.partition('=')
        try:
            found[names[name]] = float(value)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f'expected camera_height=METRES or camera_height=METRES,camera_pitch=DEGREES, got '
                f'{text!r}'
            ) from error
    if 'height_m' not in found:
        raise ValueError(f'expected camera_height=METRES, got {text!r}')
    return ScaleOptions(**found)


def for_scale(options: Options) -> Options:
    """Ask the network for what the scale needs: labels, and depth before it is limited."""
    return replace(options, segmentation=True, min_depth_m=1e-3, max_depth_m=math.inf)


class RoadScale:
    """
    The scale of one camera, smoothed over its frames.

    A frame without a road keeps the scale of those before it; until one had a road there is no
    depth.
    """

    @classmethod
    def of(cls, manifest: Manifest, options: ScaleOptions) -> RoadScale:
        """
        Begin for a network.

        :raises ValueError: It has no depth, or no class is a road.
        """
        if manifest.depth is None:
            raise ValueError(f'expected a network of depth to scale, {manifest.name} has none')
        return cls(manifest.classes, manifest.depth.unit, options)

    def __init__(self, classes: tuple[LabelClass, ...], unit: str, options: ScaleOptions) -> None:
        """
        Begin without a scale.

        :param classes: Of the label images.
        :param unit: Of the depth, one of bundle.UNITS.
        :raises ValueError: No class is a road.
        """
        ids = [item.id for item in classes if item.name in ROADS]
        if not ids:
            raise ValueError(
                f'expected a class {", ".join(sorted(ROADS))} to scale depth by, the network has '
                'none: use one that labels the road'
            )
        self._ids = np.array(ids, np.uint8)
        self._skies = np.array([item.id for item in classes if item.name == SKY], np.uint8)
        self._inverse = unit == 'relative_inverse_depth'
        self._options = options
        self._factor = self._shift = math.nan
        self.last = refused('no frame yet')
        """What the last frame said."""

    @property
    def factor(self) -> float:
        """Return the smoothed factor; NaN before the first road."""
        return self._factor

    def apply(
        self,
        value: FloatArray,
        labels: Image,
        intrinsics: Intrinsics,
        limits_m: tuple[float, float],
    ) -> FloatArray:
        """
        Turn the depth of a frame into metres.

        :param value: (H, W) as fit_road takes it.
        :param limits_m: Depths outside become NaN.
        :returns: (H, W) metres, new; NaN everywhere before the first road.
        """
        self.last = fit_road(
            value,
            labels,
            self._ids,
            intrinsics,
            height_m=self._options.height_m,
            pitch_deg=self._options.pitch_deg,
            inverse=self._inverse,
        )
        self._smooth(self.last)
        with np.errstate(divide='ignore', invalid='ignore'):
            metres = value * np.float32(self._factor) + np.float32(self._shift)
            if self._inverse:
                metres = np.float32(1.0) / np.maximum(metres, np.float32(1e-6))
            inside = (metres >= limits_m[0]) & (metres <= limits_m[1]) | np.isposinf(value)
        return np.where(inside, metres, np.float32(np.nan)).astype(np.float32)

    def scaled(
        self,
        prediction: Prediction,
        intrinsics: Intrinsics | None,
        options: Options,
        limits_m: tuple[float, float],
    ) -> Prediction:
        """
        Turn what the network says of a frame into metres.

        :param prediction: Of a network that was asked with for_scale.
        :param intrinsics: Of the image; None: unknown, the frame is refused.
        :param options: What is wanted.
        :param limits_m: Those of the network, as of Options.limits_m.
        """
        value = prediction.relative if prediction.depth is None else prediction.depth
        labels = prediction.labels
        kept = labels if options.segmentation else None
        if value is None or labels is None or not options.depth:
            return replace(prediction, labels=kept)
        if intrinsics is None:
            self.last = refused('the camera is unknown')
            depth = np.full(value.shape, np.nan, np.float32)
        else:
            depth = self.apply(value, labels, intrinsics, options.limits_m(limits_m))
            # The network itself knew no metres to leave out.
            if prediction.depth is None and options.sky_depth != 'keep':
                depth[np.isin(labels, self._skies)] = SKY_M[options.sky_depth]
        return replace(prediction, labels=kept, depth=depth, relative=None)

    @property
    def text(self) -> str:
        """Format the scale and its spread, and why the last frame was refused."""
        parts = [] if math.isnan(self._factor) else [f'factor {self._factor:.3g}']
        if self.last.refused:
            parts.append(f'no scale from the last frame: {self.last.refused}')
        else:
            parts.append(f'spread {self.last.spread:.1%}')
        return ', '.join(parts)

    def _smooth(self, found: RoadFit) -> None:
        if found.refused:
            return
        if math.isnan(self._factor):
            self._factor, self._shift = found.factor, found.shift
            return
        part = 1.0 / _SMOOTHING_FRAMES
        self._factor *= (found.factor / self._factor) ** part
        self._shift += part * (found.shift - self._shift)
