# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Calmer labels and depth of a moving camera: outputs of the frame before, moved by the image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding import as_rgb, CameraImage
from segformer_ros.inference.motion import find_motion, MIN_SIDE, Motion, moved
from segformer_ros.inference.preprocess import Geometry

FloatArray = npt.NDArray[np.float32]

TEMPORAL = ('off', 'labels', 'both')
"""What is made calmer: nothing, labels, or labels and depth."""

# Of the difference to the frame before this share is taken, up to so many logits: enough to decide
# between classes that are about equally likely, not enough to hold one that the network has left.
_SHARE, _MAX_LOGITS = 0.8, 0.7
# Depth that differs by a larger factor is of something else; the logarithm of 1.1.
_MAX_LOG_DEPTH = 0.095
# Below this mean trust the image is another one: a cut.
_MIN_SHARE = 0.5
_MAX_GAP_NS = 500_000_000
# Motion is looked for in an image of half the input of the network, but not of more columns.
_MAX_COLUMNS = 256


def images_at_once(pipeline: object, mode: str) -> int:
    """
    Return how many images of a sequence may be in a network at once.

    :param pipeline: It puts them through the network; one without `at_once` takes one.
    :param mode: One of TEMPORAL; all modes except 'off' need the image before.
    """
    return int(getattr(pipeline, 'at_once', 1)) if mode == 'off' else 1


@dataclass(frozen=True)
class _Kept:
    geometry: Geometry
    gray: npt.NDArray[np.uint8]
    outputs: dict[str, FloatArray]


class TemporalMemory:
    """What the network has said of the frame before, for one camera."""

    def __init__(self, mode: str = 'labels') -> None:
        """
        Start without a frame.

        :param mode: 'labels' or 'both'.
        :raises ValueError: There is no such mode.
        """
        if mode not in TEMPORAL[1:]:
            raise ValueError(f'temporal must be labels or both, not {mode!r}')
        self._names = {'logits', 'depth'} if mode == 'both' else {'logits'}
        self._kept: _Kept | None = None
        self._stamp_ns: int | None = None
        self._mode, self._parts = mode, dict[str, TemporalMemory]()

    def part(self, output: str) -> TemporalMemory | None:
        """
        Return the memory of one of two networks that share a frame; it follows next_stamp here.

        :param output: 'logits' or 'depth': what that network is for.
        :returns: None where that output is left alone.
        """
        if output not in self._names:
            return None
        if output not in self._parts:
            self._parts[output] = TemporalMemory(self._mode)
            self._parts[output]._names = {output}
        return self._parts[output]

    def next_stamp(self, stamp_ns: int) -> None:
        """
        Set the time of the next frame; the memory is cleared where time jumps.

        :param stamp_ns: Of the image; frames more than half a second apart have nothing to do
            with each other.
        """
        before, self._stamp_ns = self._stamp_ns, stamp_ns
        if before is not None and not 0 < stamp_ns - before <= _MAX_GAP_NS:
            self._kept = None
            self._parts.clear()

    def steady(
        self,
        image: CameraImage,
        geometry: Geometry,
        outputs: Mapping[str, FloatArray],
        *,
        log_depth: bool,
    ) -> dict[str, FloatArray]:
        """
        Mix what the network says of an image with what it has said of the one before.

        :param image: Of the camera.
        :param geometry: How it lies in the input of the network.
        :param outputs: 'logits' (C, h, w) and 'depth' (1, h, w), either may be missing.
        :param log_depth: Whether depth is the logarithm of metres.
        :returns: The same outputs, new ones where they are mixed. After a cut, a change of the
            size, and for inputs that are too small for a motion, those of the image alone.
        """
        result = dict(outputs)
        names = [name for name in ('logits', 'depth') if name in outputs and name in self._names]
        if not names:
            self._kept = None
            return result
        cells = {name: _cells(outputs[name], geometry) for name in names}
        gray = _gray(image, geometry)
        before, kept = self._kept, {}
        if before is not None and before.geometry == geometry and before.gray.shape == gray.shape:
            motion = find_motion(before.gray, gray)
            kept = before.outputs if motion.share >= _MIN_SHARE else {}
        for name in names:
            if name in kept and kept[name].shape == outputs[name].shape:
                mix = _mixed_logits if name == 'logits' else _mixed_depth
                height, width = cells[name]
                own, old = (a[:, :height, :width] for a in (outputs[name], kept[name]))
                new = outputs[name].copy()
                new[:, :height, :width] = mix(own, old, motion.on_grid(cells[name]), log_depth)
                result[name] = new
        small = min(gray.shape) < MIN_SIDE
        self._kept = None if small else _Kept(geometry, gray, {n: result[n] for n in names})
        return result


class TemporalMemories:
    """One memory per camera, for callers with several; all are lost where the mode changes."""

    def __init__(self) -> None:
        self._mode = 'off'
        self._kept: dict[Hashable, TemporalMemory] = {}

    def of(self, camera: Hashable, mode: str, stamp_ns: int) -> TemporalMemory | None:
        """
        Return the memory of a camera for the next frame; None where temporal is off.

        :param mode: One of TEMPORAL.
        :param stamp_ns: Of the frame.
        :raises ValueError: There is no such mode.
        """
        if mode != self._mode:
            self._mode = mode
            self._kept.clear()
        if mode == 'off':
            return None
        memory = self._kept.setdefault(camera, TemporalMemory(mode))
        memory.next_stamp(stamp_ns)
        return memory


def _cells(output: FloatArray, geometry: Geometry) -> tuple[int, int]:
    """Return rows and columns of an output that see a part of the image."""
    stride = geometry.input_w // output.shape[-1]
    return -(-geometry.resized_h // stride), -(-geometry.resized_w // stride)


def _gray(image: CameraImage, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """Return the brightness of an image, small."""
    shrink = max(2, -(-geometry.resized_w // _MAX_COLUMNS))
    size = -(-geometry.resized_w // shrink), -(-geometry.resized_h // shrink)
    pixels = as_rgb(image)
    gray = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))


def _mixed_logits(
    own: FloatArray, old: FloatArray, motion: Motion, _log_depth: bool
) -> FloatArray:
    pull = moved(old, motion.places)
    pull -= own
    pull *= np.float32(_SHARE)
    np.clip(pull, -_MAX_LOGITS, _MAX_LOGITS, out=pull)
    pull *= motion.trust
    pull += own
    return pull


def _mixed_depth(own: FloatArray, old: FloatArray, motion: Motion, log_depth: bool) -> FloatArray:
    """Mix depth, after what the camera has driven ahead since is taken from the old one."""
    there = moved(old, motion.places)
    if log_depth:
        with np.errstate(over='ignore'):
            new_m, old_m = np.exp(own), np.exp(there)
    else:
        new_m, old_m = own, there
    trusted = motion.trust > 0.5
    known = trusted & np.isfinite(new_m) & np.isfinite(old_m) & (new_m > 0.0)
    if not known.any():
        return own
    ahead_m = np.median((old_m - new_m)[known])
    with np.errstate(divide='ignore', invalid='ignore'):
        step = np.log((old_m - ahead_m) / new_m)
    agrees = known & (np.abs(step) < _MAX_LOG_DEPTH)
    pull = np.where(agrees, np.float32(_SHARE) * motion.trust * step, 0.0)
    mixed = own + pull if log_depth else own * np.exp(pull)
    return np.asarray(mixed, np.float32)
